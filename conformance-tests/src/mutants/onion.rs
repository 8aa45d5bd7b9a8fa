//! The onion: what stands where, and around which routes.

use neurolink_core::middleware::{AccessLog, Cors, SecurityHeaders};
use neurolink_core::stack::{IntoRegistration as _, order};

use super::mutant::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("security-headers-stand-innermost", &["headers"], "what answers before the handler has no headers")
        .app(|builder| builder.middleware(SecurityHeaders::modern().at(order::APP))),
    Mutant::new("cors-stands-behind-auth", &["cors", "requestid", "headers"], "authentication comes before CORS")
        .app(|builder| builder.middleware(Cors::list(["https://app.example.com"]).at(order::AUTH + 1))),
    Mutant::new("middleware-skips-matched-routes", &["headers", "cors"], "middleware runs where no route is matched")
        .app(|builder| {
            let nowhere = ["/api/health/detailed"];
            let headers = SecurityHeaders::modern().only(nowhere);
            builder.middleware(headers).middleware(Cors::list(["https://app.example.com"]).only(nowhere))
        }),
    Mutant::new("requests-are-logged-twice", &["middleware"], "a request is two lines of the log")
        .app(|builder| builder.middleware(AccessLog::new().named("access-log-again"))),
    Mutant::new("authentication-skips-matched-routes", &["auth", "routing"], "what is matched asks nobody")
        .config(|config| config.auth.public = vec!["/api/agent/*".into(), "/api/tools/*".into()]),
];

//! What is wrong with the middleware of an app, told at its build.

use std::time::Duration;

use neurolink_core::AuthenticatedUser;
use neurolink_core::middleware::{
    ApiKeyAuth, BearerAuth, Cors, JwtKeys, RateLimit, RequireRoles, SecurityHeaders, StaticToken,
};

use crate::fixture::app;

// Shows S0-34, S0-46, S2-25, V53, P-D18.
#[test]
fn mistakes_of_middleware_are_reported_together() {
    let long = "0123456789abcdef";
    let error = app()
        .0
        .middleware(SecurityHeaders::none().custom("x-a", "1\n2"))
        .middleware(Cors::any().credentials(true))
        .middleware(RateLimit::fixed_window(0, Duration::ZERO))
        .middleware(
            BearerAuth::tokens([
                StaticToken::new("short", AuthenticatedUser::new("s")),
                StaticToken::new(long, AuthenticatedUser::new("d")),
                StaticToken::new(long, AuthenticatedUser::new("e")),
            ])
            .or_jwt(JwtKeys::hs256("short")),
        )
        .middleware(ApiKeyAuth::keys([]).header("x y").failure_limit(0, Duration::ZERO))
        .middleware(RequireRoles::any::<String>([]))
        .build()
        .expect_err("mistakes");
    let text = error.to_string();
    for part in [
        "middleware.security-headers: the value of `x-a`",
        "middleware.cors: any origin with credentials would let every site read authenticated answers; list the origins",
        "middleware.rate-limit: a limit of 0 refuses everybody; give at least 1",
        "middleware.rate-limit: a window of no time limits nothing; give for example 60s",
        "middleware.bearer-auth: the token of `s` has at most 25 bits in its 5 bytes; at least 128 are needed",
        "middleware.bearer-auth: the token of `e` is there twice; give each user a token of their own",
        "middleware.bearer-auth: the JWT secret has 5 bytes",
        "tokens of every issuer would be accepted",
        "tokens of every audience would be accepted",
        "middleware.api-key-auth: `x y` is no header name; write for example `x-api-key`",
        "middleware.api-key-auth: it has no key and no store, so that nobody could come in; give one",
        "middleware.api-key-auth: a failure limit of zero refuses everybody; give more, or turn it off by name",
        "middleware.roles: it names no role; name one, or leave it out",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert!(error.problems().iter().all(|problem| problem.problem.contains("; ")), "one names no fix:\n{text}");
    assert!(!text.contains(long), "{text}");
}

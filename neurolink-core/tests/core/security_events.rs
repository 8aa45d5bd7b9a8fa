//! Decisions about who may do what, as observers and the log get them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use neurolink_core::app::{ConnInfo, Observer};
use neurolink_core::middleware::{
    ApiKey, ApiKeyAuth, BasicAuth, BearerAuth, PasswordHash, PasswordStore, PasswordUser, RequireRoles, StaticToken,
    TokenValidator,
};
use neurolink_core::policy::{Decision, async_policy_fn, policy_fn};
use neurolink_core::security::{Reporter, SecurityEvent, SecurityEventKind};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, BoxError, Code, Context, Error, Response, Route, Settings, Stack,
};

use crate::fixture::{KEY, PEER, START, TOKEN, app, get, tokens};
use crate::support::{Auth, ask, to};

/// Of `correct horse`.
const ARGON2ID: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";

/// Keeps what it gets, as lines: kind, subject, route, method, what only the kind has.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("a lock"))
    }
}

impl Observer for Kept {
    fn security(&self, event: &SecurityEvent<'_>) {
        let more = match &event.kind {
            SecurityEventKind::AuthenticationFailed { reason, detail } => format!("{reason} ({detail})"),
            SecurityEventKind::AccessDenied { required } | SecurityEventKind::AccessGranted { required } => {
                required.to_string()
            }
            SecurityEventKind::LockoutBegan { user } => format!("{user:?}"),
            SecurityEventKind::Unavailable { decider } => decider.to_string(),
            SecurityEventKind::KeyRevoked { key } => key.to_string(),
            SecurityEventKind::FamilyRevoked { family, owner, reason } => format!("{owner} ({reason}) {family}"),
            _ => String::new(),
        };
        let tenant = event.tenant.as_deref().map(|tenant| format!("{tenant}/")).unwrap_or_default();
        let subject = format!("{tenant}{}", event.subject.as_deref().unwrap_or("-"));
        let route = event.route.unwrap_or("-");
        let method = event.method.as_deref().unwrap_or("-");
        assert_eq!(event.time, START);
        self.0.lock().expect("a lock").push(format!("{} {subject} {method} {route} {more}", event.kind.name()));
    }
}

fn observed(change: impl FnOnce(AppBuilder) -> AppBuilder) -> (App, Kept) {
    let kept = Kept::default();
    (change(app().0).observe(kept.clone()).build().expect("valid"), kept)
}

fn expired_key() -> ApiKeyAuth {
    let key = |name: &str| ApiKey::new(name, AuthenticatedUser::new("k1"));
    ApiKeyAuth::keys([
        key(KEY),
        key("expired-key-0123456789").id("expired").expires_at(START),
        key("revoked-key-0123456789").id("revoked"),
    ])
}

// Shows S0-59.
#[tokio::test]
async fn each_refused_credential_is_one_event_with_its_reason_and_without_the_credential() {
    let keys = expired_key();
    assert!(keys.handle().revoke("revoked"));
    let (app, kept) = observed(|app| app.middleware(tokens()).middleware(keys));
    for (name, value, expected) in [
        ("x-other", "", "missing ()"),
        ("authorization", "Bearer wrong-token-0123456789", "invalid (Invalid credentials)"),
        ("authorization", "Bearer", "malformed (the header is no `Bearer` and a token)"),
        ("authorization", "Digest wrong-token", "malformed (the scheme of Authorization is no authenticator's)"),
        ("x-api-key", "wrong-key-0123456789", "invalid (the key is not known)"),
        ("x-api-key", "expired-key-0123456789", "expired (the key has expired)"),
        ("x-api-key", "revoked-key-0123456789", "revoked (the key is revoked)"),
    ] {
        assert_eq!(get(&app, "/api/x", &[(name, value)]).await.status, 401, "{value}");
        assert_eq!(kept.take(), [format!("authentication_failed - GET /api/x {expected}")], "{value}");
    }
    let both = [("authorization", &*format!("Bearer {TOKEN}")), ("x-api-key", KEY)];
    assert_eq!(get(&app, "/api/x", &both).await.status, 401);
    assert_eq!(kept.take(), ["authentication_failed u1 GET /api/x conflict (the credentials name different users)"]);
}

#[tokio::test]
async fn a_configured_key_that_is_revoked_is_one_event_of_whoever_reports_it() {
    let keys = expired_key();
    let handle = keys.handle();
    let (app, kept) = observed(|app| app.middleware(keys));
    assert!(handle.revoke("expired"));
    assert_eq!(kept.take(), [""; 0], "nobody was told");
    let handle = handle.reporting_to(app.reporter());
    assert!(!handle.revoke("unknown"));
    assert_eq!(kept.take(), [""; 0]);
    assert!(handle.revoke("k1") && handle.revoke("k1"));
    assert_eq!(kept.take(), ["key_revoked - - - k1"]);
    assert_eq!(get(&app, "/api/x", &[("x-api-key", KEY)]).await.status, 401);
}

#[tokio::test]
async fn strangers_on_paths_that_are_not_there_are_no_event_and_wrong_credentials_are() {
    let (app, kept) = observed(|app| app.middleware(tokens()));
    for (path, headers) in
        [("/api/nope", &[][..]), ("/api/public", &[]), ("/api/public", &[("authorization", "Bearer x")])]
    {
        get(&app, path, headers).await;
        assert_eq!(kept.take(), [""; 0], "{path}");
    }
    get(&app, "/api/nope", &[("authorization", "Bearer wrong-token-0123456789")]).await;
    assert_eq!(kept.take().len(), 1);
    get(&app, "/api/x", &[("authorization", &format!("Bearer {TOKEN}"))]).await;
    assert_eq!(kept.take(), [""; 0], "a user where no more is asked for");
}

#[tokio::test]
async fn who_waits_for_having_failed_too_often_is_an_event_each_time() {
    let (app, kept) = observed(|app| app.middleware(tokens().failure_limit(2, Duration::from_secs(60))));
    for _ in 0..4 {
        get(&app, "/api/x", &[("authorization", "Bearer wrong-token-0123456789")]).await;
    }
    let kept = kept.take();
    assert_eq!(kept.len(), 4);
    assert!(kept[..2].iter().all(|line| line.contains(" invalid ")), "{kept:?}");
    assert!(kept[2..].iter().all(|line| line.contains(" throttled ")), "{kept:?}");
}

#[tokio::test]
async fn an_authenticator_or_a_handler_that_reports_nothing_is_reported() {
    async fn log_in(_: &mut Context) -> Result<(), Error> {
        Err(Error::new(Code::AuthInvalid).with_source("hunter2 is not the password"))
    }
    let (app, kept) = observed(|app| app.middleware(Auth).route(Route::post("/api/login", log_in).public()));
    get(&app, "/api/x", &[("authorization", "bad")]).await;
    assert_eq!(kept.take(), ["authentication_failed - GET /api/x invalid ()"]);
    ask(&app, "POST", "/api/login", PEER, &[]).await;
    assert_eq!(kept.take(), ["authentication_failed - POST /api/login invalid ()"]);
}

// Shows S0-63.
#[tokio::test]
async fn each_decision_about_authorisation_is_one_event_with_subject_route_and_what_was_asked_for() {
    let own = policy_fn("own", |ctx: &Context| match ctx.param("id").as_deref() {
        Some("u1") => Decision::Allow,
        Some("closed") => Decision::Deny,
        _ => Decision::NotFound,
    });
    let down = async_policy_fn("down", |_: &Context| Box::pin(async { Err(Error::internal("hunter2")) }));
    let (app, kept) = observed(|app| {
        app.middleware(tokens())
            .middleware(RequireRoles::all(["user", "admin"]).only(["/api/scoped"]))
            .route(Route::get("/api/admin", async || "x").roles(["admin"]).permissions(["p", "q"]))
            .route(Route::get("/api/user", async || "x").roles(["user"]))
            .route(Route::get("/api/of/{id}", async || "x").policy(own))
            .route(Route::get("/api/down", async || "x").policy(down))
            .route(Route::get("/api/panics", async || "x").policy(policy_fn("panics", |_: &Context| panic!("x"))))
            .route(Route::get("/api/scoped", async || "x"))
    });
    for (path, event) in [
        ("/api/user", "access_granted u1 GET /api/user any role of user"),
        ("/api/admin", "access_denied u1 GET /api/admin any role of admin; all permissions of p, q"),
        ("/api/scoped", "access_denied u1 GET /api/scoped all roles of user, admin"),
        ("/api/of/u1", "access_granted u1 GET /api/of/{id} policy own"),
        ("/api/of/closed", "access_denied u1 GET /api/of/{id} policy own"),
        ("/api/of/u2", "access_denied u1 GET /api/of/{id} policy own"),
        ("/api/down", "unavailable u1 GET /api/down down"),
        ("/api/panics", "unavailable u1 GET /api/panics panics"),
    ] {
        get(&app, path, &[("authorization", &format!("Bearer {TOKEN}"))]).await;
        assert_eq!(kept.take(), [event], "{path}");
    }
    ask(&app, "HEAD", "/api/of/u2", PEER, &[("authorization", &format!("Bearer {TOKEN}"))]).await;
    assert_eq!(kept.take(), ["access_denied u1 HEAD /api/of/{id} policy own"]);
}

struct Down;

#[async_trait::async_trait]
impl TokenValidator for Down {
    async fn validate(&self, _: &str) -> Result<Option<AuthenticatedUser>, Error> {
        Err(Error::internal("the store with password=hunter2 is down"))
    }
}

#[async_trait::async_trait]
impl PasswordStore for Down {
    async fn find(&self, _: &str) -> Result<Option<PasswordUser>, BoxError> {
        Err("the store with password=hunter2 is down".into())
    }

    fn decoy(&self) -> PasswordHash {
        PasswordHash::parse(ARGON2ID).expect("a hash")
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_one_event_without_its_text() {
    let (app, kept) =
        observed(|app| app.middleware(BearerAuth::validator(Down)).middleware(BasicAuth::store(Down).named("people")));
    assert_eq!(get(&app, "/api/x", &[("authorization", "Bearer some-token-0123456789")]).await.status, 503);
    assert_eq!(kept.take(), ["unavailable - GET /api/x bearer-auth"]);
    assert_eq!(get(&app, "/api/x", &[("authorization", &basic("ada", "x"))]).await.status, 503);
    assert_eq!(kept.take(), ["unavailable - GET /api/x people"]);
}

fn people() -> BasicAuth {
    let ada = AuthenticatedUser::new("id-of-ada");
    BasicAuth::users([PasswordUser::new("ada", PasswordHash::parse(ARGON2ID).expect("a hash"), ada)]).lockout(
        2,
        50,
        Duration::from_secs(60),
    )
}

#[tokio::test]
async fn a_lockout_is_one_event_when_it_begins_and_names_only_who_is_known() {
    let (app, kept) = observed(|app| app.middleware(people()));
    for (name, locked) in [("ada", "Some(\"id-of-ada\")"), ("nobody-hunter2", "None")] {
        for _ in 0..4 {
            assert_eq!(get(&app, "/api/x", &[("authorization", &basic(name, "wrong-hunter3"))]).await.status, 401);
        }
        let wrong = "authentication_failed - GET /api/x invalid (the name and the password are nobody's)";
        let refused = "authentication_failed - GET /api/x throttled (the name is locked)";
        let began = format!("lockout_began - GET /api/x {locked}");
        assert_eq!(kept.take(), [wrong, wrong, &began, refused, refused]);
    }
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_the_answer_is_an_event_all_the_same() {
    let (app, kept) = observed(|app| app.middleware(people()));
    let request = to("/api/x").header("host", "localhost").header("authorization", basic("ada", "wrong"));
    let conn = ConnInfo::new(Some(PEER.parse().expect("an address")));
    let asked = app.handle(request.body(Body::empty()).expect("a request"), conn);
    let gone = tokio::time::timeout(Duration::from_millis(1), asked).await;
    let waited = std::time::Instant::now();
    let mut seen = kept.take();
    while seen.is_empty() && waited.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        seen = kept.take();
    }
    assert_eq!(seen.len(), 1, "answered: {}", gone.is_ok());
}

// Shows S0-76.
#[tokio::test]
async fn handlers_and_others_report_what_they_decide() {
    async fn revoke(reporter: Reporter) {
        reporter.report(SecurityEventKind::KeyRevoked { key: "k7\r\nforged".into() });
    }
    let (app, kept) = observed(|app| app.middleware(tokens()).route(Route::delete("/api/keys/{id}", revoke)));
    ask(&app, "DELETE", "/api/keys/k7", PEER, &[("authorization", &format!("Bearer {TOKEN}"))]).await;
    assert_eq!(kept.take(), ["key_revoked u1 DELETE /api/keys/{id} k7\\r\\nforged"]);
    app.reporter().report(SecurityEventKind::KeyRevoked { key: "k8".into() });
    assert_eq!(kept.take(), ["key_revoked - - - k8"]);
}

// Shows S0-59.
#[tokio::test]
async fn an_event_tells_our_id_and_the_clients_address() {
    #[derive(Clone, Default)]
    struct Last(Arc<Mutex<Vec<(String, String, String)>>>);
    impl Observer for Last {
        fn security(&self, event: &SecurityEvent<'_>) {
            let id = event.request_id.map(ToString::to_string).unwrap_or_default();
            let client = event.client.map(|client| client.to_string()).unwrap_or_default();
            self.0.lock().expect("a lock").push((id, client, event.path.as_deref().unwrap_or_default().to_owned()));
        }
    }
    let last = Last::default();
    let trusting = app().0.configure(|settings: &mut Settings| settings.trusted_proxies = vec!["192.0.2.0/24".into()]);
    let app = trusting.middleware(tokens()).observe(last.clone()).build().expect("valid");
    let headers =
        [("x-request-id", "theirs"), ("x-forwarded-for", "198.51.100.7"), ("authorization", "Bearer wrong-0123")];
    let answer = get(&app, "/api/nope%20x", &headers).await;
    assert_eq!(answer.header("x-request-id"), "theirs");
    let (id, client, path) = last.0.lock().expect("a lock").pop().expect("an event");
    assert_eq!((id.len(), client.as_str(), path.as_str()), (36, "198.51.100.7", "/api/nope%20x"));
}

#[tokio::test]
async fn a_subject_that_would_forge_a_line_is_escaped_and_cut() {
    let subject = format!("u\n2026 WARN forged{}", "x".repeat(500));
    let user = AuthenticatedUser::new(subject).with_tenant("t\n");
    let auth = BearerAuth::tokens([StaticToken::new(TOKEN, user)]);
    let (app, kept) =
        observed(|app| app.middleware(auth).route(Route::get("/api/admin", async || "x").roles(["admin"])));
    get(&app, "/api/admin", &[("authorization", &format!("Bearer {TOKEN}"))]).await;
    let line = kept.take().pop().expect("an event");
    assert!(
        line.starts_with("access_denied t\\n/u\\n2026 WARN forged") && !line.contains('\n') && line.len() < 300,
        "{line}"
    );
}

// Shows S0-76.
#[tokio::test]
async fn a_hosts_own_routes_report_to_the_observers_of_their_stack() {
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<String>>>);
    impl Observer for Seen {
        fn security(&self, event: &SecurityEvent<'_>) {
            if let SecurityEventKind::AuthenticationFailed { reason, .. } = event.kind {
                let path = event.path.as_deref().unwrap_or_default();
                self.0.lock().expect("a lock").push(format!("{reason} {path}"));
            }
        }
    }
    let seen = Seen::default();
    let stack = Stack::builder().with(tokens()).observe(seen.clone()).build().expect("valid");
    let protected = stack.protect(Settings::default()).expect("valid");
    let request = to("/own").header(header::HOST, "localhost").body(Body::unavailable()).expect("a request");
    let host = async |_| Response::new(Body::unavailable());
    assert_eq!(protected.wrap(request, ConnInfo::default(), host).await.status(), 401);
    assert_eq!(*seen.0.lock().expect("a lock"), ["missing /own"]);
}

/// Whatever is written while `work` runs, and by this thread.
async fn logged(work: impl Future<Output = ()>) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    work.await;
    String::from_utf8(lines.0.lock().expect("a lock").clone()).expect("UTF-8")
}

// Shows S3-49.
#[tokio::test]
async fn a_stranger_on_a_protected_route_is_a_line_of_the_security_log() {
    let app = app().0.middleware(tokens()).route(Route::post("/api/mcp", async || "x")).build().expect("valid");
    let log = logged(async {
        ask(&app, "POST", "/api/mcp", PEER, &[]).await;
    });
    let log = log.await;
    assert_eq!(log.matches("Security event: authentication failed").count(), 1, "{log}");
    for part in ["WARN", "client=192.0.2.1", "path=\"/api/mcp\"", "reason=\"missing\""] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

// Shows S0-59.
#[tokio::test]
async fn an_event_is_one_line_of_log_with_its_fields_and_without_the_token() {
    let app = app().0.middleware(tokens()).build().expect("valid");
    let log = logged(async {
        get(&app, "/api/x", &[("authorization", "Bearer wrong-token-0123456789")]).await;
    });
    let log = log.await;
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("neurolink::security")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    for part in [
        "WARN",
        "Security event: authentication failed",
        "event=\"authentication_failed\"",
        "client=192.0.2.1",
        "route=\"/api/x\"",
        "reason=\"invalid\"",
        "request_id=\"",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(!log.contains("wrong-token"), "{log}");
}

#[tokio::test]
async fn a_flood_is_bounded_in_the_log_and_whole_for_observers() {
    let kept = Kept::default();
    let auth = tokens().no_failure_limit();
    let app = app().0.middleware(auth).observe(kept.clone()).build().expect("valid");
    let log = logged(async {
        for _ in 0..500 {
            get(&app, "/api/x", &[("authorization", "Bearer wrong-token-0123456789")]).await;
        }
        get(&app, "/api/x", &[]).await;
    });
    let log = log.await;
    assert_eq!(log.matches("reason=\"invalid\"").count(), 100);
    assert_eq!(log.matches("is_last=true").count(), 1);
    assert_eq!(log.matches("reason=\"missing\"").count(), 1, "a flood of one class hides no other");
    assert_eq!(kept.take().len(), 501);
}

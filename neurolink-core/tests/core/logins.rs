//! Logins: names and passwords once, then tokens that replace one another.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use neurolink_core::engine::EventStream;
use neurolink_core::login::{Login, MemoryCredentials};
use neurolink_core::middleware::{
    BasicAuth, BearerAuth, JwtKeys, PasswordHash, PasswordStore, PasswordUser, Passwords,
};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, AuthenticatedUser, BoxError, ManualClock, Route};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::login_kit::{
    DAY, HASH, SECOND, SECRET, ada, building, get, login, me, post, refresh, serving, shape, sign_in, sign_out,
    signed_in, tokens,
};
use crate::support::{app, ask, mistakes};

/// Another hash: whoever hashes a password anew ends the logins made by the old one.
const OTHER_HASH: &str = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu";

/// What a token says.
pub(crate) fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_login_is_an_access_token_of_fifteen_minutes_and_a_refresh_token_of_thirty_days() {
    let (app, clock) = serving(login());
    let answer = sign_in(&app, "ada", "correct horse").await;
    let (access, _) = tokens(&answer);
    let data = answer.json()["data"].clone();
    assert_eq!(
        (&data["tokenType"], &data["expiresIn"], &data["refreshExpiresIn"]),
        (&json!("Bearer"), &json!(900), &json!(2_592_000))
    );
    let user = me(&app, &access).await.json()["data"].clone();
    assert_eq!(user, json!({ "id": "u1", "roles": ["admin"], "permissions": ["write"], "email": "ada@x.example" }));
    clock.advance(900 * SECOND - Duration::from_millis(1));
    assert_eq!(me(&app, &access).await.status, 200);
    clock.advance(Duration::from_millis(1));
    let late = me(&app, &access).await;
    assert_eq!((late.status, late.code()), (401, "TOKEN_EXPIRED".into()));
}

// Shows S0-58.
#[tokio::test]
async fn refreshing_rotates_and_a_replay_after_the_grace_ends_the_login() {
    let (app, clock) = serving(login());
    let (access, first) = signed_in(&app).await;
    let (next_access, second) = tokens(&refresh(&app, &first).await);
    assert!(second != first && next_access != access);
    clock.advance(10 * SECOND);
    assert_eq!(tokens(&refresh(&app, &first).await).1, second, "who comes twice gets the same");
    let (other_access, _) = signed_in(&app).await;
    clock.advance(SECOND);
    let replayed = refresh(&app, &first).await;
    assert_eq!((replayed.status, replayed.code()), (401, "AUTH_INVALID".into()));
    for access in [&access, &next_access] {
        let revoked = me(&app, access).await;
        assert_eq!((revoked.status, revoked.code()), (401, "AUTH_INVALID".into()));
    }
    assert_eq!(refresh(&app, &second).await.status, 401);
    assert_eq!(me(&app, &other_access).await.status, 200, "another login of the same user goes on");
}

// Shows S0-58.
#[tokio::test]
async fn fifty_refreshes_at_one_time_are_one_successor_and_end_nothing() {
    let (app, _) = serving(login());
    let (access, first) = signed_in(&app).await;
    let answers = join_all((0..50).map(|_| refresh(&app, &first))).await;
    let successors: BTreeSet<_> = answers.iter().map(|answer| tokens(answer).1).collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(me(&app, &access).await.status, 200);
    assert_eq!(refresh(&app, successors.first().expect("one")).await.status, 200);
}

/// A stream that says nothing.
fn silent() -> Route {
    async fn stream() -> EventStream {
        Box::pin(futures_util::stream::pending())
    }
    Route::get("/api/silent", stream)
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_the_end_of_its_login() {
    let app = building(login()).route(silent()).build().expect("valid");
    let (access, first) = signed_in(&app).await;
    let (_, second) = tokens(&refresh(&app, &first).await);
    tokens(&refresh(&app, &second).await);
    let begun = Instant::now();
    let replay = async {
        tokio::time::sleep(26 * SECOND).await;
        assert_eq!(refresh(&app, &first).await.status, 401);
    };
    let (answer, ()) = tokio::join!(get(&app, "/api/silent", &access), replay);
    assert!(answer.body.contains("AUTH_EXPIRED") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    assert!((26..=86).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_login_ends_after_thirty_days_unused_and_ninety_in_all() {
    let (app, clock) = serving(login());
    let (_, unused) = signed_in(&app).await;
    clock.advance(30 * DAY - SECOND);
    let (_, used) = tokens(&refresh(&app, &unused).await);
    clock.advance(30 * DAY);
    assert_eq!(refresh(&app, &used).await.code(), "AUTH_INVALID");
    let (_, mut token) = signed_in(&app).await;
    for _ in 0..3 {
        clock.advance(30 * DAY - 100 * SECOND);
        token = tokens(&refresh(&app, &token).await).1;
    }
    let last = refresh(&app, &token).await;
    let (access, _) = tokens(&last);
    assert_eq!(
        (&last.json()["data"]["expiresIn"], &last.json()["data"]["refreshExpiresIn"]),
        (&json!(300), &json!(300))
    );
    clock.advance(300 * SECOND);
    assert_eq!(me(&app, &access).await.status, 401, "it does not outlive its login");
    assert_eq!(refresh(&app, &token).await.status, 401);
}

#[tokio::test]
async fn signing_out_ends_one_login_and_is_answered_alike_for_all_tokens() {
    let (app, _) = serving(login());
    let (access, first) = signed_in(&app).await;
    let (other, _) = signed_in(&app).await;
    let (_, second) = tokens(&refresh(&app, &first).await);
    let data = |answer: crate::support::Answer| (answer.status, answer.json()["data"].clone());
    let known = data(sign_out(&app, &first).await);
    assert_eq!(me(&app, &access).await.status, 401);
    assert_eq!(refresh(&app, &second).await.status, 401);
    assert_eq!(me(&app, &other).await.status, 200);
    for token in [&*first, &second, "nlrt_", "", &access] {
        assert_eq!(data(sign_out(&app, token).await), known);
    }
}

#[tokio::test]
async fn wrong_passwords_unknown_and_locked_names_are_answered_alike() {
    let (app, _) = serving(login());
    let wrong = sign_in(&app, "ada", "wrong").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "AUTH_INVALID"));
    for (name, password) in
        [("nobody", "correct horse"), ("", ""), ("a:da", "x"), ("ada\n", "x"), (&"n".repeat(257), "x")]
    {
        assert_eq!(shape(&sign_in(&app, name, password).await), shape(&wrong), "{name:?}");
    }
    for _ in 1..5 {
        assert_eq!(shape(&sign_in(&app, "ada", "wrong").await), shape(&wrong));
    }
    assert_eq!(shape(&sign_in(&app, "ada", "correct horse").await), shape(&wrong), "locked");
    let elsewhere = json!({ "username": "ada", "password": "correct horse" });
    assert_eq!(post(&app, "/api/login", "192.0.2.2", elsewhere).await.status, 200);
}

#[tokio::test]
async fn a_name_that_is_locked_at_the_login_is_locked_in_basic_and_the_other_way_round() {
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("ada:{password}")));
    for at_login in [true, false] {
        let passwords = Passwords::users([ada()]);
        let login = Login::new(passwords.clone(), SECRET);
        let own = Route::get("/api/basic", async || "in");
        let auth = BasicAuth::passwords(passwords).only(["/api/basic"]);
        let (app, by_basic) = (building(login).middleware(auth).route(own).build().expect("valid"), basic);
        let in_basic = async |password: &str| {
            ask(&app, "GET", "/api/basic", "192.0.2.1:9", &[("authorization", &by_basic(password))]).await.status
        };
        for _ in 0..5 {
            let status = if at_login { sign_in(&app, "ada", "wrong").await.status } else { in_basic("wrong").await };
            assert_eq!(status, 401);
        }
        assert_eq!(in_basic("correct horse").await, 401);
        assert_eq!(sign_in(&app, "ada", "correct horse").await.status, 401);
    }
}

#[tokio::test]
async fn guesses_are_limited_by_address_and_tokens_of_ours_are_no_guesses() {
    let passwords = Passwords::users([ada()]).failure_limit(3, 60 * SECOND);
    let (app, clock) = serving(Login::new(passwords, SECRET));
    let (_, token) = signed_in(&app).await;
    for _ in 0..3 {
        assert_eq!(refresh(&app, "nlrt_guess").await.status, 401);
    }
    for answer in
        [refresh(&app, &token).await, sign_in(&app, "ada", "correct horse").await, sign_out(&app, &token).await]
    {
        assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMIT_EXCEEDED"));
        assert!(!answer.header("retry-after").is_empty());
    }
    clock.advance(60 * SECOND);
    assert_eq!(refresh(&app, &token).await.status, 200);
}

/// Users that change.
#[derive(Clone)]
struct Changing(Arc<Mutex<Option<PasswordUser>>>);

#[async_trait::async_trait]
impl PasswordStore for Changing {
    async fn find(&self, _: &str) -> Result<Option<PasswordUser>, BoxError> {
        Ok(self.0.lock().map_err(|_| "a lock is broken")?.clone())
    }

    fn decoy(&self) -> PasswordHash {
        PasswordHash::parse(HASH).expect("a hash")
    }
}

#[tokio::test]
async fn who_is_gone_or_has_another_password_is_out_and_new_roles_count() {
    for gone in [true, false] {
        let user = Changing(Arc::new(Mutex::new(Some(ada()))));
        let set = |new: Option<PasswordUser>| *user.0.lock().expect("a lock") = new;
        let (app, _) = serving(Login::new(Passwords::store(user.clone()), SECRET));
        let (_, token) = signed_in(&app).await;
        let hash = PasswordHash::parse(HASH).expect("a hash");
        set(Some(PasswordUser::new("ada", hash, neurolink_core::AuthenticatedUser::new("u1").with_roles(["guest"]))));
        let (access, token) = tokens(&refresh(&app, &token).await);
        assert_eq!(me(&app, &access).await.json()["data"]["roles"], json!(["guest"]));
        let other = PasswordHash::parse(OTHER_HASH).expect("a hash");
        set((!gone).then(|| PasswordUser::new("ada", other, neurolink_core::AuthenticatedUser::new("u1"))));
        assert_eq!(refresh(&app, &token).await.code(), "AUTH_INVALID");
        assert_eq!(me(&app, &access).await.status, 401, "the login has ended");
        set(Some(ada()));
        assert_eq!(refresh(&app, &token).await.status, 401, "and does not come back");
    }
}

#[tokio::test]
async fn a_user_whose_time_is_over_gets_no_token() {
    let mut user = ada();
    user = PasswordUser::new("ada", PasswordHash::parse(HASH).expect("a hash"), {
        let _ = user;
        neurolink_core::AuthenticatedUser::new("u1").with_expiry(Duration::from_secs(1_700_000_060))
    });
    let (app, clock) = serving(Login::new(Passwords::users([user]), SECRET));
    let (access, token) = signed_in(&app).await;
    assert_eq!(claims(&access)["exp"], 1_700_000_060);
    clock.advance(60 * SECOND);
    assert_eq!(sign_in(&app, "ada", "correct horse").await.code(), "AUTH_INVALID");
    assert_eq!(refresh(&app, &token).await.code(), "AUTH_INVALID");
}

#[tokio::test]
async fn an_access_token_is_one_of_its_kind_for_its_audience_and_names_its_login() {
    let (app, _) = serving(login());
    let (access, refresh_token) = signed_in(&app).await;
    let said = claims(&access);
    assert_eq!((&said["iss"], &said["aud"], &said["sub"]), (&json!("neurolink"), &json!("neurolink"), &json!("u1")));
    assert!(said["jti"].is_string() && said["sid"].is_string());
    assert!(!refresh_token.contains(said["sid"].as_str().expect("a text")));
    // What another service of the same secret would make: no login stands behind it.
    let (foreign, _) = serving(Login::new(Passwords::users([ada()]), SECRET));
    let (of_nobody, _) = signed_in(&foreign).await;
    for token in [&*of_nobody, &refresh_token, &format!("{access}A")] {
        assert_eq!(me(&app, token).await.code(), "AUTH_INVALID");
    }
    assert_eq!(refresh(&app, &access).await.code(), "AUTH_INVALID");
}

/// The pair of RFC 8410, section 10.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

#[tokio::test]
async fn tokens_of_a_private_key_are_verified_by_its_public_one() {
    let (app, _) = serving(login().ed25519(PRIVATE));
    let (access, token) = signed_in(&app).await;
    assert_eq!(me(&app, &access).await.status, 200);
    assert_eq!(refresh(&app, &token).await.status, 200);
    let keys = JwtKeys::pem(PUBLIC).issuer("neurolink").audience("neurolink");
    let elsewhere = crate::support::app().middleware(BearerAuth::jwt(keys)).route(Route::get("/api/me", async || "me"));
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let elsewhere: App = elsewhere.clock(clock).build().expect("valid");
    assert_eq!(me(&elsewhere, &access).await.status, 200);
    let (by_secret, _) = serving(login());
    assert_eq!(me(&by_secret, &access).await.status, 401);
    assert_eq!(me(&app, &signed_in(&by_secret).await.0).await.status, 401, "the secret signs nothing here");
}

#[test]
fn mistakes_are_told_when_the_app_is_built_all_at_once() {
    let login = Login::new(Passwords::users([]), "short")
        .issuer("")
        .lifetime(SECOND, DAY)
        .per_user(0)
        .store_timeout(Duration::ZERO)
        .store(MemoryCredentials::with_capacity(0));
    let found = mistakes(app().state(login).build()).join("\n");
    for part in [
        "no user",
        "5 bytes; at least 32",
        "the issuer is empty",
        "15 minutes, 30 days and 90 days",
        "no login for a user",
        "not waited for",
        "no logins lets nobody in",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(!found.contains("short"));
    let by_key = Login::new(Passwords::users([ada()]), SECRET).ed25519("-----BEGIN PRIVATE KEY-----");
    assert!(mistakes(app().state(by_key).build()).join("\n").contains("openssl genpkey"));
    let alone = || app().state(Login::new(Passwords::users([ada()]), SECRET));
    assert!(alone().route(Route::get("/api/x", async || "x").public()).build().is_ok());
    let open = mistakes(alone().route(Route::get("/api/x", async || "x")).build()).join("\n");
    assert!(open.contains("add `.middleware(BearerAuth::jwt(login.keys()))`"), "{open}");
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let (app, _) = serving(login());
    let answer = sign_in(&app, "ada", "correct horse").await;
    let (access, token) = tokens(&answer);
    let shown = format!("{:?} {:?}", login(), login().keys());
    for secret in [SECRET, &access, &token, HASH] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn users_of_two_tenants_with_one_id_stay_two_users() {
    let of = |name: &str, tenant: Option<&str>| {
        let user = AuthenticatedUser::new("1");
        let user = tenant.into_iter().fold(user, AuthenticatedUser::with_tenant);
        PasswordUser::new(name, PasswordHash::parse(HASH).expect("a hash"), user)
    };
    let users = [of("ada", Some("acme")), of("bob", Some("globex")), of("eve", None)];
    let login = Login::new(Passwords::users(users), SECRET);
    let tenant = Route::get("/api/tenant", async |user: AuthenticatedUser| user.tenant.unwrap_or_default());
    let app = building(login).route(tenant).build().expect("valid");
    for (name, tenant) in [("ada", "acme"), ("bob", "globex"), ("eve", "")] {
        let (access, _) = tokens(&sign_in(&app, name, "correct horse").await);
        let authorization = format!("Bearer {access}");
        let answer = ask(&app, "GET", "/api/tenant", "192.0.2.1:5", &[("authorization", &authorization)]).await;
        assert_eq!((answer.status, answer.json()["data"].as_str()), (200, Some(tenant)), "{name}");
    }
}

#[tokio::test]
async fn many_jobs_that_sign_in_at_one_time_all_come_in() {
    let (app, _) = serving(login());
    let answers = join_all((0..12).map(|_| sign_in(&app, "ada", "correct horse"))).await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200; 12]);
}

//! Tokens that are not in `Authorization`: in a header, a cookie, the query, or where a function looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use neurolink_core::engine::EventStream;
use neurolink_core::middleware::{AccessLog, BearerAuth, StaticToken, TokenValidator};
use neurolink_core::stack::order;
use neurolink_core::{App, AuthenticatedUser, Context, Error, Hook, Json, Reply, Route};
use serde_json::json;
use tokio::time::Instant;

use crate::fixture::{TOKEN, app, get, tokens};
use crate::log::Log;
use crate::support::mistakes;

/// Knows `token-of-NAME` as NAME; fails for `down`.
#[derive(Clone, Default)]
struct Names(Arc<AtomicBool>);

#[async_trait::async_trait]
impl TokenValidator for Names {
    async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error> {
        if token == "down" {
            return Err(Error::internal("secret db password=hunter2"));
        }
        let revoked = self.0.load(Ordering::SeqCst);
        Ok(token.strip_prefix("token-of-").filter(|_| !revoked).map(AuthenticatedUser::new))
    }
}

async fn silent() -> EventStream {
    Box::pin(futures_util::stream::pending())
}

/// Tells the log what it sees of every request, as layers for traces do.
struct Tracing(i16);

impl Hook for Tracing {
    fn name(&self) -> &str {
        "tracing"
    }

    fn order(&self) -> i16 {
        self.0
    }

    fn before(&self, ctx: &mut Context) -> Option<neurolink_core::Response> {
        tracing::info!(uri = %ctx.uri(), query = ?ctx.query_pairs(), "traced");
        None
    }
}

fn serving(auth: BearerAuth) -> App {
    let who = async |ctx: &mut Context| {
        let user = ctx.user().map(|user| user.id.clone());
        Json(json!({ "id": user, "target": ctx.uri().to_string() }))
    };
    let cached = async || {
        Ok::<_, Error>(
            Reply::data("x")?
                .with_header(HeaderName::from_static("cache-control"), HeaderValue::from_static("max-age=60")),
        )
    };
    app()
        .0
        .middleware(AccessLog::new())
        .middleware(Tracing(order::APP))
        .middleware(auth)
        .route(Route::get("/api/who", who))
        .route(Route::get("/api/cached", cached))
        .route(Route::get("/api/any", async || "any").optional_auth())
        .route(Route::get("/api/silent", silent))
        .build()
        .expect("valid")
}

fn everywhere() -> BearerAuth {
    BearerAuth::validator(Names::default()).or_header("x-custom-auth").or_cookie("sid").or_query("access_token")
}

// Shows S0-12.
#[tokio::test]
async fn a_token_is_read_from_the_places_that_are_configured_and_from_no_other() {
    let places: [(&str, &[(&str, &str)]); 4] = [
        ("/api/who", &[("authorization", "Bearer token-of-ada")]),
        ("/api/who", &[("x-custom-auth", "token-of-ada")]),
        ("/api/who", &[("cookie", "a=b; sid=token-of-ada")]),
        ("/api/who?access_token=token-of-ada", &[]),
    ];
    let validator = || BearerAuth::validator(Names::default());
    let auths = [
        validator(),
        validator().or_header("x-custom-auth").not_in_authorization(),
        validator().or_cookie("sid").not_in_authorization(),
        validator().or_query("access_token").not_in_authorization(),
    ];
    for (index, auth) in auths.into_iter().enumerate() {
        let app = serving(auth);
        for (place, (path, headers)) in places.iter().enumerate() {
            let answer = get(&app, path, headers).await;
            assert_eq!(answer.status, if place == index { 200 } else { 401 }, "{index}: {path} {headers:?}");
        }
    }
    let app = serving(everywhere());
    for (path, headers) in places {
        let answer = get(&app, path, headers).await;
        assert_eq!((answer.status, &answer.json()["data"]["id"]), (200, &json!("ada")), "{path} {headers:?}");
    }
    let from = |ctx: &Context| Some(ctx.headers().get("x-sealed")?.to_str().ok()?.chars().rev().collect());
    let app = serving(BearerAuth::validator(Names::default()).or_from(from));
    assert_eq!(get(&app, "/api/who", &[("x-sealed", "ada-fo-nekot")]).await.status, 200);
}

// Shows S0-12.
#[tokio::test]
async fn a_token_in_the_query_is_seen_by_nobody_behind_and_its_answer_keeps_to_itself() {
    let (log, _listening) = Log::listen();
    let app = serving(everywhere());
    let passed = get(&app, "/api/who?a=1&access_token=token-of-ada&b=%20", &[]).await;
    assert_eq!(passed.json()["data"], json!({ "id": "ada", "target": "/api/who?a=1&b=%20" }));
    let refused = get(&app, "/api/who?access%5Ftoken=hidden-wrong-token", &[]).await;
    let down = get(&app, "/api/who?access_token=down", &[]).await;
    let twice = get(&app, "/api/who?access_token=token-of-ada&access_token=token-of-eve", &[]).await;
    assert_eq!((passed.status, refused.status, down.status, twice.status), (200, 401, 503, 400));
    for answer in [&passed, &refused, &down, &twice] {
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    }
    for text in [&refused.body, &twice.body, &down.body, &log.text()] {
        assert!(
            !["token-of-ada", "token-of-eve", "hidden", "hunter2\"}"].iter().any(|part| text.contains(part)),
            "{text}"
        );
    }
    assert!(log.text().contains("traced") && log.text().contains("neurolink::access"), "{}", log.text());
    let own = get(&app, "/api/cached?access_token=token-of-ada", &[]).await;
    assert_eq!(own.header("cache-control"), "max-age=60", "what the handler says wins");
    let elsewhere = get(&app, "/api/who", &[("x-custom-auth", "token-of-ada")]).await;
    assert_eq!((elsewhere.header("cache-control"), elsewhere.header("referrer-policy")), ("", ""));
}

#[tokio::test]
async fn a_token_that_is_there_twice_is_400_whatever_its_value() {
    let app = serving(everywhere());
    let token = "token-of-ada";
    for (path, headers) in [
        ("/api/who", &[("x-custom-auth", token), ("x-custom-auth", token)][..]),
        ("/api/who", &[("cookie", "sid=token-of-ada; sid=token-of-ada")]),
        ("/api/who", &[("cookie", "sid=token-of-ada"), ("cookie", "sid=other")]),
        ("/api/who?access_token=token-of-ada&access_token=token-of-ada", &[]),
        ("/api/any?access_token=&access_token", &[]),
    ] {
        assert_eq!(get(&app, path, headers).await.status, 400, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn tokens_in_several_places_must_all_be_good_and_name_one_user() {
    let app = serving(everywhere());
    for (path, headers, status) in [
        ("/api/who?access_token=token-of-ada", &[("x-custom-auth", "token-of-ada")][..], 200),
        ("/api/who?access_token=token-of-eve", &[("x-custom-auth", "token-of-ada")], 401),
        ("/api/who", &[("x-custom-auth", "token-of-ada"), ("authorization", "Bearer token-of-eve")], 401),
        ("/api/who", &[("x-custom-auth", "token-of-ada"), ("cookie", "sid=wrong")], 401),
        ("/api/who", &[("x-custom-auth", "token-of-ada"), ("cookie", "sid=down")], 503),
        ("/api/any?access_token=wrong", &[], 401),
        ("/api/any?access_token=", &[], 401),
        ("/api/any", &[("cookie", "sid=")], 401),
        ("/api/any", &[("x-custom-auth", "tok\u{e9}n")], 401),
        ("/api/any", &[("x-custom-auth", "two words")], 401),
        ("/api/any?access_token=a%0Ab", &[], 401),
        ("/api/any", &[("x-custom-auth", "Bearer token-of-ada")], 401),
    ] {
        assert_eq!(get(&app, path, headers).await.status, status, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn configured_tokens_may_be_in_another_place_and_failures_count_there_too() {
    let app = serving(tokens().or_query("token").not_in_authorization().failure_limit(2, Duration::from_secs(60)));
    assert_eq!(get(&app, &format!("/api/who?token={TOKEN}"), &[]).await.status, 200);
    for status in [401, 401, 429] {
        assert_eq!(get(&app, "/api/who?token=wrong", &[]).await.status, status);
    }
    assert_eq!(get(&app, &format!("/api/who?token={TOKEN}"), &[]).await.status, 429);
}

#[tokio::test]
async fn a_challenge_names_the_places_where_bearer_is_not_accepted() {
    let app = serving(everywhere().not_in_authorization());
    let missing = get(&app, "/api/who", &[]).await;
    let places = "Token realm=\"neurolink\", header=\"x-custom-auth\", cookie=\"sid\", query=\"access_token\"";
    assert_eq!(missing.challenges(), [places]);
    let wrong = get(&app, "/api/who", &[("x-custom-auth", "wrong")]).await;
    assert!(
        wrong.challenges()[0].starts_with(&format!("{places}, error=\"invalid_token\"")),
        "{:?}",
        wrong.challenges()
    );
    assert_eq!(get(&serving(everywhere()), "/api/who", &[]).await.challenges(), ["Bearer realm=\"neurolink\""]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_the_revocation_of_its_token() {
    let names = Names::default();
    let app = serving(BearerAuth::validator(names.clone()).or_query("access_token"));
    let revoke = async {
        tokio::time::sleep(Duration::from_secs(26)).await;
        names.0.store(true, Ordering::SeqCst);
    };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(get(&app, "/api/silent?access_token=token-of-ada", &[]), revoke);
    assert!(answer.status == 200 && answer.body.contains("AUTH_EXPIRED"), "{}", answer.body);
    assert!((26..=86).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_validator_that_says_nothing_is_503_after_five_seconds() {
    struct Silent;
    #[async_trait::async_trait]
    impl TokenValidator for Silent {
        async fn validate(&self, _: &str) -> Result<Option<AuthenticatedUser>, Error> {
            std::future::pending().await
        }
    }
    let app = serving(BearerAuth::validator(Silent));
    let begun = Instant::now();
    assert_eq!(get(&app, "/api/who", &[("authorization", "Bearer any")]).await.status, 503);
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[test]
fn places_that_cannot_be_are_mistakes() {
    let validator = || BearerAuth::validator(Names::default());
    for (auth, part) in [
        (validator().not_in_authorization(), "tokens may be nowhere; name a header"),
        (validator().or_header("x y"), "`x y` is no header name"),
        (validator().or_header("authorization"), "`authorization` has another meaning"),
        (validator().or_header("cookie"), "`cookie` has another meaning"),
        (validator().or_cookie("a b"), "`a b` is no plain name"),
        (validator().or_query(""), "`` is no plain name"),
        (validator().or_query("a").or_query("a"), "the query parameter a is there twice"),
    ] {
        let found = mistakes(app().0.middleware(auth).build()).join("\n");
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn tokens_that_can_be_guessed_are_mistakes_that_do_not_show_them() {
    let wrong = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "q7x2mz0k4vbn83tj", "change-me-before-you-go-live-0123"];
    let tokens = wrong.map(|token| StaticToken::new(token, AuthenticatedUser::new("u1")));
    let found = mistakes(app().0.middleware(BearerAuth::tokens(tokens)).build()).join("\n");
    for part in ["repeats itself or counts", "has at most 82 bits in its 16 bytes", "is what stands in examples"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(wrong.iter().all(|token| !found.contains(token)), "{found}");
}

//! Names and passwords.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordStore, PasswordUser};
use neurolink_core::{App, AuthenticatedUser, BoxError, ManualClock, Route};

use crate::support::{Answer, app, ask, mistakes};

/// Of `correct horse`.
const ARGON2ID: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
/// Of `correct horse`.
const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu";
pub(crate) const ONE: &str = "192.0.2.1:5";
pub(crate) const OTHER: &str = "192.0.2.2:5";

pub(crate) fn user(name: &str, hash: &str) -> PasswordUser {
    let user = AuthenticatedUser::new(format!("id-of-{name}")).with_roles(["user"]);
    PasswordUser::new(name, PasswordHash::parse(hash).expect("a hash"), user)
}

pub(crate) fn users() -> [PasswordUser; 2] {
    [user("ada", ARGON2ID), user("bob", BCRYPT)]
}

pub(crate) fn serving(auth: BasicAuth) -> (App, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let me = Route::get("/api/me", async |user: AuthenticatedUser| user.id);
    let any = Route::get("/api/any", async || "any").optional_auth();
    let app = app().clock(Arc::clone(&clock) as _).middleware(auth).route(me).route(any);
    (app.build().expect("valid"), clock)
}

pub(crate) async fn sign_in(app: &App, peer: &str, name: &str, password: &str) -> Answer {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    ask(app, "GET", "/api/me", peer, &[("authorization", &credentials)]).await
}

/// What a refusal looks like, but for what is of the request alone.
pub(crate) fn shape(answer: &Answer) -> (u16, String, Vec<&str>) {
    (answer.status, answer.json()["error"].to_string(), answer.challenges())
}

/// A store that counts how often it is asked, and may be out of order.
#[derive(Clone, Default)]
pub(crate) struct Counting {
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) is_down: bool,
}

#[async_trait::async_trait]
impl PasswordStore for Counting {
    async fn find(&self, name: &str) -> Result<Option<PasswordUser>, BoxError> {
        self.asked.fetch_add(1, SeqCst);
        if self.is_down { Err("down".into()) } else { Ok((name == "ada").then(|| user("ada", ARGON2ID))) }
    }

    fn decoy(&self) -> PasswordHash {
        PasswordHash::parse(ARGON2ID).expect("a hash")
    }
}

#[tokio::test]
async fn a_name_and_its_password_are_a_user() {
    let (app, _) = serving(BasicAuth::users(users()));
    for name in ["ada", "bob"] {
        let answer = sign_in(&app, ONE, name, "correct horse").await;
        assert!(answer.status == 200 && answer.body.contains(&format!("id-of-{name}")), "{}", answer.body);
    }
    let stranger = ask(&app, "GET", "/api/me", ONE, &[]).await;
    assert_eq!((stranger.status, stranger.challenges()), (401, vec!["Basic realm=\"neurolink\", charset=\"UTF-8\""]));
}

// Shows S0-11.
#[tokio::test]
async fn a_wrong_password_and_a_name_of_nobody_are_answered_alike_and_never_pass() {
    let (app, _) = serving(BasicAuth::users(users()));
    let wrong = sign_in(&app, ONE, "ada", "wrong").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "AUTH_INVALID"));
    for (name, password) in
        [("nobody", "correct horse"), ("ADA", "correct horse"), ("bob", ""), ("ada", "correct horse ")]
    {
        assert_eq!(shape(&sign_in(&app, ONE, name, password).await), shape(&wrong), "{name}");
    }
    let optional = ask(&app, "GET", "/api/any", ONE, &[("authorization", "Basic !!!")]).await;
    assert_eq!(shape(&optional), shape(&wrong));
}

#[tokio::test]
async fn a_password_that_was_right_is_known_for_a_minute() {
    let store = Counting::default();
    let (app, clock) = serving(BasicAuth::store(store.clone()));
    for _ in 0..3 {
        assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
    }
    assert_eq!(store.asked.load(SeqCst), 1);
    assert_eq!(sign_in(&app, ONE, "ada", "wrong").await.status, 401);
    clock.advance(Duration::from_secs(60));
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
    assert_eq!(store.asked.load(SeqCst), 3);
}

#[tokio::test]
async fn right_passwords_at_one_time_are_one_hash_and_no_failure() {
    let store = Counting::default();
    let (app, _) = serving(BasicAuth::store(store.clone()).failure_limit(3, Duration::from_secs(60)));
    let answers = futures_util::future::join_all((0..40).map(|_| sign_in(&app, ONE, "ada", "correct horse"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(store.asked.load(SeqCst), 1);
}

#[tokio::test]
async fn a_guess_whose_client_leaves_counts_and_a_right_one_does_not() {
    let store = Counting::default();
    // Of a client that leaves; where the machine was so busy that its answer was there at once, of the next.
    let left = |password: &'static str| loop {
        let (app, _) = serving(BasicAuth::store(store.clone()).lockout(1, 50, Duration::from_secs(900)));
        if sign_in(&app, ONE, "ada", password).now_or_never().is_none() {
            break app;
        }
    };
    let app = left("correct horse");
    let is_looked_at = async |password| {
        let before = store.asked.load(SeqCst);
        sign_in(&app, ONE, "ada", password).await;
        store.asked.load(SeqCst) > before
    };
    // While it is hashed it counts; then not.
    let waiting = async { while !is_looked_at("wrong").await {} };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("a right one does not lock");

    let app = left("wrong");
    // Whatever is hashed later ends later.
    for name in ["bob", "eve"] {
        assert_eq!(sign_in(&app, OTHER, name, "wrong").await.status, 401);
    }
    let before = store.asked.load(SeqCst);
    assert_eq!(sign_in(&app, ONE, "ada", "another wrong one").await.status, 401);
    assert_eq!(store.asked.load(SeqCst), before, "locked");
}

#[tokio::test]
async fn a_user_who_has_ended_comes_in_no_more() {
    let ended = PasswordUser::new(
        "ada",
        PasswordHash::parse(ARGON2ID).expect("a hash"),
        AuthenticatedUser::new("u").with_expiry(Duration::from_secs(1_700_000_000)),
    );
    let (app, _) = serving(BasicAuth::users([ended]));
    let answer = sign_in(&app, ONE, "ada", "correct horse").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "TOKEN_EXPIRED"));
}

#[tokio::test]
async fn a_store_that_is_down_is_a_503_and_no_failure_of_the_caller() {
    let store = Counting { is_down: true, ..Counting::default() };
    let (app, _) = serving(BasicAuth::store(store));
    for _ in 0..60 {
        let answer = sign_in(&app, ONE, "ada", "correct horse").await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "UNAVAILABLE"));
    }
}

// Shows S0-60.
#[tokio::test]
async fn while_a_name_is_locked_the_password_is_not_looked_at_and_the_answer_is_the_same() {
    for name in ["ada", "nobody"] {
        let store = Counting::default();
        let (app, clock) = serving(BasicAuth::store(store.clone()));
        let wrong = sign_in(&app, ONE, name, "wrong").await;
        for _ in 0..4 {
            sign_in(&app, ONE, name, "wrong").await;
        }
        assert_eq!(store.asked.load(SeqCst), 5);
        assert_eq!(shape(&sign_in(&app, ONE, name, "correct horse").await), shape(&wrong));
        assert_eq!(store.asked.load(SeqCst), 5, "{name}: locked");
        sign_in(&app, OTHER, name, "wrong").await;
        assert_eq!(store.asked.load(SeqCst), 6, "{name}: another network is not");
        clock.advance(Duration::from_secs(15 * 60));
        sign_in(&app, ONE, name, "wrong").await;
        assert_eq!(store.asked.load(SeqCst), 7);
    }
}

#[tokio::test]
async fn strangers_do_not_lock_an_owner_out_of_where_it_came_in() {
    let auth = BasicAuth::users(users()).lockout(1, 3, Duration::from_secs(900));
    let (app, clock) = serving(auth);
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
    clock.advance(Duration::from_secs(61));
    for network in 10..20 {
        assert_eq!(sign_in(&app, &format!("192.0.2.{network}:5"), "ada", "wrong").await.status, 401);
    }
    assert_eq!(sign_in(&app, OTHER, "ada", "correct horse").await.status, 401, "locked everywhere else");
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
}

#[tokio::test]
async fn a_password_that_is_remembered_opens_nothing_where_guesses_are_refused() {
    let auth = BasicAuth::users(users()).lockout(1, 50, Duration::from_secs(900));
    let (app, _) = serving(auth.failure_limit(3, Duration::from_secs(60)));
    for (peer, status) in [(ONE, 200), (OTHER, 200), (ONE, 200)] {
        assert_eq!(sign_in(&app, peer, "ada", "correct horse").await.status, status, "{peer}");
    }
    assert_eq!(sign_in(&app, ONE, "ada", "wrong").await.status, 401);
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 401, "the name is locked there");
    for name in ["a", "b", "c"] {
        assert_eq!(sign_in(&app, OTHER, name, "wrong").await.status, 401);
    }
    assert_eq!(sign_in(&app, OTHER, "ada", "correct horse").await.status, 429, "who failed too often waits");
}

#[tokio::test]
async fn a_password_that_is_remembered_is_not_kept_waiting_by_those_that_are_hashed() {
    let (app, _) = serving(BasicAuth::users(users()).failure_limit(1, Duration::from_secs(60)));
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
    // The other one behind this address is at work, and nobody has failed.
    let mut other = std::pin::pin!(sign_in(&app, ONE, "bob", "correct horse"));
    assert!(futures_util::poll!(other.as_mut()).is_pending(), "it is hashed");
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 200);
    assert_eq!(other.await.status, 200);
}

#[tokio::test]
async fn a_password_is_remembered_in_the_network_that_it_came_from() {
    let store = Counting::default();
    let (app, _) = serving(BasicAuth::store(store.clone()));
    for (peer, asked) in [(ONE, 1), (ONE, 1), (OTHER, 2), (OTHER, 2)] {
        assert_eq!(sign_in(&app, peer, "ada", "correct horse").await.status, 200);
        assert_eq!(store.asked.load(SeqCst), asked, "{peer}");
    }
}

#[tokio::test]
async fn failures_of_an_address_are_limited_before_anything_is_looked_at() {
    let store = Counting::default();
    let (app, _) = serving(BasicAuth::store(store.clone()).failure_limit(3, Duration::from_secs(60)));
    for name in ["a", "b", "c"] {
        assert_eq!(sign_in(&app, ONE, name, "x").await.status, 401);
    }
    assert_eq!(sign_in(&app, ONE, "ada", "correct horse").await.status, 429);
    assert_eq!(store.asked.load(SeqCst), 3);
}

#[test]
fn mistakes_name_their_fix() {
    let auth =
        |users: Vec<PasswordUser>| app().middleware(BasicAuth::users(users)).route(Route::get("/api/x", async || "x"));
    let found =
        mistakes(auth(vec![user("a:b", ARGON2ID), user("ada", ARGON2ID), user("ada", BCRYPT)]).build()).join("\n");
    for part in ["the user `a:b`: nobody can send it", "the user `ada` is there twice"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(mistakes(auth(vec![]).build()).join("\n").contains("it has no user"));
    let none = BasicAuth::users(users()).lockout(0, 0, Duration::ZERO);
    let found = mistakes(app().middleware(none).route(Route::get("/api/x", async || "x")).build()).join("\n");
    assert!(found.contains("a lockout of zero lets nobody in"), "{found}");
}

#[test]
fn debug_shows_no_hash() {
    let text = format!("{:?} {:?} {:?}", users(), users()[0].clone(), BasicAuth::users(users()));
    assert!(!text.contains("argon2id$") && !text.contains("$2b$") && text.contains("ada"), "{text}");
}

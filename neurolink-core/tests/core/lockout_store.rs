//! A lockout that several servers count together, in a store that may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use neurolink_core::login::Login;
use neurolink_core::middleware::limit_store::{MemoryStore, OnStoreFailure, StoreHandle};
use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordStore, PasswordUser, Passwords};
use neurolink_core::{App, BoxError, ManualClock};

use crate::basic::{Counting, ONE, OTHER, serving, shape, sign_in, users};
use crate::limit_store::{Told, store};
use crate::login_kit::{self, ada};
use crate::support::{app, mistakes};

const WINDOW: Duration = Duration::from_secs(15 * 60);
const RIGHT: &str = "correct horse";

/// Two servers with one store, the users that they ask, and what the store is told.
struct Two {
    servers: [App; 2],
    clocks: [Arc<ManualClock>; 2],
    users: Counting,
    told: Arc<Told>,
}

impl Two {
    fn with(change: impl Fn(BasicAuth) -> BasicAuth) -> Self {
        let ((handle, told), users) = (store(), Counting::default());
        let one = || serving(change(BasicAuth::store(users.clone()).lockout_store(&handle)));
        let [(first, first_clock), (second, second_clock)] = [one(), one()];
        Self { servers: [first, second], clocks: [first_clock, second_clock], users, told }
    }

    fn asked(&self) -> usize {
        self.users.asked.load(SeqCst)
    }

    fn advance(&self, time: Duration) {
        self.clocks.iter().for_each(|clock| clock.advance(time));
    }
}

fn same(auth: BasicAuth) -> BasicAuth {
    auth
}

// Shows S0-60.
#[tokio::test]
async fn two_servers_look_at_five_guesses_together_and_answer_the_rest_alike() {
    for name in ["ada", "nobody"] {
        let two = Two::with(same);
        let wrong = sign_in(&two.servers[0], ONE, name, "wrong").await;
        for turn in 1..10 {
            let answer = sign_in(&two.servers[turn % 2], ONE, name, "wrong").await;
            assert_eq!(shape(&answer), shape(&wrong));
        }
        assert_eq!(two.asked(), 5, "{name}");
        for server in &two.servers {
            assert_eq!(shape(&sign_in(server, ONE, name, RIGHT).await), shape(&wrong), "{name}: locked");
        }
        assert_eq!(two.asked(), 5, "{name}: the password is not looked at");
        sign_in(&two.servers[1], OTHER, name, "wrong").await;
        assert_eq!(two.asked(), 6, "{name}: another network is not locked");
        two.advance(WINDOW);
        assert_eq!(sign_in(&two.servers[0], ONE, name, "wrong").await.status, 401);
        assert_eq!(two.asked(), 7);
    }
}

/// Nobody has a name here; it counts the decoys, each of which is a guess that is hashed.
#[derive(Clone, Default)]
struct Nobody(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl PasswordStore for Nobody {
    async fn find(&self, _: &str) -> Result<Option<PasswordUser>, BoxError> {
        // So that the others are as far before the first one counts.
        tokio::task::yield_now().await;
        Ok(None)
    }

    fn decoy(&self) -> PasswordHash {
        self.0.fetch_add(1, SeqCst);
        Counting::default().decoy()
    }
}

#[tokio::test]
async fn guesses_at_one_time_at_two_servers_are_not_more_than_those_one_by_one() {
    let ((handle, _), nobody) = (store(), Nobody::default());
    let server = || serving(BasicAuth::store(nobody.clone()).lockout(3, 50, WINDOW).lockout_store(&handle)).0;
    let servers = [server(), server()];
    let guesses: Vec<String> = (0..8).map(|turn| format!("wrong {turn}")).collect();
    let answers = guesses.iter().enumerate().map(|(turn, guess)| sign_in(&servers[turn % 2], ONE, "eve", guess));
    assert!(join_all(answers).await.iter().all(|answer| answer.status == 401));
    assert_eq!(nobody.0.load(SeqCst), 3);
}

#[tokio::test]
async fn a_guess_is_asked_about_twice_and_only_a_right_one_a_third_time() {
    let two = Two::with(same);
    let calls = || [&two.told.looks, &two.told.takes, &two.told.settles].map(|calls| calls.load(SeqCst));
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", "wrong").await.status, 401);
    assert_eq!(calls(), [1, 1, 0]);
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
    assert_eq!(calls(), [2, 2, 1], "it is told before the answer is there");
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
    assert_eq!(calls(), [3, 2, 1], "it is remembered");
}

#[tokio::test]
async fn what_was_right_does_not_count_at_any_server() {
    let two = Two::with(|auth| auth.lockout(2, 2, WINDOW).failure_limit(2, WINDOW));
    for turn in 0..8 {
        assert_eq!(sign_in(&two.servers[turn % 2], ONE, "ada", RIGHT).await.status, 200);
        two.advance(Duration::from_secs(61));
    }
}

#[tokio::test]
async fn a_user_who_came_in_at_one_server_is_not_locked_out_by_strangers_at_the_other() {
    let two = Two::with(|auth| auth.lockout(1, 3, WINDOW));
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
    for network in 10..20 {
        let peer = format!("192.0.2.{network}:5");
        assert_eq!(sign_in(&two.servers[network % 2], &peer, "ada", "wrong").await.status, 401);
    }
    assert_eq!(sign_in(&two.servers[1], OTHER, "ada", RIGHT).await.status, 401, "locked everywhere else");
    assert_eq!(sign_in(&two.servers[1], ONE, "ada", RIGHT).await.status, 200);
}

#[tokio::test]
async fn trust_lasts_for_a_day_after_the_last_time() {
    const HOUR: Duration = Duration::from_secs(3600);
    let two = Two::with(|auth| auth.lockout(5, 1, Duration::from_secs(60)));
    for _ in 0..3 {
        assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
        two.advance(HOUR * 23);
    }
    let status = async || {
        assert_eq!(sign_in(&two.servers[0], OTHER, "ada", "wrong").await.status, 401);
        sign_in(&two.servers[1], ONE, "ada", RIGHT).await.status
    };
    assert_eq!(status().await, 200, "23 hours after it");
    two.advance(HOUR * 24);
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn an_address_that_failed_at_one_server_waits_at_the_other() {
    let two = Two::with(|auth| auth.failure_limit(4, WINDOW));
    for (turn, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        assert_eq!(sign_in(&two.servers[turn % 2], ONE, name, "wrong").await.status, 401);
    }
    for server in &two.servers {
        let answer = sign_in(server, ONE, "ada", RIGHT).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "900"));
        assert_eq!(sign_in(server, OTHER, "ada", RIGHT).await.status, 200);
    }
}

#[tokio::test]
async fn an_address_that_asks_for_a_locked_name_fails_all_the_same() {
    let two = Two::with(|auth| auth.lockout(1, 50, WINDOW).failure_limit(4, WINDOW));
    for turn in 0..4 {
        assert_eq!(sign_in(&two.servers[turn % 2], ONE, "ada", "wrong").await.status, 401);
    }
    for server in &two.servers {
        assert_eq!(sign_in(server, ONE, "bob", "wrong").await.status, 429);
    }
}

#[tokio::test]
async fn a_password_that_one_server_remembers_opens_nothing_where_others_have_locked_the_name() {
    let two = Two::with(|auth| auth.lockout(1, 50, WINDOW));
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
    assert_eq!(sign_in(&two.servers[1], ONE, "ada", "wrong").await.status, 401);
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 401);
}

#[tokio::test]
async fn a_store_of_users_that_is_down_locks_no_name() {
    let (handle, told) = store();
    let down = Counting { is_down: true, ..Counting::default() };
    let (server, _) = serving(BasicAuth::store(down).lockout_store(&handle));
    for _ in 0..10 {
        assert_eq!(sign_in(&server, ONE, "ada", RIGHT).await.status, 503);
    }
    assert_eq!(told.takes.load(SeqCst), 0);
}

#[tokio::test]
async fn a_login_counts_in_the_store_as_basic_does() {
    let (handle, told) = store();
    let passwords = Passwords::users([ada()]).lockout(2, 50, WINDOW).lockout_store(&handle);
    let (basic, _) = serving(BasicAuth::passwords(passwords.clone()));
    let login = Login::new(passwords, login_kit::SECRET);
    let (server, _) = login_kit::serving(login);
    for _ in 0..2 {
        assert_eq!(login_kit::sign_in(&server, "ada", "wrong").await.status, 401);
    }
    assert_eq!(sign_in(&basic, ONE, "ada", RIGHT).await.status, 401);
    told.fails.store(true, SeqCst);
    let answer = login_kit::sign_in(&server, "ada", RIGHT).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

/// The status of a right password at once, of five wrong ones, and of a right one behind them.
async fn while_it_fails(policy: Option<OnStoreFailure>) -> (u16, Vec<u16>, u16, usize) {
    let two = Two::with(|auth| match policy {
        Some(policy) => auth.lockout(4, 50, WINDOW).on_lockout_store_failure(policy),
        None => auth.lockout(4, 50, WINDOW),
    });
    two.told.fails.store(true, SeqCst);
    let server = &two.servers[0];
    let first = sign_in(server, ONE, "ada", RIGHT).await;
    if first.status == 503 {
        assert_eq!((first.code().as_str(), first.header("retry-after")), ("UNAVAILABLE", "1"));
    }
    let before = two.asked();
    let mut wrong = Vec::new();
    for _ in 0..5 {
        wrong.push(sign_in(server, OTHER, "ada", "wrong").await.status);
    }
    let looked_at = two.asked() - before;
    (first.status, wrong, sign_in(server, OTHER, "ada", RIGHT).await.status, looked_at)
}

#[tokio::test]
async fn a_store_that_fails_refuses_passes_or_leaves_it_to_the_process() {
    let unlooked = (503, vec![503; 5], 503, 0);
    assert_eq!(while_it_fails(None).await, unlooked);
    assert_eq!(while_it_fails(Some(OnStoreFailure::Deny)).await, unlooked);
    assert_eq!(while_it_fails(Some(OnStoreFailure::Allow)).await, (200, vec![401; 5], 200, 5));
    let half = Some(OnStoreFailure::Local { percent: 50 });
    assert_eq!(while_it_fails(half).await, (200, vec![401; 5], 401, 2), "two of four are looked at");
}

#[tokio::test]
async fn who_came_in_is_known_to_the_process_too_while_the_store_fails() {
    let two =
        Two::with(|auth| auth.lockout(2, 2, WINDOW).on_lockout_store_failure(OnStoreFailure::Local { percent: 50 }));
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
    two.told.fails.store(true, SeqCst);
    assert_eq!(sign_in(&two.servers[0], OTHER, "ada", "wrong").await.status, 401);
    assert_eq!(sign_in(&two.servers[0], "192.0.2.3:5", "ada", RIGHT).await.status, 401, "locked elsewhere");
    two.advance(Duration::from_secs(61));
    assert_eq!(sign_in(&two.servers[0], ONE, "ada", RIGHT).await.status, 200);
}

#[test]
fn what_a_lockout_s_store_cannot_do_is_found_at_build() {
    let (handle, _) = store();
    let built = |auth: BasicAuth| app().middleware(auth).build();
    let found = mistakes(built(BasicAuth::users(users()).on_lockout_store_failure(OnStoreFailure::Allow)));
    assert!(found.concat().contains(".lockout_store(..)"), "{found:?}");
    let percent = OnStoreFailure::Local { percent: 0 };
    let found = mistakes(built(BasicAuth::users(users()).lockout_store(&handle).on_lockout_store_failure(percent)));
    assert!(found.concat().contains("0 percent"), "{found:?}");
    let found = mistakes(built(BasicAuth::users(users()).lockout(13, 50, WINDOW).lockout_store(&handle)));
    assert!(found.concat().contains("13 is too much for it"), "{found:?}");
    let found = mistakes(built(BasicAuth::users(users()).failure_limit(13, WINDOW).lockout_store(&handle)));
    assert!(found.concat().contains("13 is too much for it"), "{found:?}");
    let hasty = StoreHandle::with_budget(MemoryStore::new(1), Duration::ZERO);
    let found = mistakes(built(BasicAuth::users(users()).lockout_store(&hasty)));
    assert_eq!(found.len(), 1, "told once: {found:?}");
    let app = built(BasicAuth::users(users()).lockout_store(&handle)).expect("valid");
    let plan = format!("{:?}", app.plan());
    assert!(plan.contains("in flaky"), "{plan}");
}

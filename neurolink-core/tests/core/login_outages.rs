//! Logins whose store fails, is slow, or is asked by many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use neurolink_core::BoxError;
use neurolink_core::login::{Claim, Claimed, CredentialStore, FamilyId, Login, MemoryCredentials, NewFamily};
use neurolink_core::middleware::Passwords;
use tokio::time::Instant;

use crate::login_kit::{SECOND, SECRET, ada, me, refresh, serving, sign_in, sign_out, signed_in, tokens};

const FINE: u8 = 0;
const DOWN: u8 = 1;
const SILENT: u8 = 2;
/// It does what it is told, and then says nothing.
const LOSES_ANSWERS: u8 = 3;

/// A store that can be out of order.
#[derive(Clone)]
struct Fragile(Arc<(MemoryCredentials, AtomicU8)>);

impl Fragile {
    fn new() -> Self {
        Self(Arc::new((MemoryCredentials::new(), AtomicU8::new(FINE))))
    }

    fn is(&self, mood: u8) {
        self.0.1.store(mood, SeqCst);
    }

    async fn before(&self) -> Result<(), BoxError> {
        match self.0.1.load(SeqCst) {
            DOWN => Err("secret db password=hunter2 is down".into()),
            SILENT => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn after(&self) {
        if self.0.1.load(SeqCst) == LOSES_ANSWERS {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait::async_trait]
impl CredentialStore for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    async fn begin(&self, new: NewFamily<'_>, now: Duration) -> Result<Vec<FamilyId>, BoxError> {
        self.before().await?;
        self.0.0.begin(new, now).await
    }

    async fn look(&self, family: &FamilyId) -> Result<Option<String>, BoxError> {
        self.before().await?;
        self.0.0.look(family).await
    }

    async fn claim(&self, claim: Claim<'_>, now: Duration) -> Result<Claimed, BoxError> {
        self.before().await?;
        let claimed = self.0.0.claim(claim, now).await;
        self.after().await;
        claimed
    }

    async fn revoke(&self, family: &FamilyId) -> Result<(), BoxError> {
        self.before().await?;
        self.0.0.revoke(family).await
    }
}

fn login(store: &Fragile) -> Login {
    let passwords = Passwords::users([ada()]).failure_limit(3, 60 * SECOND);
    Login::new(passwords, SECRET).store(store.clone())
}

#[tokio::test]
async fn a_store_that_is_down_is_503_everywhere_without_its_text_and_counts_nothing() {
    let store = Fragile::new();
    let (app, _) = serving(login(&store));
    let (access, token) = signed_in(&app).await;
    store.is(DOWN);
    for _ in 0..4 {
        for answer in [
            sign_in(&app, "ada", "correct horse").await,
            refresh(&app, &token).await,
            sign_out(&app, &token).await,
            me(&app, &access).await,
        ] {
            assert_eq!((answer.status, answer.code().as_str()), (503, "UNAVAILABLE"));
            assert!(!answer.body.contains("hunter2"));
        }
    }
    store.is(FINE);
    assert_eq!(me(&app, &access).await.status, 200);
    assert_eq!(refresh(&app, &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_nothing_is_waited_for_as_long_as_was_said() {
    let store = Fragile::new();
    let (app, _) = serving(login(&store).store_timeout(Duration::from_millis(300)));
    let (access, token) = signed_in(&app).await;
    store.is(SILENT);
    for what in 0..2 {
        let begun = Instant::now();
        let answer = if what == 0 { refresh(&app, &token).await } else { me(&app, &access).await };
        assert_eq!(answer.status, 503);
        assert_eq!(begun.elapsed().as_millis() / 10, 30, "{:?}", begun.elapsed());
    }
}

/// The claim was made, and its answer was lost: whoever comes again in time gets the token that was made.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_ends_no_login() {
    let store = Fragile::new();
    let (app, _) = serving(login(&store));
    let (_, token) = signed_in(&app).await;
    store.is(LOSES_ANSWERS);
    assert_eq!(refresh(&app, &token).await.status, 503);
    store.is(FINE);
    let (_, next) = tokens(&refresh(&app, &token).await);
    assert_eq!(refresh(&app, &next).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_sixty_four_requests_ask_the_store_at_one_time() {
    let store = Fragile::new();
    let (app, _) = serving(login(&store));
    let (_, token) = signed_in(&app).await;
    store.is(SILENT);
    let begun = Instant::now();
    let at_once = |answers: Vec<(u16, Duration)>| answers.iter().filter(|(_, took)| took.is_zero()).count();
    let answers = join_all((0..70).map(|_| async {
        let answer = refresh(&app, &token).await;
        (answer.status, begun.elapsed())
    }))
    .await;
    assert!(answers.iter().all(|(status, _)| *status == 503));
    assert_eq!(at_once(answers), 6);
}

//! What logins tell of themselves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use neurolink_core::ManualClock;
use neurolink_core::app::Observer;
use neurolink_core::login::MemoryCredentials;
use neurolink_core::security::{SecurityEvent, SecurityEventKind};

use crate::login_kit::{building, login, refresh, sign_in, signed_in, tokens};
use crate::logins::claims;

/// Keeps the names of events, and of families the owner and the reason.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

impl Observer for Kept {
    fn security(&self, event: &SecurityEvent<'_>) {
        let more = match &event.kind {
            SecurityEventKind::FamilyRevoked { family, owner, reason } => format!(" {owner} {reason} {family}"),
            _ => String::new(),
        };
        self.0.lock().expect("no panic").push(format!("{}{more}", event.kind.name()));
    }
}

#[tokio::test]
async fn a_login_that_makes_room_for_another_of_its_user_is_an_event() {
    let kept = Kept::default();
    let full = || login().store(MemoryCredentials::with_capacity(2));
    for login in [login().per_user(2), full()] {
        let app = building(login).observe(kept.clone()).build().expect("valid");
        let (oldest, _) = signed_in(&app).await;
        signed_in(&app).await;
        assert_eq!(kept.take(), [""; 0]);
        signed_in(&app).await;
        let [event] = &*kept.take() else { panic!("one event") };
        let sid = event.strip_prefix("family_revoked u1 another login of the user took its place ").expect("it");
        assert_eq!(claims(&oldest)["sid"], sid);
    }
}

#[tokio::test]
async fn each_refusal_is_one_event() {
    let kept = Kept::default();
    let take =
        || kept.take().iter().map(|event| event.split(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let app = building(login()).observe(kept.clone()).clock(Arc::clone(&clock) as _).build().expect("valid");
    assert_eq!(sign_in(&app, "ada", "wrong").await.status, 401);
    assert_eq!(take(), ["authentication_failed"]);
    assert_eq!(refresh(&app, "nlrt_none").await.status, 401);
    assert_eq!(take(), ["authentication_failed"]);
    let (_, first) = signed_in(&app).await;
    let (_, second) = tokens(&refresh(&app, &first).await);
    let _ = refresh(&app, &second).await;
    assert_eq!(take(), [""; 0]);
    assert_eq!(refresh(&app, &first).await.status, 401);
    assert_eq!(take(), ["family_revoked", "authentication_failed"]);
}

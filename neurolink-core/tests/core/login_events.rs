//! What logins tell of themselves.

use std::sync::Arc;

use neurolink_core::login::{Login, MemoryCredentials};
use neurolink_core::{App, ManualClock};

use crate::fixture::START;
use crate::login_kit::{building, login, refresh, sign_in, signed_in, tokens};
use crate::logins::claims;
use crate::security_events::Kept;

fn observed(login: Login) -> (App, Kept) {
    let kept = Kept::default();
    let app = building(login).observe(kept.clone()).clock(Arc::new(ManualClock::at(START)));
    (app.build().expect("valid"), kept)
}

#[tokio::test]
async fn a_login_that_makes_room_for_another_of_its_user_is_an_event() {
    let full = || login().store(MemoryCredentials::with_capacity(2));
    for login in [login().per_user(2), full()] {
        let (app, kept) = observed(login);
        let (oldest, _) = signed_in(&app).await;
        signed_in(&app).await;
        assert_eq!(kept.take(), [""; 0]);
        signed_in(&app).await;
        let [event] = &*kept.take() else { panic!("one event") };
        let sid = event.strip_prefix("family_revoked - POST /api/login u1 (another login of the user took its place) ");
        assert_eq!(claims(&oldest)["sid"].as_str(), sid, "{event}");
    }
}

#[tokio::test]
async fn each_refusal_is_one_event() {
    let (app, kept) = observed(login());
    let first = |event: &String| event.split(' ').next().unwrap_or_default().to_owned();
    let take = || kept.take().iter().map(first).collect::<Vec<_>>();
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

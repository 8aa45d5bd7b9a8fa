use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);
const SECOND: Duration = Duration::from_secs(1);
const LIMITS: FamilyLimits = FamilyLimits {
    idle: Duration::from_secs(100),
    absolute: Duration::from_secs(300),
    grace: Duration::from_secs(10),
    per_user: 3,
};

fn hash(number: u32) -> TokenHash {
    TokenHash::of(&number.to_be_bytes())
}

fn id(user: u8, family: u8) -> FamilyId {
    FamilyId::new([user; 16], &[family; 16])
}

/// A store with a login whose first token is the number 1.
async fn one() -> (MemoryCredentials, FamilyId) {
    let (store, family) = (MemoryCredentials::new(), id(1, 1));
    begin(&store, &family, NOW).await.expect("room");
    (store, family)
}

async fn begin(store: &MemoryCredentials, family: &FamilyId, now: Duration) -> Result<Vec<FamilyId>, BoxError> {
    store.begin(NewFamily::new(family, "subject", &hash(1), &LIMITS), now).await
}

async fn claim(store: &MemoryCredentials, family: &FamilyId, number: u32, now: Duration) -> Claimed {
    let (presented, successor) = (hash(number), hash(number + 1));
    let claim = Claim::new(family, &presented, &successor, &LIMITS);
    store.claim(claim, now).await.expect("it is in memory")
}

async fn is_there(store: &MemoryCredentials, family: &FamilyId) -> bool {
    store.look(family).await.expect("it is in memory").is_some()
}

#[tokio::test]
async fn a_token_counts_once_and_the_one_before_it_gets_the_same_for_ten_seconds() {
    let (store, family) = one().await;
    assert_eq!(claim(&store, &family, 1, NOW).await, Claimed::Rotated(LIMITS.absolute));
    for later in [0, 1, 10] {
        let left = LIMITS.absolute - SECOND * later;
        assert_eq!(claim(&store, &family, 1, NOW + SECOND * later).await, Claimed::Again(left));
    }
    let late = NOW + 10 * SECOND + Duration::from_millis(1);
    assert_eq!(claim(&store, &family, 1, late).await, Claimed::Reused);
    assert!(!is_there(&store, &family).await);
    assert_eq!(claim(&store, &family, 2, late).await, Claimed::Unknown);
}

#[tokio::test]
async fn a_token_that_is_not_the_last_one_ends_the_login_at_once() {
    for reused in [1, 7] {
        let (store, family) = one().await;
        for number in [1, 2] {
            assert!(matches!(claim(&store, &family, number, NOW).await, Claimed::Rotated(_)));
        }
        assert_eq!(claim(&store, &family, reused, NOW).await, Claimed::Reused);
        assert_eq!(claim(&store, &family, 3, NOW).await, Claimed::Unknown);
    }
}

#[tokio::test]
async fn a_login_ends_unused_and_at_its_last_day_however_it_is_used() {
    let (store, family) = one().await;
    assert_eq!(claim(&store, &family, 1, NOW + LIMITS.idle).await, Claimed::Unknown);
    let (store, family) = one().await;
    let mut number = 1;
    for at in [99, 198, 297] {
        assert!(matches!(claim(&store, &family, number, NOW + SECOND * at).await, Claimed::Rotated(_)), "{at}");
        number += 1;
    }
    assert_eq!(claim(&store, &family, number, NOW + LIMITS.absolute).await, Claimed::Unknown);
    assert!(!is_there(&store, &family).await);
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_nothing_younger() {
    let (store, family) = one().await;
    assert!(matches!(claim(&store, &family, 1, NOW + 50 * SECOND).await, Claimed::Rotated(_)));
    assert_eq!(claim(&store, &family, 1, NOW).await, Claimed::Again(250 * SECOND));
    assert_eq!(claim(&store, &family, 1, NOW + 61 * SECOND).await, Claimed::Reused);
}

#[tokio::test]
async fn a_user_with_too_many_logins_loses_the_oldest_and_nobody_else_any() {
    let store = MemoryCredentials::new();
    begin(&store, &id(9, 1), NOW).await.expect("room");
    for number in 1..=5 {
        let gone = begin(&store, &id(1, number), NOW + SECOND * number.into()).await.expect("room");
        let oldest = number.checked_sub(LIMITS.per_user as u8).filter(|oldest| *oldest > 0);
        assert_eq!(gone, oldest.map(|oldest| id(1, oldest)).into_iter().collect::<Vec<_>>(), "it is told");
    }
    for number in 1..=5 {
        assert_eq!(is_there(&store, &id(1, number)).await, number > 2, "{number}");
    }
    assert!(is_there(&store, &id(9, 1)).await);
}

#[tokio::test]
async fn a_full_store_drops_what_is_over_then_the_users_own_and_never_anothers() {
    let store = MemoryCredentials::with_capacity(3);
    for user in 1..=3 {
        begin(&store, &id(user, 1), NOW).await.expect("room");
    }
    assert!(begin(&store, &id(4, 1), NOW).await.is_err());
    assert_eq!(begin(&store, &id(3, 2), NOW).await.expect("their own goes"), [id(3, 1)]);
    for (user, family, there) in [(1, 1, true), (2, 1, true), (3, 1, false), (3, 2, true), (4, 1, false)] {
        assert_eq!(is_there(&store, &id(user, family)).await, there, "{user} {family}");
    }
    assert!(matches!(claim(&store, &id(1, 1), 1, NOW + 50 * SECOND).await, Claimed::Rotated(_)));
    let gone = begin(&store, &id(4, 1), NOW + LIMITS.idle).await.expect("two are over");
    assert_eq!(gone, [], "what is over is nobody's loss");
    assert!(is_there(&store, &id(1, 1)).await && !is_there(&store, &id(2, 1)).await);
    let kept = store.state().users.values().map(Vec::len).sum::<usize>();
    assert_eq!((kept, store.state().count), (2, 2));
}

#[tokio::test]
async fn an_ended_login_leaves_nothing_behind() {
    let (store, family) = one().await;
    for _ in 0..2 {
        store.revoke(&family).await.expect("it is in memory");
        assert!(!is_there(&store, &family).await);
    }
    assert!(store.state().users.is_empty() && store.state().count == 0);
}

use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;

use super::*;

/// Two Ed25519 keys; the second is called `b`.
const A: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const B: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[derive(Clone, Default)]
struct Provider(Arc<Inside>);

#[derive(Default)]
struct Inside {
    /// What it gives; nothing is an outage.
    text: Mutex<Option<String>>,
    asked: AtomicUsize,
    takes: Mutex<Duration>,
}

impl Provider {
    fn giving(keys: &[&str]) -> Self {
        let provider = Self::default();
        provider.gives(keys);
        provider
    }

    fn gives(&self, keys: &[&str]) {
        *self.0.text.lock().expect("a lock") = Some(format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
    }

    fn is_away(&self) {
        *self.0.text.lock().expect("a lock") = None;
    }

    fn takes(&self, time: Duration) {
        *self.0.takes.lock().expect("a lock") = time;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn remote(&self) -> Arc<Remote> {
        Arc::new(Remote::new(self.clone()))
    }
}

#[async_trait]
impl KeySource for Provider {
    fn name(&self) -> String {
        "the provider".into()
    }

    async fn fetch(&self) -> Result<String, Error> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let takes = *self.0.takes.lock().expect("a lock");
        tokio::time::sleep(takes).await;
        self.0.text.lock().expect("a lock").clone().ok_or_else(|| Error::internal("away"))
    }
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Lets a fetch that was begun come to its end.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn code(remote: &Arc<Remote>) -> Option<Code> {
    remote.current().await.err().map(|error| error.code())
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_the_first_token_and_once_for_all_who_wait() {
    let provider = Provider::giving(&[A]);
    provider.takes(Duration::from_millis(500));
    let remote = provider.remote();
    assert_eq!(provider.asked(), 0);
    let all = futures_util::future::join_all((0..100).map(|_| remote.current())).await;
    assert!(all.iter().all(|set| set.as_ref().is_ok_and(|set| set.names("a"))));
    assert_eq!(provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn they_are_refreshed_beside_the_requests() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    provider.gives(&[A, B]);
    pass(299).await;
    assert!(!remote.current().await.expect("keys").names("b"));
    assert_eq!(provider.asked(), 1);
    pass(1).await;
    assert!(!remote.current().await.expect("the old keys, at once").names("b"));
    settle().await;
    assert!(remote.current().await.expect("keys").names("b"));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_silence_new_keys_are_waited_for() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    provider.gives(&[B]);
    pass(600).await;
    let set = remote.current().await.expect("keys");
    assert!(set.names("b") && !set.names("a"), "a key that was taken back is not used once more");
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_keys_for_a_day_and_then_nobody_passes() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    let generation = remote.generation();
    provider.is_away();
    for _ in 0..23 {
        pass(3600).await;
        assert_eq!(code(&remote).await, None);
    }
    assert_eq!(remote.generation(), generation);
    pass(3600).await;
    assert_eq!(code(&remote).await, Some(Code::Unavailable));
    assert_ne!(remote.generation(), generation, "what they verified counts no more");
    provider.gives(&[A]);
    pass(30).await;
    assert_eq!(code(&remote).await, None);
}

#[tokio::test(start_paused = true)]
async fn without_keys_it_is_503_and_the_source_is_asked_every_five_seconds() {
    let provider = Provider::default();
    let remote = provider.remote();
    for _ in 0..50 {
        assert_eq!(code(&remote).await, Some(Code::Unavailable));
    }
    assert_eq!(provider.asked(), 1);
    pass(5).await;
    provider.gives(&[A]);
    assert_eq!(code(&remote).await, None);
    assert_eq!(provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_second_and_the_source_has_five() {
    let provider = Provider::giving(&[A]);
    provider.takes(Duration::from_secs(3600));
    let remote = provider.remote();
    let begun = Instant::now();
    assert_eq!(code(&remote).await, Some(Code::Unavailable));
    assert_eq!(begun.elapsed().as_secs(), 1);
    provider.takes(Duration::ZERO);
    pass(3).await;
    assert_eq!(code(&remote).await, Some(Code::Unavailable), "the first is still at work");
    assert_eq!(provider.asked(), 1);
    pass(1).await;
    settle().await;
    assert_eq!(code(&remote).await, None);
    assert_eq!(provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_asks_once_for_all_and_no_sooner_than_in_30_seconds() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    provider.gives(&[A, B]);
    assert!(remote.with_name("b").await.is_none(), "it was asked just now");
    assert_eq!(provider.asked(), 1);
    pass(30).await;
    let found = futures_util::future::join_all((0..100).map(|_| remote.with_name("b"))).await;
    assert!(found.iter().all(|set| set.as_ref().is_some_and(|set| set.names("b"))));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn names_of_no_key_are_known_for_a_while_and_are_not_many() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    pass(30).await;
    assert!(remote.with_name("x").await.is_none());
    pass(30).await;
    assert!(remote.with_name("x").await.is_none());
    assert_eq!(provider.asked(), 2, "that name is known to be of none");
    let names: Vec<_> = (0..1000).map(|n| format!("name {n}")).collect();
    futures_util::future::join_all(names.iter().map(|name| remote.with_name(name))).await;
    assert_eq!(provider.asked(), 3);
    assert_eq!(remote.state().missing.len(), MOST_MISSING);
}

#[tokio::test(start_paused = true)]
async fn the_same_set_is_the_same_generation_and_another_is_not() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    let first = remote.generation();
    pass(600).await;
    assert_eq!(code(&remote).await, None);
    assert_eq!((provider.asked(), remote.generation()), (2, first));
    provider.gives(&[B]);
    pass(600).await;
    assert_eq!(code(&remote).await, None);
    assert_ne!(remote.generation(), first);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_set_changes_nothing() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    for text in ["", "[]", "<html>", r#"{"keys":{}}"#, &" ".repeat(300 * 1024)] {
        *provider.0.text.lock().expect("a lock") = Some(text.to_owned());
        pass(600).await;
        assert!(remote.current().await.expect("the old keys").names("a"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_set_the_keys_that_can_be_used_are() {
    let secret = r#"{"kty":"oct","kid":"s","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let encryption = A.replacen('{', r#"{"use":"enc","#, 1).replace("\"a\"", "\"e\"");
    let private = A.replacen('{', r#"{"d":"AA","#, 1).replace("\"a\"", "\"d\"");
    let other = r#"{"kty":"AKP","kid":"p","alg":"ML-DSA-44","pub":"AA"}"#;
    let provider = Provider::giving(&[secret, &encryption, &private, other, "7", B]);
    let set = provider.remote().current().await.expect("keys");
    assert_eq!(set.keys.len(), 1);
    assert!(set.names("b"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_lets_nobody_in() {
    let provider = Provider::giving(&[A]);
    let remote = provider.remote();
    assert_eq!(code(&remote).await, None);
    provider.gives(&[]);
    pass(600).await;
    assert!(remote.current().await.expect("a set").keys.is_empty());
}

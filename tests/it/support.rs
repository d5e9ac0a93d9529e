//! What the tests share: waiting, servers that judge, clients.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Waits until the condition holds; fails after the limit. Polls every few milliseconds.
pub async fn until<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < limit, "waited 30 s in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

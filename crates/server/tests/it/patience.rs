//! Waiting for what is to happen: as long as a busy machine needs, and not for ever.

use std::time::Duration;

/// Nothing that these tests wait for takes longer, unless the machine stands still.
const PATIENCE: Duration = Duration::from_mins(2);

/// What `wait` comes to. Where it comes to nothing, the test fails and says what it waited for.
pub(crate) async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, wait).await;
    came.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// Waits until this is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    soon(what, look).await;
}

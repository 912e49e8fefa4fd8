//! Items of runs wait a moment for each other once their pixels are done: the disk and the store are then told of a
//! dozen together, which costs them little more than one. Nobody waits for the answer of one item, and no thread waits
//! meanwhile; single jobs do not wait.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

/// How long the first of them waits.
const MOMENT: Duration = Duration::from_millis(25);

/// Where they wait.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Whether somebody waits for the moment to pass, on behalf of all.
    led: AtomicBool,
    over: Notify,
}

impl Gathering {
    /// Returns when the moment of whoever came first is over.
    pub(super) async fn join(&self) {
        let over = self.over.notified();
        if self.led.swap(true, SeqCst) {
            over.await;
        } else {
            let _leading = Leading(self);
            sleep(MOMENT).await;
        }
    }
}

/// Lets everybody go when dropped: also if the one who leads is stopped.
struct Leading<'a>(&'a Gathering);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.0.led.store(false, SeqCst);
        self.0.over.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::join_all};

    #[tokio::test(start_paused = true)]
    async fn all_who_come_within_the_moment_of_the_first_go_with_it() {
        let (gathering, start) = (Gathering::default(), tokio::time::Instant::now());
        let come = |after: u64| {
            let gathering = &gathering;
            async move {
                sleep(Duration::from_millis(after)).await;
                gathering.join().await;
                start.elapsed().as_millis() as u64
            }
        };
        let gone = join_all([0, 3, 24, 40, 41].map(come)).await;
        assert_eq!(gone, [25, 25, 25, 65, 65]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_one_who_was_stopped() {
        let gathering = Gathering::default();
        let (mut first, mut second) = (Box::pin(gathering.join()), Box::pin(gathering.join()));
        assert_eq!((first.as_mut().now_or_never(), second.as_mut().now_or_never()), (None, None));
        drop(first);
        assert_eq!(second.now_or_never(), Some(()));
    }
}

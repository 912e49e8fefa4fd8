//! The threads that do pixel work: as many as slots, their own, so that the runtime never waits for pixels.

use std::{
    any::Any,
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that take work in order. The queue is bounded by its callers: one piece a held job.
#[derive(Debug)]
pub(super) struct Pool {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.lock().work.len()).finish()
    }
}

/// The work panicked; what it said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panicked(pub(super) String);

impl Pool {
    /// Starts `threads` threads; they end when the pool is dropped.
    pub(super) fn start(threads: u32) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("pixels-{number}")).spawn(move || queue.work())?;
        }
        Ok(Self { queue })
    }

    /// Runs `work` on one of the threads. A panic in it stays in it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let (answer, answered) = oneshot::channel();
        let piece = move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            // Nobody waits any more if the job was dropped meanwhile.
            let _ = answer.send(done.map_err(|panic| Panicked(words(&*panic))));
        };
        self.queue.lock().work.push_back(Box::new(piece));
        self.queue.changed.notify_one();
        answered.await.unwrap_or_else(|_| Err(Panicked("the thread ended".to_owned())))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(piece) = self.next() {
            piece();
        }
    }

    fn next(&self) -> Option<Work> {
        let idle = |state: &mut State| state.work.is_empty() && !state.closed;
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        state.work.pop_front()
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_the_thread_goes_on() {
        let pool = Pool::start(1).unwrap();
        let panicked = pool.run(|| -> u32 { panic!("row {}", 7) }).await;
        assert_eq!(panicked, Err(Panicked("row 7".to_owned())));
        assert_eq!(pool.run(|| 42).await, Ok(42));
    }

    #[tokio::test]
    async fn pieces_run_beside_each_other_on_all_threads() {
        let pool = Pool::start(2).unwrap();
        let meeting = Arc::new(std::sync::Barrier::new(2));
        let (one, other) = (Arc::clone(&meeting), meeting);
        // Each waits for the other: one thread alone would never end.
        let (left, right) = tokio::join!(
            pool.run(move || one.wait().is_leader()),
            pool.run(move || other.wait().is_leader())
        );
        assert_ne!(left.unwrap(), right.unwrap());
    }
}

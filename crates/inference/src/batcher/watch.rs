//! Runs that take too long are stopped, and their callers told, even where the engine does not stop.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::reply::Reply;
use crate::{InferenceError, engine::Stop};

/// Watches all runs of all models, with one thread that exists while there is something to watch.
///
/// Every run is given the same time, so deadlines come in order: the thread sleeps until the first one and need not
/// be woken when a run begins.
#[derive(Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
    /// Never notified; the thread waits on it with a deadline, as the lock is to be free meanwhile.
    deadline: Condvar,
}

#[derive(Default)]
struct State {
    runs: BTreeMap<u64, Watched>,
    next: u64,
    awake: bool,
}

/// A run in progress.
pub(crate) struct Run {
    pub(crate) model: String,
    pub(crate) allowed: Duration,
    pub(crate) stop: Arc<dyn Stop>,
    pub(crate) replies: Vec<Reply>,
}

struct Watched {
    deadline: Instant,
    run: Run,
    late: Arc<AtomicBool>,
}

/// A run is watched until this is dropped.
pub(crate) struct Guard<'a> {
    watch: &'a Watch,
    number: u64,
    late: Arc<AtomicBool>,
}

impl Watch {
    /// Watches a run that begins now.
    pub(crate) fn over(self: &Arc<Self>, run: Run) -> Guard<'_> {
        let late = Arc::new(AtomicBool::new(false));
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let deadline = Instant::now() + run.allowed;
        state.runs.insert(number, Watched { deadline, run, late: Arc::clone(&late) });
        if !state.awake {
            let inside = Arc::clone(self);
            // Without a thread nothing is stopped, but everything else works.
            state.awake = thread::Builder::new()
                .name("inference-watch".to_owned())
                .spawn(move || inside.keep())
                .is_ok();
        }
        Guard { watch: self, number, late }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        let mut state = self.lock();
        while let Some(first) = state.runs.values().next() {
            let left = first.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if let Some((_, late)) = state.runs.pop_first() {
                    drop(state);
                    late.end();
                    state = self.lock();
                }
            } else {
                state = self.deadline.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        state.awake = false;
    }
}

impl Watched {
    fn end(&self) {
        self.late.store(true, Ordering::Release);
        self.run.stop.stop();
        let error = InferenceError::TimedOut { model: self.run.model.clone(), after: self.run.allowed };
        tracing::warn!(model = %self.run.model, "a run took too long and is stopped");
        for reply in &self.run.replies {
            reply.send(Err(error.clone()));
        }
    }
}

impl Guard<'_> {
    /// Whether time is up, and the callers know.
    pub(crate) fn is_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.watch.lock().runs.remove(&self.number);
    }
}

//! What waits for one model, and who could take it.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::Request;
use crate::InferenceError;

pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    most: usize,
}

struct State {
    waiting: VecDeque<Request>,
    /// Threads that exist.
    runners: usize,
    /// Those of them that have no request: they wait for one, or are about to. A thread is idle before its answers
    /// are sent, so that a caller's next request finds it so.
    idle: usize,
    /// How many threads there may be: one until the model is loaded and measured.
    limit: usize,
    loaded: bool,
    closed: bool,
    failure: Option<InferenceError>,
}

/// What a push asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Nobody,
    /// One more thread; it is counted already.
    Another,
}

impl Queue {
    pub(super) fn new(most: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            runners: 0,
            idle: 0,
            limit: 1,
            loaded: false,
            closed: false,
            failure: None,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new(), most }
    }

    /// A panic while the lock is held would be in code that only moves values; the state is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request unless too many wait, or the model cannot be loaded.
    pub(super) fn push(&self, request: Request, id: &str) -> Result<Start, InferenceError> {
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        if state.waiting.len() >= self.most {
            state.waiting.retain(|request| !request.reply.is_abandoned());
        }
        if state.waiting.len() >= self.most {
            return Err(InferenceError::Overloaded { model: id.to_owned(), waiting: state.waiting.len() });
        }
        state.waiting.push_back(request);
        if state.idle >= state.waiting.len() {
            drop(state);
            self.arrived.notify_one();
            return Ok(Start::Nobody);
        }
        if state.runners < state.limit {
            state.runners += 1;
            return Ok(Start::Another);
        }
        drop(state);
        self.arrived.notify_one();
        Ok(Start::Nobody)
    }

    /// The calling thread has no request (any more): its answers can be sent.
    pub(super) fn idle(&self) {
        self.lock().idle += 1;
    }

    /// Waits for requests and takes a fair share of them, at most `most`; `None` once there will be no more. The caller
    /// has said that it is idle, and is not any more.
    ///
    /// Those whose caller went away are skipped.
    pub(super) fn take(&self, most: usize) -> Option<Vec<Request>> {
        let mut state = self.lock();
        loop {
            let share = state.waiting.len().div_ceil(state.idle.max(1)).min(most);
            let mut taken = Vec::with_capacity(share);
            while let Some(request) = state.waiting.pop_front() {
                if !request.reply.is_abandoned() {
                    taken.push(request);
                }
                if taken.len() >= share {
                    break;
                }
            }
            if !taken.is_empty() || state.closed {
                state.idle -= 1;
                return (!taken.is_empty()).then_some(taken);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The model is loaded, and may have so many threads.
    pub(super) fn loaded(&self, limit: usize) {
        let mut state = self.lock();
        state.loaded = true;
        state.limit = limit.max(1);
    }

    /// The model cannot be loaded: whoever waits is told, and so is everyone after.
    pub(super) fn fail(&self, failure: &InferenceError) {
        let waiting = {
            let mut state = self.lock();
            state.failure = Some(failure.clone());
            state.loaded = false;
            std::mem::take(&mut state.waiting)
        };
        for request in waiting {
            request.reply.send(Err(failure.clone()));
        }
    }

    /// A thread ends that was counted.
    pub(super) fn leave(&self) {
        self.lock().runners -= 1;
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    pub(super) fn failure(&self) -> Option<InferenceError> {
        self.lock().failure.clone()
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.lock().loaded
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }
}

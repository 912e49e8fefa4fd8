//! How an answer finds back to who asked: awaited, or waited for by a thread.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;

use super::Answer;
use crate::InferenceError;

pub(crate) type Receiver = oneshot::Receiver<Result<Answer, InferenceError>>;
type Sender = oneshot::Sender<Result<Answer, InferenceError>>;

/// The place for one answer. Whoever answers first is heard; clones share the place.
#[derive(Clone)]
pub(crate) struct Reply(Arc<Mutex<Option<Sender>>>);

impl Reply {
    pub(crate) fn new() -> (Self, Receiver) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    pub(crate) fn send(&self, answer: Result<Answer, InferenceError>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Nobody listens any more: then nobody misses it.
        let _unheard = sender.map(|sender| sender.send(answer));
    }

    /// Whether nobody waits for the answer.
    pub(crate) fn is_abandoned(&self) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

type Finish<T> = Box<dyn FnOnce(Answer) -> Result<T, InferenceError> + Send>;

/// An answer that is on its way. Dropping it withdraws the request if no session has taken it yet.
#[must_use = "dropping it withdraws the request"]
pub struct Pending<T> {
    receiver: Receiver,
    finish: Option<Finish<T>>,
    model: String,
}

impl<T> Pending<T> {
    pub(crate) fn new(model: &str, receiver: Receiver, finish: Finish<T>) -> Self {
        Self { receiver, finish: Some(finish), model: model.to_owned() }
    }

    /// Blocks this thread until the answer is there. Not for asynchronous code: await it there.
    pub fn wait(mut self) -> Result<T, InferenceError> {
        let finish = self.finish.take();
        let answer = self.receiver.blocking_recv();
        finished(&self.model, answer, finish)
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, InferenceError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.receiver).poll(context));
        let finish = self.finish.take();
        Poll::Ready(finished(&self.model, answer, finish))
    }
}

fn finished<T>(
    model: &str,
    answer: Result<Result<Answer, InferenceError>, oneshot::error::RecvError>,
    finish: Option<Finish<T>>,
) -> Result<T, InferenceError> {
    // The sender is gone only when a thread died with it in its hands.
    let lost = || InferenceError::Failed {
        model: model.to_owned(),
        detail: "it ended without an answer".to_owned(),
    };
    let finish = finish.ok_or_else(lost)?;
    finish(answer.map_err(|_| lost())??)
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("model", &self.model).finish_non_exhaustive()
    }
}

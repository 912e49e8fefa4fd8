//! Requests of one model, gathered while its sessions are busy and never by waiting.
//!
//! A model has a bounded queue and threads of its own, so that one that stalls or crashes holds up nobody else. The
//! first thread loads the model; further ones, with a session each, are started when a request finds none idle. A
//! thread that gets free takes what waits, at most a batch; with several idle, they share.

mod execute;
mod queue;
mod reply;
mod runner;
mod watch;

use std::sync::Arc;

pub use reply::Pending;
pub(crate) use watch::{Run, Watch};

use crate::{
    InferenceError,
    batcher::{
        queue::{Queue, Start},
        reply::Reply,
    },
    load::{Loader, Signature},
    tensor::Named,
};

/// What is asked of a model.
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) reply: Reply,
}

/// The kinds of questions.
pub(crate) enum Ask {
    /// To be loaded, no more.
    Ready,
    /// Tensors as the client typed them.
    Tensors(Vec<Named>),
    /// A tensor that was made of an image, as `F32`: turned into the kind that the model takes.
    Image(Named),
}

/// The answer, of the kind that was asked for.
pub(crate) enum Answer {
    Ready(Arc<Signature>),
    Tensors(Vec<Named>),
}

/// What all threads of a model share.
pub(crate) struct Shop {
    pub(crate) loader: Loader,
    queue: Queue,
}

/// The queue of a loaded model. Dropping it lets the threads finish what waits, and end.
pub(crate) struct Batcher(Arc<Shop>);

impl Batcher {
    /// Nothing is loaded yet.
    pub(crate) fn new(loader: Loader) -> Self {
        let queue = Queue::new(loader.house.queue);
        Self(Arc::new(Shop { loader, queue }))
    }

    /// Queues a request, or refuses it.
    pub(crate) fn submit(&self, ask: Ask) -> Result<reply::Receiver, InferenceError> {
        let (reply, receiver) = Reply::new();
        match self.0.queue.push(Request { ask, reply }, &self.0.loader.id)? {
            Start::Nobody => {}
            Start::Another => runner::start(&self.0),
        }
        Ok(receiver)
    }

    /// What it takes and gives, once it has been loaded.
    pub(crate) fn signature(&self) -> Option<Arc<Signature>> {
        self.0.loader.signature()
    }

    /// Why it cannot be loaded, once that is known.
    pub(crate) fn failure(&self) -> Option<InferenceError> {
        self.0.queue.failure()
    }

    /// Whether a session is there.
    pub(crate) fn is_loaded(&self) -> bool {
        self.0.queue.is_loaded()
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.queue.waiting()
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

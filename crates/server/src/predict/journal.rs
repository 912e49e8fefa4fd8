//! The recorder of the inference log: answers do not wait for the disk, entries are written many at a time.
//!
//! An entry is on the disk at most `predictions.flush` after its answer, or as soon as there are [`BATCH`] of them; at
//! a shutdown all are written. A process that is killed loses what it had not written yet. The entries of jobs take
//! another way: they are recorded with the job's outcome, and nothing can lose them.

use std::{sync::Arc, time::Duration};

use darkroom_core::{
    job::OperationResult,
    prediction::NewPrediction,
    store::{CacheKey, Store, StoreError},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Tally;
use crate::{Parts, config::Mistake, settings, telemetry::Metrics};

/// Entries written together at most.
const BATCH: usize = 512;

/// How long to wait before a store that did not take entries is asked again.
const RETRY: Duration = Duration::from_millis(250);

/// How long a store is asked to take entries before they are given up.
const STUBBORN: Duration = Duration::from_secs(15);

settings! {
    /// The inference log.
    pub struct JournalConfig in "predictions" {
        /// Whether predictions are logged.
        enabled: bool = true,
        /// How long entries wait to be written together.
        flush: Duration = Duration::from_millis(200),
        /// Entries that may wait to be written.
        waiting: usize = 4_096,
        /// How long an answer is held back when there is no room for its entry; then it goes out unlogged, and is counted.
        patience: Duration = Duration::from_secs(1),
    }
}

impl JournalConfig {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.flush.is_zero() || self.flush > Duration::from_mins(1) {
            mistakes.push(Mistake::new("predictions.flush", "is between 1ms and 1m"));
        }
        if !(1..=1_000_000).contains(&self.waiting) {
            mistakes.push(Mistake::new("predictions.waiting", "is 1 to 1000000"));
        }
        if self.patience > Duration::from_mins(1) {
            mistakes.push(Mistake::new("predictions.patience", "is at most 1m"));
        }
        mistakes
    }
}

enum Message {
    Entry(Box<NewPrediction>),
    /// A result of no job that is to be remembered.
    Result(CacheKey, Box<OperationResult>),
    /// Everything before this is to be written at once; then whoever asks is told.
    Flush(oneshot::Sender<()>),
}

/// Takes entries. Clones are the same recorder.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    messages: mpsc::Sender<Message>,
    /// Whether entries are written; otherwise they are only counted.
    logs: bool,
    patience: Duration,
    metrics: Arc<Metrics>,
    tally: Arc<Tally>,
}

/// The task behind a [`Journal`].
#[derive(Debug)]
pub(crate) struct JournalTask {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Journal {
    /// Starts the recorder. To be called inside of a runtime.
    pub(crate) fn start(parts: &Parts, metrics: Arc<Metrics>) -> (Self, JournalTask) {
        let config = parts.config.predictions.clone();
        let (sender, messages) = mpsc::channel(config.waiting);
        let stop = CancellationToken::new();
        let (patience, logs) = (config.patience, config.enabled);
        let writer = Writer {
            store: Arc::clone(&parts.store),
            metrics: Arc::clone(&metrics),
            flush: config.flush,
            messages,
            stop: stop.clone(),
        };
        let task = tokio::spawn(writer.run());
        let tally = Arc::clone(parts.predictor.tally());
        (Self { messages: sender, logs, patience, metrics, tally }, JournalTask { stop, task })
    }

    /// Counts an answered question, and has it written. Waits only if there is no room.
    pub(crate) async fn note(&self, entry: NewPrediction) {
        count(&entry, &self.metrics, &self.tally);
        if !self.logs {
            return;
        }
        let full = match self.messages.try_send(Message::Entry(Box::new(entry))) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(message)) => message,
            Err(mpsc::error::TrySendError::Closed(_)) => return self.metrics.unlogged.inc(),
        };
        if !matches!(timeout(self.patience, self.messages.send(full)).await, Ok(Ok(()))) {
            self.metrics.unlogged.inc();
        }
    }

    /// Has the result of a question that belongs to no job remembered, unless there is much to write already: then it
    /// is worked out again one day.
    pub(crate) fn remember(&self, key: CacheKey, result: OperationResult) {
        let _ = self.messages.try_send(Message::Result(key, Box::new(result)));
    }

    /// Returns once what was noted before is written, so that whoever reads the log sees their own questions; or
    /// after the time that answers wait for room.
    pub(crate) async fn flushed(&self) {
        let (done, written) = oneshot::channel();
        let asked = async {
            if self.messages.send(Message::Flush(done)).await.is_ok() {
                // An error means that the recorder has ended, and has written everything.
                let _ = written.await;
            }
        };
        let _ = timeout(self.patience, asked).await;
    }
}

impl JournalTask {
    /// Writes what waits and takes no more.
    pub(crate) async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the recorder of predictions ended badly");
        }
    }
}

/// Counts an answered question.
pub(crate) fn count(entry: &NewPrediction, metrics: &Metrics, tally: &Tally) {
    metrics.predicted(entry.surface, entry.answer.ending());
    tally.add(entry);
}

struct Writer {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    flush: Duration,
    messages: mpsc::Receiver<Message>,
    stop: CancellationToken,
}

impl Writer {
    async fn run(mut self) {
        let (mut batch, mut results, mut told) = (Vec::with_capacity(BATCH), Vec::new(), Vec::new());
        while let Some(first) = self.next(None).await {
            let until = Instant::now() + self.flush;
            let mut message = Some(first);
            while let Some(taken) = message.take() {
                match taken {
                    Message::Entry(entry) => batch.push(*entry),
                    Message::Result(key, result) => results.push((key, *result)),
                    Message::Flush(done) => told.push(done),
                }
                if batch.len() + results.len() < BATCH && told.is_empty() {
                    message = self.next(Some(until)).await;
                }
            }
            self.write(std::mem::take(&mut batch)).await;
            self.remember(std::mem::take(&mut results)).await;
            for done in told.drain(..) {
                let done: oneshot::Sender<()> = done;
                // Whoever does not listen any more needs no answer.
                let _ = done.send(());
            }
        }
    }

    /// The next message; `None` at `until`, or when there will be none. After a stop only what waits already comes.
    async fn next(&mut self, until: Option<Instant>) -> Option<Message> {
        loop {
            tokio::select! {
                biased;
                message = self.messages.recv() => return message,
                () = self.stop.cancelled(), if !self.messages.is_closed() => self.messages.close(),
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return None,
            }
        }
    }

    async fn remember(&self, results: Vec<(CacheKey, OperationResult)>) {
        if results.is_empty() {
            return;
        }
        if let Err(error) = self.store.remember(results).await {
            tracing::warn!(%error, "answers could not be remembered");
        }
    }

    async fn write(&self, batch: Vec<NewPrediction>) {
        if batch.is_empty() {
            return;
        }
        let (entries, until) = (batch.len() as u64, Instant::now() + STUBBORN);
        loop {
            match self.store.record(batch.clone()).await {
                Ok(()) => return,
                // Whether this was recorded is unknown; an entry that is there twice is better than none.
                Err(StoreError::Unavailable(_) | StoreError::DiskFull) if Instant::now() < until => {
                    sleep(RETRY).await;
                }
                Err(error) => {
                    self.metrics.unlogged.inc_by(entries);
                    return tracing::error!(%error, entries, "predictions could not be logged");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

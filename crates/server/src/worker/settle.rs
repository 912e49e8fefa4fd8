//! Settling: outcomes that wait are recorded together. Nothing waits for company; company comes while the store is
//! busy with the settlements before.

use std::{sync::Arc, time::Duration};

use darkroom_core::store::{SESSION_TTL, Settled, Settlement, Store, StoreError};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use crate::telemetry::Metrics;

/// Settlements recorded together at most.
const BATCH: usize = 256;

/// How long to wait before a store that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(250);

struct Request {
    settlement: Settlement,
    answer: oneshot::Sender<Settled>,
}

/// Records outcomes.
#[derive(Debug)]
pub(super) struct Settler {
    requests: mpsc::Sender<Request>,
}

impl Settler {
    /// Starts recording; ends when the settler is dropped and everything is recorded.
    pub(super) fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        let (requests, waiting) = mpsc::channel(BATCH);
        tokio::spawn(record_all(store, metrics, waiting));
        Self { requests }
    }

    /// Returns once the outcome is recorded. `None` if it could not be: whoever holds the lease has to give up its
    /// session, for as long as that lives nobody else gets the job.
    pub(super) async fn settle(&self, settlement: Settlement) -> Option<Settled> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { settlement, answer }).await.ok()?;
        answered.await.ok()
    }
}

async fn record_all(store: Arc<dyn Store>, metrics: Arc<Metrics>, mut waiting: mpsc::Receiver<Request>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        metrics.settle_batch.observe(batch.len() as f64);
        let (settlements, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|request| (request.settlement, request.answer)).unzip();
        match record(&*store, settlements).await {
            Ok(settled) => answers.into_iter().zip(settled).for_each(|(answer, settled)| {
                let _ = answer.send(settled);
            }),
            Err(error) => tracing::error!(%error, jobs = answers.len(), "outcomes could not be recorded"),
        }
    }
}

/// Tries for as long as a lease lasts that nobody renews, and as long as the disk is full: then nothing was recorded,
/// and nobody else could do better. If an answer got lost, the second try is stale: nothing counts twice.
async fn record(store: &dyn Store, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
    let until = Instant::now() + SESSION_TTL;
    loop {
        match store.settle(settlements.clone()).await {
            Err(StoreError::DiskFull) => sleep(RETRY).await,
            Err(StoreError::Unavailable(_) | StoreError::Internal(_)) if Instant::now() < until => {
                sleep(RETRY).await;
            }
            answer => return answer,
        }
    }
}

//! One source from where it was left to its end: images into blobs, blobs into rows, never more than may wait.

use std::{pin::pin, sync::Arc, time::Duration};

use darkroom_core::{
    BlobId, Clock, RunId,
    run::{NewItem, Run, RunEvent, SkipReason, Stop, StopKind},
    store::{Store, StoreError},
};
use tokio_util::sync::CancellationToken;

use super::gather::{Gathered, NotGathered, Ready};
use crate::{
    Parts,
    blobs::{BlobError, Blobs},
    sources::{Items, Met, Passed, Position, Source, SourceError, Sources},
};

/// What was gathered is recorded at the latest after this, however slowly the source gives.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often a run that has as many waiting items as it may have is looked at.
const ROOM: Duration = Duration::from_millis(50);

/// How long a driver waits whose store is away.
const STORE_AWAY: Duration = Duration::from_secs(1);

pub(super) struct Drive {
    store: Arc<dyn Store>,
    blobs: Blobs,
    sources: Sources,
    clock: Arc<dyn Clock>,
    run: RunId,
    source: serde_json::Value,
    /// The archive that was uploaded.
    archive: Option<BlobId>,
    position: Position,
    chunk: usize,
    cap: u64,
    stop: CancellationToken,
}

/// Why a drive ends before its source does.
enum Ended {
    /// The run is paused, cancelled or gone, or the service stops.
    Unwanted,
    /// The run is to wait, for this reason.
    Waits(Stop),
    /// The source is not what it was said to be.
    Fails(String),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => disk_full(),
            StoreError::RunRefused(_) => Self::Unwanted,
            error => {
                tracing::warn!(%error, "items of a run could not be recorded");
                Self::Waits(Stop::new(StopKind::StorageUnavailable, "the store cannot be written to"))
            }
        }
    }
}

impl From<BlobError> for Ended {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::DiskFull => disk_full(),
            error => {
                tracing::warn!(%error, "an image of a run could not be kept");
                Self::Waits(Stop::new(StopKind::StorageUnavailable, "images cannot be kept at the moment"))
            }
        }
    }
}

impl From<SourceError> for Ended {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::DiskFull => disk_full(),
            error if error.may_pass() => {
                Self::Waits(Stop::new(StopKind::SourceUnavailable, error.to_string()))
            }
            error => Self::Fails(error.to_string()),
        }
    }
}

fn disk_full() -> Ended {
    Ended::Waits(Stop::new(StopKind::DiskFull, "the disk is full; the run goes on once there is room"))
}

impl Drive {
    pub(super) fn new(parts: &Parts, run: Run, stop: CancellationToken) -> Self {
        let after = run.position.after.and_then(|key| {
            // A name that was given by a source reads back as one.
            serde_json::from_value(serde_json::Value::String(key.into())).ok()
        });
        Self {
            store: Arc::clone(&parts.store),
            blobs: parts.blobs.clone(),
            sources: parts.sources.clone(),
            clock: Arc::clone(&parts.clock),
            run: run.id,
            source: run.source,
            archive: run.archive,
            position: Position { next: run.position.next, after },
            chunk: parts.config.runs.chunk,
            cap: parts.config.limits.input_bytes.bytes(),
            stop,
        }
    }

    /// Works through the source; what it comes to is recorded.
    pub(super) async fn run(self) {
        let event = match self.work().await {
            Ok(None) => RunEvent::SourceEnded,
            Ok(Some(damage)) => RunEvent::SourceDamaged(damage),
            Err(Ended::Unwanted) => return,
            Err(Ended::Waits(stop)) => RunEvent::Pause(stop),
            Err(Ended::Fails(why)) => RunEvent::SourceFailed(why),
        };
        let over = !matches!(event, RunEvent::Pause(_));
        if let Err(error) = self.store.change_run(self.run, event).await {
            tracing::warn!(%error, run = %self.run, "how far the source is could not be recorded");
            // The next driver finds out the same.
            let _ = tokio::time::timeout(STORE_AWAY, self.stop.cancelled()).await;
        } else if over {
            self.let_go().await;
        }
    }

    /// Removes the archive that was fetched or uploaded: everything in it is known.
    async fn let_go(&self) {
        if let Err(error) = self.sources.forget(&self.run.to_string()) {
            tracing::warn!(%error, run = %self.run, "what was fetched for the run could not be removed");
        }
        let archive = self.archive.into_iter().collect();
        if let Err(error) = self.blobs.collect(&*self.store, archive).await {
            tracing::warn!(%error, run = %self.run, "the archive of the run was left for upkeep to collect");
        }
    }

    /// Works through the source; what is wrong with it at its end.
    async fn work(&self) -> Result<Option<String>, Ended> {
        let source: Source = serde_json::from_value(self.source.clone())
            .map_err(|error| Ended::Fails(format!("the source is not one: {error}")))?;
        let mut items = self.sources.open(&self.run.to_string(), &source, self.position.clone());
        let stored = matches!(source, Source::Prefix { .. });
        let mut gathered = Gathered::default();
        loop {
            let mut met = match self.next(&mut items, &mut gathered).await {
                Ok(Some(met)) => met,
                Ok(None) => break,
                Err(ended) => {
                    // What came before is whole.
                    self.record_all(&mut gathered).await?;
                    return Err(ended);
                }
            };
            if stored {
                met = self.unless_produced(met).await?;
            }
            match gathered.take(met, &self.blobs, self.cap).await {
                // A source that broke says why when it is asked for the next one.
                Ok(()) | Err(NotGathered::SourceBroken) => {}
                Err(NotGathered::Blobs(error)) => {
                    self.record_all(&mut gathered).await?;
                    return Err(error.into());
                }
            }
            if gathered.is_full(self.chunk) {
                self.record(&mut gathered).await?;
            }
        }
        self.record_all(&mut gathered).await?;
        let met = items.progress().met;
        let damage = items.summary().damage.as_ref().map(|what| format!("{what} (after {met} entries)"));
        if let Some(damage) = &damage {
            tracing::warn!(run = %self.run, damage, "the archive is not whole; what came before was taken");
        }
        Ok(damage)
    }

    /// Of what is in the blob store, images that came in are items; what jobs have produced is not, or a run would
    /// meet what it makes.
    async fn unless_produced(&self, met: Met) -> Result<Met, Ended> {
        let Met::Image(item) = met else { return Ok(met) };
        let Ok(blob) = item.path.as_str().parse() else { return Ok(Met::Image(item)) };
        if self.store.inputs(vec![blob]).await?.is_empty() {
            let passed = Passed { index: item.index, path: item.path, fault: SkipReason::Artifact.into() };
            return Ok(Met::Passed(passed));
        }
        Ok(Met::Image(item))
    }

    /// What comes next. While the source is slow, what was gathered is recorded.
    async fn next(&self, items: &mut Items, gathered: &mut Gathered) -> Result<Option<Met>, Ended> {
        let mut next = pin!(items.next());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Ended::Unwanted),
                met = &mut next => return Ok(met?),
                () = tokio::time::sleep(PATIENCE), if !gathered.is_empty() => self.record_all(gathered).await?,
            }
        }
    }

    /// Records everything that was gathered.
    async fn record_all(&self, gathered: &mut Gathered) -> Result<(), Ended> {
        while !gathered.is_empty() {
            self.record(gathered).await?;
        }
        Ok(())
    }

    /// Records what was to be recorded the last time, as there is room for it, and has what was gathered since made
    /// durable meanwhile.
    async fn record(&self, gathered: &mut Gathered) -> Result<(), Ended> {
        let Ready { items: mut left, pins } = gathered.turn(&self.blobs, &*self.clock).await?;
        if left.is_empty() {
            return Ok(());
        }
        loop {
            let appended = self.append(left.clone()).await?;
            left.drain(..appended.min(left.len()));
            if left.is_empty() {
                drop(pins);
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(Ended::Unwanted),
                () = tokio::time::sleep(ROOM) => {}
            }
        }
    }

    async fn append(&self, items: Vec<NewItem>) -> Result<usize, Ended> {
        match self.store.append(self.run, items).await? {
            Some(appended) => Ok(appended.taken),
            None => Err(Ended::Unwanted),
        }
    }
}

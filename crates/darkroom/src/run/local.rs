//! The service in this process, without HTTP: the same store, blobs, worker and upkeep as in a server.

use std::{io, path::Path, sync::Arc, time::Duration};

use darkroom_core::{
    JobId, Operation,
    job::{FileName, Input, Job, NewJob, Origin, State},
    store::{StoreError, Submitted},
};
use darkroom_server::{
    Parts,
    blobs::{BlobError, Stored},
    telemetry::Metrics,
    upkeep::Upkeep,
    worker::Worker,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::finished::Failed;
use crate::{halt::Halt, parts, settings::Settings};

/// Bytes that are read from a file at a time.
const CHUNK: usize = 256 << 10;

/// How often a job is looked at whose end was not announced.
const FLOOR: Duration = Duration::from_secs(1);

/// How long to wait before a full queue is asked again.
const QUEUE_FULL: Duration = Duration::from_millis(200);

/// What does the work.
pub(super) struct Local {
    pub(super) parts: Parts,
    worker: Worker,
    upkeep: Upkeep,
}

impl Local {
    /// Opens the store of the data folder and starts its worker.
    pub(super) async fn start(settings: &Settings) -> Result<Self, Halt> {
        let settings = settings.clone();
        let opened = tokio::task::spawn_blocking(move || parts::open_own(&settings)).await;
        let parts = opened.map_err(|error| Halt::environment(error, "please report this"))??;
        let metrics = Arc::new(Metrics::default());
        let threads =
            |error| Halt::environment(error, "set fewer worker.slots, or raise the limit of threads");
        let worker = Worker::start(&parts, Arc::clone(&metrics)).map_err(threads)?;
        let upkeep = Upkeep::start(&parts, metrics);
        Ok(Self { parts, worker, upkeep })
    }

    /// Ends the worker; what it has not finished is taken up by the next call.
    pub(super) async fn stop(self) {
        self.worker.shutdown().await;
        self.upkeep.shutdown().await;
    }

    /// What one operation says of one image. Nothing of the image stays.
    pub(super) async fn look(
        &self,
        path: &Path,
        operation: Operation,
    ) -> Result<Result<Value, Failed>, Halt> {
        let stored = match self.take_in(path).await {
            Ok(stored) => stored,
            Err(TakeIn::Source(failed)) => return Ok(Err(failed)),
            Err(TakeIn::Blobs(error)) => return Err(disk(error)),
        };
        let name = path.file_name().and_then(|name| FileName::clean(&name.to_string_lossy()));
        let media_type = "application/octet-stream".to_owned();
        let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name, place: None };
        let new = NewJob::new(self.parts.clock.now(), input, vec![operation]);
        let mut new = new.map_err(|error| Halt::Usage(error.to_string()))?;
        new.origin = origin();
        let id = self.submit(new).await?;
        drop(stored);
        let job = self.ended(id).await?;
        let orphans = self.parts.store.delete(id).await.map_err(store)?.unwrap_or_default();
        let collected = self.parts.blobs.collect(&*self.parts.store, orphans).await;
        collected.map_err(|error| Halt::environment(error, "`darkroom doctor` checks the data folder"))?;
        let said = job.results.first().filter(|_| job.status.state == State::Succeeded);
        Ok(said.map(|result| result.document.clone()).ok_or_else(|| why(&job)))
    }

    async fn take_in(&self, path: &Path) -> Result<Stored, TakeIn> {
        let mut file = tokio::fs::File::open(path).await?;
        let mut writer = self.parts.blobs.writer(self.parts.config.limits.input_bytes.bytes());
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).await? {
                0 => return Ok(writer.finish().await?),
                count => writer.write(&chunk[..count]).await?,
            }
        }
    }

    async fn submit(&self, new: NewJob) -> Result<JobId, Halt> {
        loop {
            let answers = self.parts.store.submit(vec![new.clone()]).await.map_err(store)?;
            match answers.first() {
                Some(Submitted::Created(id) | Submitted::Existing(id) | Submitted::Conflict(id)) => {
                    return Ok(*id);
                }
                _ => tokio::time::sleep(QUEUE_FULL).await,
            }
        }
    }

    async fn ended(&self, id: JobId) -> Result<Job, Halt> {
        // The notices come first, the look second: no change falls in between.
        let mut notices = self.parts.store.watch();
        loop {
            match self.parts.store.job(id).await.map_err(store)? {
                Some(job) if job.status.state.is_final() => return Ok(job),
                Some(_) => {}
                None => {
                    let error = anyhow::anyhow!("the job {id} vanished");
                    return Err(Halt::environment(error, "was it deleted by someone else? call again"));
                }
            }
            // A notice may be lost, so the job is looked at now and then as well.
            let _ = tokio::time::timeout(FLOOR, notices.next()).await;
        }
    }
}

/// The surface that jobs and runs of the command line come through.
pub(super) fn origin() -> Origin {
    "cli".parse().unwrap_or_default()
}

/// Why a file was not taken in.
enum TakeIn {
    /// The file's fault.
    Source(Failed),
    /// The store's.
    Blobs(BlobError),
}

impl From<io::Error> for TakeIn {
    fn from(error: io::Error) -> Self {
        Self::Source(Failed::new("unreadable", &error))
    }
}

impl From<BlobError> for TakeIn {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge { cap } => {
                let message = format!("the file is larger than limits.input_bytes allows ({cap} bytes)");
                Self::Source(Failed::new("limit_exceeded", &message))
            }
            error => Self::Blobs(error),
        }
    }
}

/// Why a job has no result.
pub(super) fn why(job: &Job) -> Failed {
    match &job.failure {
        Some(failure) => Failed::new(failure.kind.as_str(), &failure.message),
        None => Failed::new(job.shown().as_str(), &"the job was stopped"),
    }
}

/// The store does not play along.
pub(super) fn store(error: StoreError) -> Halt {
    let advice = match &error {
        StoreError::DiskFull => "make room on the disk; the same command goes on from here",
        _ => "`darkroom doctor` checks the data folder; the same command goes on from here",
    };
    Halt::environment(error, advice)
}

fn disk(error: BlobError) -> Halt {
    Halt::environment(
        error,
        "make room in the data folder, or check that it can be written to; the same command goes on from here",
    )
}

//! The work in this process: the same store, blobs and worker as in a server, without HTTP.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use darkroom_core::{
    JobId, Operation,
    job::{FileName, Idempotency, Input, Job, NewJob, Origin, State},
    store::{Notice, StoreError, Submitted},
};
use darkroom_server::{
    Parts,
    blobs::{BlobError, Stored},
    telemetry::Metrics,
    upkeep::Upkeep,
    worker::Worker,
};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, sync::Notify};

use super::{
    place::{Failed, Finished, Made, Written, result_path},
    sources::Image,
};
use crate::{halt::Halt, parts, settings::Settings};

/// Bytes that are read from a file at a time.
const CHUNK: usize = 256 << 10;

/// How often a job is looked at whose end was not announced.
const FLOOR: Duration = Duration::from_secs(1);

/// How long to wait before a full queue is asked again.
const QUEUE_FULL: Duration = Duration::from_millis(200);

/// A service without HTTP.
pub(super) struct Embedded {
    parts: Parts,
    ends: Arc<Ends>,
    running: Mutex<Option<(Worker, Upkeep)>>,
}

impl Embedded {
    /// Opens the store of the data folder and starts its worker.
    pub(super) async fn start(settings: &Settings) -> Result<Self, Halt> {
        let settings = settings.clone();
        let opened = tokio::task::spawn_blocking(move || parts::open(&settings)).await;
        let parts = opened.map_err(|error| Halt::environment(error, "please report this"))??;
        let metrics = Arc::new(Metrics::default());
        let threads =
            |error| Halt::environment(error, "set fewer worker.slots, or raise the limit of threads");
        let ends = Arc::new(Ends::default());
        tokio::spawn(Arc::clone(&ends).follow(parts.store.watch()));
        let worker = Worker::start(&parts, Arc::clone(&metrics)).map_err(threads)?;
        let upkeep = Upkeep::start(&parts, metrics);
        Ok(Self { parts, ends, running: Mutex::new(Some((worker, upkeep))) })
    }

    /// Enough that every slot is busy while others are read, written and recorded.
    pub(super) fn width(&self) -> usize {
        self.parts.config.worker.leases() as usize + 4
    }

    /// Ends the worker; what it has not finished is taken up by the next call.
    pub(super) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((worker, upkeep)) = running {
            worker.shutdown().await;
            upkeep.shutdown().await;
            // What was still held when its job was deleted is free now; should this fail, a server's upkeep does it.
            let _ = self.parts.blobs.collect(&*self.parts.store, Vec::new()).await;
        }
    }

    /// See [`super::place::Place::process`].
    pub(super) async fn process(
        &self,
        image: Image,
        operation: Operation,
        out: &Path,
    ) -> Result<Finished, Halt> {
        let stored = match self.take_in(&image.path).await {
            Ok(stored) => stored,
            Err(TakeIn::Source(failed)) => return Ok(Finished::of(image, None, Err(failed))),
            Err(TakeIn::Blobs(error)) => return Err(disk(error)),
        };
        let new = new_job(&self.parts, &image, &stored, operation)?;
        let id = self.submit(new).await?;
        drop(stored);
        let job = self.wait(id).await?;
        let end = self.fetch(&job, &image.relative, out).await?;
        // The result has left this store: nothing of the image needs to stay.
        if let Some(orphans) = self.parts.store.delete(id).await.map_err(store)? {
            let collected = self.parts.blobs.collect(&*self.parts.store, orphans).await;
            collected
                .map_err(|error| Halt::environment(error, "`darkroom doctor` checks the data folder"))?;
        }
        Ok(Finished::of(image, Some(id.to_string()), end))
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

    async fn wait(&self, id: JobId) -> Result<Job, Halt> {
        let told = self.ends.expect(id);
        loop {
            let job = self.parts.store.job(id).await.map_err(store)?;
            match job {
                Some(job) if job.status.state.is_final() => {
                    self.ends.forget(id);
                    return Ok(job);
                }
                Some(_) => {}
                None => {
                    let error = anyhow::anyhow!("the job {id} vanished");
                    return Err(Halt::environment(error, "was it deleted by someone else? call again"));
                }
            }
            // A notice may be lost, so the job is looked at now and then as well.
            let _ = tokio::time::timeout(FLOOR, told.notified()).await;
        }
    }

    /// Copies the files of the result to their places.
    async fn fetch(&self, job: &Job, relative: &Path, out: &Path) -> Result<Result<Made, Failed>, Halt> {
        let made = job.results.first().filter(|_| job.status.state == State::Succeeded);
        let Some(result) = made else { return Ok(Err(why(job))) };
        let mut files = Vec::with_capacity(result.artifacts.len());
        for artifact in &result.artifacts {
            let path = result_path(relative, &artifact.name);
            let (from, to) = (self.parts.blobs.local_path(artifact.blob), out.join(&path));
            let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
            copied.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(|error| {
                let error =
                    anyhow::Error::new(error).context(format!("cannot write {}", out.join(&path).display()));
                Halt::environment(error, "check that the folder of results can be written to and has room")
            })?;
            files.push(Written { path, bytes: artifact.bytes });
        }
        let work_us = job.attempts.last().map_or(0, |attempt| attempt.timings.work_us);
        Ok(Ok(Made { files, document: result.document.clone(), work_us, cached: result.cached }))
    }
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

/// The job of an image. Its key makes a call that is repeated after a crash meet the job of the first.
fn new_job(parts: &Parts, image: &Image, stored: &Stored, operation: Operation) -> Result<NewJob, Halt> {
    let path = image.path.canonicalize().unwrap_or_else(|_| image.path.clone());
    let name = path.file_name().and_then(|name| FileName::clean(&name.to_string_lossy()));
    let mut digest = Sha256::new();
    digest.update(path.as_os_str().as_encoded_bytes());
    digest.update(stored.id.as_bytes());
    digest.update(super::rows::digest(&operation));
    let fingerprint: [u8; 32] = digest.finalize().into();
    let key = format!("run-{}", darkroom_core::BlobId::from_bytes(fingerprint));
    let media_type = "application/octet-stream".to_owned();
    let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name };
    let new = NewJob::new(parts.clock.now(), input, vec![operation]);
    let mut new = new.map_err(|error| Halt::Usage(error.to_string()))?;
    new.origin = "cli".parse().unwrap_or_else(|_| Origin::default());
    new.idempotency = Some(Idempotency { key, fingerprint });
    Ok(new)
}

fn why(job: &Job) -> Failed {
    match &job.failure {
        Some(failure) => Failed::new(failure.kind.as_str(), &failure.message),
        None => Failed::new(job.shown().as_str(), &"the job was stopped"),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    fs::copy(from, &partial)?;
    fs::rename(partial, to)
}

fn store(error: StoreError) -> Halt {
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

/// Who waits for which job.
#[derive(Default)]
struct Ends {
    waiting: Mutex<HashMap<JobId, Arc<Notify>>>,
}

impl Ends {
    /// Passes the store's notices on to those who wait.
    async fn follow(self: Arc<Self>, mut notices: impl futures_util::Stream<Item = Notice> + Unpin) {
        while let Some(notice) = notices.next().await {
            let waiting = self.lock();
            match notice {
                Notice::Job(id) => {
                    if let Some(told) = waiting.get(&id) {
                        told.notify_one();
                    }
                }
                Notice::Missed => waiting.values().for_each(|told| told.notify_one()),
                Notice::Work | Notice::Run(_) => {}
            }
        }
    }

    fn expect(&self, id: JobId) -> Arc<Notify> {
        Arc::clone(self.lock().entry(id).or_default())
    }

    fn forget(&self, id: JobId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

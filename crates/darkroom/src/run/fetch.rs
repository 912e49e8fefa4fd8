//! From the items of a run of a server to rows and files in the folder of results.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use darkroom_api::{ClientError, Code, Run, RunItem, job::State};
use darkroom_server::disk;
use futures_util::{StreamExt, stream::FuturesOrdered};

use super::{
    export::{is_of_the_folder, path_of, unwritable},
    finished::{Failed, Finished, Made, Written, result_path},
    progress::Progress,
    remote::Remote,
    rows::{Held, Row, Rows},
    sources::{self, Typed},
};
use crate::{
    halt::Halt,
    runs::watch::{PATIENCE, is_away, pause},
};

/// What is fetched, and where it goes.
pub(super) struct Fetching<'a> {
    pub(super) remote: &'a Remote,
    pub(super) out: &'a Path,
    /// What the images were sent from; nothing if they were in an archive.
    pub(super) sources: &'a [Typed],
    /// When they began to be sent, in nanoseconds since 1970.
    pub(super) began: u64,
}

/// Why a pass ended early.
enum Broken {
    /// The connection; what has a row is not fetched again.
    Connection(ClientError),
    /// Something that another pass would meet, too.
    Halt(Halt),
}

impl From<Halt> for Broken {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl Fetching<'_> {
    /// Fetches what came of the images of a run, in the order in which they were sent, through any number of broken
    /// connections.
    pub(super) async fn results(&self, run: &Run, rows: &mut Rows) -> Result<(), Halt> {
        let progress = Progress::start(run.total);
        let mut in_vain = 0;
        let fetched = loop {
            match self.pass(&run.id, rows, &progress, &mut in_vain).await {
                Ok(()) => break Ok(()),
                Err(Broken::Connection(error)) if in_vain < PATIENCE && is_away(&error) => {}
                Err(Broken::Connection(error)) => break Err(self.remote.refused(error)),
                Err(Broken::Halt(halt)) => break Err(halt),
            }
            if in_vain == 1 {
                progress.note("the server is away; asking again");
            }
            in_vain += 1;
            tokio::time::sleep(pause(in_vain)).await;
        };
        progress.end();
        fetched
    }

    async fn pass(
        &self,
        run: &str,
        rows: &mut Rows,
        progress: &Progress,
        in_vain: &mut u32,
    ) -> Result<(), Broken> {
        let items = self.remote.client.run_items(run).await.map_err(Broken::Connection)?;
        let mut items = Box::pin(items);
        let mut fetched = FuturesOrdered::new();
        let mut more = true;
        while more || !fetched.is_empty() {
            tokio::select! {
                item = items.next(), if more && fetched.len() < width() => match item.transpose() {
                    Err(error) => return Err(Broken::Connection(error)),
                    Ok(None) => more = false,
                    Ok(Some(item)) if item.state == State::Cancelled => progress.skipped(),
                    Ok(Some(item)) => {
                        let relative = path_of(&item.path);
                        let held = rows.hold_content(&relative, &item.blob, self.out);
                        if is_held(held.as_ref(), &item) {
                            progress.skipped();
                        } else {
                            fetched.push_back(self.one(item, relative));
                        }
                    }
                },
                Some(finished) = fetched.next(), if !fetched.is_empty() => {
                    let finished: Finished = finished?;
                    *in_vain = 0;
                    if let Err(failed) = &finished.end {
                        progress.note(&format!("{}: {}", finished.relative.display(), failed.message));
                    }
                    rows.add(&Row::of(&finished))?;
                    progress.done();
                }
            }
        }
        Ok(())
    }

    /// What came of one image, with the files that it gave.
    async fn one(&self, item: RunItem, relative: PathBuf) -> Result<Finished, Broken> {
        let end = match (&item.failure, item.results.first()) {
            (None, Some(result)) => {
                let files = self.files(&item.job, &relative, &result.artifacts).await?;
                let work_us = item.timings.map(|timings| timings.work_us);
                files.map(|files| Made { files, document: result.document.clone(), work_us })
            }
            (Some(failure), _) => Err(Failed::new(&word(&failure.kind), &failure.message)),
            (None, None) => Err(Failed::new(&word(&item.state), &"the job was stopped")),
        };
        let (bytes, job, blob) = (item.bytes, Some(item.job), Some(item.blob));
        Ok(Finished { modified: self.modified(&relative, bytes), relative, bytes, blob, job, end })
    }

    async fn files(
        &self,
        job: &str,
        relative: &Path,
        artifacts: &[darkroom_api::ArtifactLink],
    ) -> Result<Result<Vec<Written>, Failed>, Broken> {
        let mut files = Vec::with_capacity(artifacts.len());
        for artifact in artifacts {
            let path = result_path(relative, &artifact.name);
            let to = self.out.join(&path);
            match self.file((job, &artifact.name), &to).await {
                Ok(()) => files.push(Written { path, bytes: artifact.bytes }),
                Err(ClientError::Io(error)) if is_of_the_folder(&error) => {
                    return Err(unwritable(error, &to).into());
                }
                // A name that this disk does not take, or that stands for a file and a folder: the next may be fine.
                Err(ClientError::Io(error)) => return Ok(Err(Failed::new("unwritable", &error))),
                Err(error) if matches!(error.code(), Some(Code::ArtifactNotFound | Code::JobNotFound)) => {
                    return Ok(Err(Failed::new("vanished", &error)));
                }
                Err(error) => return Err(Broken::Connection(error)),
            }
        }
        Ok(Ok(files))
    }

    /// Fetches a file; a server that has too much to do is asked again.
    async fn file(&self, (job, name): (&str, &str), to: &Path) -> Result<(), ClientError> {
        if let Some(folder) = to.parent() {
            disk::make_folder(folder)?;
        }
        let mut in_vain = 0;
        loop {
            match self.remote.client.download(job, name, to).await {
                Err(error) if error.retry_after().is_some() && in_vain < PATIENCE => {
                    in_vain += 1;
                    tokio::time::sleep(pause(in_vain)).await;
                }
                done => return done,
            }
        }
    }

    /// When the image was last changed, if it is still the one that was sent; 0 otherwise.
    fn modified(&self, relative: &Path, bytes: u64) -> u64 {
        let metadata = sources::place_of(self.sources, relative).and_then(|path| fs::metadata(path).ok());
        let unchanged = |metadata: &fs::Metadata| metadata.len() == bytes;
        let modified = metadata.filter(unchanged).map_or(0, |metadata| sources::modified(&metadata));
        if modified < self.began { modified } else { 0 }
    }
}

/// Enough to keep the network busy, few enough to be no burden.
fn width() -> usize {
    thread::available_parallelism().map_or(4, |n| 4 * n.get()).clamp(8, 32)
}

/// Whether a row says of an image what the server says.
fn is_held(held: Option<&Held>, item: &RunItem) -> bool {
    match (held, &item.failure) {
        (Some(Held::Succeeded), None) => true,
        (Some(Held::Failed(kind)), Some(failure)) => *kind == word(&failure.kind),
        _ => false,
    }
}

/// A word of the API as it is on the wire.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("internal").to_owned()
}

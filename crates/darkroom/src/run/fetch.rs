//! From the items of a run of a server to rows and files in the folder of results.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use darkroom_api::{ClientError, Code, Run, RunItem, job::State};
use darkroom_server::disk;
use futures_util::{StreamExt, stream::FuturesOrdered};

use super::{
    claims::name_taken,
    export::{is_of_the_folder, path_of, unwritable},
    finished::{Failed, Finished, Made, Written, result_path},
    progress::Progress,
    remote::Remote,
    rows::{Due, End, Row, Rows},
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

/// What is known of the results across passes.
#[derive(Default)]
struct Known {
    /// Why results that the server has are not here, by job.
    unwritten: BTreeMap<String, String>,
    /// Passes in a row that gave nothing new.
    in_vain: u32,
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
    /// connections. How many of them are on the server and not here, by reason.
    pub(super) async fn results(&self, run: &Run, rows: &mut Rows) -> Result<BTreeMap<String, u64>, Halt> {
        let progress = Progress::start(run.total);
        let mut known = Known::default();
        let fetched = loop {
            match self.pass(&run.id, rows, &progress, &mut known).await {
                Ok(()) => break Ok(()),
                Err(Broken::Connection(error)) if known.in_vain < PATIENCE && is_away(&error) => {}
                Err(Broken::Connection(error)) => break Err(self.remote.refused(error)),
                Err(Broken::Halt(halt)) => break Err(halt),
            }
            if known.in_vain == 1 {
                progress.note("the server is away; asking again");
            }
            known.in_vain += 1;
            tokio::time::sleep(pause(known.in_vain)).await;
        };
        progress.end();
        fetched?;
        let mut reasons = BTreeMap::new();
        for reason in known.unwritten.into_values() {
            *reasons.entry(reason).or_default() += 1;
        }
        Ok(reasons)
    }

    async fn pass(
        &self,
        run: &str,
        rows: &mut Rows,
        progress: &Progress,
        known: &mut Known,
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
                    // What waits in a run that has failed never ends.
                    Ok(Some(item)) if item.state == State::Cancelled || !item.state.is_final() => {
                        progress.skipped();
                    }
                    Ok(Some(item)) => {
                        let relative = path_of(&item.path);
                        let files = files_of(&item, &relative);
                        let failure = item.failure.as_ref().map(|failure| word(&failure.kind));
                        let end = End { blob: &item.blob, job: &item.job, failure: failure.as_deref() };
                        let due = rows.due(&relative, &end, files.iter().map(PathBuf::as_path), self.out);
                        if matches!(due, Due::Word | Due::Refusal) {
                            known.fail(&item.job, (&relative, &name_taken()), progress);
                        }
                        match due {
                            Due::Nothing | Due::Word => progress.skipped(),
                            Due::Refusal | Due::Result => fetched.push_back(self.one(item, relative, due)),
                        }
                    }
                },
                Some(finished) = fetched.next(), if !fetched.is_empty() => {
                    let (finished, is_here): (Finished, bool) = finished?;
                    let job = finished.job.as_deref().unwrap_or_default();
                    match &finished.end {
                        Err(failed) if !is_here => known.fail(job, (&finished.relative, failed), progress),
                        Err(failed) => {
                            known.in_vain = 0;
                            progress.note(&format!("{}: {}", finished.relative.display(), failed.message));
                        }
                        Ok(_) => {
                            known.in_vain = 0;
                            known.unwritten.remove(job);
                        }
                    }
                    rows.add(&Row::of(&finished))?;
                    progress.done();
                }
            }
        }
        Ok(())
    }

    /// What came of one image, with the files that it gave, and whether that is here now.
    async fn one(&self, item: RunItem, relative: PathBuf, due: Due) -> Result<(Finished, bool), Broken> {
        let end = match (&item.failure, item.results.first()) {
            (None, _) if due == Due::Refusal => Err(name_taken()),
            (None, Some(result)) => {
                let files = self.files(&item.job, &relative, &result.artifacts).await?;
                let work_us = item.timings.map(|timings| timings.work_us);
                files.map(|files| Made { files, document: result.document.clone(), work_us })
            }
            (Some(failure), _) => Err(Failed::new(&word(&failure.kind), &failure.message)),
            (None, None) => Err(Failed::new(&word(&item.state), &"the job was stopped")),
        };
        let is_here = end.is_ok() || item.failure.is_some() || item.results.is_empty();
        let (bytes, job, blob) = (item.bytes, Some(item.job), Some(item.blob));
        let finished =
            Finished { modified: self.modified(&relative, bytes), relative, bytes, blob, job, end };
        Ok((finished, is_here))
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

impl Known {
    /// Notes, once, that the results of a job are not here.
    fn fail(&mut self, job: &str, (relative, failed): (&Path, &Failed), progress: &Progress) {
        if self.unwritten.insert(job.to_owned(), failed.kind.clone()).is_none() {
            self.in_vain = 0;
            progress.note(&format!("{}: {}", relative.display(), failed.message));
        }
    }
}

/// Where the files that an image gave are to go.
fn files_of(item: &RunItem, relative: &Path) -> Vec<PathBuf> {
    let artifacts = item.results.first().into_iter().flat_map(|result| &result.artifacts);
    artifacts.map(|artifact| result_path(relative, &artifact.name)).collect()
}

/// Enough to keep the network busy, few enough to be no burden.
fn width() -> usize {
    thread::available_parallelism().map_or(4, |n| 4 * n.get()).clamp(8, 32)
}

/// A word of the API as it is on the wire.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("internal").to_owned()
}

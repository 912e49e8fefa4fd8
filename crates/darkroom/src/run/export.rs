//! From the items of a run to rows and files in the folder of results, which mirrors the source.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use darkroom_core::{
    Operation,
    job::{Artifact, Job, State},
};
use darkroom_server::{Parts, disk::WriteBack, sources::ItemPath};

use super::{
    claims::name_taken,
    copies::{self, Copy},
    finished::{Failed, Finished, Made, Written, result_path},
    local::why,
    rows::{Due, End, Row, Rows},
};
use crate::halt::Halt;

/// Where the results of runs go.
pub(super) struct Export {
    parts: Parts,
    out: PathBuf,
    /// The file system of `out`, if it is known to write back all at once.
    system: Option<Arc<WriteBack>>,
    rows: Rows,
    /// Images that were worked through and whose results are not in the folder, by reason.
    unwritten: BTreeMap<String, u64>,
}

impl Export {
    /// Into the folder `out`.
    pub(super) fn into(parts: &Parts, out: &Path, operation: &Operation) -> Result<Self, Halt> {
        let rows = Rows::open(out, operation)?;
        let system = WriteBack::of(out).map_err(|error| unwritable(error, out))?.map(Arc::new);
        Ok(Self { parts: parts.clone(), out: out.to_owned(), system, rows, unwritten: BTreeMap::new() })
    }

    /// Writes what came of those items that have ended, unless that was written before. What there is to say about them.
    pub(super) async fn take(&mut self, jobs: &[Job], under: &Path) -> Result<Vec<String>, Halt> {
        let (mut due_now, mut all, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for job in
            jobs.iter().filter(|job| job.status.state.is_final() && job.status.state != State::Cancelled)
        {
            let Some(item) = &job.item else { continue };
            let relative = under.join(path_of(item.key.as_str()));
            let failure = job.failure.as_ref().filter(|_| job.status.state == State::Failed);
            said.extend(failure.map(|failure| format!("{}: {}", relative.display(), failure.message)));
            let files = self.copies(job, &relative);
            let (blob, id) = (job.input.blob.to_string(), job.id.to_string());
            let end = End { blob: &blob, job: &id, failure: failure.map(|failure| failure.kind.as_str()) };
            let names = files.iter().map(|copy| copy.to.path.as_path());
            match self.rows.due(&relative, &end, names, &self.out) {
                Due::Nothing => {}
                Due::Word => said.push(self.fail(&relative, &name_taken())),
                due @ (Due::Refusal | Due::Result) => {
                    all.push(if due == Due::Result { files } else { Vec::new() });
                    due_now.push((job, relative, due));
                }
            }
        }
        // One trip to a thread for all files: most of them are small.
        let copied = self.copy_all(all).await?;
        for ((job, relative, due), copied) in due_now.into_iter().zip(copied) {
            let copied = if due == Due::Refusal { Err(name_taken()) } else { copied };
            if let (State::Succeeded, Err(failed)) = (job.status.state, &copied) {
                said.push(self.fail(&relative, failed));
            }
            self.rows.add(&Row::of(&Finished {
                bytes: job.input.bytes,
                modified: 0,
                blob: Some(job.input.blob.to_string()),
                job: Some(job.id.to_string()),
                end: ended(job, copied),
                relative,
            }))?;
        }
        Ok(said)
    }

    /// Counts an image that was worked through and has no result here; what there is to say.
    fn fail(&mut self, relative: &Path, failed: &Failed) -> String {
        *self.unwritten.entry(failed.kind.clone()).or_default() += 1;
        format!("{}: {}", relative.display(), failed.message)
    }

    /// Drops what newer rows have replaced, unless the run is to be taken up again. How many images were worked through and
    /// have no result here, by reason.
    pub(super) fn close(self, interrupted: bool) -> Result<BTreeMap<String, u64>, Halt> {
        self.rows.close(interrupted)?;
        Ok(self.unwritten)
    }

    /// The files of a job, and where they go.
    fn copies(&self, job: &Job, relative: &Path) -> Vec<Copy> {
        let artifacts = job.results.first().into_iter().flat_map(|result| &result.artifacts);
        let copy = |artifact: &Artifact| Copy {
            from: self.parts.blobs.local_path(artifact.blob),
            to: Written { path: result_path(relative, &artifact.name), bytes: artifact.bytes },
        };
        artifacts.map(copy).collect()
    }

    /// Copies the files of each result to their places.
    async fn copy_all(&self, all: Vec<Vec<Copy>>) -> Result<Vec<Result<Vec<Written>, Failed>>, Halt> {
        let (out, system) = (self.out.clone(), self.system.clone());
        let copied = tokio::task::spawn_blocking(move || copies::make(all, &out, system.as_deref()));
        copied.await.unwrap_or_else(|panic| Err(unwritable(io::Error::other(panic), &self.out)))
    }
}

/// How an item that has ended did, given where its files went.
fn ended(job: &Job, copied: Result<Vec<Written>, Failed>) -> Result<Made, Failed> {
    let result = job.results.first().filter(|_| job.status.state == State::Succeeded);
    let result = result.ok_or_else(|| why(job))?;
    let work_us = job.spent().map(|spent| spent.work_us);
    Ok(Made { files: copied?, document: result.document.clone(), work_us })
}

/// Where an item stands below the folder of results. Names of archives were checked where they came in; that nothing
/// leads out is seen to once more, because here names become paths.
pub(super) fn path_of(key: &str) -> PathBuf {
    let text = serde_json::Value::String(key.to_owned());
    let bytes = serde_json::from_value::<ItemPath>(text).map_or_else(|_| key.into(), |path| path.bytes());
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The disk does not keep what it is given, on every Unix.
const EIO: i32 = 5;

/// Whether every other file would fare the same.
pub(super) fn is_of_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::PermissionDenied | Kind::ReadOnlyFilesystem
    ) || error.raw_os_error() == Some(EIO)
}

/// The folder of results does not take what is to be in it.
pub(super) fn unwritable(error: io::Error, path: &Path) -> Halt {
    let error = anyhow::Error::new(error).context(format!("cannot write {}", path.display()));
    Halt::environment(error, "check that the folder of results can be written to and has room")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_items_become_paths_that_stay_below() {
        let path = |key: &str| path_of(key).into_os_string().into_encoded_bytes();
        assert_eq!(path("ann/1.png"), b"ann/1.png");
        assert_eq!(path("caf\\xe9.png"), b"caf\xe9.png");
        assert_eq!(path("../../etc/passwd"), b"etc/passwd");
        assert_eq!(path("/etc/passwd"), b"etc/passwd");
    }
}

//! From the items of a run to rows and files in the folder of results, which mirrors the source.

use std::{
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
    copies::{self, Copy},
    finished::{Failed, Finished, Made, Written, result_path},
    local::why,
    rows::{Held, Row, Rows},
};
use crate::halt::Halt;

/// Where the results of runs go.
pub(super) struct Export {
    parts: Parts,
    out: PathBuf,
    /// The file system of `out`, if it is known to write back all at once.
    system: Option<Arc<WriteBack>>,
    rows: Rows,
}

impl Export {
    /// Into the folder `out`.
    pub(super) fn into(parts: &Parts, out: &Path, operation: &Operation) -> Result<Self, Halt> {
        let rows = Rows::open(out, operation)?;
        let system = WriteBack::of(out).map_err(|error| unwritable(error, out))?.map(Arc::new);
        Ok(Self { parts: parts.clone(), out: out.to_owned(), system, rows })
    }

    /// Writes what came of items that have ended, unless that was written before. What there is to say about them.
    pub(super) async fn take(&mut self, jobs: &[Job], under: &Path) -> Result<Vec<String>, Halt> {
        let (mut due, mut said) = (Vec::new(), Vec::new());
        for job in jobs {
            let Some(item) = job.item.as_ref().filter(|_| job.status.state != State::Cancelled) else {
                continue;
            };
            let relative = under.join(path_of(item.key.as_str()));
            let held = self.rows.hold_content(&relative, &job.input.blob.to_string(), &self.out);
            let failed = job.failure.as_ref().filter(|_| job.status.state == State::Failed);
            said.extend(failed.map(|failure| format!("{}: {}", relative.display(), failure.message)));
            match (held, failed) {
                (Some(Held::Succeeded), None) => {}
                (Some(Held::Failed(kind)), Some(failure)) if kind == failure.kind.as_str() => {}
                _ => due.push((job, relative)),
            }
        }
        // One trip to a thread for all files: most of them are small.
        let copied = self.copy_all(&due).await?;
        for ((job, relative), copied) in due.into_iter().zip(copied) {
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

    /// Drops what newer rows have replaced, unless the run is to be taken up again.
    pub(super) fn close(self, interrupted: bool) -> Result<(), Halt> {
        self.rows.close(interrupted)
    }

    /// Copies the files of each result to their places.
    async fn copy_all(&self, due: &[(&Job, PathBuf)]) -> Result<Vec<Result<Vec<Written>, Failed>>, Halt> {
        let ways = |(job, relative): &(&Job, PathBuf)| -> Vec<Copy> {
            let artifacts = job.results.first().into_iter().flat_map(|result| &result.artifacts);
            let way = |artifact: &Artifact| Copy {
                from: self.parts.blobs.local_path(artifact.blob),
                to: Written { path: result_path(relative, &artifact.name), bytes: artifact.bytes },
            };
            artifacts.map(way).collect()
        };
        let all: Vec<Vec<Copy>> = due.iter().map(ways).collect();
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

/// Whether every other file would fare the same.
pub(super) fn is_of_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::PermissionDenied | Kind::ReadOnlyFilesystem
    )
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

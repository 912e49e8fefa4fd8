//! From the items of a run to rows and files in the folder of results, which mirrors the source.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

use darkroom_core::{
    Operation,
    job::{Job, State},
};
use darkroom_server::{Parts, sources::ItemPath};

use super::{
    finished::{Failed, Finished, Made, Written, result_path},
    local::why,
    rows::{Held, Row, Rows},
};
use crate::{file, halt::Halt};

/// Where the results of runs go.
pub(super) struct Export {
    parts: Parts,
    out: PathBuf,
    rows: Rows,
}

impl Export {
    /// Into the folder `out`.
    pub(super) fn into(parts: &Parts, out: &Path, operation: &Operation) -> Result<Self, Halt> {
        Ok(Self { parts: parts.clone(), out: out.to_owned(), rows: Rows::open(out, operation)? })
    }

    /// Writes what came of an item that has ended, unless that was written before. What there is to say about it.
    pub(super) async fn take(&mut self, job: &Job, under: &Path) -> Result<Option<String>, Halt> {
        let Some(item) = job.item.as_ref().filter(|_| job.status.state != State::Cancelled) else {
            return Ok(None);
        };
        let relative = under.join(path_of(item.key.as_str()));
        let blob = job.input.blob.to_string();
        let held = self.rows.hold_content(&relative, &blob, &self.out);
        let failed = job.failure.as_ref().filter(|_| job.status.state == State::Failed);
        let said = failed.map(|failure| format!("{}: {}", relative.display(), failure.message));
        match (held, failed) {
            (Some(Held::Succeeded), None) => return Ok(None),
            (Some(Held::Failed(kind)), Some(failure)) if kind == failure.kind.as_str() => return Ok(said),
            _ => {}
        }
        let end = self.fetch(job, &relative).await?;
        let finished = Finished {
            bytes: job.input.bytes,
            modified: 0,
            blob: Some(blob),
            job: Some(job.id.to_string()),
            end,
            relative,
        };
        self.rows.add(&Row::of(&finished))?;
        Ok(said)
    }

    /// Drops what newer rows have replaced, unless the run is to be taken up again.
    pub(super) fn close(self, interrupted: bool) -> Result<(), Halt> {
        self.rows.close(interrupted)
    }

    /// Copies the files of the result to their places.
    async fn fetch(&self, job: &Job, relative: &Path) -> Result<Result<Made, Failed>, Halt> {
        let Some(result) = job.results.first().filter(|_| job.status.state == State::Succeeded) else {
            return Ok(Err(why(job)));
        };
        let mut files = Vec::with_capacity(result.artifacts.len());
        for artifact in &result.artifacts {
            let path = result_path(relative, &artifact.name);
            let (from, to) = (self.parts.blobs.local_path(artifact.blob), self.out.join(&path));
            let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
            match copied.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
                Ok(()) => files.push(Written { path, bytes: artifact.bytes }),
                Err(error) if is_of_the_folder(&error) => {
                    return Err(unwritable(error, &self.out.join(&path)));
                }
                // A name that this disk does not take, or that stands for a file and a folder: the next may be fine.
                Err(error) => return Ok(Err(Failed::new("unwritable", &error))),
            }
        }
        let work_us = job.spent().map(|spent| spent.work_us);
        Ok(Ok(Made { files, document: result.document.clone(), work_us }))
    }
}

/// Where an item stands below the folder of results. Names of archives were checked where they came in; that nothing
/// leads out is seen to once more, because here names become paths.
pub(super) fn path_of(key: &str) -> PathBuf {
    let text = serde_json::Value::String(key.to_owned());
    let bytes = serde_json::from_value::<ItemPath>(text).map_or_else(|_| key.into(), |path| path.bytes());
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = file::partial(to);
    fs::copy(from, &partial)?;
    fs::rename(partial, to)
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

//! From the items of a run to rows and files in the folder of results, which mirrors the source.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::ffi::OsStringExt,
    panic::resume_unwind,
    path::{Component, Path, PathBuf},
    thread,
};

use darkroom_core::{
    Operation,
    job::{Artifact, Job, State},
};
use darkroom_server::{Parts, disk, sources::ItemPath};

use super::{
    finished::{Failed, Finished, Made, Written, result_path},
    local::why,
    rows::{Held, Row, Rows},
};
use crate::halt::Halt;

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
        let ways = |(job, relative): &(&Job, PathBuf)| -> Vec<Way> {
            let artifacts = job.results.first().into_iter().flat_map(|result| &result.artifacts);
            let way = |artifact: &Artifact| Way {
                from: self.parts.blobs.local_path(artifact.blob),
                to: Written { path: result_path(relative, &artifact.name), bytes: artifact.bytes },
            };
            artifacts.map(way).collect()
        };
        let (all, out): (Vec<Vec<Way>>, _) = (due.iter().map(ways).collect(), self.out.clone());
        let copied = tokio::task::spawn_blocking(move || copy_durably(all, &out));
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

/// A file of a result: where it lies, and where it goes below the folder of results.
struct Way {
    from: PathBuf,
    to: Written,
}

/// Files that wait for the disk at once: it takes some syncs together in little more time than one.
const SYNCS: usize = 8;

/// Copies the files of each result. All are written before the first is waited for; each has its name only once the disk
/// has its content, and once this returns the disk has the names. An error within is that of one result alone.
fn copy_durably(all: Vec<Vec<Way>>, out: &Path) -> Result<Vec<Result<Vec<Written>, Failed>>, Halt> {
    let each = |ways: &[Way], step: fn(&Way, &Path) -> io::Result<()>| {
        ways.iter().map(|way| way.take(out, step)).collect::<Result<Result<(), Failed>, Halt>>()
    };
    let written = all.iter().map(|ways| each(ways, write)).collect::<Result<Vec<_>, Halt>>()?;
    let name = |(ways, written): (&Vec<Way>, &Result<(), Failed>)| match written {
        Ok(()) => each(ways, give_name),
        Err(failed) => Ok(Err(failed.clone())),
    };
    let part = all.len().div_ceil(SYNCS).max(1);
    let named = thread::scope(|scope| {
        let parts = all.chunks(part).zip(written.chunks(part));
        let threads: Vec<_> = parts
            .map(|(all, written)| scope.spawn(move || all.iter().zip(written).map(name).collect()))
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.collect::<Result<Vec<Vec<_>>, Halt>>()
    })?;
    let named = named.into_iter().flatten();
    let to = |ways: Vec<Way>| -> Vec<Written> { ways.into_iter().map(|way| way.to).collect() };
    let copied: Vec<_> = all.into_iter().zip(named).map(|(ways, named)| named.map(|()| to(ways))).collect();
    let files: Vec<PathBuf> = copied.iter().flatten().flatten().map(|file| out.join(&file.path)).collect();
    disk::sync_folders_of(files.iter().map(PathBuf::as_path)).map_err(|error| unwritable(error, out))?;
    Ok(copied)
}

impl Way {
    /// Takes a step with the file. An error within is that of this file alone.
    fn take(&self, out: &Path, step: fn(&Self, &Path) -> io::Result<()>) -> Result<Result<(), Failed>, Halt> {
        let to = out.join(&self.to.path);
        match step(self, &to) {
            Ok(()) => Ok(Ok(())),
            Err(error) if is_of_the_folder(&error) => Err(unwritable(error, &to)),
            // A name that this disk does not take, or that stands for a file and a folder: the next may be fine.
            Err(error) => Ok(Err(Failed::new("unwritable", &error))),
        }
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

fn write(way: &Way, to: &Path) -> io::Result<()> {
    let partial = disk::partial(to);
    let copied = match fs::copy(&way.from, &partial) {
        // Its folder may be missing; of many files in one, that is the first.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk::make_folder(to.parent().unwrap_or(to))?;
            fs::copy(&way.from, &partial)
        }
        copied => copied,
    };
    // Another image of the same name is not to find half of this one.
    copied.inspect_err(|_| drop(fs::remove_file(&partial)))?;
    disk::start_writing(&File::open(partial)?);
    Ok(())
}

fn give_name(_: &Way, to: &Path) -> io::Result<()> {
    match disk::give_name(&disk::partial(to), to) {
        // Two images of one name give one file, that of the last.
        Err(error) if error.kind() == io::ErrorKind::NotFound && to.is_file() => Ok(()),
        named => named,
    }
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

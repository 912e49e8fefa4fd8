//! `results.jsonl`: one row an image. It is only ever appended to while images are worked on, so that whatever
//! happens, the rows before are there; superseded ones are dropped at the end.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use darkroom_core::{BlobId, Operation};
use darkroom_server::disk;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    claims::{Claimed, Claims, NAME_TAKEN},
    finished::{Finished, Written},
    shown,
    sources::Image,
};
use crate::halt::Halt;

/// The file's name within the folder of results.
pub(super) const FILE: &str = "results.jsonl";

/// Bytes of a row at most: longer lines are not ours.
const MAX_ROW: u64 = 16 << 20;

/// The state of an image that has a result.
const SUCCEEDED: &str = "succeeded";

/// One image.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    /// The image's path within its source.
    pub(super) source: String,
    /// `succeeded` or `failed`.
    state: String,
    /// The files that it gave.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    outputs: Vec<Written>,
    /// What the operation said: format and size, labels, a digit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    result: Option<Value>,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) failure: Option<RowFailure>,
    /// Milliseconds of work on the image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    work_ms: Option<f64>,
    /// The job that did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    job: Option<String>,
    /// The size of the image in bytes.
    bytes: u64,
    /// When the image was last changed, in nanoseconds since 1970; left out if that is not known.
    #[serde(skip_serializing_if = "is_zero", default)]
    modified: u64,
    /// The content address of the image, if it was read here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    blob: Option<String>,
    /// A digest of the operation's parameters.
    #[serde(default)]
    operation: String,
}

/// Why an image has no result.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RowFailure {
    kind: String,
    pub(super) message: String,
}

impl Row {
    pub(super) fn of(finished: &Finished) -> Self {
        let mut row = Self {
            source: shown::text(&finished.relative),
            state: "failed".to_owned(),
            outputs: Vec::new(),
            result: None,
            failure: None,
            work_ms: None,
            job: finished.job.clone(),
            bytes: finished.bytes,
            modified: finished.modified,
            blob: finished.blob.clone(),
            operation: String::new(),
        };
        match &finished.end {
            Ok(made) => {
                SUCCEEDED.clone_into(&mut row.state);
                row.outputs.clone_from(&made.files);
                row.result = Some(made.document.clone());
                row.work_ms = made.work_us.map(|micros| micros as f64 / 1_000.0);
            }
            Err(failed) => {
                row.failure = Some(RowFailure { kind: failed.kind.clone(), message: failed.message.clone() });
            }
        }
        row
    }

    /// Whether the files that it names are there.
    fn is_kept(&self, out: &Path) -> bool {
        let kept = |output: &Written| {
            fs::metadata(out.join(&output.path)).is_ok_and(|metadata| metadata.len() == output.bytes)
        };
        self.outputs.iter().all(kept)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What became of an image whose job has ended.
pub(super) struct End<'a> {
    /// Its content.
    pub(super) blob: &'a str,
    pub(super) job: &'a str,
    /// Why there is no result, if there is none.
    pub(super) failure: Option<&'a str>,
}

/// What is left to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: its row says what became of it, or another job gave the result of the same image.
    Nothing,
    /// To say that its name is another's.
    Word,
    /// To say that, in a row as well.
    Refusal,
    /// All of it.
    Result,
}

/// What a row says that still holds.
enum Held {
    Succeeded,
    /// For this reason.
    Failed(String),
}

/// The rows so far. In memory is one number an image, not the rows.
pub(super) struct Rows {
    path: PathBuf,
    reader: File,
    writer: File,
    /// By source, where its newest row begins.
    index: HashMap<BlobId, u64>,
    operation: String,
    end: u64,
    superseded: bool,
    claims: Claims,
    /// Held for as long as this is: two that write here would take each other's rows and files for their own.
    _alone: Option<File>,
}

impl Rows {
    /// Opens the rows of the folder of results `out`, which nobody else may write into meanwhile.
    pub(super) fn open(out: &Path, operation: &Operation) -> Result<Self, Halt> {
        let (alone, path) = (alone(out)?, out.join(FILE));
        let rows = Self::read(&path, digest(operation)).map_err(|error| broken(error, &path))?;
        Ok(Self { _alone: alone, ..rows })
    }

    fn read(path: &Path, operation: String) -> io::Result<Self> {
        let mut writer = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut rows = Self {
            path: path.to_owned(),
            reader: File::open(path)?,
            writer: writer.try_clone()?,
            index: HashMap::new(),
            operation,
            end: 0,
            superseded: false,
            claims: Claims::default(),
            _alone: None,
        };
        for line in lines(path)? {
            let (start, line) = line?;
            // A line that is no row, as one that was cut by a power failure, ends the file: it is cut away below.
            let Some(row) = whole(&line) else { break };
            rows.superseded |= rows.index.insert(key(&row.source), start).is_some();
            rows.end = start + line.len() as u64;
        }
        if writer.seek(SeekFrom::End(0))? > rows.end {
            writer.set_len(rows.end)?;
        }
        Ok(rows)
    }

    /// Whether the image has a result that still holds: the image and the parameters are unchanged, and the result
    /// is there.
    pub(super) fn hold(&mut self, image: &Image, out: &Path) -> bool {
        let unchanged = |row: &Row| row.bytes == image.bytes && row.modified == image.modified;
        let held = self.newest(&image.relative).filter(unchanged);
        held.is_some_and(|row| {
            row.state == SUCCEEDED && row.is_kept(out) && self.claim_of(&row) == Claimed::All
        })
    }

    /// Claims the names of all images that have results, for whoever does not meet them again.
    pub(super) fn claim_all(&mut self) -> Result<(), Halt> {
        let path = self.path.clone();
        let claimed = lines(&path).and_then(|mut lines| {
            lines.try_for_each(|line| {
                let (start, line) = line?;
                let is_newest = |row: &Row| self.index.get(&key(&row.source)) == Some(&start);
                let row = whole(&line).filter(|row| row.state == SUCCEEDED && is_newest(row));
                if let Some(row) = row {
                    self.claim_of(&row);
                }
                Ok(())
            })
        });
        claimed.map_err(|error| broken(error, &path))
    }

    fn claim_of(&mut self, row: &Row) -> Claimed {
        let image = (row.blob.as_deref().unwrap_or_default(), row.job.as_deref());
        let files = row.outputs.iter().map(|output| &*output.path);
        self.claim(&row.source, image, files)
    }

    /// What is left to do about an image whose job has ended, and which gave these files. Its names are claimed: none of
    /// them is to be that of another image.
    pub(super) fn due<'a>(
        &mut self,
        relative: &Path,
        end: &End<'_>,
        files: impl Iterator<Item = &'a Path>,
        out: &Path,
    ) -> Due {
        let result = end.failure.is_none().then_some(end.job);
        let claimed = self.claim(&shown::text(relative), (end.blob, result), files);
        let held = self.hold_content(relative, end.blob, out);
        let is_said = match (&held, end.failure) {
            (Some(Held::Succeeded), None) => true,
            (Some(Held::Failed(kind)), Some(failure)) => kind == failure,
            _ => false,
        };
        match claimed {
            Claimed::Nothing if end.failure.is_none() => Due::Word,
            Claimed::Nothing | Claimed::Again => Due::Nothing,
            Claimed::Row if matches!(held, Some(Held::Failed(kind)) if kind == NAME_TAKEN) => Due::Word,
            Claimed::Row => Due::Refusal,
            Claimed::All if is_said => Due::Nothing,
            Claimed::All => Due::Result,
        }
    }

    /// Whether the newest row of an image says what became of an image of the same bytes, and what it gave is there.
    fn hold_content(&self, relative: &Path, blob: &str, out: &Path) -> Option<Held> {
        let row = self.newest(relative).filter(|row| row.blob.as_deref() == Some(blob))?;
        match row.failure {
            Some(RowFailure { kind, .. }) => Some(Held::Failed(kind)),
            None => row.is_kept(out).then_some(Held::Succeeded),
        }
    }

    fn claim<'a>(
        &mut self,
        source: &str,
        (blob, job): (&str, Option<&str>),
        mut files: impl Iterator<Item = &'a Path>,
    ) -> Claimed {
        match self.claims.row(source, (blob, job)) {
            Claimed::Row if files.all(|file| self.claims.file(file, source)) => Claimed::All,
            claimed => claimed,
        }
    }

    /// The newest row of an image, unless something else was asked for then.
    fn newest(&self, relative: &Path) -> Option<Row> {
        let at = self.index.get(&key(&shown::text(relative)))?;
        self.row(*at).ok().filter(|row| row.operation == self.operation)
    }

    fn row(&self, at: u64) -> io::Result<Row> {
        let mut file = &self.reader;
        file.seek(SeekFrom::Start(at))?;
        let mut line = String::new();
        BufReader::new(file.take(MAX_ROW)).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Appends a row.
    pub(super) fn add(&mut self, row: &Row) -> Result<(), Halt> {
        let mut line = serde_json::to_value(row).unwrap_or_default();
        line["operation"] = Value::String(self.operation.clone());
        let line = format!("{line}\n");
        self.writer.write_all(line.as_bytes()).map_err(|error| broken(error, &self.path))?;
        self.superseded |= self.index.insert(key(&row.source), self.end).is_some();
        self.end += line.len() as u64;
        Ok(())
    }

    /// Drops superseded rows, unless the run is to be taken up again. The disk has the rows then.
    pub(super) fn close(self, interrupted: bool) -> Result<(), Halt> {
        let kept = if interrupted || !self.superseded { self.writer.sync_data() } else { self.compact() };
        kept.and_then(|()| disk::sync_folders_of([&*self.path])).map_err(|error| broken(error, &self.path))
    }

    fn compact(&self) -> io::Result<()> {
        let fresh = self.path.with_extension("jsonl.part");
        let mut out = BufWriter::new(File::create(&fresh)?);
        for line in lines(&self.path)? {
            let (start, line) = line?;
            if whole(&line).is_some_and(|row| self.index.get(&key(&row.source)) == Some(&start)) {
                out.write_all(&line)?;
            }
        }
        out.into_inner()?.sync_data()?;
        fs::rename(fresh, &self.path)
    }
}

/// Holds a folder of results, as far as this machine goes. Where a folder cannot be read, or the file system knows no locks, nothing is held.
fn alone(out: &Path) -> Result<Option<File>, Halt> {
    let Ok(folder) = File::open(out) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => {
            let error = anyhow!("another `darkroom run` writes its results into {}", out.display());
            Err(Halt::environment(error, "wait until it has finished, or name another folder with --out"))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The lines of a file with their ends, each with where it begins. They are bytes: one that was cut may be no text.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<(u64, Vec<u8>)>>> {
    let (mut at, mut file) = (0, BufReader::new(File::open(path)?));
    Ok(std::iter::from_fn(move || {
        let (start, mut line) = (at, Vec::new());
        match file.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(bytes) => {
                at += bytes as u64;
                Some(Ok((start, line)))
            }
            Err(error) => Some(Err(error)),
        }
    }))
}

/// The row of a line, if all of it is there.
fn whole(line: &[u8]) -> Option<Row> {
    serde_json::from_slice(line.strip_suffix(b"\n")?).ok()
}

fn key(source: &str) -> BlobId {
    BlobId::of(source.as_bytes())
}

/// A digest of everything that was asked for.
pub(super) fn digest(operation: &Operation) -> String {
    let text = serde_json::to_string(operation).unwrap_or_default();
    BlobId::of(text.as_bytes()).to_string()[..16].to_owned()
}

fn broken(error: io::Error, path: &Path) -> Halt {
    let error = anyhow::Error::new(error).context(format!("cannot use {}", path.display()));
    Halt::environment(error, "check that the folder of results can be written to and has room")
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;

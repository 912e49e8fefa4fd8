//! Rows and what they mean.

use std::path::Path;

use darkroom_core::{
    BlobId, JobId, Operation, RunId, Timestamp,
    job::{
        Attempt, AttemptEnd, AttemptLimits, Caching, Failure, FailureKind, FileName, Input, Job, Place,
        State, Status, Timings,
    },
    run::{ItemKey, ItemOf},
};
use rusqlite::{Row, types::Type};

use super::trouble::{Trouble, internal};
use crate::moves::{Marks, shows_failure};

/// What is read of a job to move it: the narrow row and the id that notices carry.
pub(super) const HOT: &str = "job.seq, job.state, job.token, job.used, job.crashes, job.cancel, job.max_attempts, \
     job.max_crashes, job.run_at, job.started_at, job.finished_at, job.session, job.queue, job.lane, job.operations, \
     detail.id, job.owner, job.run, detail.item, job.created_at";

/// What is read of a job to show it, after [`HOT`].
pub(super) const REST: &str = "job.priority, owner.text, origin.text, queue.name, \
     (queue.paused OR ifnull(run.state IN (2, 4, 5), 0)), \
     detail.blob, detail.bytes, detail.media_type, detail.name, detail.alias, detail.operations, failure.kind, \
     failure.message, run.uuid, detail.caching, detail.place";

/// Whether a queued job gives no work: its queue is paused, or its run is paused, failed or cancelled.
pub(super) const HELD: &str = "(queue.paused OR ifnull(run.state IN (2, 4, 5), 0))";

/// Where [`HOT`] and [`REST`] come from, for the rows of `job` that the query chooses.
pub(super) const JOINS: &str = "CROSS JOIN detail ON detail.seq = job.seq CROSS JOIN word AS owner ON owner.id = job.owner \
     CROSS JOIN word AS origin ON origin.id = job.origin CROSS JOIN queue ON queue.id = job.queue \
     LEFT JOIN failure ON failure.seq = job.seq LEFT JOIN run ON run.id = job.run";

/// What a claim reads of a job after [`HOT`]. Names are in memory: looking for them in the file takes longer than all
/// the rest.
pub(super) const CLAIMED: &str = "job.priority, detail.blob, detail.bytes, detail.media_type, \
     detail.name, detail.alias, detail.operations, detail.caching, job.origin, detail.place";

/// Columns of [`HOT`] and [`REST`].
pub(super) const COLUMNS: usize = 36;

const ENDS: [AttemptEnd; 6] = [
    AttemptEnd::Succeeded,
    AttemptEnd::Failed,
    AttemptEnd::FailedTransiently,
    AttemptEnd::Interrupted,
    AttemptEnd::Cancelled,
    AttemptEnd::Lost,
];

/// By what `detail.caching` says.
const CACHING: [Caching; 2] = [Caching::Used, Caching::Refused];

pub(super) fn end_number(end: AttemptEnd) -> i64 {
    ENDS.iter().position(|e| *e == end).unwrap_or_default() as i64
}

pub(super) fn kind_number(kind: FailureKind) -> i64 {
    FailureKind::ALL.iter().position(|k| *k == kind).unwrap_or_default() as i64
}

/// A job as the queue sees it.
#[derive(Debug, Clone)]
pub(super) struct Hot {
    pub(super) seq: u64,
    pub(super) id: JobId,
    pub(super) status: Status,
    pub(super) limits: AttemptLimits,
    pub(super) marks: Marks,
    pub(super) created_at: Timestamp,
    pub(super) session: Option<i64>,
    pub(super) queue: i64,
    pub(super) lane: i64,
    pub(super) owner: i64,
    /// One bit an operation.
    pub(super) operations: i64,
    /// The number of its run and its key there, if it is an item.
    pub(super) item: Option<(i64, ItemKey)>,
}

impl Hot {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state = pick(&State::ALL, row, 1)?;
        let status = Status {
            state,
            lease_seq: row.get(2)?,
            used: row.get(3)?,
            crashes: row.get(4)?,
            cancel_requested: row.get(5)?,
        };
        let marks = Marks {
            run_at: time(row, 8)?.unwrap_or_default(),
            started_at: time(row, 9)?,
            finished_at: time(row, 10)?,
        };
        let item = match (row.get::<_, Option<i64>>(17)?, row.get::<_, Option<String>>(18)?) {
            (Some(run), Some(key)) => Some((run, key.parse().map_err(|error| foreign(18, error))?)),
            _ => None,
        };
        Ok(Self {
            seq: number(row, 0)?,
            id: JobId::from_bytes(row.get(15)?),
            status,
            limits: AttemptLimits { attempts: row.get(6)?, crashes: row.get(7)? },
            marks,
            created_at: time(row, 19)?.unwrap_or_default(),
            session: row.get(11)?,
            queue: row.get(12)?,
            lane: row.get(13)?,
            owner: row.get(16)?,
            operations: row.get(14)?,
            item,
        })
    }
}

/// A job as it was read; its texts are parsed by whoever asked, not by the writer.
#[derive(Debug)]
pub(super) struct RawJob {
    pub(super) hot: Hot,
    rest: RawRest,
    /// Owner, origin, queue.
    names: [String; 3],
    held: bool,
    failure: Option<Failure>,
    run: Option<[u8; 16]>,
}

/// What a job has of its own and does not move by.
#[derive(Debug)]
struct RawRest {
    priority: i8,
    blob: [u8; 32],
    bytes: u64,
    media_type: String,
    name: Option<String>,
    alias: Option<String>,
    operations: String,
    caching: Caching,
    place: Option<String>,
}

/// A job that is being claimed: it has numbers where a [`RawJob`] has names, and what it failed of is over.
pub(super) struct Numbered {
    pub(super) hot: Hot,
    pub(super) origin: i64,
    rest: RawRest,
}

impl Numbered {
    /// From a row of [`HOT`] and [`CLAIMED`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let rest = RawRest {
            priority: row.get(20)?,
            blob: row.get(21)?,
            bytes: number(row, 22)?,
            media_type: row.get(23)?,
            name: row.get(24)?,
            alias: row.get(25)?,
            operations: row.get(26)?,
            caching: pick(&CACHING, row, 27)?,
            place: row.get(29)?,
        };
        Ok(Self { hot: Hot::read(row)?, origin: row.get(28)?, rest })
    }

    /// With the names of its owner, its origin and its queue, and the run that it is an item of.
    pub(super) fn named(self, names: [String; 3], run: Option<RunId>) -> RawJob {
        let run = run.map(|run| *run.as_bytes());
        RawJob { hot: self.hot, rest: self.rest, names, held: false, failure: None, run }
    }
}

impl RawJob {
    /// From a row of [`HOT`] and [`REST`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind: Option<i64> = row.get(31)?;
        let failure = match kind {
            Some(_) => Some(Failure { kind: pick(&FailureKind::ALL, row, 31)?, message: row.get(32)? }),
            None => None,
        };
        let rest = RawRest {
            priority: row.get(20)?,
            blob: row.get(25)?,
            bytes: number(row, 26)?,
            media_type: row.get(27)?,
            name: row.get(28)?,
            alias: row.get(29)?,
            operations: row.get(30)?,
            caching: pick(&CACHING, row, 34)?,
            place: row.get(35)?,
        };
        let names = [row.get(21)?, row.get(22)?, row.get(23)?];
        Ok(Self { hot: Hot::read(row)?, rest, names, held: row.get(24)?, failure, run: row.get(33)? })
    }

    /// The text of its operations.
    pub(super) fn operations(&self) -> &str {
        &self.rest.operations
    }

    /// The job, without its attempts and results.
    pub(super) fn parse(self) -> Result<Job, Trouble> {
        let operations = serde_json::from_str(&self.rest.operations).map_err(internal)?;
        self.doing(operations)
    }

    /// As [`RawJob::parse`], where the operations were parsed already.
    pub(super) fn doing(self, operations: Vec<Operation>) -> Result<Job, Trouble> {
        let ([owner, origin, queue], rest) = (self.names, self.rest);
        let Hot { status, marks, .. } = self.hot;
        Ok(Job {
            id: self.hot.id,
            seq: self.hot.seq,
            owner: owner.try_into().map_err(internal)?,
            queue: queue.try_into().map_err(internal)?,
            origin: origin.try_into().map_err(internal)?,
            item: self
                .run
                .zip(self.hot.item)
                .map(|(run, (_, key))| ItemOf { run: RunId::from_bytes(run), key }),
            alias: rest.alias,
            priority: rest.priority,
            input: Input {
                blob: BlobId::from_bytes(rest.blob),
                bytes: rest.bytes,
                media_type: rest.media_type,
                name: rest.name.as_deref().and_then(FileName::clean),
                place: rest.place.as_deref().and_then(|path| Place::of(Path::new(path))),
            },
            operations,
            status,
            held: self.held,
            limits: self.hot.limits,
            caching: rest.caching,
            created_at: self.hot.created_at,
            run_at: marks.run_at,
            started_at: marks.started_at,
            finished_at: marks.finished_at,
            attempts: Vec::new(),
            results: Vec::new(),
            failure: self.failure.filter(|_| shows_failure(status.state)),
        })
    }
}

/// What is read of an attempt that has ended; `worker` is its word.
pub(super) const ATTEMPT: &str = "attempt.number, worker.text, attempt.started_at, attempt.ended_at, attempt.end, \
     attempt.kind, attempt.message, attempt.read_us, attempt.wait_us, attempt.work_us, attempt.write_us, \
     attempt.decode_us, attempt.infer_us, attempt.encode_us";

/// One ended attempt from [`ATTEMPT`], whose first column is the `first` of the row.
pub(super) fn read_attempt(row: &Row<'_>, first: usize) -> rusqlite::Result<Attempt> {
    let kind: Option<i64> = row.get(first + 5)?;
    let failure = match kind {
        Some(_) => {
            Some(Failure { kind: pick(&FailureKind::ALL, row, first + 5)?, message: row.get(first + 6)? })
        }
        None => None,
    };
    let spent = |column: usize| number(row, first + column);
    Ok(Attempt {
        number: row.get(first)?,
        worker: row.get(first + 1)?,
        started_at: time(row, first + 2)?.unwrap_or_default(),
        ended_at: time(row, first + 3)?.unwrap_or_default(),
        end: pick(&ENDS, row, first + 4)?,
        failure,
        timings: Timings {
            read_us: spent(7)?,
            wait_us: spent(8)?,
            work_us: spent(9)?,
            write_us: spent(10)?,
            decode_us: spent(11)?,
            infer_us: spent(12)?,
            encode_us: spent(13)?,
        },
    })
}

/// A text that this program never wrote.
fn foreign(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// SQLite has signed integers only; ours are stored bit by bit.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)? as u64)
}

pub(super) fn pick<T: Copy>(all: &[T], row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let index: i64 = row.get(column)?;
    let unknown = || {
        let message = format!("{index} is none of {} values", all.len());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, message.into())
    };
    usize::try_from(index).ok().and_then(|i| all.get(i)).copied().ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use darkroom_core::run::RunState;

    use super::*;

    #[test]
    fn held_is_what_a_run_holds_whose_state_gives_no_work() {
        let holding = RunState::ALL.iter().filter(|state| !state.gives_work());
        let numbers: Vec<String> = holding.map(|state| (*state as i64).to_string()).collect();
        assert!(HELD.contains(&format!("IN ({})", numbers.join(", "))));
        assert!(REST.contains(HELD));
    }
}

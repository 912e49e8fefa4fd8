//! What the writer knows besides the file: turns, totals, sessions and what runs. All of it can be read from the
//! file again, and is, when the store is opened and when a transaction fails.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use darkroom_core::{
    Clock, JobId, SessionId, Timestamp,
    fairness::{LaneKey, Turns},
    job::{Event, Failure, FailureKind, QueueName, State, Status},
    run::Moved,
    store::{LiveWorker, StoreLimits, WorkerStats},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    cache::Remembered,
    history::Present,
    open_jobs::OpenJobs,
    predictions::Models,
    references::References,
    rows::{HOT, Hot, kind_number},
    run_book::RunBook,
    trouble::{Trouble, internal},
    words::Words,
};
use crate::{
    moves::{Ending, Marks},
    notices::News,
    totals::{QueueTotals, Totals},
};

/// A session that lives.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Its row.
    pub(super) number: i64,
    /// The word that attempts name the worker by.
    pub(super) label: i64,
    pub(super) worker: LiveWorker,
    /// Running jobs by number, with their ids.
    pub(super) running: BTreeMap<u64, JobId>,
}

pub(super) struct Book {
    pub(super) db: Connection,
    pub(super) limits: StoreLimits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) turns: Turns,
    pub(super) totals: Totals,
    pub(super) present: Present,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// Whether readers have the sessions of before.
    pub(super) sessions_changed: bool,
    /// Every running job, so that settling reads nothing.
    pub(super) running: HashMap<u64, (Hot, SessionId)>,
    pub(super) words: Words,
    pub(super) references: References,
    pub(super) open_jobs: OpenJobs,
    pub(super) runs: RunBook,
    pub(super) models: Models,
    pub(super) remembered: Remembered,
    pub(super) news: News,
    /// The totals as the file has them.
    written: Totals,
}

impl Book {
    pub(super) fn open(db: Connection, limits: StoreLimits, clock: Arc<dyn Clock>) -> Result<Self, Trouble> {
        db.set_prepared_statement_cache_capacity(64);
        let mut book = Self {
            db,
            limits,
            clock,
            turns: Turns::default(),
            totals: Totals::default(),
            present: Present::default(),
            sessions: BTreeMap::new(),
            sessions_changed: true,
            running: HashMap::new(),
            words: Words::default(),
            references: References::default(),
            open_jobs: OpenJobs::default(),
            runs: RunBook::default(),
            models: Models::default(),
            remembered: Remembered::default(),
            news: News::default(),
            written: Totals::default(),
        };
        book.reload()?;
        Ok(book)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads everything from the file. What live sessions said last is kept.
    pub(super) fn reload(&mut self) -> Result<(), Trouble> {
        self.words = Words::default();
        self.runs = RunBook::default();
        self.news = News::default();
        self.references.reload(&self.db)?;
        self.open_jobs.reload(&self.db)?;
        self.models.reload();
        self.remembered.reload(&self.db)?;
        self.present.reload(&self.db)?;
        self.reload_totals()?;
        self.reload_turns()?;
        self.reload_sessions()
    }

    fn reload_totals(&mut self) -> Result<(), Trouble> {
        // What the file does not have is as it was when the last transaction was committed.
        let mut totals = Totals { ended: self.written.ended, ..Totals::default() };
        let mut statement = self.db.prepare(
            "SELECT name, paused, scheduled, queued, running, succeeded, failed, cancelled, max_running FROM queue",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let max: Option<u32> = row.get(8)?;
            let max_running = max.map(|max| u64::from(max).try_into()).transpose().map_err(internal)?;
            let mut queue = QueueTotals { paused: row.get(1)?, max_running, states: [0; 6] };
            for (column, count) in queue.states.iter_mut().enumerate() {
                *count = row.get::<_, i64>(column + 2)? as u64;
            }
            totals.queues.insert(name.try_into().map_err(internal)?, queue);
        }
        let mut statement = self.db.prepare("SELECT name, succeeded, failed FROM operation")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let counts = [row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64];
            if counts != [0, 0] {
                totals.operations.insert(row.get(0)?, counts);
            }
        }
        let mut statement = self.db.prepare("SELECT kind, jobs FROM failed")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place: i64 = row.get(0)?;
            if let Some(count) = usize::try_from(place).ok().and_then(|place| totals.failures.get_mut(place))
            {
                *count = row.get::<_, i64>(1)? as u64;
            }
        }
        self.written = totals.clone();
        self.totals = totals;
        Ok(())
    }

    fn reload_turns(&mut self) -> Result<(), Trouble> {
        self.turns = Turns::default();
        let lanes: Vec<(i64, i64)> = self
            .db
            .prepare("SELECT lane, count(*) FROM job INDEXED BY job_ready WHERE state = 1 GROUP BY lane")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (lane, ready) in lanes {
            let key = self.words.lane_key(&self.db, lane)?;
            self.turns.add(&key, ready as u64);
        }
        for (queue, _) in self.totals.queues.iter().filter(|(_, totals)| totals.paused) {
            self.turns.pause(queue);
        }
        for (queue, max, running) in self.totals.limited() {
            self.turns.limit(queue, Some(max.get().into()), running);
        }
        self.hold_stopped_runs()
    }

    fn reload_sessions(&mut self) -> Result<(), Trouble> {
        let known = std::mem::take(&mut self.sessions);
        self.sessions_changed = true;
        self.running.clear();
        let mut numbers = HashMap::new();
        let mut statement = self.db.prepare("SELECT id, uuid, info, worker, since FROM session")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let session = SessionId::from_bytes(row.get(1)?);
            let since = Timestamp::from_millis(row.get(4)?);
            let info: String = row.get(2)?;
            let worker = LiveWorker {
                session,
                info: serde_json::from_str(&info).map_err(internal)?,
                stats: known.get(&session).map_or_else(WorkerStats::default, |k| k.worker.stats),
                since,
                last_beat: known.get(&session).map_or(since, |k| k.worker.last_beat),
            };
            let (number, label) = (row.get(0)?, row.get(3)?);
            numbers.insert(number, session);
            self.sessions.insert(session, Session { number, label, worker, running: BTreeMap::new() });
        }
        let sql = format!(
            "SELECT {HOT} FROM job INDEXED BY job_running CROSS JOIN detail ON detail.seq = job.seq WHERE job.state = 2"
        );
        let mut statement = self.db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let hot = Hot::read(row)?;
            let session = hot.session.and_then(|number| numbers.get(&number)).copied();
            let session = session.ok_or_else(|| internal(format!("job {} runs for nobody", hot.seq)))?;
            if let Some(held) = self.sessions.get_mut(&session) {
                held.running.insert(hot.seq, hot.id);
            }
            self.running.insert(hot.seq, (hot, session));
        }
        Ok(())
    }

    /// Moves a job by one event and writes it. `marks` are what the event makes of its marks.
    fn record(&mut self, hot: &mut Hot, after: Status, marks: Marks, taken: Taken) -> Result<(), Trouble> {
        let before = hot.status;
        (hot.status, hot.marks) = (after, marks);
        self.write_hot(hot)?;
        if before.state == after.state {
            self.news.changed.push(hot.id);
            return Ok(());
        }
        if before.state == State::Queued && taken == Taken::WithoutTurn {
            let lane = self.words.lane_key(&self.db, hot.lane)?;
            self.turns.remove(&lane, 1);
        }
        if after.state == State::Queued {
            self.ready(hot.lane, 1)?;
        }
        let queue = self.words.queue_name(&self.db, hot.queue)?;
        self.totals.moved(&queue, Some(before.state), Some(after.state));
        if before.state == State::Running {
            self.news.work |= self.turns.ended(&queue);
        }
        self.open_jobs.moved(hot.owner, Some(before.state), Some(after.state));
        if after.state.is_final() && !before.state.is_final() {
            let names = self.words.operation_names(&self.db, hot.operations)?;
            self.totals.finished(names.iter().map(AsRef::as_ref), after.state);
            let at = marks.finished_at.unwrap_or_default();
            self.present.minute(&self.db, at)?.ended(after.state, hot.created_at, at);
        }
        self.news.changed.push(hot.id);
        Ok(())
    }

    /// Jobs of this lane became queued.
    pub(super) fn ready(&mut self, lane: i64, count: u64) -> Result<(), Trouble> {
        let lane: LaneKey = self.words.lane_key(&self.db, lane)?;
        self.turns.add(&lane, count);
        self.news.work = true;
        Ok(())
    }

    /// Moves a job by an event that ends no attempt. The event is possible or harmless.
    pub(super) fn step(&mut self, hot: &mut Hot, event: Event, now: Timestamp) -> Result<(), Trouble> {
        let after = hot.status.after(event, hot.limits).map_err(darkroom_core::store::StoreError::from)?;
        if after == hot.status {
            return Ok(());
        }
        let taken = if event == Event::Claim { Taken::ByTurn } else { Taken::WithoutTurn };
        let marks = if after.state == hot.status.state {
            hot.marks
        } else {
            hot.marks.after(event, after.state, now)
        };
        let from = hot.status.state;
        let failure = self.failure_of(hot)?;
        self.record(hot, after, marks, taken)?;
        if after.state != from {
            self.totals.failed_no_more(failure);
        }
        self.item_moved(hot, Moved { from, to: after.state, failure })?;
        if from.is_final() {
            self.db.prepare_cached("DELETE FROM failure WHERE seq = ?1")?.execute([hot.seq as i64])?;
        }
        Ok(())
    }

    /// Moves a running job as its attempt ended.
    pub(super) fn step_ended(
        &mut self,
        hot: &mut Hot,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let after =
            hot.status.after(ending.event, hot.limits).map_err(darkroom_core::store::StoreError::from)?;
        let marks = ending.marks(hot.marks, after.state, now);
        hot.session = None;
        self.record(hot, after, marks, Taken::ByTurn)?;
        let failure = ending.failure.as_ref().map(|failure| failure.kind);
        if after.state == State::Failed {
            self.totals.failed(failure);
        }
        self.item_moved(hot, Moved { from: State::Running, to: after.state, failure })?;
        match &ending.failure {
            Some(failure) => self.write_failure(hot.seq, failure),
            None => Ok(()),
        }
    }

    /// Why a job is failed, if it is.
    pub(super) fn failure_of(&self, hot: &Hot) -> Result<Option<FailureKind>, Trouble> {
        if hot.status.state != State::Failed {
            return Ok(None);
        }
        let mut kinds = self.db.prepare_cached("SELECT kind FROM failure WHERE seq = ?1")?;
        let kind: Option<i64> = kinds.query_row([hot.seq as i64], |row| row.get(0)).optional()?;
        Ok(kind.and_then(|kind| FailureKind::ALL.get(usize::try_from(kind).ok()?)).copied())
    }

    fn write_failure(&mut self, seq: u64, failure: &Failure) -> Result<(), Trouble> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO failure (seq, kind, message) VALUES (?1, ?2, ?3)")?
            .execute(params![seq as i64, kind_number(failure.kind), failure.message])?;
        Ok(())
    }

    fn write_hot(&self, hot: &Hot) -> Result<(), Trouble> {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        self.db
            .prepare_cached(
                "UPDATE job SET state = ?2, token = ?3, used = ?4, crashes = ?5, cancel = ?6, run_at = ?7, \
                 started_at = ?8, finished_at = ?9, session = ?10 WHERE seq = ?1",
            )?
            .execute(params![
                hot.seq as i64,
                hot.status.state as i64,
                hot.status.lease_seq,
                hot.status.used,
                hot.status.crashes,
                hot.status.cancel_requested,
                hot.marks.run_at.as_millis(),
                millis(hot.marks.started_at),
                millis(hot.marks.finished_at),
                hot.session,
            ])?;
        Ok(())
    }

    /// Writes the totals that changed since the last transaction.
    pub(super) fn write_totals(&mut self) -> Result<(), Trouble> {
        self.open_jobs.write(&self.db)?;
        self.runs.write(&self.db)?;
        for (name, totals) in &self.totals.queues {
            if self.written.queues.get(name) != Some(totals) {
                write_queue(&self.db, name, totals)?;
            }
        }
        for (name, counts) in &self.totals.operations {
            if self.written.operations.get(name) != Some(counts) {
                self.db
                    .prepare_cached("UPDATE operation SET succeeded = ?2, failed = ?3 WHERE name = ?1")?
                    .execute(params![name, counts[0] as i64, counts[1] as i64])?;
            }
        }
        for (place, jobs) in self.totals.failures.into_iter().enumerate() {
            if self.written.failures.get(place) != Some(&jobs) {
                self.db
                    .prepare_cached("INSERT OR REPLACE INTO failed (kind, jobs) VALUES (?1, ?2)")?
                    .execute(params![place as i64, jobs as i64])?;
            }
        }
        self.present.write(&self.db)
    }

    /// The transaction is committed: the file has what memory has.
    pub(super) fn committed(&mut self) {
        self.references.committed();
        self.words.trim();
        self.runs.trim();
        if self.written != self.totals {
            self.written.clone_from(&self.totals);
        }
    }
}

/// How a queued job leaves its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    ByTurn,
    WithoutTurn,
}

fn write_queue(db: &Connection, name: &QueueName, totals: &QueueTotals) -> Result<(), Trouble> {
    let [scheduled, queued, running, succeeded, failed, cancelled] = totals.states.map(|count| count as i64);
    db.prepare_cached(
        "INSERT INTO queue (name, paused, scheduled, queued, running, succeeded, failed, cancelled) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET paused = ?2, scheduled = ?3, \
         queued = ?4, running = ?5, succeeded = ?6, failed = ?7, cancelled = ?8",
    )?
    .execute(params![name.as_str(), totals.paused, scheduled, queued, running, succeeded, failed, cancelled])?;
    Ok(())
}

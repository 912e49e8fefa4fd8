//! The read side.

use std::sync::PoisonError;

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId, Timestamp,
    job::{Input, Job, Origin, Owner, QueueName, Shown, State},
    store::{Counts, JobFilter, Ledger, LiveWorker, MAX_PAGE, Page, SESSION_TTL, StoreError},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Sqlite,
    history::finished_lately,
    query::{Query, stored},
    queue::check_batch,
    rows::{ATTEMPT, HOT, JOINS, REST, RawJob, number, read_attempt},
    trouble::{Trouble, internal},
};
use crate::totals::{Held, OldestQueued};

/// Queued jobs of held runs that are passed over at most to find the oldest one that is not held.
const MOST_HELD: i64 = 10_000;

/// States with at most this many jobs are listed from their index; for others it is faster to walk back in time.
const FEW_JOBS: u64 = 20_000;

#[async_trait]
impl Ledger for Sqlite {
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.readers.ask(move |db| job_by_id(db, id)).await
    }

    async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        let few = self.few(&filter.states);
        self.readers.ask(move |db| list(db, &filter, page, few)).await
    }

    async fn newest_by_alias(&self, origin: Origin, alias: String) -> Result<Option<Job>, StoreError> {
        let newest = move |db: &Connection| {
            let sql = "SELECT seq FROM alias WHERE origin = (SELECT id FROM word WHERE text = ?1) AND alias = ?2 \
                       ORDER BY seq DESC LIMIT 1";
            let found = params![origin.as_str(), alias];
            let seq = db.prepare_cached(sql)?.query_row(found, |row| row.get(0)).optional()?;
            seq.map_or(Ok(None), |seq| whole_job(db, seq))
        };
        self.readers.ask(newest).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let totals = self.published.totals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let waited_in: Vec<QueueName> = totals.waited_in().cloned().collect();
        let now = self.clock.now();
        let past =
            move |db: &Connection| Ok((finished_lately(db, now)?, oldest_queued(db, waited_in)?, held(db)?));
        let (recent, oldest, held) = self.readers.ask(past).await?;
        Ok(totals.counts(recent, (&oldest, &held)))
    }

    async fn workers(&self) -> Result<Vec<LiveWorker>, StoreError> {
        let now = self.clock.now();
        let workers = self.published.workers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(workers.values().filter(|worker| now < worker.last_beat + SESSION_TTL).cloned().collect())
    }

    async fn unreferenced(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        check_batch(blobs.len())?;
        let references = self.references.clone();
        let strays = move |db: &Connection| {
            let mut strays = Vec::new();
            for blob in blobs {
                if !references.is_referenced(db, blob)? {
                    strays.push(blob);
                }
            }
            Ok(strays)
        };
        self.readers.ask_without_snapshot(strays).await
    }

    async fn inputs(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        check_batch(blobs.len())?;
        let references = self.references.clone();
        let inputs = move |db: &Connection| {
            let mut inputs = Vec::new();
            for blob in blobs {
                if references.is_input(db, blob)? {
                    inputs.push(blob);
                }
            }
            Ok(inputs)
        };
        self.readers.ask_without_snapshot(inputs).await
    }

    async fn placed(&self, blob: BlobId) -> Result<Option<Input>, StoreError> {
        let references = self.references.clone();
        self.readers.ask_without_snapshot(move |db| references.placed(db, blob)).await
    }

    async fn refers(&self, owner: Owner, blob: BlobId) -> Result<bool, StoreError> {
        let references = self.references.clone();
        self.readers.ask_without_snapshot(move |db| references.is_referenced_by(db, blob, &owner)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.write(0, |_| Ok(())).await?;
        self.readers.ask(|db| Ok(db.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }
}

impl Sqlite {
    /// Whether all these states have an index to themselves and few jobs in it.
    pub(super) fn few(&self, states: &[Shown]) -> bool {
        let totals = self.published.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let count =
            |state: State| totals.queues.values().map(|queue| queue.states[state as usize]).sum::<u64>();
        !states.is_empty() && states.iter().map(|shown| count(stored(*shown))).sum::<u64>() <= FEW_JOBS
    }
}

/// A job with its attempts and results.
pub(super) fn job_by_id(db: &Connection, id: JobId) -> Result<Option<Job>, Trouble> {
    let mut by_id = db.prepare_cached("SELECT seq FROM detail WHERE id = ?1")?;
    let seq: Option<i64> = by_id.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    seq.map_or(Ok(None), |seq| whole_job(db, seq))
}

fn whole_job(db: &Connection, seq: i64) -> Result<Option<Job>, Trouble> {
    let sql = format!("SELECT {HOT}, {REST} FROM job {JOINS} WHERE job.seq = ?1");
    let Some(raw) = db.prepare_cached(&sql)?.query_row([seq], RawJob::read).optional()? else {
        return Ok(None);
    };
    let mut job = raw.parse()?;
    let mut bodies = db.prepare_cached("SELECT body FROM result WHERE seq = ?1")?;
    let body: Option<String> = bodies.query_row([seq], |row| row.get(0)).optional()?;
    if let Some(body) = body {
        job.results = serde_json::from_str(&body).map_err(internal)?;
    }
    let mut attempts = db.prepare_cached(&format!(
        "SELECT {ATTEMPT} FROM attempt JOIN word AS worker ON worker.id = attempt.worker \
         WHERE attempt.seq = ?1 ORDER BY attempt.number",
    ))?;
    let attempts = attempts.query_map([seq], |row| read_attempt(row, 0))?;
    job.attempts = attempts.collect::<Result<_, _>>()?;
    Ok(Some(job))
}

fn list(db: &Connection, filter: &JobFilter, page: Page, few: bool) -> Result<Vec<Job>, Trouble> {
    let query = Query::of_page(filter, page, few);
    let limit = page.limit.clamp(1, MAX_PAGE) as usize;
    let sql = format!("SELECT {HOT}, {REST} {}", query.rest_of_select(filter.order, limit));
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(&query.values()[..])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(RawJob::read(row)?.parse()?);
    }
    Ok(jobs)
}

/// When the oldest queued job of each of these queues became claimable, but for what a run holds.
pub(super) fn oldest_queued(
    db: &Connection,
    queues: impl IntoIterator<Item = QueueName>,
) -> Result<OldestQueued, Trouble> {
    // In the order of the index, so that the first one that no run holds ends the search.
    let mut first = db.prepare_cached(
        "SELECT run_at FROM (SELECT run_at, run FROM job INDEXED BY job_waiting \
         WHERE state = 1 AND queue = (SELECT id FROM queue WHERE name = ?1) ORDER BY run_at LIMIT ?2) AS waiting \
         WHERE run IS NULL OR (SELECT state NOT IN (2, 4, 5) FROM run WHERE id = waiting.run) LIMIT 1",
    )?;
    let mut oldest = OldestQueued::new();
    for queue in queues {
        let found = first.query_row(params![queue.as_str(), MOST_HELD], |row| row.get(0)).optional()?;
        oldest.extend(found.map(|at| (queue, Timestamp::from_millis(at))));
    }
    Ok(oldest)
}

/// Queued jobs of each queue that runs hold.
pub(super) fn held(db: &Connection) -> Result<Held, Trouble> {
    let mut sums = db.prepare_cached(
        "SELECT queue.name, sum(run.queued) FROM run INDEXED BY run_held JOIN lane ON lane.id = run.lane \
         JOIN queue ON queue.id = lane.queue WHERE run.state IN (2, 4, 5) AND run.queued > 0 GROUP BY queue.id",
    )?;
    let mut rows = sums.query([])?;
    let mut held = Held::new();
    while let Some(row) = rows.next()? {
        let name = QueueName::try_from(row.get::<_, String>(0)?).map_err(internal)?;
        held.insert(name, number(row, 1)?);
    }
    Ok(held)
}

//! What time does to jobs, and what people do to them.

use std::collections::BTreeSet;

use darkroom_core::{
    BlobId, JobId, SessionId, Timestamp,
    fairness::LaneKey,
    job::{Event, QueueName, State},
    store::{MAX_BATCH, MaxRunning, StoreError, Swept},
};
use rusqlite::{OptionalExtension, params};

use super::{
    book::{Book, Session},
    references::artifacts,
    rows::{HOT, Hot},
    trouble::Trouble,
};
use crate::moves::Ending;

impl Book {
    pub(super) fn sweep(&mut self) -> Result<Swept, Trouble> {
        let now = self.now();
        let mut swept = Swept::default();
        for session in self.sessions_that(|held| held.is_over(now)) {
            swept.lost_sessions += 1;
            swept.rescued += self.release(session, &Ending::lost())?;
        }
        for mut hot in self.due(now)? {
            self.step(&mut hot, Event::Due, now)?;
            swept.due += 1;
        }
        let outlived = self.outlived(now)?;
        swept.deleted = outlived.len() as u64;
        let mut blobs = BTreeSet::new();
        for hot in outlived {
            blobs.extend(self.remove(&hot)?);
        }
        self.cancel_leftovers()?;
        self.doom_outlived_runs(now)?;
        let budget = self.limits.max_deleted_per_sweep as usize - swept.deleted as usize;
        let doomed = self.remove_doomed(budget)?;
        swept.deleted += doomed.0;
        blobs.extend(doomed.1);
        swept.orphans = self.orphans(blobs)?;
        swept.predictions = self.forget_predictions(now)?;
        swept.forgotten = self.forget_results(now)?;
        self.look_at_queue(now)?;
        self.references.want_folding();
        Ok(swept)
    }

    /// A store that is opened has no workers: whoever had it open before is dead.
    pub(super) fn release_everyone(&mut self) -> Result<u64, Trouble> {
        let mut rescued = 0;
        for session in self.sessions_that(|_| true) {
            rescued += self.release(session, &Ending::lost())?;
        }
        Ok(rescued)
    }

    /// Sessions in the order in which they were opened. Those of one millisecond have ids in any order, and what becomes
    /// of a run depends on which of its items ends first.
    fn sessions_that(&self, are_meant: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        let meant = self.sessions.iter().filter(|(_, held)| are_meant(held));
        let mut meant: Vec<(i64, SessionId)> = meant.map(|(id, held)| (held.number, *id)).collect();
        meant.sort_unstable();
        meant.into_iter().map(|(_, id)| id).collect()
    }

    fn due(&self, now: Timestamp) -> Result<Vec<Hot>, Trouble> {
        let sql = format!(
            "SELECT {HOT} FROM job INDEXED BY job_due CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = 0 AND job.run_at <= ?1 ORDER BY job.run_at, job.seq LIMIT ?2"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![now.as_millis(), MAX_BATCH as i64], Hot::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Finished jobs that retention has outlived, those first that are kept for a shorter time.
    fn outlived(&self, now: Timestamp) -> Result<Vec<Hot>, Trouble> {
        let budget = self.limits.max_deleted_per_sweep as usize;
        let (finished, failed) = (now - self.limits.keep_finished, now - self.limits.keep_failed);
        let mut short: Vec<Hot> = self.finished_until(State::Succeeded, finished, budget)?;
        short.extend(self.finished_until(State::Cancelled, finished, budget)?);
        short.sort_by_key(|hot| (hot.marks.finished_at, hot.seq));
        short.truncate(budget);
        short.extend(self.finished_until(State::Failed, failed, budget - short.len())?);
        Ok(short)
    }

    fn finished_until(&self, state: State, until: Timestamp, limit: usize) -> Result<Vec<Hot>, Trouble> {
        let index = match state {
            State::Succeeded => "job_succeeded",
            State::Failed => "job_failed",
            _ => "job_cancelled",
        };
        let sql = format!(
            "SELECT {HOT} FROM job INDEXED BY {index} CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = {} AND job.run IS NULL AND job.finished_at <= ?1 ORDER BY job.finished_at, job.seq LIMIT ?2",
            state as i64
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![until.as_millis(), limit as i64], Hot::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Cancels or retries. `false` if there is no such job.
    pub(super) fn move_by_hand(&mut self, id: JobId, event: Event) -> Result<(), Trouble> {
        match self.hot(id)? {
            Some(hot) => self.move_hot(hot, event),
            None => Ok(()),
        }
    }

    pub(super) fn delete(&mut self, id: JobId) -> Result<Option<Vec<BlobId>>, Trouble> {
        let Some(hot) = self.hot(id)? else { return Ok(None) };
        if hot.item.is_some() {
            return Err(StoreError::PartOfRun.into());
        }
        if hot.status.state == State::Running {
            return Err(StoreError::Running.into());
        }
        let blobs = self.remove(&hot)?;
        Ok(Some(self.orphans(blobs)?))
    }

    pub(super) fn pause(&mut self, queue: QueueName) -> Result<(), Trouble> {
        self.words.queue(&self.db, &queue)?;
        self.turns.pause(&queue);
        self.totals.queues.entry(queue).or_default().paused = true;
        Ok(())
    }

    pub(super) fn resume(&mut self, queue: &QueueName) {
        if let Some(totals) = self.totals.queues.get_mut(queue).filter(|totals| totals.paused) {
            totals.paused = false;
            self.turns.resume(queue);
        }
        self.news.work = true;
    }

    pub(super) fn limit(&mut self, queue: &QueueName, max: Option<MaxRunning>) -> Result<(), Trouble> {
        let number = self.words.queue(&self.db, queue)?;
        // Written here and not with the totals, which are written all the time.
        self.db
            .prepare_cached("UPDATE queue SET max_running = ?2 WHERE id = ?1")?
            .execute(params![number, max.map(MaxRunning::get)])?;
        let running = self.totals.limit(queue, max);
        self.turns.limit(queue, max.map(|max| max.get().into()), running);
        self.news.work = true;
        Ok(())
    }

    pub(super) fn hot(&self, id: JobId) -> Result<Option<Hot>, Trouble> {
        let sql =
            format!("SELECT {HOT} FROM detail CROSS JOIN job ON job.seq = detail.seq WHERE detail.id = ?1");
        Ok(self.db.prepare_cached(&sql)?.query_row([id.as_bytes()], Hot::read).optional()?)
    }

    /// Deletes a job that does not run; returns the blobs that it referred to.
    pub(super) fn remove(&mut self, hot: &Hot) -> Result<BTreeSet<BlobId>, Trouble> {
        let seq = hot.seq as i64;
        let mut blobs: BTreeSet<BlobId> = artifacts(&self.db, hot.seq)?.into_iter().collect();
        let (blob, alias, key): ([u8; 32], Option<String>, Option<String>) = self
            .db
            .prepare_cached("SELECT blob, alias, key FROM detail WHERE seq = ?1")?
            .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        blobs.insert(BlobId::from_bytes(blob));
        if let Some(key) = key {
            self.db
                .prepare_cached(
                    "DELETE FROM idempotency WHERE owner = (SELECT owner FROM job WHERE seq = ?1) AND key = ?2",
                )?
                .execute(params![seq, key])?;
        }
        if let Some(alias) = alias {
            self.db
                .prepare_cached(
                    "DELETE FROM alias WHERE origin = (SELECT origin FROM job WHERE seq = ?1) AND alias = ?2 \
                     AND seq = ?1",
                )?
                .execute(params![seq, alias])?;
        }
        self.forget_results_of(hot.seq)?;
        let failure = self.failure_of(hot)?;
        for table in ["result", "failure", "attempt", "detail", "job"] {
            self.db.prepare_cached(&format!("DELETE FROM {table} WHERE seq = ?1"))?.execute([seq])?;
        }
        for blob in &blobs {
            self.references.remove(&self.db, *blob, hot.seq)?;
        }
        let queue = self.words.queue_name(&self.db, hot.queue)?;
        self.totals.failed_no_more(failure);
        if hot.status.state == State::Queued {
            let lane: LaneKey = self.words.lane_key(&self.db, hot.lane)?;
            self.turns.remove(&lane, 1);
        }
        self.totals.moved(&queue, Some(hot.status.state), None);
        self.open_jobs.moved(hot.owner, Some(hot.status.state), None);
        Ok(blobs)
    }

    pub(super) fn orphans(&self, blobs: BTreeSet<BlobId>) -> Result<Vec<BlobId>, Trouble> {
        let references = self.references.reader();
        let mut orphans = Vec::new();
        for blob in blobs {
            if !references.is_referenced(&self.db, blob)? {
                orphans.push(blob);
            }
        }
        Ok(orphans)
    }
}

//! Taking new jobs in.

use darkroom_core::{
    JobId, Timestamp,
    fairness::LaneKey,
    job::{Caching, FileName, NewJob, Place, State},
    run::ItemKey,
    store::{QueueFull, Submitted},
};
use rusqlite::{OptionalExtension, params};

use super::{
    book::Book,
    trouble::{Trouble, internal},
};
use crate::moves::{at_least_one, first_state};

/// A submission whose texts are made, so that the writer has less to do.
pub(super) struct Prepared {
    pub(super) new: NewJob,
    pub(super) operations: String,
}

impl Prepared {
    pub(super) fn new(new: NewJob) -> Result<Self, Trouble> {
        let operations = serde_json::to_string(&new.operations).map_err(internal)?;
        Ok(Self { new, operations })
    }
}

impl Book {
    pub(super) fn submit(&mut self, jobs: Vec<Prepared>) -> Result<Vec<Submitted>, Trouble> {
        let now = self.now();
        // Counted once and carried along: the totals have a row a queue.
        let mut waiting = self.totals.waiting();
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let answer = match self.known(&job.new)? {
                Some(known) => known,
                None if waiting >= self.limits.max_waiting => {
                    Submitted::Rejected(QueueFull { max_waiting: self.limits.max_waiting })
                }
                None if self.has_too_many(&job.new)? => Submitted::TooManyOpen,
                None => {
                    waiting += 1;
                    Submitted::Created(self.insert(job, None, now)?)
                }
            };
            answers.push(answer);
        }
        Ok(answers)
    }

    fn known(&mut self, new: &NewJob) -> Result<Option<Submitted>, Trouble> {
        let mut by_id = self.db.prepare_cached("SELECT 1 FROM detail WHERE id = ?1")?;
        if by_id.exists([new.id.as_bytes()])? {
            return Ok(Some(Submitted::Existing(new.id)));
        }
        let Some(given) = &new.idempotency else { return Ok(None) };
        let owner = self.words.word(&self.db, new.owner.as_str())?;
        let found: Option<([u8; 16], [u8; 32])> = self
            .db
            .prepare_cached(
                "SELECT detail.id, fingerprint FROM idempotency CROSS JOIN detail ON detail.seq = idempotency.seq \
                 WHERE owner = ?1 AND idempotency.key = ?2",
            )?
            .query_row(params![owner, given.key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.map(|(id, fingerprint)| match JobId::from_bytes(id) {
            id if fingerprint == given.fingerprint => Submitted::Existing(id),
            id => Submitted::Conflict(id),
        }))
    }

    fn has_too_many(&mut self, new: &NewJob) -> Result<bool, Trouble> {
        let Some(max) = new.max_open else { return Ok(false) };
        let owner = self.words.word(&self.db, new.owner.as_str())?;
        Ok(self.open_jobs.of(owner) >= max)
    }

    /// Records a job that has passed every check; `item` is the number of its run and its key there.
    pub(super) fn insert(
        &mut self,
        job: Prepared,
        item: Option<(i64, &ItemKey)>,
        now: Timestamp,
    ) -> Result<JobId, Trouble> {
        let Prepared { new, operations } = job;
        let run_at = new.run_at.unwrap_or(now).max(now);
        let state = first_state(run_at, now);
        let owner = self.words.word(&self.db, new.owner.as_str())?;
        let origin = self.words.word(&self.db, new.origin.as_str())?;
        let queue = self.words.queue(&self.db, &new.queue)?;
        let lane =
            self.words.lane(&self.db, &LaneKey { queue: new.queue.clone(), lane: new.lane.clone() })?;
        let mut bits = 0;
        for operation in &new.operations {
            bits |= self.words.operation(&self.db, operation.name())?;
        }
        let limits = at_least_one(new.limits);
        let seq = self
            .db
            .prepare_cached(
                "INSERT INTO job (state, queue, lane, priority, token, used, crashes, cancel, max_attempts, \
                 max_crashes, run_at, created_at, owner, origin, operations, run) \
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .insert(params![
                state as i64,
                queue,
                lane,
                new.priority,
                limits.attempts,
                limits.crashes,
                run_at.as_millis(),
                now.as_millis(),
                owner,
                origin,
                bits,
                item.map(|(run, _)| run)
            ])?;
        let key = new.idempotency.as_ref().map(|given| given.key.as_str());
        self.db
            .prepare_cached(
                "INSERT INTO detail (seq, id, blob, bytes, media_type, name, alias, key, operations, item, caching, \
                 place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                seq,
                new.id.as_bytes(),
                new.input.blob.as_bytes(),
                new.input.bytes as i64,
                new.input.media_type,
                new.input.name.as_ref().map(FileName::as_str),
                new.alias,
                key,
                operations,
                item.map(|(_, key)| key.as_str()),
                new.caching == Caching::Refused,
                new.input.place.as_ref().map(Place::as_str),
            ])?;
        self.insert_names(&new, (seq, owner, origin))?;
        self.references.add(&self.db, new.input.blob, seq as u64)?;
        self.totals.moved(&new.queue, None, Some(state));
        self.open_jobs.moved(owner, None, Some(state));
        self.present.minute(&self.db, now)?.submitted += 1;
        if state == State::Queued {
            self.ready(lane, 1)?;
        }
        self.news.changed.push(new.id);
        Ok(new.id)
    }

    fn insert_names(&self, new: &NewJob, (seq, owner, origin): (i64, i64, i64)) -> Result<(), Trouble> {
        if let Some(given) = &new.idempotency {
            self.db
                .prepare_cached(
                    "INSERT INTO idempotency (owner, key, seq, fingerprint) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![owner, given.key, seq, given.fingerprint])?;
        }
        if let Some(alias) = &new.alias {
            self.db
                .prepare_cached("INSERT INTO alias (origin, alias, seq) VALUES (?1, ?2, ?3)")?
                .execute(params![origin, alias, seq])?;
        }
        Ok(())
    }
}

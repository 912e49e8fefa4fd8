//! The queue side.

use std::{collections::BTreeSet, pin::Pin};

use async_trait::async_trait;
use darkroom_core::{
    JobId, SessionId, Timestamp,
    job::{Event, NewJob, State},
    store::{
        Beat, Lease, Leased, LiveWorker, MAX_BATCH, Notice, Queue, QueueFull, SESSION_TTL, Settled,
        Settlement, StoreError, StoreLimits, Submitted, Swept, WorkerInfo, WorkerStats,
    },
};
use futures_core::Stream;

use super::{
    Memory,
    cache::Kept,
    check_batch,
    stock::{Session, Stock},
};
use crate::{moves::Ending, notices::News};

#[async_trait]
impl Queue for Memory {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        check_batch(jobs.len())?;
        Ok(self.with(|stock, now, news| {
            jobs.into_iter().map(|job| stock.submit(job, &self.limits, (now, news))).collect()
        }))
    }

    async fn open_session(&self, worker: WorkerInfo) -> Result<SessionId, StoreError> {
        Ok(self.with(|stock, now, _| {
            let session = SessionId::new(now);
            let stats = WorkerStats::default();
            stock.open_session(LiveWorker { session, info: worker, stats, since: now, last_beat: now });
            session
        }))
    }

    async fn claim(&self, session: SessionId, slots: u32) -> Result<Vec<Leased>, StoreError> {
        self.with(|stock, now, news| stock.claim(session, slots, (now, news)))
    }

    async fn beat(&self, session: SessionId, stats: WorkerStats) -> Result<Beat, StoreError> {
        Ok(self.with(|stock, now, _| stock.beat(session, stats, now)))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        check_batch(settlements.len())?;
        Ok(self.with(|stock, now, news| {
            settlements.into_iter().map(|settlement| stock.settle(settlement, now, news)).collect()
        }))
    }

    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.with(|stock, now, news| stock.release(session, Ending::interrupted, (now, news)));
        Ok(())
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        Ok(self.with(|stock, now, news| stock.sweep(&self.limits, now, news)))
    }

    fn watch(&self) -> Pin<Box<dyn Stream<Item = Notice> + Send>> {
        self.notices.watch()
    }
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.worker.last_beat + SESSION_TTL
    }
}

impl Stock {
    fn submit(
        &mut self,
        new: NewJob,
        limits: &StoreLimits,
        (now, news): (Timestamp, &mut News),
    ) -> Submitted {
        if self.ids.contains_key(&new.id) {
            return Submitted::Existing(new.id);
        }
        if let Some(known) = new.idempotency.as_ref().and_then(|given| {
            let (seq, fingerprint) = self.keys.get(&(new.owner.clone(), given.key.clone()))?;
            let id = self.jobs.get(seq)?.job.id;
            let same = *fingerprint == given.fingerprint;
            Some(if same { Submitted::Existing(id) } else { Submitted::Conflict(id) })
        }) {
            return known;
        }
        if self.totals.waiting() >= limits.max_waiting {
            return Submitted::Rejected(QueueFull { max_waiting: limits.max_waiting });
        }
        if new.max_open.is_some_and(|max| self.open_jobs(&new.owner) >= max) {
            return Submitted::TooManyOpen;
        }
        Submitted::Created(self.put(new, None, (now, news)))
    }

    fn claim(
        &mut self,
        session: SessionId,
        slots: u32,
        (now, news): (Timestamp, &mut News),
    ) -> Result<Vec<Leased>, StoreError> {
        let Some(held) = self.sessions.get(&session).filter(|held| !held.is_over(now)) else {
            return Err(StoreError::SessionLost);
        };
        let deadline = held.worker.last_beat + SESSION_TTL;
        let picked = self.next_claims(u64::from(slots).min(MAX_BATCH as u64));
        let mut leased = Vec::with_capacity(picked.len());
        for seq in picked {
            let status = self.step(seq, Event::Claim, now, news)?;
            let Some(entry) = self.jobs.get_mut(&seq) else { continue };
            entry.session = Some(session);
            let mut job = entry.job.clone();
            (job.attempts, job.failure) = (Vec::new(), None);
            let lease = Lease { job: job.id, seq, token: status.lease_seq, session };
            leased.push(Leased { lease, job, deadline });
        }
        if let Some(held) = self.sessions.get_mut(&session) {
            held.running.extend(leased.iter().map(|l| l.lease.seq));
        }
        Ok(leased)
    }

    fn beat(&mut self, session: SessionId, stats: WorkerStats, now: Timestamp) -> Beat {
        let Some(held) = self.sessions.get_mut(&session).filter(|held| !held.is_over(now)) else {
            return Beat { lost: true, cancel: Vec::new() };
        };
        (held.worker.stats, held.worker.last_beat) = (stats, now);
        let jobs = held.running.iter().filter_map(|seq| self.jobs.get(seq));
        let cancelled = jobs.filter(|entry| entry.job.status.cancel_requested);
        Beat { lost: false, cancel: cancelled.map(|entry| entry.job.id).collect::<Vec<JobId>>() }
    }

    fn settle(&mut self, settlement: Settlement, now: Timestamp, news: &mut News) -> Settled {
        let Settlement { lease, outcome, timings, beside } = settlement;
        let newest = self.jobs.get(&lease.seq).filter(|entry| {
            let status = entry.job.status;
            entry.job.id == lease.job
                && entry.session == Some(lease.session)
                && status.state == State::Running
                && status.lease_seq == lease.token
        });
        let Some(entry) = newest else { return Settled::Stale };
        let ending = Ending::of(outcome, entry.job.status);
        let results = ending.results.len();
        self.end(lease.seq, ending, timings, (now, news));
        self.log.record(beside.predictions);
        for (key, place) in beside.remembered.into_iter().filter(|(_, place)| *place < results) {
            self.remembered.put(key, Kept::Job(lease.seq, place), now);
        }
        Settled::Accepted
    }

    fn sweep(&mut self, limits: &StoreLimits, now: Timestamp, news: &mut News) -> Swept {
        let mut swept = Swept::default();
        for session in self.sessions_that(|held| held.is_over(now)) {
            swept.lost_sessions += 1;
            swept.rescued += self.lose(session, now, news);
        }
        let due: Vec<u64> =
            self.due.iter().take_while(|(at, _)| *at <= now).take(MAX_BATCH).map(|(_, seq)| *seq).collect();
        for seq in due {
            swept.due += u64::from(self.step(seq, Event::Due, now, news).is_ok());
        }
        let mut outlived = self.outlived(limits, now);
        outlived.truncate(limits.max_deleted_per_sweep as usize);
        swept.deleted = outlived.len() as u64;
        let mut blobs = BTreeSet::new();
        self.cancel_leftovers(now, news);
        self.doom_outlived_runs(limits, (now, news));
        let budget = limits.max_deleted_per_sweep as usize - outlived.len();
        let doomed = self.remove_doomed(budget);
        swept.deleted += doomed.0;
        blobs.extend(doomed.1);
        for seq in outlived {
            blobs.extend(self.remove(seq));
        }
        swept.orphans = blobs.into_iter().filter(|blob| !self.blobs.contains_key(blob)).collect();
        swept.predictions = self.log.forget(limits, now);
        swept.forgotten = self.remembered.forget(limits, now);
        self.look_at_queue(limits, now);
        swept
    }

    /// Finished jobs that retention has outlived, those first that are kept for a shorter time.
    fn outlived(&self, limits: &StoreLimits, now: Timestamp) -> Vec<u64> {
        let finished = self.finished.iter().take_while(|(at, _)| *at + limits.keep_finished <= now);
        let failed = self.failed.iter().take_while(|(at, _)| *at + limits.keep_failed <= now);
        finished.chain(failed).map(|(_, seq)| *seq).collect()
    }
}

//! The jobs in memory and their indexes. Whatever moves a job goes through [`Stock::step`].

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use darkroom_core::{
    BlobId, JobId, SessionId, Timestamp,
    fairness::{LaneKey, Turns},
    job::{
        Attempt, Event, Idempotency, Job, Lane, NewJob, Origin, Owner, QueueName, Refused, State, Status,
        Timings,
    },
    run::{ItemOf, Moved},
    store::{LiveWorker, MaxRunning},
};

use super::{cache::Remembered, history::Past, predictions::Log, runs::RunStock, users::People};
use crate::{
    moves::{Ending, Marks, at_least_one, first_state, shows_failure},
    notices::News,
    totals::{Held, OldestQueued, Totals},
};

/// A job and what the store alone knows of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) job: Job,
    lane: Lane,
    pub(super) session: Option<SessionId>,
    key: Option<String>,
}

impl Entry {
    fn lane_key(&self) -> LaneKey {
        LaneKey { queue: self.job.queue.clone(), lane: self.lane.clone() }
    }

    fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let artifacts = self.job.results.iter().flat_map(|result| &result.artifacts);
        std::iter::once(self.job.input.blob).chain(artifacts.map(|artifact| artifact.blob))
    }

    fn operation_names(&self) -> BTreeSet<&'static str> {
        self.job.operations.iter().map(darkroom_core::Operation::name).collect()
    }
}

/// A session that lives, and the running jobs that it holds.
#[derive(Debug)]
pub(super) struct Session {
    /// Sessions are numbered in the order in which they were opened.
    pub(super) number: u64,
    pub(super) worker: LiveWorker,
    pub(super) running: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) jobs: BTreeMap<u64, Entry>,
    pub(super) ids: HashMap<JobId, u64>,
    pub(super) keys: HashMap<(Owner, String), (u64, [u8; 32])>,
    pub(super) aliases: BTreeSet<(Origin, String, u64)>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) totals: Totals,
    pub(super) past: Past,
    /// Jobs that have not ended, by owner.
    open: HashMap<Owner, u64>,
    pub(super) people: People,
    pub(super) log: Log,
    pub(super) remembered: Remembered,
    /// Scheduled jobs by the time they fall due.
    pub(super) due: BTreeSet<(Timestamp, u64)>,
    /// Finished jobs by the time they finished; failed ones apart, for they are kept longer.
    pub(super) finished: BTreeSet<(Timestamp, u64)>,
    pub(super) failed: BTreeSet<(Timestamp, u64)>,
    /// Queued jobs by the time they became claimable.
    waiting: BTreeMap<QueueName, BTreeSet<(Timestamp, u64)>>,
    pub(super) ready: BTreeMap<LaneKey, BTreeSet<(Reverse<i8>, u64)>>,
    pub(super) turns: Turns,
    pub(super) runs: RunStock,
    /// How many references each blob has.
    pub(super) blobs: HashMap<BlobId, u64>,
    last_seq: u64,
    last_session: u64,
}

impl Stock {
    /// Moves a job by one event that ends no attempt. Claims take turns themselves (see [`Stock::next_claims`]).
    pub(super) fn step(
        &mut self,
        seq: u64,
        event: Event,
        now: Timestamp,
        news: &mut News,
    ) -> Result<Status, Refused> {
        let entry = self.jobs.get(&seq);
        let before = entry.map(|entry| entry.job.status.state);
        let failure = entry.and_then(|entry| entry.job.failure.as_ref()).map(|failure| failure.kind);
        let after = self.shift(seq, event, now, news)?;
        if let Some(from) = before {
            self.item_moved(seq, Moved { from, to: after.state, failure }, (now, news));
        }
        Ok(after)
    }

    fn shift(&mut self, seq: u64, event: Event, now: Timestamp, news: &mut News) -> Result<Status, Refused> {
        let Some(entry) = self.jobs.get(&seq) else {
            return Err(Refused { state: State::Cancelled, event });
        };
        let before = entry.job.status;
        let after = before.after(event, entry.job.limits)?;
        if after == before {
            return Ok(after);
        }
        if before.state == State::Failed {
            self.totals.failed_no_more(entry.job.failure.as_ref().map(|failure| failure.kind));
        }
        self.unindex(seq, event != Event::Claim);
        let Some(entry) = self.jobs.get_mut(&seq) else { return Ok(after) };
        let job = &mut entry.job;
        let marks = Marks { run_at: job.run_at, started_at: job.started_at, finished_at: job.finished_at };
        let marks = marks.after(event, after.state, now);
        (job.run_at, job.started_at, job.finished_at) = (marks.run_at, marks.started_at, marks.finished_at);
        job.status = after;
        if before.state.is_final() || !(shows_failure(after.state) || after.state == State::Running) {
            job.failure = None;
        }
        news.changed.push(job.id);
        self.totals.moved(&entry.job.queue, Some(before.state), Some(after.state));
        if before.state == State::Running && after.state != State::Running {
            news.work |= self.turns.ended(&entry.job.queue);
        }
        count_open(&mut self.open, &entry.job.owner, (Some(before.state), Some(after.state)));
        if after.state.is_final() && !before.state.is_final() {
            self.totals.finished(entry.operation_names().into_iter(), after.state);
            self.past.minute(now).ended(after.state, entry.job.created_at, now);
        }
        self.index(seq, news);
        Ok(after)
    }

    /// Ends the running attempt of a job and records it.
    pub(super) fn end(
        &mut self,
        seq: u64,
        ending: Ending,
        timings: Timings,
        (now, news): (Timestamp, &mut News),
    ) {
        let Some(entry) = self.jobs.get(&seq) else { return };
        let Some(session) = entry.session else { return };
        let worker = self.sessions.get(&session).map(|s| s.worker.info.label()).unwrap_or_default();
        let attempt = Attempt {
            number: entry.job.status.lease_seq,
            worker,
            started_at: entry.job.started_at.unwrap_or(now),
            ended_at: now,
            end: ending.end,
            failure: ending.failure.clone(),
            timings,
        };
        let Ok(after) = self.shift(seq, ending.event, now, news) else { return };
        if let Some(held) = self.sessions.get_mut(&session) {
            held.running.remove(&seq);
        }
        let Some(entry) = self.jobs.get_mut(&seq) else { return };
        entry.session = None;
        entry.job.attempts.push(attempt);
        if let Some(delay) = ending.delay.filter(|_| after.state == State::Scheduled) {
            self.due.remove(&(entry.job.run_at, seq));
            entry.job.run_at = now + delay;
            self.due.insert((entry.job.run_at, seq));
        }
        let failure = ending.failure.as_ref().map(|failure| failure.kind);
        if after.state == State::Failed {
            self.totals.failed(failure);
        }
        if ending.failure.is_some() && shows_failure(after.state) {
            entry.job.failure = ending.failure;
        }
        for blob in ending.results.iter().flat_map(|r| &r.artifacts).map(|a| a.blob) {
            *self.blobs.entry(blob).or_default() += 1;
        }
        entry.job.results = ending.results;
        self.item_moved(seq, Moved { from: State::Running, to: after.state, failure }, (now, news));
        if after.state == State::Succeeded {
            self.give(seq);
        }
    }

    /// Takes a new job in. It has passed every check.
    pub(super) fn put(
        &mut self,
        new: NewJob,
        item: Option<ItemOf>,
        (now, news): (Timestamp, &mut News),
    ) -> JobId {
        self.last_seq += 1;
        let seq = self.last_seq;
        let run_at = new.run_at.unwrap_or(now).max(now);
        if let Some(Idempotency { key, fingerprint }) = &new.idempotency {
            self.keys.insert((new.owner.clone(), key.clone()), (seq, *fingerprint));
        }
        if let Some(alias) = &new.alias {
            self.aliases.insert((new.origin.clone(), alias.clone(), seq));
        }
        self.ids.insert(new.id, seq);
        *self.blobs.entry(new.input.blob).or_default() += 1;
        let job = Job {
            id: new.id,
            seq,
            owner: new.owner,
            queue: new.queue,
            origin: new.origin,
            item,
            alias: new.alias,
            priority: new.priority,
            input: new.input,
            operations: new.operations,
            status: Status::new(first_state(run_at, now)),
            held: false,
            limits: at_least_one(new.limits),
            caching: new.caching,
            created_at: now,
            run_at,
            started_at: None,
            finished_at: None,
            attempts: Vec::new(),
            results: Vec::new(),
            failure: None,
        };
        self.totals.moved(&job.queue, None, Some(job.status.state));
        self.past.minute(now).submitted += 1;
        count_open(&mut self.open, &job.owner, (None, Some(job.status.state)));
        let key = new.idempotency.map(|i| i.key);
        self.jobs.insert(seq, Entry { job, lane: new.lane, session: None, key });
        news.changed.push(new.id);
        self.index(seq, news);
        new.id
    }

    /// Forgets a job; returns the blobs that it referred to.
    pub(super) fn remove(&mut self, seq: u64) -> BTreeSet<BlobId> {
        self.unindex(seq, true);
        let Some(entry) = self.jobs.remove(&seq) else { return BTreeSet::new() };
        self.ids.remove(&entry.job.id);
        self.remembered.forget_job(seq);
        if let Some(key) = &entry.key {
            self.keys.remove(&(entry.job.owner.clone(), key.clone()));
        }
        if let Some(alias) = &entry.job.alias {
            self.aliases.remove(&(entry.job.origin.clone(), alias.clone(), seq));
        }
        self.totals.moved(&entry.job.queue, Some(entry.job.status.state), None);
        if entry.job.status.state == State::Failed {
            self.totals.failed_no_more(entry.job.failure.as_ref().map(|failure| failure.kind));
        }
        count_open(&mut self.open, &entry.job.owner, (Some(entry.job.status.state), None));
        let blobs: BTreeSet<BlobId> = entry.blobs().collect();
        self.forget_blobs(entry.blobs());
        blobs
    }

    /// A job refers to these no more.
    pub(super) fn forget_blobs(&mut self, blobs: impl Iterator<Item = BlobId>) {
        let mut gone = BTreeSet::new();
        for blob in blobs {
            if let Some(count) = self.blobs.get_mut(&blob) {
                *count -= 1;
                gone.insert(blob);
            }
        }
        self.blobs.retain_referenced(&gone);
    }

    /// A session begins.
    pub(super) fn open_session(&mut self, worker: LiveWorker) {
        self.last_session += 1;
        let session = Session { number: self.last_session, running: BTreeSet::new(), worker };
        self.sessions.insert(session.worker.session, session);
    }

    /// Sessions in the order in which they were opened. Those of one millisecond have ids in any order, and what becomes
    /// of a run depends on which of its items ends first.
    pub(super) fn sessions_that(&self, are_meant: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        let mut meant: Vec<&Session> = self.sessions.values().filter(|held| are_meant(held)).collect();
        meant.sort_unstable_by_key(|held| held.number);
        meant.into_iter().map(|held| held.worker.session).collect()
    }

    /// Ends a session whose worker vanished; returns how many jobs it held.
    pub(super) fn lose(&mut self, session: SessionId, now: Timestamp, news: &mut News) -> u64 {
        self.release(session, Ending::lost, (now, news))
    }

    /// Ends a session; each job that it held ends as `ending` says.
    pub(super) fn release(
        &mut self,
        session: SessionId,
        ending: impl Fn() -> Ending,
        (now, news): (Timestamp, &mut News),
    ) -> u64 {
        let held = self.sessions.get(&session).map(|s| s.running.clone()).unwrap_or_default();
        for seq in &held {
            self.end(*seq, ending(), Timings::default(), (now, news));
        }
        self.sessions.remove(&session);
        held.len() as u64
    }

    /// Takes up to `slots` turns and picks the jobs for them.
    pub(super) fn next_claims(&mut self, slots: u64) -> Vec<u64> {
        let mut picked = Vec::new();
        for (lane, count) in self.turns.take(slots) {
            let ready = self.ready.get(&lane).into_iter().flatten();
            picked.extend(ready.take(count as usize).map(|(_, seq)| *seq));
        }
        picked
    }

    /// Jobs of this owner that have not ended.
    pub(super) fn open_jobs(&self, owner: &Owner) -> u64 {
        self.open.get(owner).copied().unwrap_or_default()
    }

    /// Whether a job of this owner refers to this blob. Looks at every job: this store is small.
    pub(super) fn refers(&self, owner: &Owner, blob: BlobId) -> bool {
        let mut own = self.jobs.values().filter(|entry| entry.job.owner == *owner);
        self.blobs.contains_key(&blob) && own.any(|entry| entry.blobs().any(|known| known == blob))
    }

    pub(super) fn pause(&mut self, queue: QueueName) {
        self.turns.pause(&queue);
        self.totals.queues.entry(queue).or_default().paused = true;
    }

    pub(super) fn resume(&mut self, queue: &QueueName) {
        if let Some(totals) = self.totals.queues.get_mut(queue).filter(|totals| totals.paused) {
            totals.paused = false;
            self.turns.resume(queue);
        }
    }

    /// At most so many jobs of this queue run at a time.
    pub(super) fn limit(&mut self, queue: &QueueName, max: Option<MaxRunning>) {
        let running = self.totals.limit(queue, max);
        self.turns.limit(queue, max.map(|max| max.get().into()), running);
    }

    /// When the oldest queued job of each queue became claimable, but for what a run holds.
    pub(super) fn oldest_queued(&self) -> OldestQueued {
        let is_held = |seq| {
            let item = self.jobs.get(&seq).and_then(|entry| entry.job.item.as_ref());
            item.is_some_and(|item| self.runs.holds(item.run))
        };
        let first = |(queue, waiting): (&QueueName, &BTreeSet<(Timestamp, u64)>)| {
            let (at, _) = waiting.iter().find(|(_, seq)| !is_held(*seq))?;
            Some((queue.clone(), *at))
        };
        self.waiting.iter().filter_map(first).collect()
    }

    /// Queued jobs of each queue that runs hold.
    pub(super) fn held(&self) -> Held {
        let mut held = Held::new();
        for lane in self.runs.held_lanes() {
            let queued = self.turns.ready(&lane);
            *held.entry(lane.queue).or_default() += queued;
        }
        held
    }

    /// Whose turn it is starts anew, as after reopening.
    #[cfg(feature = "faults")]
    pub(super) fn forget_turns(&mut self) {
        self.turns = Turns::default();
        for (lane, ready) in &self.ready {
            self.turns.add(lane, ready.len() as u64);
        }
        for (queue, _) in self.totals.queues.iter().filter(|(_, totals)| totals.paused) {
            self.turns.pause(queue);
        }
        for (queue, max, running) in self.totals.limited() {
            self.turns.limit(queue, Some(max.get().into()), running);
        }
        for lane in self.runs.held_lanes() {
            self.turns.hold(&lane);
        }
    }

    fn index(&mut self, seq: u64, news: &mut News) {
        let Some(entry) = self.jobs.get(&seq) else { return };
        let job = &entry.job;
        match job.status.state {
            State::Scheduled => drop(self.due.insert((job.run_at, seq))),
            State::Queued => {
                let lane = entry.lane_key();
                self.turns.add(&lane, 1);
                self.ready.entry(lane).or_default().insert((Reverse(job.priority), seq));
                self.waiting.entry(job.queue.clone()).or_default().insert((job.run_at, seq));
                news.work = true;
            }
            State::Running => {}
            _ if job.item.is_some() => {}
            State::Failed => drop(self.failed.insert((job.finished_at.unwrap_or_default(), seq))),
            State::Succeeded | State::Cancelled => {
                self.finished.insert((job.finished_at.unwrap_or_default(), seq));
            }
        }
    }

    /// Takes a job out of the indexes of its state. `turn`: whether it leaves its lane without a turn.
    fn unindex(&mut self, seq: u64, without_turn: bool) {
        let Some(entry) = self.jobs.get(&seq) else { return };
        let job = &entry.job;
        match job.status.state {
            State::Scheduled => drop(self.due.remove(&(job.run_at, seq))),
            State::Queued => {
                let lane = entry.lane_key();
                if without_turn {
                    self.turns.remove(&lane, 1);
                }
                remove_from(&mut self.ready, &lane, &(Reverse(job.priority), seq));
                remove_from(&mut self.waiting, &job.queue, &(job.run_at, seq));
            }
            State::Running => {}
            State::Failed => drop(self.failed.remove(&(job.finished_at.unwrap_or_default(), seq))),
            State::Succeeded | State::Cancelled => {
                self.finished.remove(&(job.finished_at.unwrap_or_default(), seq));
            }
        }
    }
}

/// A job of this owner went from one state to another; `None` is outside of the store.
fn count_open(open: &mut HashMap<Owner, u64>, owner: &Owner, (from, to): (Option<State>, Option<State>)) {
    let is_open = |state: Option<State>| state.is_some_and(|state| !state.is_final());
    let before = open.get(owner).copied().unwrap_or_default();
    let after = before + u64::from(is_open(to)) - u64::from(is_open(from));
    if after == 0 {
        open.remove(owner);
    } else if after != before {
        open.insert(owner.clone(), after);
    }
}

fn remove_from<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

trait Referenced {
    fn retain_referenced(&mut self, candidates: &BTreeSet<BlobId>);
}

impl Referenced for HashMap<BlobId, u64> {
    fn retain_referenced(&mut self, candidates: &BTreeSet<BlobId>) {
        for blob in candidates {
            if self.get(blob) == Some(&0) {
                self.remove(blob);
            }
        }
    }
}

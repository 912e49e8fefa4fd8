//! Claims and how they end.

use darkroom_core::{
    SessionId, Timestamp,
    fairness::LaneKey,
    job::{Event, Outcome, Timings},
    store::{
        Beat, Beside, Lease, LiveWorker, MAX_BATCH, SESSION_TTL, Settled, Settlement, StoreError, WorkerInfo,
        WorkerStats,
    },
};
use rusqlite::params;

use super::{
    book::{Book, Session},
    rows::{CLAIMED, HOT, Numbered, RawJob, end_number, kind_number},
    trouble::{Trouble, internal},
};
use crate::moves::Ending;

/// A claimed job, to be parsed by whoever claimed it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) lease: Lease,
    pub(super) deadline: Timestamp,
    pub(super) job: RawJob,
}

/// A settlement whose texts are made.
pub(super) struct Report {
    lease: Lease,
    outcome: Outcome,
    results: Option<String>,
    timings: Timings,
    beside: Beside,
}

impl Report {
    pub(super) fn new(settlement: Settlement) -> Result<Self, Trouble> {
        let Settlement { lease, outcome, timings, beside } = settlement;
        let results = match &outcome {
            Outcome::Succeeded(results) => Some(serde_json::to_string(results).map_err(internal)?),
            _ => None,
        };
        Ok(Self { lease, outcome, results, timings, beside })
    }
}

impl Session {
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.worker.last_beat + SESSION_TTL
    }
}

impl Book {
    pub(super) fn open_session(&mut self, info: WorkerInfo) -> Result<SessionId, Trouble> {
        let now = self.now();
        let session = SessionId::new(now);
        let label = self.words.word(&self.db, &info.label())?;
        let text = serde_json::to_string(&info).map_err(internal)?;
        let number = self
            .db
            .prepare_cached("INSERT INTO session (uuid, info, worker, since) VALUES (?1, ?2, ?3, ?4)")?
            .insert(params![session.as_bytes(), text, label, now.as_millis()])?;
        let stats = WorkerStats::default();
        let worker = LiveWorker { session, info, stats, since: now, last_beat: now };
        let running = std::collections::BTreeMap::new();
        self.sessions.insert(session, Session { number, label, worker, running });
        self.sessions_changed = true;
        Ok(session)
    }

    pub(super) fn beat(&mut self, session: SessionId, stats: WorkerStats) -> Beat {
        let now = self.now();
        let Some(held) = self.sessions.get_mut(&session).filter(|held| !held.is_over(now)) else {
            return Beat { lost: true, cancel: Vec::new() };
        };
        (held.worker.stats, held.worker.last_beat) = (stats, now);
        self.sessions_changed = true;
        let wanted = |seq: &u64| self.running.get(seq).is_some_and(|(hot, _)| hot.status.cancel_requested);
        let cancel = held.running.iter().filter(|(seq, _)| wanted(seq)).map(|(_, id)| *id).collect();
        Beat { lost: false, cancel }
    }

    /// Serves all claims that waited together: the turns are taken once, each lane is asked once.
    pub(super) fn claim(
        &mut self,
        claims: &[(SessionId, u32)],
    ) -> Result<Vec<Result<Vec<Given>, StoreError>>, Trouble> {
        let now = self.now();
        let lives = |session| self.sessions.get(session).is_some_and(|held| !held.is_over(now));
        let slots = |slots: u32| u64::from(slots).min(MAX_BATCH as u64);
        let wanted: Vec<Option<u64>> = claims.iter().map(|(id, n)| lives(id).then(|| slots(*n))).collect();
        let mut jobs = self.next_jobs(wanted.iter().flatten().sum())?.into_iter();
        let mut answers = Vec::with_capacity(claims.len());
        for ((session, _), wanted) in claims.iter().zip(wanted) {
            let Some(wanted) = wanted else {
                answers.push(Err(StoreError::SessionLost));
                continue;
            };
            let mut given = Vec::new();
            for job in jobs.by_ref().take(wanted as usize) {
                given.push(self.give(job, *session, now)?);
            }
            answers.push(Ok(given));
        }
        Ok(answers)
    }

    /// The next jobs by turn. Their names are in memory.
    fn next_jobs(&mut self, slots: u64) -> Result<Vec<RawJob>, Trouble> {
        let mut jobs = Vec::new();
        for (key, count) in self.turns.take(slots) {
            let found = self.first_of(&key, count)?;
            if found.len() as u64 != count {
                let message = format!("lane {} has {} queued jobs, not {count}", key.lane, found.len());
                // Undoes the transaction: what memory says of the lane is read again.
                return Err(Trouble::File(rusqlite::Error::ToSqlConversionFailure(message.into())));
            }
            for job in found {
                let hot = &job.hot;
                let names = [
                    self.words.text(&self.db, hot.owner)?,
                    self.words.text(&self.db, job.origin)?,
                    self.words.queue_name(&self.db, hot.queue)?.into(),
                ];
                let run = match &hot.item {
                    Some((run, _)) => Some(self.live(*run)?.run.id),
                    None => None,
                };
                jobs.push(job.named(names, run));
            }
        }
        Ok(jobs)
    }

    fn first_of(&mut self, key: &LaneKey, count: u64) -> Result<Vec<Numbered>, Trouble> {
        let lane = self.words.lane(&self.db, key)?;
        let mut statement = self.db.prepare_cached(claim_sql())?;
        let rows = statement.query_map(params![lane, count as i64], Numbered::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn give(&mut self, mut job: RawJob, session: SessionId, now: Timestamp) -> Result<Given, Trouble> {
        let held = self.sessions.get(&session).ok_or(StoreError::SessionLost)?;
        let deadline = held.worker.last_beat + SESSION_TTL;
        job.hot.session = Some(held.number);
        self.step(&mut job.hot, Event::Claim, now)?;
        let (seq, id) = (job.hot.seq, job.hot.id);
        self.running.insert(seq, (job.hot.clone(), session));
        if let Some(held) = self.sessions.get_mut(&session) {
            held.running.insert(seq, id);
        }
        let lease = Lease { job: id, seq, token: job.hot.status.lease_seq, session };
        Ok(Given { lease, deadline, job })
    }

    pub(super) fn settle(&mut self, reports: Vec<Report>) -> Result<Vec<Settled>, Trouble> {
        let now = self.now();
        let mut answers = Vec::with_capacity(reports.len());
        for report in reports {
            let Report { lease, outcome, results, timings, beside } = report;
            let newest = self.running.get(&lease.seq).filter(|(hot, session)| {
                hot.id == lease.job && *session == lease.session && hot.status.lease_seq == lease.token
            });
            let Some((hot, _)) = newest else {
                answers.push(Settled::Stale);
                continue;
            };
            let ending = Ending::of(outcome, hot.status);
            let item = hot.item.clone();
            self.end(lease.seq, &ending, timings, now)?;
            if let Some((run, key)) = item
                && ending.event == Event::Succeed
            {
                self.item_gave(run, &key, &ending.results)?;
            }
            if let Some(body) = results {
                self.write_results(lease.seq, &ending, &body)?;
            }
            self.log(&beside.predictions)?;
            for (key, place) in beside.remembered.into_iter().filter(|(_, at)| *at < ending.results.len()) {
                self.remember(key, Some((lease.seq, place)), None)?;
            }
            answers.push(Settled::Accepted);
        }
        Ok(answers)
    }

    /// Ends a session; what it held ends as `ending` says. Returns how many jobs that were.
    pub(super) fn release(&mut self, session: SessionId, ending: &Ending) -> Result<u64, Trouble> {
        let Some(held) = self.sessions.get(&session) else { return Ok(0) };
        let (number, jobs): (i64, Vec<u64>) = (held.number, held.running.keys().copied().collect());
        let now = self.now();
        for seq in &jobs {
            self.end(*seq, ending, Timings::default(), now)?;
        }
        self.db.prepare_cached("DELETE FROM session WHERE id = ?1")?.execute([number])?;
        self.sessions.remove(&session);
        self.sessions_changed = true;
        Ok(jobs.len() as u64)
    }

    /// Ends the running attempt of a job and records it.
    fn end(&mut self, seq: u64, ending: &Ending, timings: Timings, now: Timestamp) -> Result<(), Trouble> {
        let Some((mut hot, session)) = self.running.remove(&seq) else { return Ok(()) };
        let mut label = 0;
        if let Some(held) = self.sessions.get_mut(&session) {
            held.running.remove(&seq);
            label = held.label;
        }
        let started_at = hot.marks.started_at.unwrap_or(now);
        self.step_ended(&mut hot, ending, now)?;
        let failure = ending.failure.as_ref();
        self.db
            .prepare_cached("INSERT INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")?
            .execute(params![
                seq as i64,
                hot.status.lease_seq,
                label,
                started_at.as_millis(),
                now.as_millis(),
                end_number(ending.end),
                failure.map(|failure| kind_number(failure.kind)),
                failure.map(|failure| failure.message.as_str()),
                timings.read_us as i64,
                timings.wait_us as i64,
                timings.work_us as i64,
                timings.write_us as i64,
                timings.decode_us as i64,
                timings.infer_us as i64,
                timings.encode_us as i64,
            ])?;
        Ok(())
    }

    fn write_results(&mut self, seq: u64, ending: &Ending, body: &str) -> Result<(), Trouble> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO result (seq, body) VALUES (?1, ?2)")?
            .execute(params![seq as i64, body])?;
        for artifact in ending.results.iter().flat_map(|result| &result.artifacts) {
            self.references.add(&self.db, artifact.blob, seq)?;
        }
        Ok(())
    }
}

/// The statement of a claim: the first jobs of a lane, straight from the index of what is ready.
fn claim_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT {HOT}, {CLAIMED} FROM job INDEXED BY job_ready CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = 1 AND job.lane = ?1 ORDER BY job.priority DESC, job.seq LIMIT ?2"
        )
    });
    &SQL
}

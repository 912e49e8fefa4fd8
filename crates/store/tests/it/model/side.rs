//! One of the two stores, which takes the steps.

use std::{fmt::Debug, ops::Deref, time::Duration};

use darkroom_core::{
    SessionId,
    job::{Failure, FailureKind, Outcome, Shown, Timings},
    run::{RunEvent, Stop},
    store::{
        Action, Beside, CacheKey, Chosen, JobFilter, Lease, MaxRunning, Page, Settlement, Store, StoreError,
        WorkerInfo, WorkerStats,
        conformance::{prediction, success, with_vector, worker},
    },
};

use super::steps::{Ids, New, Step};

/// One of the two stores, with the names that it gave to sessions.
pub(super) struct Side<S> {
    pub(super) store: S,
    pub(super) sessions: Vec<SessionId>,
    /// Leases in the order of claims; the session by its place in `sessions`.
    pub(super) leases: Vec<(Lease, usize)>,
}

/// What a step answered, in words that do not depend on random session ids.
pub(super) type Told = String;

impl<S: Deref<Target = T>, T: Store + ?Sized> Side<S> {
    pub(super) fn new(store: S) -> Self {
        Self { store, sessions: Vec::new(), leases: Vec::new() }
    }

    pub(super) async fn take(&mut self, step: &Step, new: &New, ids: &Ids) -> Told {
        let queue = |n: u8| format!("q{n}").parse().expect("queue");
        match step {
            Step::Submit(_) => tell(self.store.submit(new.jobs.clone()).await),
            Step::OpenSession => {
                let info = WorkerInfo { pid: self.sessions.len() as u32, ..worker("w") };
                self.sessions.push(self.store.open_session(info).await.expect("open a session"));
                Told::new()
            }
            Step::Claim { session, slots } => self.claim(*session, *slots).await,
            Step::Beat { session } => {
                let Some(id) = pick(&self.sessions, *session) else { return Told::new() };
                tell(
                    self.store
                        .beat(*id, WorkerStats { running: *session as u32, ..Default::default() })
                        .await,
                )
            }
            Step::Settle { leases } => {
                let reports = leases.iter().filter_map(|(index, kind)| {
                    let (lease, _) = pick(&self.leases, *index)?;
                    Some(Settlement {
                        lease: *lease,
                        outcome: outcome(*kind, lease.seq),
                        timings: Timings::default(),
                        beside: beside(*kind),
                    })
                });
                tell(self.store.settle(reports.collect()).await)
            }
            Step::CloseSession { session } => {
                let Some(id) = pick(&self.sessions, *session) else { return Told::new() };
                tell(self.store.close_session(*id).await)
            }
            Step::Sweep => tell(self.store.sweep().await),
            Step::Cancel { job } => match pick(&ids.jobs, *job) {
                Some(id) => tell(self.store.cancel(*id).await),
                None => Told::new(),
            },
            Step::Retry { job } => match pick(&ids.jobs, *job) {
                Some(id) => tell(self.store.retry(*id).await),
                None => Told::new(),
            },
            Step::Delete { job } => match pick(&ids.jobs, *job) {
                Some(id) => tell(self.store.delete(*id).await),
                None => Told::new(),
            },
            Step::Act { action, state, limit, order } => {
                // Any state at times.
                let states = Shown::ALL.get(*state).copied().into_iter().collect();
                let chosen =
                    Chosen { filter: JobFilter { states, order: *order, ..JobFilter::default() }, ids: None };
                let action = [Action::Retry, Action::Cancel, Action::Delete][*action];
                tell(self.store.act(action, chosen, Page { limit: *limit, before: None }).await)
            }
            Step::Pause { queue: n } => tell(self.store.pause(queue(*n)).await),
            Step::Resume { queue: n } => tell(self.store.resume(queue(*n)).await),
            Step::Limit { queue: n, max } => {
                let max = max.map(|max| MaxRunning::try_from(u64::from(max)).expect("a limit"));
                tell(self.store.limit(queue(*n), max).await)
            }
            Step::Wait { .. } | Step::Reopen => Told::new(),
            _ => self.take_with_run(step, new, ids).await,
        }
    }

    async fn take_with_run(&mut self, step: &Step, new: &New, ids: &Ids) -> Told {
        if let Some(run) = &new.run {
            return tell(self.store.create_run(run.clone()).await);
        }
        match step {
            Step::Append { run, .. } => match pick(&ids.runs, *run) {
                Some(id) => tell(self.store.append(*id, new.items.clone()).await),
                None => Told::new(),
            },
            Step::ChangeRun { run, kind } => match pick(&ids.runs, *run) {
                Some(id) => tell(self.store.change_run(*id, event(*kind)).await),
                None => Told::new(),
            },
            Step::Redo { run, job } => match (pick(&ids.runs, *run), pick(&ids.jobs, *job)) {
                (Some(run), Some(job)) => tell(self.store.redo(*run, vec![*job]).await),
                _ => Told::new(),
            },
            Step::DeleteRun { run } => match pick(&ids.runs, *run) {
                Some(id) => tell(self.store.delete_run(*id).await),
                None => Told::new(),
            },
            _ => Told::new(),
        }
    }

    async fn claim(&mut self, session: usize, slots: u32) -> Told {
        let Some(id) = pick(&self.sessions, session) else { return Told::new() };
        let place = session % self.sessions.len();
        match self.store.claim(*id, slots).await {
            Ok(claimed) => {
                self.leases.extend(claimed.iter().map(|leased| (leased.lease, place)));
                let told: Vec<_> =
                    claimed.iter().map(|l| (l.lease.token, l.lease.seq, place, l.deadline, &l.job)).collect();
                format!("{told:?}")
            }
            Err(error) => error.to_string(),
        }
    }
}

fn pick<T>(all: &[T], index: usize) -> Option<&T> {
    all.get(index % all.len().max(1))
}

fn tell<T: Debug>(answer: Result<T, StoreError>) -> Told {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => error.to_string(),
    }
}

fn outcome(kind: u8, seq: u64) -> Outcome {
    let failure = Failure::new(FailureKind::StorageUnavailable, "not now");
    match kind {
        0 => success("t"),
        1 => with_vector(
            &[seq as f32 / 3.0, 1e30, -1e-30, f32::from_bits(seq as u32)],
            &format!("{}", seq % 3),
        ),
        2 => Outcome::FailedPermanently(Failure::new(FailureKind::Undecodable, "broken")),
        3 => Outcome::FailedTransiently(failure, Duration::from_secs(3)),
        4 => Outcome::Interrupted,
        _ => Outcome::Cancelled,
    }
}

fn event(kind: u8) -> RunEvent {
    match kind {
        0 => RunEvent::SourceEnded,
        1 => RunEvent::SourceFailed("torn".to_owned()),
        2 => RunEvent::Pause(Stop::asked("wait")),
        3 => RunEvent::Resume,
        4 => RunEvent::Cancel(Stop::asked("enough")),
        _ => RunEvent::Retry,
    }
}

/// Entries and results that go with an outcome; interruptions have none.
fn beside(kind: u8) -> Beside {
    match kind {
        0..=3 => Beside {
            predictions: vec![prediction("o1", &kind.to_string())],
            // The second names a result that is not there.
            remembered: vec![(key(kind % 3), 0), (key(2), usize::from(kind))],
        },
        _ => Beside::default(),
    }
}

pub(super) fn key(name: u8) -> CacheKey {
    CacheKey::from_bytes([name; 32])
}

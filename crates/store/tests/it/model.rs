//! Random schedules on the file, compared with the store in memory after each step.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use darkroom_core::{
    Clock, JobId, ManualClock, RunId, SessionId, Timestamp,
    job::{
        AttemptLimits, Failure, FailureKind, Idempotency, Job, NewJob, OperationResult, Outcome, QueueName,
        Shown, State, Timings,
    },
    prediction::Prediction,
    run::{Cell, Entry, HighWater, NewItem, NewRun, OnError, Run, RunEvent, SkipReason, Stop},
    store::{
        Action, Beside, CacheKey, Chosen, Counts, GroupPage, ItemPage, JobFilter, Lease, MaxRunning, Order,
        Page, Period, PredictionFilter, RunFilter, Settlement, Store, StoreError, StoreLimits, WorkerInfo,
        WorkerStats,
        conformance::{NOON, dataset, image, job, named_blob, prediction, success, with_vector, worker},
    },
};
use darkroom_store::{Memory, Sqlite};
use proptest::prelude::*;

use crate::sqlite::PATIENT;

#[derive(Debug, Clone)]
struct Wish {
    name: u8,
    owner: u8,
    queue: u8,
    lane: u8,
    priority: i8,
    delay: Option<u16>,
    key: Option<(u8, u8)>,
    alias: Option<u8>,
    max_open: Option<u8>,
}

#[derive(Debug, Clone)]
enum Step {
    Submit(Vec<Wish>),
    OpenSession,
    Claim { session: usize, slots: u32 },
    Beat { session: usize },
    Settle { leases: Vec<(usize, u8)> },
    CloseSession { session: usize },
    Sweep,
    Cancel { job: usize },
    Retry { job: usize },
    Delete { job: usize },
    Act { action: usize, state: usize, limit: u32, order: Order },
    Pause { queue: u8 },
    Resume { queue: u8 },
    Limit { queue: u8, max: Option<u8> },
    Wait { ms: u32 },
    Reopen,
    CreateRun { strict: bool },
    Append { run: usize, from: u64, count: u64 },
    ChangeRun { run: usize, kind: u8 },
    Redo { run: usize, job: usize },
    DeleteRun { run: usize },
}

fn wish() -> impl Strategy<Value = Wish> {
    (
        (0..6_u8, 0..2_u8, 0..2_u8, 0..3_u8),
        -1..2_i8,
        prop::option::weighted(0.3, 0..20_000_u16),
        prop::option::weighted(0.3, (0..3_u8, 0..2_u8)),
        prop::option::weighted(0.5, 0..3_u8),
        prop::option::weighted(0.3, 0..5_u8),
    )
        .prop_map(|((name, owner, queue, lane), priority, delay, key, alias, max_open)| Wish {
            name,
            owner,
            queue,
            lane,
            priority,
            delay,
            key,
            alias,
            max_open,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let index = || any::<u16>().prop_map(usize::from);
    prop_oneof![
        5 => prop::collection::vec(wish(), 1..5).prop_map(Step::Submit),
        2 => Just(Step::OpenSession),
        6 => (index(), 0..6_u32).prop_map(|(session, slots)| Step::Claim { session, slots }),
        2 => index().prop_map(|session| Step::Beat { session }),
        6 => prop::collection::vec((index(), 0..6_u8), 1..4).prop_map(|leases| Step::Settle { leases }),
        1 => index().prop_map(|session| Step::CloseSession { session }),
        4 => Just(Step::Sweep),
        2 => index().prop_map(|job| Step::Cancel { job }),
        2 => index().prop_map(|job| Step::Retry { job }),
        2 => index().prop_map(|job| Step::Delete { job }),
        2 => (0..3_usize, 0..8_usize, 1..5_u32, prop_oneof![Just(Order::Newest), Just(Order::Oldest)])
            .prop_map(|(action, state, limit, order)| Step::Act { action, state, limit, order }),
        1 => (0..2_u8).prop_map(|queue| Step::Pause { queue }),
        2 => (0..2_u8).prop_map(|queue| Step::Resume { queue }),
        2 => (0..2_u8, prop::option::of(1..4_u8)).prop_map(|(queue, max)| Step::Limit { queue, max }),
        4 => (1..30_000_u32).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Reopen),
        2 => any::<bool>().prop_map(|strict| Step::CreateRun { strict }),
        5 => (index(), 0..8_u64, 1..6_u64).prop_map(|(run, from, count)| Step::Append { run, from, count }),
        4 => (index(), 0..6_u8).prop_map(|(run, kind)| Step::ChangeRun { run, kind }),
        2 => (index(), index()).prop_map(|(run, job)| Step::Redo { run, job }),
        1 => index().prop_map(|run| Step::DeleteRun { run }),
    ]
}

fn limits() -> StoreLimits {
    StoreLimits {
        max_waiting: 12,
        keep_finished: Duration::from_secs(40),
        keep_failed: Duration::from_secs(90),
        max_deleted_per_sweep: 2,
        keep_predictions: Duration::from_mins(1),
        max_predictions: 8,
        keep_cached: Duration::from_secs(50),
        max_cached: 2,
        keep_history: Duration::from_hours(1),
    }
}

/// One of the two stores, with the names that it gave to sessions.
struct Side<S> {
    store: S,
    sessions: Vec<SessionId>,
    /// Leases in the order of claims; the session by its place in `sessions`.
    leases: Vec<(Lease, usize)>,
}

/// What a step answered, in words that do not depend on random session ids.
type Told = String;

impl<S: std::ops::Deref<Target = T>, T: Store + ?Sized> Side<S> {
    fn new(store: S) -> Self {
        Self { store, sessions: Vec::new(), leases: Vec::new() }
    }

    async fn take(&mut self, step: &Step, new: &New, ids: &Ids) -> Told {
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

    async fn visible_runs(&self, runs: &[RunId]) -> VisibleRuns {
        let mut seen = VisibleRuns::default();
        let page = Page { limit: 1_000, before: None };
        seen.listed = self.store.runs(RunFilter::default(), page).await.expect("list");
        for run in runs {
            let items = ItemPage { limit: 1_000, after: None, states: Vec::new() };
            seen.items.push(self.store.items(*run, items).await.expect("items"));
            let gathered = self.store.aggregates(*run).await.expect("aggregates");
            seen.gathered.push(format!("{gathered:?}"));
            for aggregate in 0..3 {
                let page = GroupPage { aggregate, limit: 1_000, after: None };
                seen.groups.push(self.store.groups(*run, page).await.expect("groups"));
            }
        }
        seen
    }

    async fn past(&self) -> Vec<Period> {
        let ends = [i64::MIN, i64::MAX].map(Timestamp::from_millis);
        self.store.history(ends[0], ends[1]).await.expect("history")
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

    async fn visible(&self, ids: &Ids) -> Visible {
        let page = Page { limit: 1_000, before: None };
        let mut jobs = BTreeMap::new();
        for id in &ids.jobs {
            jobs.insert(*id, self.store.job(*id).await.expect("read"));
        }
        let mut workers: Vec<_> = self
            .store
            .workers()
            .await
            .expect("workers")
            .into_iter()
            .map(|w| (w.info.pid, format!("{:?} {:?} {:?}", w.stats, w.since, w.last_beat)))
            .collect();
        workers.sort();
        let blobs: Vec<_> = (0..6).map(|n| named_blob(&format!("f{n}"))).chain([named_blob("t")]).collect();
        let mut owned = Vec::new();
        for (owner, blob) in
            ["o0", "o1"].iter().flat_map(|owner| blobs.iter().map(move |blob| (owner, *blob)))
        {
            let refers = self.store.refers(owner.parse().expect("owner"), blob).await;
            owned.push(refers.expect("ask"));
        }
        let mut aliases = Vec::new();
        for n in 0..3 {
            let found = self.store.newest_by_alias("v1".parse().expect("origin"), format!("a{n}")).await;
            aliases.push(found.expect("read"));
        }
        Visible {
            listed: self.store.jobs(JobFilter::default(), page).await.expect("list"),
            counts: self.store.counts().await.expect("counts"),
            strays: self
                .store
                .unreferenced(blobs)
                .await
                .expect("ask")
                .iter()
                .map(ToString::to_string)
                .collect(),
            runs: self.visible_runs(&ids.runs).await,
            jobs,
            workers,
            aliases,
            owned,
            predictions: self.store.predictions(PredictionFilter::default(), page).await.expect("list"),
            past: self.past().await,
            recalled: self.store.recall((0..3).map(key).collect()).await.expect("recall"),
        }
    }
}

#[derive(Debug, PartialEq, Default)]
struct VisibleRuns {
    listed: Vec<Run>,
    items: Vec<Vec<Job>>,
    gathered: Vec<String>,
    groups: Vec<Vec<(String, Cell)>>,
}

#[derive(Debug, PartialEq)]
struct Visible {
    runs: VisibleRuns,
    listed: Vec<Job>,
    jobs: BTreeMap<JobId, Option<Job>>,
    aliases: Vec<Option<Job>>,
    /// Whether each of two owners refers to each blob.
    owned: Vec<bool>,
    predictions: Vec<Prediction>,
    past: Vec<Period>,
    recalled: Vec<Option<OperationResult>>,
    counts: Counts,
    workers: Vec<(u32, String)>,
    strays: Vec<String>,
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

/// What a step makes, with names that both sides use.
#[derive(Default)]
struct New {
    jobs: Vec<NewJob>,
    run: Option<NewRun>,
    items: Vec<NewItem>,
}

/// What was made so far.
#[derive(Default)]
struct Ids {
    jobs: Vec<JobId>,
    runs: Vec<RunId>,
}

impl New {
    fn of(step: &Step, clock: &ManualClock) -> Self {
        match step {
            Step::Submit(wishes) => Self { jobs: wanted(wishes, clock), ..Self::default() },
            Step::CreateRun { strict } => {
                let on_error = if *strict { OnError::StopAfter(2) } else { OnError::Continue };
                let high_water = HighWater::try_from(4).expect("a mark");
                let limits = AttemptLimits { attempts: 2, crashes: 2 };
                let run = NewRun { on_error, high_water, limits, ..dataset("run") };
                Self { run: Some(run), ..Self::default() }
            }
            Step::Append { from, count, .. } => {
                let item = |index| match index % 5 {
                    4 => NewItem {
                        entry: Entry::Skipped(SkipReason::NotAnImage),
                        ..image(index, &format!("f{}/{index}", index % 2))
                    },
                    _ => image(index, &format!("f{}/{index}", index % 2)),
                };
                Self { items: (*from..from + count).map(item).collect(), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    fn note(&self, ids: &mut Ids) {
        ids.jobs.extend(self.jobs.iter().map(|job| job.id));
        ids.jobs.extend(self.items.iter().filter_map(|item| match item.entry {
            Entry::Image(id, _) => Some(id),
            Entry::Skipped(_) => None,
        }));
        ids.runs.extend(self.run.iter().map(|run| run.id));
    }
}

fn key(name: u8) -> CacheKey {
    CacheKey::from_bytes([name; 32])
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

fn wanted(wishes: &[Wish], clock: &ManualClock) -> Vec<NewJob> {
    let one = |wish: &Wish| NewJob {
        owner: format!("o{}", wish.owner).parse().expect("owner"),
        queue: format!("q{}", wish.queue).parse().expect("queue"),
        lane: format!("l{}", wish.lane).parse().expect("lane"),
        alias: wish.alias.map(|n| format!("a{n}")),
        max_open: wish.max_open.map(u64::from),
        priority: wish.priority,
        run_at: wish.delay.map(|ms| clock.now() + Duration::from_millis(ms.into())),
        limits: AttemptLimits { attempts: 2, crashes: 2 },
        idempotency: wish
            .key
            .map(|(key, print)| Idempotency { key: format!("k{key}"), fingerprint: [print; 32] }),
        ..job(&format!("f{}", wish.name))
    };
    wishes.iter().map(one).collect()
}

fn open_file(path: &PathBuf, clock: &Arc<ManualClock>) -> Arc<Sqlite> {
    Arc::new(Sqlite::open_reading(path, limits(), clock.clone(), PATIENT).expect("open"))
}

/// Says which schedule it was that failed, before shorter ones are tried: should it have failed by chance, they tell
/// nothing.
struct Kept<'a>(&'a [Step]);

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        static SAID: AtomicBool = AtomicBool::new(false);
        if std::thread::panicking() && !SAID.swap(true, Ordering::Relaxed) {
            eprintln!("this schedule was the first that failed: {:?}", self.0);
        }
    }
}

async fn compare(steps: Vec<Step>) {
    let _kept = Kept(&steps);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    let clock = Arc::new(ManualClock::at(NOON));
    let mut model = Side::new(Arc::new(Memory::new(limits(), clock.clone())));
    let mut file = Side::new(open_file(&path, &clock));
    let mut ids = Ids::default();
    let mut before = Counts::default();
    for (number, step) in steps.iter().enumerate() {
        let new = New::of(step, &clock);
        new.note(&mut ids);
        match step {
            Step::Wait { ms } => clock.advance(Duration::from_millis((*ms).into())),
            Step::Reopen => {
                file.store.close();
                file.store = open_file(&path, &clock);
                model.store.restart();
            }
            _ => {}
        }
        let (expected, answered) = (model.take(step, &new, &ids).await, file.take(step, &new, &ids).await);
        assert_eq!(answered, expected, "step {number}: {step:?}");
        let (expected, seen) = (model.visible(&ids).await, file.visible(&ids).await);
        assert_eq!(seen, expected, "after step {number}: {step:?}");
        assert!(within_limits(&before, &seen.counts), "after step {number}: {step:?}");
        before = seen.counts;
    }
}

/// Whether no queue that has a limit gained running jobs above it.
fn within_limits(before: &Counts, after: &Counts) -> bool {
    let running = |counts: &Counts, name: &QueueName| {
        let queue = counts.queues.iter().find(|queue| queue.queue == *name);
        queue.map_or(0, |queue| queue.states[State::Running as usize])
    };
    after.queues.iter().all(|queue| {
        let now = running(after, &queue.queue);
        now <= running(before, &queue.queue) || queue.max_running.is_none_or(|max| now <= max.get().into())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_tells_the_file_from_the_model(steps in prop::collection::vec(step(), 1..120)) {
        crate::block_on(compare(steps));
    }
}

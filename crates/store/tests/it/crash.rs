//! kill -9 at random moments: what was acknowledged is there, and nothing is counted twice.
//!
//! The child is this test binary again. It submits, claims and settles as fast as it can and writes each
//! acknowledgement to its standard output, which outlives it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use darkroom_core::{
    JobId, SystemClock,
    job::{AttemptEnd, Failure, FailureKind, Job, Outcome, State, Timings},
    prediction::NewPrediction,
    store::{
        Admin as _, Beside, JobFilter, Ledger as _, Page, PredictionFilter, Predictions as _, Queue as _,
        Settled, Settlement, StoreLimits, Submitted,
        conformance::{job, prediction, success, worker},
    },
};
use darkroom_store::Sqlite;

use crate::sqlite::PATIENT;

/// Where the child finds its database; only a child has it set.
pub(crate) const CHILD_PATH: &str = "DARKROOM_CRASH_CHILD";

/// How often the child is killed.
const ROUNDS: &str = "DARKROOM_CRASH_ROUNDS";

/// Tasks of the child that work at a time.
const TASKS: usize = 8;

pub(crate) fn open(path: &Path) -> Sqlite {
    Sqlite::open_reading(path, StoreLimits::default(), Arc::new(SystemClock), PATIENT).expect("open")
}

#[test]
fn killed_at_random_moments_nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    let Some(path) = parent_path() else { return child() };
    let rounds: u32 = std::env::var(ROUNDS).ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let mut known = Acknowledged::default();
    for round in 0..rounds {
        let test = killed_at_random_moments_nothing_acknowledged_is_lost_and_nothing_counts_twice;
        let mut child = start(&test, &path, &[]);
        let news = known.read_until(&mut child, 1 + random_below(250));
        crate::block_on(check(&path, &news, &known, round + 1 == rounds));
    }
    assert!(known.jobs.len() > rounds as usize, "the children got nothing done: {}", known.jobs.len());
    let intact: String = rusqlite::Connection::open(&path)
        .and_then(|db| db.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .expect("check");
    assert_eq!(intact, "ok");
}

#[test]
fn a_process_that_ends_at_a_named_point_of_a_transaction_loses_nothing_acknowledged() {
    let Some(path) = parent_path() else { return child() };
    let mut known = Acknowledged::default();
    for point in ["in_batch", "before_commit", "before_sync", "before_answer"] {
        for pass in [1, 2, 17, 60] {
            let test = a_process_that_ends_at_a_named_point_of_a_transaction_loses_nothing_acknowledged;
            let mut child = start(&test, &path, &[("DARKROOM_ABORT_AT", &format!("{point}:{pass}"))]);
            let news = known.read_until(&mut child, usize::MAX);
            crate::block_on(check(&path, &news, &known, true));
        }
    }
    assert!(known.jobs.len() > 20, "the children got nothing done");
}

pub(crate) fn parent_path() -> Option<PathBuf> {
    std::env::var_os(CHILD_PATH).is_none().then(crate::sqlite::fresh_path)
}

/// The end of a new id is random.
pub(crate) fn random_below(bound: usize) -> usize {
    let id = JobId::new(darkroom_core::Timestamp::default());
    id.as_bytes()[10..].iter().fold(0, |number, byte| (number << 8 | usize::from(*byte)) % bound)
}

/// Starts this test again as the child of itself, with these faults in its environment.
pub(crate) fn start<T>(test: &T, path: &Path, faults: &[(&str, &str)]) -> Child {
    // Not the name of the thread: where there is one processor, tests run in the first.
    let (_, name) = std::any::type_name_of_val(test).split_once("::").expect("a path");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD_PATH, path);
    command.envs(faults.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start the child")
}

/// What children were told by their store.
#[derive(Default)]
pub(crate) struct Acknowledged {
    /// The outcome that was accepted last, and how many were.
    pub(crate) jobs: BTreeMap<JobId, Option<String>>,
}

impl Acknowledged {
    /// Reads this many acknowledgements, kills the child, and reads what it had written until then.
    pub(crate) fn read_until(&mut self, child: &mut Child, lines: usize) -> Vec<JobId> {
        let mut news = Vec::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (mut line, mut read) = (String::new(), 0);
        while output.read_line(&mut line).expect("read") > 0 {
            // A line that the kill has cut was not acknowledged to anyone.
            if let Some(text) = line.strip_prefix("ack ").and_then(|text| text.strip_suffix('\n')) {
                news.push(self.note(text));
                read += 1;
            }
            if read == lines {
                child.kill().expect("kill -9");
            }
            line.clear();
        }
        let ended = child.wait().expect("wait");
        assert!(!ended.success(), "the child was to die, not to end");
        news
    }

    fn note(&mut self, text: &str) -> JobId {
        let (id, outcome) = text.split_once(' ').expect("an id and a word");
        let id = id.parse().expect("an id");
        let outcome = (outcome != "submitted").then(|| outcome.to_owned());
        let before = self.jobs.insert(id, outcome.clone()).flatten();
        assert!(before.is_none() || outcome.is_some(), "{id} was submitted twice");
        id
    }
}

pub(crate) async fn check(path: &Path, news: &[JobId], known: &Acknowledged, all: bool) {
    let store = open(path);
    let asked: Vec<JobId> = if all { known.jobs.keys().copied().collect() } else { news.to_vec() };
    for id in asked {
        let job = store.job(id).await.expect("read").expect("an acknowledged job is there");
        check_job(&job, known.jobs[&id].as_deref());
    }
    let counts = store.counts().await.expect("counts");
    let mut rows = [0_u64; 6];
    let mut before = None;
    loop {
        let page = store.jobs(JobFilter::default(), Page { limit: 1_000, before }).await.expect("list");
        for job in &page {
            rows[job.status.state as usize] += 1;
        }
        before = page.last().map(|job| job.seq);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(counts.queues.first().map_or([0; 6], |queue| queue.states), rows, "totals equal the rows");
    let succeeded = counts.operations.iter().map(|operation| operation.succeeded).sum::<u64>();
    assert_eq!(succeeded, rows[State::Succeeded as usize], "each success is counted once");
    let minutes = counts.recent.iter().map(|bucket| bucket.succeeded).sum::<u64>();
    assert_eq!(minutes, succeeded, "and falls in one minute");
    assert_eq!(logged(&store).await, succeeded, "and is logged once");
    assert_eq!(rows[State::Running as usize], 0, "the jobs of the dead are rescued");
}

/// How many predictions there are, each of a job of its own.
async fn logged(store: &Sqlite) -> u64 {
    let mut jobs = std::collections::BTreeSet::new();
    let mut before = None;
    loop {
        let page = Page { limit: 1_000, before };
        let part = store.predictions(PredictionFilter::default(), page).await.expect("list");
        before = part.last().map(|logged| logged.seq);
        if before.is_none() {
            return jobs.len() as u64;
        }
        for logged in part {
            assert!(jobs.insert(logged.entry.job.expect("a job's")), "logged twice: {logged:?}");
        }
    }
}

fn check_job(job: &Job, acknowledged: Option<&str>) {
    let successes = job.attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Succeeded).count();
    assert_eq!(successes, usize::from(job.status.state == State::Succeeded), "{job:?}");
    let numbers: Vec<u32> = job.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=job.status.lease_seq).collect::<Vec<_>>(), "every claim ended once");
    if let Some(artifact) = acknowledged.and_then(|outcome| outcome.strip_prefix("succeeded ")) {
        assert_eq!(
            Outcome::Succeeded(job.results.clone()),
            success(artifact),
            "the result that was acknowledged"
        );
    }
    if acknowledged == Some("failed") {
        assert_eq!(job.failure.as_ref().map(|failure| failure.kind), Some(FailureKind::Undecodable));
    }
}

pub(crate) fn child() {
    let path = PathBuf::from(std::env::var_os(CHILD_PATH).expect("a child"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let store = Arc::new(open(&path));
        // Jobs that earlier children left failed for want of workers are not what this is about.
        store.resume("default".parse().expect("queue")).await.expect("resume");
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work_for_ever(store.clone(), task))).collect();
        for task in tasks {
            task.await.expect("a task");
        }
    });
}

async fn work_for_ever(store: Arc<Sqlite>, task: usize) {
    let session = store.open_session(worker("child")).await.expect("open a session");
    for round in 0_u64.. {
        let name = format!("{task}-{round}");
        let answers = store.submit(vec![job(&name), job(&name)]).await.expect("submit");
        for answer in answers {
            let Submitted::Created(id) = answer else { panic!("{answer:?}") };
            acknowledge(id, "submitted");
        }
        let claimed = store.claim(session, 2).await.expect("claim");
        for (place, leased) in claimed.into_iter().enumerate() {
            let artifact = format!("{name}-{place}");
            let (outcome, words) = match (round + place as u64) % 7 {
                0 => (
                    Outcome::FailedPermanently(Failure::new(FailureKind::Undecodable, "bad")),
                    "failed".to_owned(),
                ),
                1 => (Outcome::Interrupted, "interrupted".to_owned()),
                _ => (success(&artifact), format!("succeeded {artifact}")),
            };
            // A prediction of each success, to see that both are recorded or neither.
            let entry = NewPrediction { job: Some(leased.lease.job), ..prediction("ann", "7") };
            let predictions = if words.starts_with("succeeded") { vec![entry] } else { Vec::new() };
            let beside = Beside { predictions, ..Beside::default() };
            let report = Settlement { lease: leased.lease, outcome, timings: Timings::default(), beside };
            if store.settle(vec![report]).await.expect("settle") == [Settled::Accepted] {
                acknowledge(leased.lease.job, &words);
            }
        }
    }
}

/// One line, one write: a kill leaves it whole or cut, never mixed.
fn acknowledge(id: JobId, words: &str) {
    let mut line = String::new();
    writeln!(line, "ack {id} {words}").expect("a line");
    std::io::stdout().write_all(line.as_bytes()).expect("the parent listens");
}

//! A run through kill -9 at random moments, with workers that come back late: the counts are exact, and the sum is the
//! one of a single undisturbed worker, bit by bit.
//!
//! The child is this test binary again. It enumerates the dataset from where the run is, and works on it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use darkroom_core::{
    SessionId,
    exact::Moments,
    job::{AttemptLimits, Failure, FailureKind, Outcome, State, Timings},
    run::{Cell, HighWater, NewRun, Run, RunEvent, RunState, SourceState},
    store::{
        Beside, ItemPage, Leased, Page, Queue as _, RunFilter, Runs as _, Settled, Settlement, StoreError,
        conformance::{dataset, image, vector_of, with_vector, worker},
    },
};
use darkroom_store::Sqlite;

use crate::crash::{CHILD_PATH, open, parent_path, random_below, start};

/// Items of the dataset.
const ITEMS: u64 = 4_000;

/// How often the process is killed.
const ROUNDS: usize = 25;

/// Workers of a child.
const WORKERS: u64 = 6;

/// Outcomes that a child has recorded at most: then it aborts, should nobody have killed it yet. So all the children
/// together leave something to do, however late the parent is.
const LIFE: usize = 150;

/// Set for those children.
const MORTAL: &str = "DARKROOM_CRASH_MORTAL";

fn key(index: u64) -> String {
    format!("s{}/{index:05}", index % 40)
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_sum_bit_by_bit() {
    let Some(path) = parent_path() else { return child() };
    let test = a_run_that_is_killed_again_and_again_comes_to_the_same_sum_bit_by_bit;
    crate::block_on(async {
        let new = NewRun {
            limits: AttemptLimits { attempts: 10_000, crashes: 10_000 },
            high_water: HighWater::try_from(300).expect("a mark"),
            ..dataset("crash")
        };
        open(&path).create_run(new).await.expect("create");
    });
    for round in 0..ROUNDS {
        // Half of the rounds end at a named point of a transaction, the others wherever the kill finds them.
        let points = ["in_batch", "before_commit", "before_sync", "before_answer"];
        let point = format!("{}:{}", points[round / 2 % 4], 1 + random_below(40));
        let by_kill = round % 2 == 0;
        let faults = [(MORTAL, "1"), ("DARKROOM_ABORT_AT", point.as_str())];
        let mut child = start(&test, &path, if by_kill { &faults[..1] } else { &faults });
        let lines = if by_kill { 1 + random_below(120) } else { usize::MAX };
        read_until(&mut child, lines);
        let run = crate::block_on(check(&path));
        assert!(!run.status.state.is_final(), "the run was over in round {round}: nothing was interrupted");
    }
    let mut last = start(&test, &path, &[]);
    read_until(&mut last, usize::MAX);
    let ended = crate::block_on(check(&path));
    assert_eq!((ended.status.state, ended.tally.of(State::Succeeded)), (RunState::Succeeded, ITEMS));
}

/// Kills the child after so many lines, or lets it end.
fn read_until(child: &mut Child, lines: usize) {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    for (read, line) in output.lines().map_while(Result::ok).filter(|line| line == "settled").enumerate() {
        assert_eq!(line, "settled");
        if read + 1 == lines {
            child.kill().expect("kill -9");
        }
    }
    child.wait().expect("wait");
}

/// Counts and sums are those of the items that have succeeded, at every moment.
async fn check(path: &Path) -> Run {
    let store = open(path);
    let run = the_run(&store).await;
    let (mut moments, mut states, mut after) = (Moments::new(4), [0_u64; 6], None);
    loop {
        let page = ItemPage { limit: 1_000, after, states: Vec::new() };
        let items = store.items(run.id, page).await.expect("items");
        let Some(last) = items.last() else { break };
        after = Some(last.seq);
        for job in &items {
            states[job.status.state as usize] += 1;
            if job.status.state == State::Succeeded {
                let key = job.item.as_ref().expect("an item").key.as_str();
                moments.add(&vector_of(key)).expect("finite numbers");
            }
        }
    }
    assert_eq!(run.tally.states, states);
    assert_eq!(run.tally.total(), run.position.next, "every item once, up to the position");
    let counted = moments.count();
    let expected = if counted == 0 {
        Cell::default()
    } else {
        Cell { counted, moments: Some(moments), ..Cell::default() }
    };
    let found = store.aggregates(run.id).await.expect("read").expect("the run is there");
    assert_eq!(found[0].bytes, expected.to_bytes(), "after {counted} of {ITEMS} items");
    run
}

async fn the_run(store: &Sqlite) -> Run {
    let page = Page { limit: 1, before: None };
    store.runs(RunFilter::default(), page).await.expect("list").remove(0)
}

fn child() {
    let path = std::path::PathBuf::from(std::env::var_os(CHILD_PATH).expect("a child"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let store = Arc::new(open(&path));
        let mut tasks = vec![tokio::spawn(enumerate(store.clone()))];
        tasks.extend((0..WORKERS).map(|number| tokio::spawn(work(store.clone(), number))));
        for task in tasks {
            task.await.expect("a task");
        }
    });
}

/// Appends from the run's position to the end, as there is room.
async fn enumerate(store: Arc<Sqlite>) {
    loop {
        let run = the_run(&store).await;
        if run.status.source == SourceState::Complete {
            return;
        }
        let next = run.position.next;
        if next == ITEMS {
            store.change_run(run.id, RunEvent::SourceEnded).await.expect("end");
            return;
        }
        // Begins before the position: what is known is passed over.
        let items = (next.saturating_sub(7)..ITEMS.min(next + 90)).map(|n| image(n, &key(n))).collect();
        store.append(run.id, items).await.expect("append");
        tokio::task::yield_now().await;
    }
}

async fn work(store: Arc<Sqlite>, number: u64) {
    let mut session = store.open_session(worker("w")).await.expect("open a session");
    for round in 0_u64.. {
        let claimed = match store.claim(session, 8).await {
            // The machine stood still for longer than the lease.
            Err(StoreError::SessionLost) => {
                session = replaced(&store, session).await;
                continue;
            }
            claimed => claimed.expect("claim"),
        };
        if claimed.is_empty() && the_run(&store).await.status.state.is_final() {
            return;
        }
        store.sweep().await.expect("sweep");
        if (round + number) % 9 == 4 {
            // Stands still for longer than its lease, and is late with what it did.
            session = replaced(&store, session).await;
            let late =
                store.settle(claimed.iter().map(|l| report(l, late())).collect()).await.expect("settle");
            assert!(late.iter().all(|settled| *settled == Settled::Stale));
            continue;
        }
        let reports = claimed.iter().map(|leased| report(leased, outcome(leased, round)));
        for settled in store.settle(reports.collect()).await.expect("settle") {
            if settled == Settled::Accepted {
                say_settled();
            }
        }
    }
}

async fn replaced(store: &Sqlite, session: SessionId) -> SessionId {
    store.close_session(session).await.expect("close");
    store.open_session(worker("w")).await.expect("open a session")
}

fn late() -> Outcome {
    with_vector(&[1e30, -1e-30, 3.5, 7.0], "late")
}

fn outcome(leased: &Leased, round: u64) -> Outcome {
    let key = leased.job.item.as_ref().expect("an item").key.as_str();
    match (round + leased.lease.seq) % 11 {
        0 => Outcome::Interrupted,
        1 => Outcome::FailedTransiently(Failure::new(FailureKind::TimedOut, "not now"), Duration::ZERO),
        _ => with_vector(&vector_of(key), "x"),
    }
}

fn report(leased: &Leased, outcome: Outcome) -> Settlement {
    Settlement { lease: leased.lease, outcome, timings: Timings::default(), beside: Beside::default() }
}

/// One line, one write: a kill leaves it whole or cut, never mixed.
fn say_settled() {
    use std::io::Write as _;
    static SAID: AtomicUsize = AtomicUsize::new(1);
    std::io::stdout().write_all(b"settled\n").expect("the parent listens");
    if SAID.fetch_add(1, Ordering::Relaxed) >= LIFE && std::env::var_os(MORTAL).is_some() {
        std::process::abort();
    }
}

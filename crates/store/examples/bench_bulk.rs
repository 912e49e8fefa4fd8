//! What acting on many jobs costs among a million others, and listing those that have failed. `benches/store/bulk`
//! builds and runs this.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table, or stops")]

use std::{sync::Arc, time::Instant};

use darkroom_core::{
    BlobId, Clock as _, Operation, SystemClock,
    job::{
        Artifact, Failure, FailureKind, FileName, Input, NewJob, OperationResult, Outcome, Shown, Timings,
    },
    operation::Thumbnail,
    store::{
        Action, Admin as _, Beside, Chosen, JobFilter, Ledger as _, Order, Page, Queue as _, Settlement,
        StoreLimits, WorkerInfo,
    },
};
use darkroom_store::Sqlite;

/// Jobs in the store.
const JOBS: usize = 1_000_000;

/// Of these, every so many has failed, nearly all for one reason.
const FAILED: usize = 50;
const RARELY: usize = 100_000;

/// Jobs that are acted on.
const MANY: usize = 10_000;

fn main() {
    let jobs = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(JOBS);
    let folder = tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    let store = Sqlite::open(folder.path().join("b.db"), StoreLimits::default(), Arc::new(SystemClock));
    let store = store.unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        fill(&store, jobs).await;
        list(&store).await;
        each(&store).await;
        let of = |state| JobFilter { states: vec![state], ..JobFilter::default() };
        many(&store, "cancelled", Action::Cancel, of(Shown::Queued)).await;
        many(&store, "retried", Action::Retry, of(Shown::Cancelled)).await;
        many(&store, "cancelled", Action::Cancel, of(Shown::Queued)).await;
        many(&store, "deleted", Action::Delete, of(Shown::Cancelled)).await;
    });
}

fn job(number: usize) -> NewJob {
    let input = Input {
        blob: BlobId::of(&number.to_le_bytes()),
        bytes: 2_345_678,
        media_type: "image/jpeg".to_owned(),
        name: FileName::clean(&format!("IMG_{number:07}.jpg")),
        place: None,
    };
    NewJob::new(SystemClock.now(), input, vec![Operation::Thumbnail(Thumbnail::fit(512, 512))]).unwrap()
}

fn outcome(number: usize) -> Outcome {
    if number.is_multiple_of(RARELY) {
        return Outcome::FailedPermanently(Failure::new(FailureKind::Crashed, "it crashed its worker"));
    }
    if number.is_multiple_of(FAILED) {
        return Outcome::FailedPermanently(Failure::new(
            FailureKind::Undecodable,
            "PNG: the file is damaged",
        ));
    }
    Outcome::Succeeded(vec![OperationResult {
        operation: "thumbnail".to_owned(),
        document: serde_json::json!({ "format": "jpeg", "width": 512, "height": 341, "frames": 1 }),
        artifacts: vec![Artifact {
            name: "thumbnail.jpg".to_owned(),
            blob: BlobId::of(&(number + JOBS * 10).to_le_bytes()),
            bytes: 45_678,
            media_type: "image/jpeg".to_owned(),
        }],
        cached: false,
    }])
}

async fn fill(store: &Sqlite, jobs: usize) {
    let worker = WorkerInfo { host: "bench".to_owned(), pid: 1, version: "0".to_owned(), slots: 64 };
    for first in (0..jobs).step_by(MANY) {
        // A session for each step: filling takes longer than one lives without a beat.
        let session = store.open_session(worker.clone()).await.unwrap();
        store.submit((first..(first + MANY).min(jobs)).map(job).collect()).await.unwrap();
        let leased = store.claim(session, MANY as u32).await.unwrap();
        let settle = |(place, leased): (usize, &darkroom_core::store::Leased)| Settlement {
            lease: leased.lease,
            outcome: outcome(first + place),
            timings: Timings::default(),
            beside: Beside::default(),
        };
        store.settle(leased.iter().enumerate().map(settle).collect()).await.unwrap();
        store.close_session(session).await.unwrap();
    }
    println!("{jobs} jobs");
}

async fn list(store: &Sqlite) {
    let default = JobFilter::default;
    let of = |kind| JobFilter { failures: vec![kind], ..default() };
    let questions = [
        ("the newest", default()),
        ("the oldest", JobFilter { order: Order::Oldest, ..default() }),
        ("failed ones", JobFilter { states: vec![Shown::Failed], ..default() }),
        ("failed for a common reason", of(FailureKind::Undecodable)),
        ("the oldest of these", JobFilter { order: Order::Oldest, ..of(FailureKind::Undecodable) }),
        ("failed for a rare reason", of(FailureKind::Crashed)),
        ("failed for a reason that none has", of(FailureKind::TimedOut)),
        ("of an owner without any", JobFilter { owner: "nobody".parse().ok(), ..default() }),
        ("with a name that none has", JobFilter { text: Some("nowhere".to_owned()), ..default() }),
    ];
    for (what, filter) in questions {
        let began = Instant::now();
        let found = store.jobs(filter, Page { limit: 50, before: None }).await.unwrap().len();
        println!("50 jobs, {what}: {found} in {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    }
}

/// What a client does that has only the call for one job: a thousand at a time.
async fn each(store: &Sqlite) {
    let filter = JobFilter { states: vec![Shown::Failed], ..JobFilter::default() };
    let began = Instant::now();
    let (mut before, mut done) = (None, 0);
    loop {
        let page = store.jobs(filter.clone(), Page { limit: 1_000, before }).await.unwrap();
        let retried = page.iter().map(|job| store.retry(job.id));
        done += futures_util::future::try_join_all(retried).await.unwrap().len();
        before = page.last().map(|job| job.seq);
        if before.is_none() || done >= MANY {
            break;
        }
    }
    println!("{done} retried by a call each: {:.2} s", began.elapsed().as_secs_f64());
}

async fn many(store: &Sqlite, what: &str, action: Action, filter: JobFilter) {
    let began = Instant::now();
    let (mut before, mut done, mut longest) = (None, 0, 0.0_f64);
    let chosen = Chosen { filter, ids: None };
    while done < MANY as u64 {
        let step = Instant::now();
        let acted = store.act(action, chosen.clone(), Page { limit: 1_000, before }).await.unwrap();
        longest = longest.max(step.elapsed().as_secs_f64());
        (before, done) = (acted.next, done + acted.changed);
        if before.is_none() {
            break;
        }
    }
    let spent = began.elapsed().as_secs_f64();
    println!("{done} {what}: {spent:.2} s, the longest thousand {:.0} ms", longest * 1e3);
}

//! How fast the store in a file is, beside what it has to reach. `benches/store/run` builds and runs this.
//! `cycles SLOTS JOBS` does only that many submissions a slot: what a profiler counts of it is the same every time.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table, or stops")]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use darkroom_core::{
    BlobId, Clock as _, Operation, SessionId, SystemClock,
    job::{Artifact, Input, NewJob, OperationResult, Outcome, Timings},
    operation::Thumbnail,
    store::{Beside, Ledger as _, MAX_BATCH, Queue as _, Settlement, StoreLimits, WorkerInfo},
};
use darkroom_store::Sqlite;

/// Rows of history of the large cases.
const HISTORY: usize = 1_000_000;

/// How long one rate is measured.
const MEASURED: Duration = Duration::from_secs(4);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, path] = &arguments[..]
        && role == "hold"
    {
        return hold(Path::new(path));
    }
    if let [_, role, slots, jobs] = &arguments[..]
        && role == "cycles"
    {
        return counted_cycles(slots.parse().unwrap(), jobs.parse().unwrap());
    }
    let history = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(HISTORY);
    let (folder, runtime) = (folder(), runtime());
    println!("{:<56} {:>12} {:>14} {:>10}  verdict", "case", "measured", "demand", "CPU/job");
    disk(&folder.path().join("disk"));
    naive(&folder.path().join("naive.db"));
    runtime.block_on(empty(&folder.path().join("empty.db")));
    runtime.block_on(full(&folder.path().join("full.db"), history));
    reopen(&folder.path().join("full.db"), history, &runtime);
    runtime.block_on(scheduled(&folder.path().join("scheduled.db"), history));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or_else(|_| ".".to_owned())).unwrap()
}

fn counted_cycles(slots: usize, jobs: u64) {
    let folder = folder();
    let store = open(&folder.path().join("cycles.db"));
    let (rate, cpu) = runtime().block_on(cycles(&store, slots, Until::Submitted(jobs)));
    println!("{slots} slots, {jobs} jobs each: {rate:.0} jobs/s, {cpu:.0} us of CPU a job");
}

/// When a slot stops.
#[derive(Clone, Copy)]
enum Until {
    Measured,
    Submitted(u64),
}

impl Until {
    fn is_over(self, started: Instant, submitted: u64) -> bool {
        match self {
            Self::Measured => started.elapsed() >= MEASURED,
            Self::Submitted(jobs) => submitted >= jobs,
        }
    }
}

enum Demand {
    AtLeast(f64),
    AtMost(f64),
    None,
}

fn line(case: &str, measured: (f64, &str), demand: &Demand, cpu_us: Option<f64>) {
    let (value, unit) = measured;
    let (bound, verdict) = match demand {
        Demand::AtLeast(bound) => (format!(">= {bound}"), if value >= *bound { "met" } else { "NOT met" }),
        Demand::AtMost(bound) => (format!("<= {bound}"), if value <= *bound { "met" } else { "NOT met" }),
        Demand::None => ("-".to_owned(), ""),
    };
    let value = if value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.2} {unit}") };
    let cpu = cpu_us.map_or_else(String::new, |us| format!("{us:.0} us"));
    println!("{case:<56} {value:>12} {bound:>14} {cpu:>10}  {verdict}");
}

fn open(path: &Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(path, StoreLimits::default(), Arc::new(SystemClock)).unwrap())
}

static COUNTER: AtomicI64 = AtomicI64::new(0);

/// Every job has a blob of its own and every result another: random addresses, as in life.
fn unique_blob() -> BlobId {
    BlobId::of(&COUNTER.fetch_add(1, Ordering::Relaxed).to_le_bytes())
}

fn new_job() -> NewJob {
    let input = Input {
        blob: unique_blob(),
        bytes: 2_345_678,
        media_type: "image/jpeg".to_owned(),
        name: darkroom_core::job::FileName::clean("IMG_20240501_123456.jpg"),
        place: None,
    };
    NewJob::new(SystemClock.now(), input, vec![Operation::Thumbnail(Thumbnail::fit(512, 512))]).unwrap()
}

fn success() -> Outcome {
    Outcome::Succeeded(vec![OperationResult {
        operation: "thumbnail".to_owned(),
        document: serde_json::json!({ "format": "jpeg", "width": 512, "height": 341, "frames": 1 }),
        artifacts: vec![Artifact {
            name: "thumbnail.jpg".to_owned(),
            blob: unique_blob(),
            bytes: 45_678,
            media_type: "image/jpeg".to_owned(),
        }],
        cached: false,
    }])
}

async fn session(store: &Sqlite) -> SessionId {
    let worker = WorkerInfo { host: "bench".to_owned(), pid: 1, version: "0".to_owned(), slots: 64 };
    store.open_session(worker).await.unwrap()
}

/// Seconds of processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    // Fields 14 and 15 of proc_pid_stat(5), in ticks of 1/100 s on every Linux of today.
    (ticks(11) + ticks(12)) / 100.0
}

/// Submit, claim, settle, by this many tasks at once, each one job at a time. Jobs a second, CPU microseconds a job.
async fn cycles(store: &Arc<Sqlite>, slots: usize, until: Until) -> (f64, f64) {
    let session = session(store).await;
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> =
        (0..slots).map(|_| tokio::spawn(cycle(store.clone(), session, started, until))).collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    store.close_session(session).await.unwrap();
    (done as f64 / wall, cpu * 1e6 / done as f64)
}

async fn cycle(store: Arc<Sqlite>, session: SessionId, started: Instant, until: Until) -> u64 {
    let (mut done, mut submitted) = (0, 0);
    while !until.is_over(started, submitted) {
        submitted += 1;
        store.submit(vec![new_job()]).await.unwrap();
        // Another task may have taken this job; then it has left one of its own.
        let leased = store.claim(session, 1).await.unwrap();
        let report = |lease| Settlement {
            lease,
            outcome: success(),
            timings: Timings::default(),
            beside: Beside::default(),
        };
        let reports: Vec<_> = leased.iter().map(|leased| report(leased.lease)).collect();
        done += reports.len() as u64;
        store.settle(reports).await.unwrap();
        if done % 64 == 0 {
            store.beat(session, darkroom_core::store::WorkerStats::default()).await.unwrap();
        }
    }
    done
}

async fn empty(path: &Path) {
    let store = open(path);
    idle(&store, "idle submit -> result, p50").await;
    rates(&store, "no history").await;
    let items = 30 * MAX_BATCH;
    let (rate, cpu) = bulk(&store, items).await;
    line(
        "bulk submit, batches of 10,000, empty store",
        (rate, "items/s"),
        &Demand::AtLeast(80_000.0),
        Some(cpu),
    );
}

async fn rates(store: &Arc<Sqlite>, history: &str) {
    for (slots, demand) in [(1, Demand::None), (8, Demand::AtLeast(6_000.0)), (64, Demand::AtLeast(15_000.0))]
    {
        let (rate, cpu) = cycles(store, slots, Until::Measured).await;
        line(&format!("cycles/s, {slots} slots, {history}"), (rate, "jobs/s"), &demand, Some(cpu));
    }
}

async fn idle(store: &Arc<Sqlite>, case: &str) {
    let session = session(store).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        store.submit(vec![new_job()]).await.unwrap();
        let leased = store.claim(session, 1).await.unwrap();
        let report = Settlement {
            lease: leased[0].lease,
            outcome: success(),
            timings: Timings::default(),
            beside: Beside::default(),
        };
        store.settle(vec![report]).await.unwrap();
        assert!(store.job(leased[0].lease.job).await.unwrap().unwrap().finished_at.is_some());
        times.push(started.elapsed());
    }
    times.sort();
    store.close_session(session).await.unwrap();
    line(case, (times[times.len() / 2].as_secs_f64() * 1e3, "ms"), &Demand::AtMost(3.0), None);
}

/// Batches are made by two tasks, as surfaces would, and written one after another.
async fn bulk(store: &Arc<Sqlite>, items: usize) -> (f64, f64) {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let each = items / 2 / MAX_BATCH;
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    let jobs = (0..MAX_BATCH).map(|_| new_job()).collect();
                    store.submit(jobs).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let done = (2 * each * MAX_BATCH) as f64;
    (done / started.elapsed().as_secs_f64(), (cpu_seconds() - cpu) * 1e6 / done)
}

async fn full(path: &Path, history: usize) {
    let store = open(path);
    let (rate, cpu) = bulk(&store, history.next_multiple_of(2 * MAX_BATCH)).await;
    line("bulk submit up to the history", (rate, "items/s"), &Demand::AtLeast(80_000.0), Some(cpu));
    drain(&store).await;
    idle(&store, "idle submit -> result, p50, with history").await;
    rates(&store, "with history").await;
    let started = Instant::now();
    store.counts().await.unwrap();
    line("counts, with history", (started.elapsed().as_secs_f64() * 1e3, "ms"), &Demand::None, None);
}

/// Works off everything that waits, many at a time.
async fn drain(store: &Arc<Sqlite>) {
    let session = session(store).await;
    let (started, cpu, mut done) = (Instant::now(), cpu_seconds(), 0);
    loop {
        let leased = store.claim(session, 1_000).await.unwrap();
        if leased.is_empty() {
            break;
        }
        done += leased.len();
        let report = |lease| Settlement {
            lease,
            outcome: success(),
            timings: Timings::default(),
            beside: Beside::default(),
        };
        store.settle(leased.iter().map(|l| report(l.lease)).collect()).await.unwrap();
        store.beat(session, darkroom_core::store::WorkerStats::default()).await.unwrap();
    }
    store.close_session(session).await.unwrap();
    let rate = done as f64 / started.elapsed().as_secs_f64();
    let cpu = (cpu_seconds() - cpu) * 1e6 / done as f64;
    line("claim and settle, 1,000 at a time", (rate, "jobs/s"), &Demand::None, Some(cpu));
}

/// A process with the store open is killed in the middle of its work; then the store is opened.
fn reopen(path: &Path, history: usize, runtime: &tokio::runtime::Runtime) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["hold".as_ref(), path.as_os_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    let store = open(path);
    let time = started.elapsed();
    let case = format!("reopen after kill -9, {history} rows of history");
    line(&case, (time.as_secs_f64() * 1e3, "ms"), &Demand::AtMost(100.0), None);
    runtime.block_on(store.ping()).unwrap();
}

fn hold(path: &Path) {
    runtime().block_on(async {
        let store = open(path);
        cycles(&store, 8, Until::Measured).await;
        println!("ready");
        loop {
            cycles(&store, 8, Until::Measured).await;
        }
    });
}

async fn scheduled(path: &Path, jobs: usize) {
    let store = open(path);
    let later = SystemClock.now() + Duration::from_hours(100);
    for _ in 0..jobs.div_ceil(MAX_BATCH) {
        let delayed = |_| NewJob { run_at: Some(later), ..new_job() };
        store.submit((0..MAX_BATCH).map(delayed).collect()).await.unwrap();
    }
    let session = session(&store).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        store.submit(vec![new_job()]).await.unwrap();
        let started = Instant::now();
        assert_eq!(store.claim(session, 1).await.unwrap().len(), 1);
        times.push(started.elapsed());
    }
    times.sort();
    let case = format!("claim with {jobs} scheduled jobs, p50");
    line(&case, (times[times.len() / 2].as_secs_f64() * 1e3, "ms"), &Demand::AtMost(3.0), None);
}

/// What one commit costs at least: everything above waits for this.
fn disk(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).unwrap();
    let mut times = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        file.write_all(&[0; 4_096]).unwrap();
        file.sync_data().unwrap();
        times.push(started.elapsed());
    }
    times.sort();
    line("this disk: write 4 KiB and fsync, p50", (times[50].as_secs_f64() * 1e3, "ms"), &Demand::None, None);
}

/// The comparison: one commit a call, as most queues on SQLite do, with two narrow tables.
fn naive(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE job (seq INTEGER PRIMARY KEY, state INTEGER, body TEXT, result TEXT);
         CREATE INDEX ready ON job (state, seq);",
    )
    .unwrap();
    let body = serde_json::to_string(&new_job().operations).unwrap();
    let (started, cpu, mut done) = (Instant::now(), cpu_seconds(), 0);
    while started.elapsed() < MEASURED {
        db.prepare_cached("INSERT INTO job (state, body) VALUES (1, ?1)").unwrap().execute([&body]).unwrap();
        let claim = "UPDATE job SET state = 2 WHERE seq = (SELECT seq FROM job WHERE state = 1 LIMIT 1) RETURNING seq";
        let seq: i64 = db.prepare_cached(claim).unwrap().query_row([], |row| row.get(0)).unwrap();
        db.prepare_cached("UPDATE job SET state = 3, result = ?2 WHERE seq = ?1")
            .unwrap()
            .execute(rusqlite::params![seq, body])
            .unwrap();
        done += 1;
    }
    let cpu = (cpu_seconds() - cpu) * 1e6 / f64::from(done);
    let rate = f64::from(done) / started.elapsed().as_secs_f64();
    line("comparison: plain SQLite queue, one commit a call", (rate, "jobs/s"), &Demand::None, Some(cpu));
}

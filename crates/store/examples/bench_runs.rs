//! A run of a million items that cost nothing, through the store in a file: how long the queue takes for it, whether
//! every count is exact, whether memory depends on the number of items, and how long an upload takes in the middle of
//! it. `benches/store/runs` builds and runs this; the arguments are numbers of items.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table, or stops")]

use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use darkroom_core::{
    BlobId, Clock as _, JobId, Operation, RunId, SystemClock,
    exact::Moments,
    job::{Input, Lane, NewJob, OperationResult, Outcome, State, Timings},
    operation::Thumbnail,
    run::{AggregateKind, AggregateSpec, Cell, Entry, NewItem, NewRun, RunEvent, RunName, RunState},
    store::{
        Beside, ItemPage, Leased, Ledger as _, Queue as _, Runs as _, Settled, Settlement, StoreLimits,
        WorkerInfo, WorkerStats,
    },
};
use darkroom_store::Sqlite;
use tokio::sync::oneshot;

/// What is compared unless told otherwise.
const ITEMS: [u64; 2] = [10_000, 1_000_000];

/// Items that are appended together, as `runs.chunk` allows.
const CHUNK: u64 = 1_000;

/// Workers, and the jobs that each claims and settles together.
const WORKERS: usize = 2;
const BATCH: u32 = 256;

/// How often somebody uploads an image while the run is worked through.
const UPLOAD_EVERY: Duration = Duration::from_millis(50);

/// Memory for the most items, as a multiple of that for the fewest.
const MAX_GROWTH: f64 = 1.10;

/// How long an upload may take beyond its own cost, which is nothing here.
const MAX_UPLOAD: Duration = Duration::from_millis(100);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, items, path] = &arguments[..]
        && role == "work"
    {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(work(items.parse().unwrap(), Path::new(path)));
    }
    let asked: Vec<u64> = arguments[1..].iter().map(|items| items.parse().unwrap()).collect();
    let sizes = if asked.is_empty() { ITEMS.to_vec() } else { asked };
    println!("{:>10}  measured", "items");
    // Each in a process of its own, for the peak of memory is that of a process.
    let peaks: Vec<f64> = sizes.iter().map(|items| measured(*items)).collect();
    let growth = peaks.last().unwrap() / peaks.first().unwrap();
    let verdict = if growth <= MAX_GROWTH { "met" } else { "NOT met" };
    println!("memory for the most over that for the fewest: {growth:.2} (demand <= {MAX_GROWTH}) {verdict}");
}

/// Peak memory in MiB of a process that works so many items off.
fn measured(items: u64) -> f64 {
    let folder = tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    let path = folder.path().join("runs.db");
    let mut worker = Command::new(std::env::current_exe().unwrap());
    let output = worker.args(["work", &items.to_string()]).arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (lines, peak) = text.trim_end().rsplit_once('\n').unwrap();
    for line in lines.lines() {
        println!("{items:>10}  {line}");
    }
    peak.parse().unwrap()
}

/// Who waits for an upload, by its job.
type Waiting = Arc<Mutex<HashMap<JobId, oneshot::Sender<()>>>>;

async fn work(items: u64, path: &Path) {
    let store = Arc::new(Sqlite::open(path, StoreLimits::default(), Arc::new(SystemClock)).unwrap());
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let run = store.create_run(new_run()).await.unwrap().id;
    let waiting = Waiting::default();
    let workers: Vec<_> =
        (0..WORKERS).map(|_| tokio::spawn(drain(store.clone(), run, waiting.clone()))).collect();
    let uploads = tokio::spawn(upload(store.clone(), run, waiting));
    enqueue(&store, run, items).await;
    let enqueued = started.elapsed();
    let mut settled = 0;
    for worker in workers {
        settled += worker.await.unwrap();
    }
    let (drained, cpu) = (started.elapsed(), cpu_seconds() - cpu);
    let times = uploads.await.unwrap();
    check(&store, run, items).await;
    assert_eq!(settled, items + times.len() as u64, "every outcome is recorded once");

    let reading = Instant::now();
    read_back(&store, run, items).await;
    let read = reading.elapsed().as_secs_f64();

    let (seconds, per_item) = (drained.as_secs_f64(), cpu * 1e6 / items as f64);
    println!(
        "enqueued after {:.1} s, drained after {seconds:.1} s, every count exact",
        enqueued.as_secs_f64()
    );
    println!("{:.0} items/s, {per_item:.0} us of CPU an item", items as f64 / seconds);
    println!("its items read back in {read:.1} s, {:.0} a second", items as f64 / read);
    println!("5 % of an image that takes {:.1} ms", per_item / 50.0);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let verdict = if at(0.99) <= MAX_UPLOAD.as_secs_f64() * 1e3 { "met" } else { "NOT met" };
    println!(
        "{} uploads in the middle of it: p50 {:.1} ms, p99 {:.1} ms (demand <= {} ms) {verdict}, worst {:.1} ms",
        times.len(),
        at(0.5),
        at(0.99),
        MAX_UPLOAD.as_millis(),
        at(1.0)
    );
    let peak = peak_mebibytes();
    println!("{peak:.1} MiB at most\n{peak}");
}

fn new_run() -> NewRun {
    let operations = vec![Operation::Thumbnail(Thumbnail::fit(64, 64))];
    let name = RunName::clean("a million").unwrap();
    let spec = AggregateSpec {
        operation: 0,
        pointer: "/vector".to_owned().try_into().unwrap(),
        kind: AggregateKind::Mean { dimensions: 4 },
    };
    let run = NewRun::new(SystemClock.now(), name, serde_json::json!({}), operations);
    run.and_then(|run| run.gathering(vec![spec])).unwrap()
}

/// What an item gives to the sum: different for each, and exact in an `f32`.
fn vector(index: u64) -> [f32; 4] {
    let at = |step: u64| (index.wrapping_mul(step) % 4_093) as f32 / 8.0;
    [at(1), at(7), at(31), at(127)]
}

fn input(index: u64) -> Input {
    let blob = BlobId::of(&index.to_le_bytes());
    Input { blob, bytes: 12_345, media_type: "image/jpeg".to_owned(), name: None, place: None }
}

async fn enqueue(store: &Sqlite, run: RunId, items: u64) {
    let mut next = 0;
    while next < items {
        let item = |index: u64| NewItem {
            index,
            key: format!("folder/{index:07}.jpg").parse().unwrap(),
            entry: Entry::Image(JobId::new(SystemClock.now()), input(index)),
        };
        let chunk = (next..items.min(next + CHUNK)).map(item).collect();
        let taken = store.append(run, chunk).await.unwrap().unwrap().taken as u64;
        next += taken;
        if taken == 0 {
            // As many wait as may.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let run = store.change_run(run, RunEvent::SourceEnded).await.unwrap().unwrap();
    assert_eq!((run.position.next, run.tally.total()), (items, items), "every item is enqueued once");
}

/// Claims and settles until the run is over; how many outcomes were recorded.
async fn drain(store: Arc<Sqlite>, run: RunId, waiting: Waiting) -> u64 {
    let info = WorkerInfo { host: "bench".to_owned(), pid: 1, version: "0".to_owned(), slots: BATCH };
    let session = store.open_session(info).await.unwrap();
    let (mut settled, mut beaten) = (0, Instant::now());
    loop {
        let leased = store.claim(session, BATCH).await.unwrap();
        if leased.is_empty() {
            let is_over = store.run(run).await.unwrap().unwrap().status.state.is_final();
            if is_over && waiting.lock().unwrap().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let answers = store.settle(leased.iter().map(report).collect()).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == Settled::Accepted));
        settled += answers.len() as u64;
        tell(&waiting, &leased);
        if beaten.elapsed() > Duration::from_secs(2) {
            store.beat(session, WorkerStats::default()).await.unwrap();
            beaten = Instant::now();
        }
    }
    store.close_session(session).await.unwrap();
    settled
}

fn tell(waiting: &Waiting, leased: &[Leased]) {
    let mut waiting = waiting.lock().unwrap();
    for done in leased.iter().filter_map(|leased| waiting.remove(&leased.lease.job)) {
        done.send(()).unwrap();
    }
}

fn report(leased: &Leased) -> Settlement {
    let key = leased.job.item.as_ref().map(|item| item.key.as_str());
    let index = key.and_then(|key| key[7..14].parse().ok()).unwrap_or(0);
    let result = OperationResult {
        operation: "thumbnail".to_owned(),
        document: serde_json::json!({ "vector": vector(index) }),
        artifacts: Vec::new(),
        cached: false,
    };
    let outcome = Outcome::Succeeded(vec![result]);
    Settlement { lease: leased.lease, outcome, timings: Timings::default(), beside: Beside::default() }
}

/// Uploads one image after the other for as long as the run lasts; how long each took, in order of length.
async fn upload(store: Arc<Sqlite>, run: RunId, waiting: Waiting) -> Vec<Duration> {
    let mut every = tokio::time::interval(UPLOAD_EVERY);
    let mut times = Vec::new();
    loop {
        every.tick().await;
        let operations = vec![Operation::Thumbnail(Thumbnail::fit(64, 64))];
        let new = NewJob::new(SystemClock.now(), input(u64::MAX), operations).unwrap();
        let new = NewJob { lane: "ann".parse::<Lane>().unwrap(), ..new };
        let (id, (done, is_done)) = (new.id, oneshot::channel());
        // Before the look at the run: workers that see its end see that somebody waits, or nobody waits any more.
        waiting.lock().unwrap().insert(id, done);
        if store.run(run).await.unwrap().unwrap().status.state.is_final() {
            waiting.lock().unwrap().remove(&id);
            break;
        }
        let started = Instant::now();
        store.submit(vec![new]).await.unwrap();
        is_done.await.unwrap();
        times.push(started.elapsed());
    }
    times.sort();
    times
}

/// Every count and the sum are those of every item once.
async fn check(store: &Sqlite, run: RunId, items: u64) {
    let ended = store.run(run).await.unwrap().unwrap();
    assert_eq!(ended.status.state, RunState::Succeeded);
    assert_eq!((ended.tally.total(), ended.tally.of(State::Succeeded)), (items, items));
    let mut moments = Moments::new(4);
    for index in 0..items {
        moments.add(&vector(index)).unwrap();
    }
    let expected = Cell { counted: items as i64, moments: Some(moments), ..Cell::default() };
    let found = store.aggregates(run).await.unwrap().unwrap();
    assert_eq!(found[0].bytes, expected.to_bytes(), "the sum, bit by bit");
    let counts = store.counts().await.unwrap();
    let queued: u64 = counts.queues.iter().map(|queue| queue.states[State::Queued as usize]).sum();
    assert_eq!(queued, 0);
}

/// Pages through all items as the results of a run are written, with their results and timings.
async fn read_back(store: &Sqlite, run: RunId, items: u64) {
    let (mut after, mut read) = (None, 0);
    loop {
        let page = ItemPage { limit: 200, after, states: Vec::new() };
        let found = store.items(run, page).await.unwrap();
        let Some(last) = found.last() else { break };
        after = Some(last.seq);
        assert!(found.iter().all(|item| item.spent().is_some() && item.results.len() == 1));
        read += found.len() as u64;
    }
    assert_eq!(read, items);
}

/// Seconds of processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // Fields 14 and 15 of proc_pid_stat(5), in ticks of 1/100 s on every Linux of today.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn peak_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

//! A limit under many workers at once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use darkroom_core::{
    ManualClock,
    job::{NewJob, QueueName, Timings},
    store::{
        Beside, MaxRunning, Settlement, Store, StoreLimits,
        conformance::{NOON, job, success, worker},
    },
};
use darkroom_store::{Memory, Sqlite};

use crate::sqlite::fresh_path;

const WORKERS: usize = 12;
const JOBS: u64 = 600;
const MAX: u64 = 5;

/// What workers see: how many hold a job at this moment, the most there were, and how many jobs are done.
#[derive(Default)]
struct Seen {
    running: AtomicU64,
    most: AtomicU64,
    done: AtomicU64,
}

fn queue() -> QueueName {
    "slow".parse().unwrap()
}

/// A clock that stands: no session is lost, however long the machine takes.
fn still() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOON))
}

/// Claims until everything is done, each time more than may run.
async fn work(store: Arc<dyn Store>, seen: Arc<Seen>) {
    let session = store.open_session(worker("w")).await.unwrap();
    while seen.done.load(Ordering::SeqCst) < JOBS {
        let leased = store.claim(session, 3).await.unwrap();
        let count = leased.len() as u64;
        let now = seen.running.fetch_add(count, Ordering::SeqCst) + count;
        seen.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let settled = leased.iter().map(|leased| Settlement {
            lease: leased.lease,
            outcome: success("t"),
            timings: Timings::default(),
            beside: Beside::default(),
        });
        // Before the store knows: between the two, another worker may be given the place.
        seen.running.fetch_sub(count, Ordering::SeqCst);
        store.settle(settled.collect()).await.unwrap();
        seen.done.fetch_add(count, Ordering::SeqCst);
    }
}

async fn many_workers(store: Arc<dyn Store>) {
    store.limit(queue(), Some(MaxRunning::try_from(MAX).unwrap())).await.unwrap();
    let jobs = (0..JOBS).map(|n| NewJob { queue: queue(), ..job(&n.to_string()) }).collect();
    store.submit(jobs).await.unwrap();
    let seen = Arc::<Seen>::default();
    let workers: Vec<_> =
        (0..WORKERS).map(|_| tokio::spawn(work(Arc::clone(&store), Arc::clone(&seen)))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(seen.done.load(Ordering::SeqCst), JOBS);
    let most = seen.most.load(Ordering::SeqCst);
    assert!((1..=MAX).contains(&most), "{most} at a time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_on_a_file_stay_within_a_limit() {
    let store = Sqlite::open(fresh_path(), StoreLimits::default(), still()).unwrap();
    many_workers(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_in_memory_stay_within_a_limit() {
    many_workers(Arc::new(Memory::new(StoreLimits::default(), still()))).await;
}

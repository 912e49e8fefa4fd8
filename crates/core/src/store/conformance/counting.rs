//! Running totals say what a recount would say.

use std::{collections::BTreeMap, time::Duration};

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, success},
};
use crate::{
    Timestamp,
    job::{NewJob, Shown, State},
    store::{Bucket, Counts, JobFilter, Page},
};

const MINUTE: Duration = Duration::from_mins(1);

async fn counts(bench: &Bench) -> Counts {
    bench.store.counts().await.expect("counts")
}

/// After every kind of move the totals equal the rows.
pub async fn counts_agree_with_a_recount(open: Open<'_>) {
    let bench = Bench::new(open);
    let session = bench.session().await;
    for round in 0..6_u64 {
        let queue = |name: &str| NewJob { queue: name.parse().expect("queue"), ..job(&round.to_string()) };
        let later = NewJob { run_at: Some(NOON + MINUTE), ..queue("q1") };
        let ids = bench.submit_all(vec![queue("q1"), queue("q2"), queue("q2"), later, queue("q1")]).await;
        let leased = bench.claim(session, 2).await;
        bench.finish(leased[0].lease, success("t")).await;
        bench.finish(leased[1].lease, damaged()).await;
        bench.store.cancel(ids[3]).await.expect("cancel");
        if round % 2 == 0 {
            bench.store.retry(ids[3]).await.expect("retry");
        } else {
            bench.store.delete(ids[3]).await.expect("delete");
        }
        assert_eq!(recount(&bench).await, by_queue(&counts(&bench).await));
    }
}

fn by_queue(counts: &Counts) -> BTreeMap<String, [u64; 6]> {
    counts.queues.iter().map(|queue| (queue.queue.to_string(), queue.states)).collect()
}

async fn recount(bench: &Bench) -> BTreeMap<String, [u64; 6]> {
    let page = Page { limit: 1_000, before: None };
    let mut found: BTreeMap<String, [u64; 6]> = BTreeMap::new();
    for job in bench.store.jobs(JobFilter::default(), page).await.expect("list") {
        found.entry(job.queue.to_string()).or_default()[job.status.state as usize] += 1;
    }
    found
}

/// Deleting a job does not undo what it was counted for.
pub async fn totals_outlive_the_jobs_they_counted(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("a"), job("b"), job("c")]).await;
    let leased = bench.claim(bench.session().await, 2).await;
    bench.finish(leased[0].lease, success("t")).await;
    bench.finish(leased[1].lease, damaged()).await;
    for id in ids {
        bench.store.delete(id).await.expect("delete");
    }
    let counts = counts(&bench).await;
    let operation = &counts.operations[0];
    assert_eq!((operation.operation.as_str(), operation.succeeded, operation.failed), ("thumbnail", 1, 1));
    assert_eq!(by_queue(&counts), BTreeMap::from([("default".to_owned(), [0; 6])]));
}

/// An hour back, oldest first.
pub async fn what_finished_is_counted_by_the_minute(open: Open<'_>) {
    let bench = Bench::new(open);
    let start = Timestamp::from_millis(NOON.as_millis() / 60_000 * 60_000);
    let ids = bench.submit_all(vec![job("a"), job("b"), job("c")]).await;
    let session = bench.session().await;
    bench.store.cancel(ids[2]).await.expect("cancel");
    let lease = bench.claim_one(session).await;
    bench.finish(lease, success("t")).await;
    bench.wait(MINUTE);
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.finish(lease, damaged()).await;
    let bucket = |minute, succeeded, failed, cancelled| Bucket { minute, succeeded, failed, cancelled };
    let (first, second) = (bucket(start, 1, 0, 1), bucket(start + MINUTE, 0, 1, 0));
    assert_eq!(counts(&bench).await.recent, [first, second]);
    bench.wait(58 * MINUTE);
    bench.store.sweep().await.expect("sweep");
    assert_eq!(counts(&bench).await.recent, [first, second]);
    bench.wait(MINUTE);
    assert_eq!(counts(&bench).await.recent, [second]);
    bench.store.sweep().await.expect("sweep");
    assert_eq!(counts(&bench).await.recent, [second]);
}

/// Whether the queue is paused or not, and whatever waits in others; a job for later does not wait yet.
pub async fn the_oldest_queued_job_of_each_queue_is_known(open: Open<'_>) {
    let bench = Bench::new(open);
    let of = |name: &str, queue: &str| NewJob { queue: queue.parse().expect("queue"), ..job(name) };
    let first = bench.submit(of("a", "slow")).await;
    bench.wait(MINUTE);
    bench.submit_all(vec![of("b", "slow"), of("c", "quick")]).await;
    bench.submit(NewJob { run_at: Some(NOON + 9 * MINUTE), ..of("d", "later") }).await;
    bench.store.pause("slow".parse().expect("queue")).await.expect("pause");
    let at = Some(NOON + MINUTE);
    assert_eq!(oldest(&bench).await, [("later", None), ("quick", at), ("slow", Some(NOON))].map(named));
    bench.store.cancel(first).await.expect("cancel");
    bench.claim_one(bench.session().await).await;
    assert_eq!(oldest(&bench).await, [("later", None), ("quick", None), ("slow", at)].map(named));
    bench.wait(8 * MINUTE);
    bench.store.sweep().await.expect("sweep");
    assert_eq!(oldest(&bench).await[0].1, Some(NOON + 9 * MINUTE));
}

fn named((queue, at): (&str, Option<Timestamp>)) -> (String, Option<Timestamp>) {
    (queue.to_owned(), at)
}

async fn oldest(bench: &Bench) -> Vec<(String, Option<Timestamp>)> {
    counts(bench).await.queues.iter().map(|queue| (queue.queue.to_string(), queue.oldest_queued)).collect()
}

/// The age of the queue.
pub async fn the_oldest_queued_job_is_known_unless_it_is_held(open: Open<'_>) {
    let bench = Bench::new(open);
    assert_eq!(counts(&bench).await.oldest_queued, None);
    bench.submit(NewJob { queue: "slow".parse().expect("queue"), ..job("a") }).await;
    bench.wait(MINUTE);
    let second = bench.submit(job("b")).await;
    assert_eq!(counts(&bench).await.oldest_queued, Some(NOON));
    bench.store.pause("slow".parse().expect("queue")).await.expect("pause");
    assert_eq!(counts(&bench).await.oldest_queued, Some(NOON + MINUTE));
    bench.store.cancel(second).await.expect("cancel");
    assert_eq!(counts(&bench).await.oldest_queued, None);
    let held = JobFilter { states: vec![Shown::Held], ..JobFilter::default() };
    let listed = bench.store.jobs(held, Page { limit: 9, before: None }).await.expect("list");
    assert!(listed.len() == 1 && listed[0].status.state == State::Queued);
}

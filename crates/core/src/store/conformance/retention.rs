//! Deletion, retention, and what they leave behind.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, damaged, job, named_blob, success},
};
use crate::{
    BlobId,
    job::NewJob,
    store::{StoreError, StoreLimits, Swept},
};

const HOUR: Duration = Duration::from_hours(1);

fn sorted(names: &[&str]) -> Vec<BlobId> {
    let mut blobs: Vec<_> = names.iter().map(|name| named_blob(name)).collect();
    blobs.sort();
    blobs
}

async fn finish_all(bench: &Bench, names: &[&str]) {
    let session = bench.session().await;
    for name in names {
        bench.submit(job(name)).await;
        let lease = bench.claim_one(session).await;
        let outcome = if name.starts_with("bad") { damaged() } else { success(&format!("{name}.thumb")) };
        bench.finish(lease, outcome).await;
    }
    bench.store.close_session(session).await.expect("close");
}

async fn sweep(bench: &Bench) -> Swept {
    bench.store.sweep().await.expect("sweep")
}

/// It stays as it is.
pub async fn deleting_a_running_job_is_refused(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    let running = bench.job(id).await;
    assert!(matches!(bench.store.delete(id).await, Err(StoreError::Running)));
    assert_eq!(bench.job(id).await, running);
    bench.finish(lease, success("t")).await;
}

/// Input and artifacts, unless another job has the same ones.
pub async fn deleting_tells_which_blobs_are_orphans(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("same"), job("same"), job("other")]).await;
    let leased = bench.claim(bench.session().await, 3).await;
    for (leased, artifact) in leased.iter().zip(["t1", "t2", "t2"]) {
        bench.finish(leased.lease, success(artifact)).await;
    }
    let delete = async |id| bench.store.delete(id).await.expect("delete").expect("known");
    assert_eq!(delete(ids[0]).await, sorted(&["t1"]));
    assert_eq!(delete(ids[1]).await, sorted(&["same"]));
    assert_eq!(delete(ids[2]).await, sorted(&["t2", "other"]));
    assert_eq!(bench.store.job(ids[0]).await.expect("read"), None);
}

/// Inputs and artifacts are in use, whatever the state of their job.
pub async fn only_unreferenced_blobs_are_called_so(open: Open<'_>) {
    let bench = Bench::new(open);
    finish_all(&bench, &["a", "bad"]).await;
    let waiting = bench.submit(job("w")).await;
    let asked = ["a", "stray", "a.thumb", "bad", "w", "stray2"].map(named_blob).to_vec();
    let strays = ["stray", "stray2"].map(named_blob).to_vec();
    assert_eq!(bench.store.unreferenced(asked.clone()).await.expect("ask"), strays);
    bench.store.delete(waiting).await.expect("delete");
    let strays = ["stray", "w", "stray2"].map(named_blob).to_vec();
    assert_eq!(bench.store.unreferenced(asked).await.expect("ask"), strays);
}

/// Failed ones longer; waiting ones for ever.
pub async fn finished_jobs_are_kept_for_their_time(open: Open<'_>) {
    let limits = StoreLimits { keep_finished: HOUR, keep_failed: 3 * HOUR, ..StoreLimits::default() };
    let bench = Bench::with(open, limits);
    finish_all(&bench, &["a", "bad"]).await;
    let cancelled = bench.submit(job("cancelled")).await;
    bench.store.cancel(cancelled).await.expect("cancel");
    let waiting = bench.submit(NewJob { queue: "q".parse().expect("queue"), ..job("a") }).await;
    bench.wait(HOUR.saturating_sub(Duration::from_millis(1)));
    assert_eq!(sweep(&bench).await.deleted, 0);
    bench.wait(Duration::from_millis(1));
    let swept = sweep(&bench).await;
    assert_eq!((swept.deleted, swept.orphans), (2, sorted(&["a.thumb", "cancelled"])));
    bench.wait(2 * HOUR);
    let swept = sweep(&bench).await;
    assert_eq!((swept.deleted, swept.orphans), (1, sorted(&["bad"])));
    bench.wait(1_000 * HOUR);
    assert_eq!(sweep(&bench).await.deleted, 0);
    assert_eq!(bench.job(waiting).await.input.blob, named_blob("a"));
}

/// The rest waits for the next sweep; nothing is forgotten.
pub async fn a_sweep_deletes_a_bounded_number_of_jobs(open: Open<'_>) {
    let limits = StoreLimits {
        keep_finished: HOUR,
        keep_failed: HOUR,
        max_deleted_per_sweep: 2,
        ..StoreLimits::default()
    };
    let bench = Bench::with(open, limits);
    finish_all(&bench, &["a", "bad", "b", "c", "d"]).await;
    bench.wait(HOUR);
    let mut orphans = Vec::new();
    for deleted in [2, 2, 1, 0] {
        let swept = sweep(&bench).await;
        assert_eq!(swept.deleted, deleted);
        orphans.extend(swept.orphans);
    }
    orphans.sort();
    let all = ["a", "a.thumb", "b", "b.thumb", "c", "c.thumb", "d", "d.thumb", "bad"];
    assert_eq!(orphans, sorted(&all));
}

/// A store that works says so.
pub async fn a_ready_store_answers_a_ping(open: Open<'_>) {
    Bench::new(open).store.ping().await.expect("ping");
}

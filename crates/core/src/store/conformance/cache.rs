//! Remembered results: recalled as they were, for as long as what keeps them is there.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, damaged, job, named_blob, success},
};
use crate::{
    JobId,
    job::{OperationResult, Outcome, Timings},
    store::{Beside, CacheKey, Lease, Settled, Settlement, StoreLimits},
};

const HOUR: Duration = Duration::from_hours(1);

fn key(name: &str) -> CacheKey {
    CacheKey::from_bytes(*named_blob(name).as_bytes())
}

fn results(outcome: Outcome) -> Vec<OperationResult> {
    match outcome {
        Outcome::Succeeded(results) => results,
        other => panic!("{other:?} has no results"),
    }
}

async fn recall(bench: &Bench, name: &str) -> Option<OperationResult> {
    bench.store.recall(vec![key(name)]).await.expect("recall").remove(0)
}

async fn settle(bench: &Bench, lease: Lease, outcome: Outcome, keys: &[(&str, usize)]) -> Settled {
    let remembered = keys.iter().map(|(name, place)| (key(name), *place)).collect();
    let beside = Beside { remembered, ..Beside::default() };
    let settlement = Settlement { lease, outcome, timings: Timings::default(), beside };
    bench.store.settle(vec![settlement]).await.expect("settle")[0]
}

/// A job whose only result is remembered under this name.
async fn remembered(bench: &Bench, name: &str, artifact: &str) -> JobId {
    let id = bench.submit(job(name)).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    assert_eq!(settle(bench, lease, success(artifact), &[(name, 0)]).await, Settled::Accepted);
    bench.store.close_session(session).await.expect("close");
    id
}

fn told(label: &str) -> OperationResult {
    OperationResult {
        operation: "classify".to_owned(),
        document: serde_json::json!({ "labels": [{ "label": label, "score": 0.5 }] }),
        artifacts: Vec::new(),
        cached: false,
    }
}

/// Each under its own key; keys that are unknown, and places where nothing is, give nothing.
pub async fn a_remembered_result_is_recalled(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    let both = [results(success("t")), vec![told("cat")]].concat();
    let outcome = Outcome::Succeeded(both.clone());
    settle(&bench, lease, outcome, &[("thumbnail", 0), ("label", 1), ("nothing", 2)]).await;
    let asked = ["label", "never", "thumbnail", "nothing"].map(key).to_vec();
    let found = bench.store.recall(asked).await.expect("recall");
    assert_eq!(found, [Some(both[1].clone()), None, Some(both[0].clone()), None]);
    assert!(bench.store.recall(Vec::new()).await.expect("recall").is_empty());
}

/// Nor does a failure.
pub async fn a_stale_settlement_remembers_nothing(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit(job("a")).await;
    let gone = bench.session().await;
    let old = bench.claim_one(gone).await;
    bench.store.close_session(gone).await.expect("close");
    assert_eq!(settle(&bench, old, success("t"), &[("a", 0)]).await, Settled::Stale);
    assert_eq!(recall(&bench, "a").await, None);
    let lease = bench.claim_one(bench.session().await).await;
    assert_eq!(settle(&bench, lease, damaged(), &[("a", 0)]).await, Settled::Accepted);
    assert_eq!(recall(&bench, "a").await, None);
}

/// Whoever deletes a job deletes what is remembered of it, at once; so does retention.
pub async fn a_deleted_job_is_not_remembered(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { keep_finished: HOUR, ..StoreLimits::default() });
    let id = remembered(&bench, "a", "t").await;
    remembered(&bench, "b", "u").await;
    assert!(recall(&bench, "a").await.is_some());
    let orphans = bench.store.delete(id).await.expect("delete").expect("known");
    assert!(orphans.contains(&named_blob("t")), "what is remembered keeps no blob");
    assert_eq!(recall(&bench, "a").await, None);
    assert!(recall(&bench, "b").await.is_some());
    bench.wait(HOUR);
    assert_eq!(bench.store.sweep().await.expect("sweep").deleted, 1);
    assert_eq!(recall(&bench, "b").await, None);
}

/// So that it outlives the one before.
pub async fn the_newest_job_is_the_one_that_is_remembered(open: Open<'_>) {
    let bench = Bench::new(open);
    let first = remembered(&bench, "a", "t").await;
    let second = remembered(&bench, "a", "t").await;
    bench.store.delete(first).await.expect("delete");
    assert_eq!(recall(&bench, "a").await, Some(results(success("t")).remove(0)));
    bench.store.delete(second).await.expect("delete");
    assert_eq!(recall(&bench, "a").await, None);
}

/// For only a job keeps blobs.
pub async fn results_of_no_job_are_remembered_without_artifacts(open: Open<'_>) {
    let bench = Bench::new(open);
    let thumbnail = results(success("t")).remove(0);
    let given = vec![(key("a"), told("cat")), (key("b"), thumbnail)];
    bench.store.remember(given).await.expect("remember");
    assert_eq!(recall(&bench, "a").await, Some(told("cat")));
    assert_eq!(recall(&bench, "b").await, None);
    bench.store.remember(vec![(key("a"), told("dog"))]).await.expect("remember");
    assert_eq!(recall(&bench, "a").await, Some(told("dog")));
    let id = remembered(&bench, "a", "t").await;
    bench.store.delete(id).await.expect("delete");
    assert_eq!(recall(&bench, "a").await, None);
}

/// Since they were remembered last.
pub async fn results_are_remembered_for_their_time(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { keep_cached: HOUR, ..StoreLimits::default() });
    let both = vec![(key("a"), told("cat")), (key("b"), told("dog"))];
    bench.store.remember(both).await.expect("remember");
    bench.wait(HOUR / 2);
    bench.store.remember(vec![(key("a"), told("cat"))]).await.expect("remember");
    bench.wait(HOUR / 2);
    assert_eq!(bench.store.sweep().await.expect("sweep").forgotten, 1);
    assert!(recall(&bench, "a").await.is_some());
    assert_eq!(recall(&bench, "b").await, None);
    bench.wait(HOUR / 2);
    assert_eq!(bench.store.sweep().await.expect("sweep").forgotten, 1);
    assert_eq!(recall(&bench, "a").await, None);
}

/// The ones that were remembered last.
pub async fn results_are_remembered_up_to_their_number(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { max_cached: 2, ..StoreLimits::default() });
    for name in ["a", "b", "c", "a", "a", "a"] {
        bench.store.remember(vec![(key(name), told(name))]).await.expect("remember");
    }
    assert_eq!(bench.store.sweep().await.expect("sweep").forgotten, 1);
    assert_eq!(recall(&bench, "b").await, None);
    assert_eq!(recall(&bench, "a").await, Some(told("a")));
    assert_eq!(recall(&bench, "c").await, Some(told("c")));
    assert_eq!(bench.store.sweep().await.expect("sweep").forgotten, 0);
}

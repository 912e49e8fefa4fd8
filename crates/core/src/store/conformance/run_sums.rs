//! What runs gather: exactly what the items that have succeeded gave.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Open,
    fixture::{Bench, success},
    run_fixture::{broken, dataset, key_of, vector_of, with_vector},
};
use crate::{
    RunId,
    exact::Moments,
    job::{OperationResult, Outcome, State},
    run::{Aggregate, Cell, RunEvent, RunState, Value},
    store::{GroupPage, Leased, Settled},
};

/// The cell that one worker alone would have come to.
fn cell_of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Cell {
    let mut moments = Moments::new(4);
    for key in keys {
        moments.add(&vector_of(key)).expect("finite numbers");
    }
    Cell { counted: moments.count(), moments: Some(moments), ..Cell::default() }
}

async fn gathered(bench: &Bench, run: RunId) -> Vec<Aggregate> {
    bench.store.aggregates(run).await.expect("read").expect("the run is there")
}

async fn groups(bench: &Bench, run: RunId, aggregate: u8) -> BTreeMap<String, Cell> {
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let page = GroupPage { aggregate, limit: 2, after: after.take() };
        let found = bench.store.groups(run, page).await.expect("read");
        let Some((last, _)) = found.last() else { return all };
        after = Some(last.clone());
        all.extend(found);
    }
}

fn outcome_of(leased: &Leased) -> Outcome {
    with_vector(&vector_of(&key_of(leased)), "x")
}

/// Four workers that settle in a muddle, lose sessions and are late, against one that adds up in order: the same
/// bytes, and the same mean to the last bit.
pub async fn the_sum_of_a_run_is_the_same_in_any_order_by_any_workers(open: Open<'_>) {
    let bench = Bench::new(open);
    let keys: Vec<String> = (0..60).map(|n| format!("s{}/{n}", n % 7)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let run = bench.run_of(dataset("1"), &keys).await;
    let mut late = Vec::new();
    for round in 0..40_usize {
        let mut claimed = Vec::new();
        for _ in 0..4 {
            let session = bench.session().await;
            claimed.push(bench.claim(session, 3 + round as u32 % 4).await);
        }
        let vanished = claimed.swap_remove(round % 4);
        for leased in claimed.iter().flatten().rev() {
            bench.finish(leased.lease, outcome_of(leased)).await;
        }
        late.extend(vanished);
        bench.wait(Duration::from_secs(16));
        bench.store.sweep().await.expect("sweep");
        for leased in late.iter().rev() {
            let stale = bench.settle(leased.lease, with_vector(&[1e30, -1.0, 0.5, 7.0], "late")).await;
            assert_eq!(stale, Settled::Stale);
        }
        // A job that has lost three workers has failed; people want it done nevertheless.
        bench.happen(run, RunEvent::Retry).await;
    }
    let ended = bench.run(run).await;
    assert_eq!((ended.status.state, ended.tally.of(State::Succeeded)), (RunState::Succeeded, 60));
    let expected = cell_of(keys.iter().copied());
    let found = &gathered(&bench, run).await[0];
    assert_eq!(found.bytes, expected.to_bytes());
    let mean = expected.moments.as_ref().and_then(Moments::mean).expect("a mean");
    let Value::Mean { mean: found, .. } = &found.value else { panic!("a mean, not {:?}", found.value) };
    assert_eq!(
        found.iter().map(|n| n.to_bits()).collect::<Vec<_>>(),
        mean.iter().map(|n| n.to_bits()).collect::<Vec<_>>()
    );
}

/// Neither a late success after another worker's, nor one of a job that was queued again.
pub async fn an_outcome_with_an_old_token_gives_nothing_to_the_sum(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b"]).await;
    let gone = bench.session().await;
    let late = bench.claim(gone, 2).await;
    bench.wait(Duration::from_secs(16));
    bench.store.sweep().await.expect("sweep");
    assert_eq!(bench.settle(late[0].lease, outcome_of(&late[0])).await, Settled::Stale);
    assert_eq!(gathered(&bench, run).await[0].value, Value::Nothing);
    let next = bench.claim(bench.session().await, 2).await;
    bench.finish(next[0].lease, outcome_of(&next[0])).await;
    assert_eq!(bench.settle(next[0].lease, outcome_of(&next[0])).await, Settled::Stale, "reported twice");
    bench.finish(next[1].lease, broken()).await;
    assert_eq!(bench.settle(late[1].lease, outcome_of(&late[1])).await, Settled::Stale);
    assert_eq!(gathered(&bench, run).await[0].bytes, cell_of(["a"]).to_bytes());
    assert_eq!(bench.run(run).await.tally.finished(), 2);
}

/// Taken back first, and the results with it.
pub async fn an_item_that_is_done_again_replaces_what_it_gave(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b"]).await;
    let single = bench.submit(super::job("single")).await;
    let session = bench.session().await;
    let claimed = bench.claim(session, 9).await;
    for leased in &claimed {
        bench.finish(leased.lease, with_vector(&vector_of("wrong"), "wrong")).await;
    }
    let jobs: Vec<_> = claimed.iter().map(|leased| leased.lease.job).collect();
    let item = claimed.iter().find(|leased| key_of(leased) == "a").expect("it was claimed").lease.job;
    let queued = bench.store.redo(run, vec![item, single]).await.expect("redo");
    assert_eq!(queued, Some(1), "of {jobs:?} one is an item of this run");
    let half = gathered(&bench, run).await;
    assert_eq!((half[0].counted, half[0].bytes.clone()), (1, cell_of(["wrong"]).to_bytes()));
    assert_eq!(
        (bench.job(item).await.results.len(), bench.run(run).await.status.state),
        (0, RunState::Running)
    );
    let again = bench.claim(session, 9).await;
    bench.finish(again[0].lease, with_vector(&vector_of("a"), "right")).await;
    let all = gathered(&bench, run).await;
    assert_eq!(all[0].bytes, cell_of(["a", "wrong"]).to_bytes());
    let counts = vec![("right".to_owned(), 1), ("wrong".to_owned(), 1)];
    assert_eq!(all[2].value, Value::Counts { classes: 2, counts });
    assert_eq!(bench.run(run).await.status.state, RunState::Succeeded);
}

/// A mean for each folder, a mean of those, and how often each label came.
pub async fn folders_and_labels_are_gathered_apart(open: Open<'_>) {
    let bench = Bench::new(open);
    let keys = ["ann/1", "ann/2", "ann/3", "bob/1", "top", "x/y/1"];
    let run = bench.run_of(dataset("1"), &keys).await;
    let session = bench.session().await;
    for leased in bench.claim(session, 9).await {
        let key = key_of(&leased);
        let label = if key.starts_with("ann") { "many" } else { "few" };
        let small = [key.len() as f32, 1.0, -2.0, 0.25];
        bench.finish(leased.lease, with_vector(&small, label)).await;
    }
    let by_folder = groups(&bench, run, 1).await;
    let folders: Vec<_> = by_folder.iter().map(|(name, cell)| (name.as_str(), cell.counted)).collect();
    assert_eq!(folders, [("", 1), ("ann", 3), ("bob", 1), ("x/y", 1)]);
    let all = gathered(&bench, run).await;
    let Value::MeanOfMeans { groups: 4, mean } = &all[1].value else { panic!("{:?}", all[1].value) };
    assert_eq!(mean, &[(5.0 + 5.0 + 3.0 + 5.0) / 4.0, 1.0, -2.0, 0.25]);
    let counts = vec![("few".to_owned(), 3), ("many".to_owned(), 3)];
    assert_eq!((all[2].counted, &all[2].value), (6, &Value::Counts { classes: 2, counts }));
    assert_eq!(groups(&bench, run, 2).await.len(), 2);
}

/// Photos without a face are counted, not failed; a value of another kind is no value.
pub async fn what_has_no_value_or_a_wrong_one_is_counted_apart(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["1", "2", "3", "4", "5"]).await;
    let session = bench.session().await;
    let document = |document| {
        let operation = "thumbnail".to_owned();
        Outcome::Succeeded(vec![OperationResult {
            operation,
            document,
            artifacts: Vec::new(),
            cached: false,
        }])
    };
    let outcomes = [
        document(serde_json::json!({ "vector": [1.0, 2.0, 3.0], "label": "short" })),
        document(serde_json::json!({ "vector": [1.0, 2.0, 3.0, 1e300], "label": ["no text"] })),
        document(serde_json::json!({ "vector": [1.0, "2", 3.0, 4.0], "label": 7 })),
        success("t"),
        with_vector(&vector_of("5"), "5"),
    ];
    for (leased, outcome) in bench.claim(session, 9).await.into_iter().zip(outcomes) {
        bench.finish(leased.lease, outcome).await;
    }
    let all = gathered(&bench, run).await;
    let told = |n: usize| (all[n].counted, all[n].missing, all[n].rejected);
    assert_eq!((told(0), told(1), told(2)), ((1, 1, 3), (1, 1, 3), (3, 1, 1)));
}

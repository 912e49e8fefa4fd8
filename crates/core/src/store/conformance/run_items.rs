//! What a run holds.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, named_blob, success},
    run_fixture::{broken, dataset, image, key_of},
};
use crate::{
    RunId, Timestamp,
    job::{Idempotency, State, Timings},
    run::{Entry, HighWater, NewItem, NewRun, RunEvent, RunState, SkipReason, SourceState, Stop},
    store::{ItemPage, JobFilter, Page, RunFilter, StoreError, StoreLimits},
};

/// Everything that was said comes back; making it twice makes one.
pub async fn a_run_is_found_as_it_was_made(open: Open<'_>) {
    let bench = Bench::new(open);
    let new = NewRun { owner: "ann".parse().expect("owner"), ..dataset("faces of May") };
    let made = bench.store.create_run(new.clone()).await.expect("create");
    let found = bench.run(new.id).await;
    assert_eq!(found, made);
    assert_eq!((found.id, found.name, found.owner), (new.id, new.name.clone(), new.owner.clone()));
    assert_eq!((found.source, found.operations), (new.source.clone(), new.operations.clone()));
    assert_eq!((found.aggregates, found.on_error), (new.aggregates.clone(), new.on_error));
    assert_eq!((found.status.state, found.status.source), (RunState::Enumerating, SourceState::Growing));
    assert_eq!(found.tally.total(), 0);
    let other = NewRun { id: new.id, ..dataset("another") };
    assert_eq!(bench.store.create_run(other).await.expect("create"), made);
    let unknown = RunId::new(Timestamp::from_millis(0));
    assert_eq!(bench.store.run(unknown).await.expect("read"), None);
    assert_eq!(bench.store.append(unknown, vec![image(0, "a")]).await.expect("append"), None);
    assert_eq!(bench.store.change_run(unknown, RunEvent::Resume).await.expect("change"), None);
    assert_eq!(bench.store.aggregates(unknown).await.expect("read"), None);
    assert!(!bench.store.delete_run(unknown).await.expect("delete"));
}

/// For each owner by itself, whatever became of the run, and until it is deleted.
pub async fn a_repeated_idempotent_request_gives_the_first_run(open: Open<'_>) {
    let bench = Bench::new(open);
    let keyed = |owner: &str, fingerprint: u8| NewRun {
        owner: owner.parse().expect("owner"),
        idempotency: Some(Idempotency { key: "k".to_owned(), fingerprint: [fingerprint; 32] }),
        ..dataset("1")
    };
    let make = async |new| bench.store.create_run(new).await;
    let first = make(keyed("ann", 1)).await.expect("create");
    assert_eq!(make(keyed("ann", 1)).await.expect("again"), first);
    assert!(matches!(make(keyed("ann", 2)).await, Err(StoreError::KeyTaken)));
    let other = make(keyed("bob", 2)).await.expect("create");
    assert_ne!(other.id, first.id);
    let plain = make(dataset("1")).await.expect("create");
    assert_ne!(plain.id, first.id);
    let found = async |owner: Option<&str>, key: &str| {
        let owner = owner.map(|name| name.parse().expect("owner"));
        let filter = RunFilter { owner, key: Some(key.to_owned()), ..RunFilter::default() };
        let runs = bench.store.runs(filter, Page { limit: 9, before: None }).await.expect("list");
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("ann"), "k").await, [first.id]);
    assert_eq!(found(None, "k").await, [other.id, first.id]);
    assert_eq!(found(Some("ann"), "K").await, []);
    bench.happen(first.id, RunEvent::Cancel(Stop::asked("enough"))).await;
    assert_eq!(make(keyed("ann", 1)).await.expect("again").id, first.id);
    bench.store.delete_run(first.id).await.expect("delete");
    assert_eq!(found(Some("ann"), "k").await, []);
    let anew = make(keyed("ann", 2)).await.expect("create");
    assert_ne!(anew.id, first.id);
    bench.store.sweep().await.expect("sweep");
    assert_eq!(found(Some("ann"), "k").await, [anew.id]);
}

/// Filters and pages.
pub async fn runs_are_listed_newest_first(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut ids = Vec::new();
    for (name, owner) in [("1", "ann"), ("2", "bob"), ("3", "ann"), ("4", "ann")] {
        let new = NewRun { owner: owner.parse().expect("owner"), ..dataset(name) };
        ids.push(bench.store.create_run(new).await.expect("create").id);
    }
    bench.happen(ids[0], RunEvent::Pause(Stop::asked("wait"))).await;
    let page = |limit, before| Page { limit, before };
    let list = async |filter: RunFilter, page| bench.store.runs(filter, page).await.expect("list");
    let all = list(RunFilter::default(), page(10, None)).await;
    assert_eq!(all.iter().map(|run| run.id).collect::<Vec<_>>(), [ids[3], ids[2], ids[1], ids[0]]);
    let ann = RunFilter { owner: "ann".parse().ok(), ..RunFilter::default() };
    let first = list(ann.clone(), page(2, None)).await;
    assert_eq!(first.iter().map(|run| run.id).collect::<Vec<_>>(), [ids[3], ids[2]]);
    let second = list(ann, page(2, Some(first[1].seq))).await;
    assert_eq!(second.iter().map(|run| run.id).collect::<Vec<_>>(), [ids[0]]);
    let paused = RunFilter { states: vec![RunState::Paused], ..RunFilter::default() };
    assert_eq!(list(paused, page(9, None)).await.len(), 1);
}

/// An enumeration that begins anew finds what it has given, and goes on behind that.
pub async fn an_item_is_recorded_once_however_often_it_comes(open: Open<'_>) {
    let bench = Bench::new(open);
    let (one, two) = (dataset("1"), dataset("2"));
    for new in [&one, &two] {
        bench.store.create_run(new.clone()).await.expect("create");
    }
    let first = bench.append(one.id, vec![image(0, "a/1"), image(1, "a/2"), image(2, "a/1")]).await;
    assert_eq!((first.taken, first.added), (3, 3), "two things may have the same name");
    let again = bench.append(one.id, vec![image(1, "a/2"), image(2, "a/1"), image(3, "a/3")]).await;
    assert_eq!((again.taken, again.added), (3, 1));
    assert_eq!(bench.append(two.id, vec![image(0, "a/1")]).await.added, 1);
    let position = bench.run(one.id).await.position;
    assert_eq!((position.next, position.after.map(String::from)), (4, Some("a/3".to_owned())));
    let run = bench.run(one.id).await;
    assert_eq!((run.tally.total(), run.tally.waiting(), run.tally.bytes), (4, 4, 12));
}

/// Back-pressure: the waiting items of a run are bounded, and the rest is taken when there is room.
pub async fn a_run_takes_no_more_than_its_mark(open: Open<'_>) {
    let limits = StoreLimits { max_waiting: 5, ..StoreLimits::default() };
    let bench = Bench::with(open, limits);
    let new = NewRun { high_water: HighWater::try_from(3).expect("a mark"), ..dataset("bounded") };
    bench.store.create_run(new.clone()).await.expect("create");
    let keys: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let items = |from: usize| (from..6).map(|at| image(at as u64, &keys[at])).collect::<Vec<_>>();
    let first = bench.append(new.id, items(0)).await;
    assert_eq!((first.taken, first.added, first.room), (3, 3, 0));
    assert_eq!(bench.append(new.id, items(3)).await.taken, 0);
    let known_and_new = bench.append(new.id, items(1)).await;
    assert_eq!((known_and_new.taken, known_and_new.added), (2, 0), "known ones need no room");
    let session = bench.session().await;
    bench.claim(session, 2).await;
    assert_eq!(bench.append(new.id, items(3)).await.taken, 2, "running items do not wait");
    let other = dataset("other");
    bench.store.create_run(other.clone()).await.expect("create");
    let filled = bench.append(other.id, items(0)).await;
    assert_eq!((filled.taken, filled.room), (2, 0), "the store's own bound holds too");
}

/// It fails nothing, needs no room, and is counted once.
pub async fn what_is_no_item_is_counted_by_its_reason(open: Open<'_>) {
    let bench = Bench::new(open);
    let new = dataset("mixed");
    bench.store.create_run(new.clone()).await.expect("create");
    let skipped = |index, key: &str, reason| NewItem {
        index,
        key: key.parse().expect("a key"),
        entry: Entry::Skipped(reason),
    };
    let chunk = || {
        vec![
            skipped(0, "notes.txt", SkipReason::NotAnImage),
            image(1, "1.png"),
            skipped(2, "link", SkipReason::Link),
            skipped(3, "other.txt", SkipReason::NotAnImage),
        ]
    };
    assert_eq!(bench.append(new.id, chunk()).await.added, 4);
    assert_eq!(bench.append(new.id, chunk()).await.added, 0);
    let tally = bench.run(new.id).await.tally;
    let counts: Vec<_> = tally.skipped.into_iter().collect();
    assert_eq!(counts, [(SkipReason::NotAnImage, 2), (SkipReason::Link, 1)]);
    assert_eq!(tally.states.iter().sum::<u64>(), 1);
}

/// A stable cursor, results included, and of the attempts the newest that has ended.
pub async fn items_are_listed_in_their_order_with_their_results(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["c", "a", "b"]).await;
    let single = bench.submit(super::job("single")).await;
    let session = bench.session().await;
    for leased in bench.claim(session, 9).await {
        let outcome = if key_of(&leased) == "a" { broken() } else { success(&key_of(&leased)) };
        bench.finish(leased.lease, outcome).await;
    }
    let page = |limit, after, states: &[State]| ItemPage { limit, after, states: states.to_vec() };
    let first = bench.store.items(run, page(2, None, &[])).await.expect("items");
    let keys = |jobs: &[crate::job::Job]| -> Vec<String> {
        jobs.iter().filter_map(|job| job.item.as_ref()).map(|item| item.key.to_string()).collect()
    };
    assert_eq!(keys(&first), ["c", "a"]);
    assert_eq!((first[0].results.len(), first[1].results.len()), (1, 0));
    for item in &first {
        assert_eq!(item.attempts, bench.job(item.id).await.attempts);
        assert!(item.attempts.len() == 1 && item.spent() == Some(Timings::default()), "{item:?}");
    }
    assert_eq!(first[0].results[0].artifacts[0].blob, named_blob("c"));
    assert!(
        first[1].failure.is_some() && first.iter().all(|job| job.item.as_ref().is_some_and(|i| i.run == run))
    );
    let second = bench.store.items(run, page(2, Some(first[1].seq), &[])).await.expect("items");
    assert_eq!(keys(&second), ["b"]);
    let failed = bench.store.items(run, page(9, None, &[State::Failed])).await.expect("items");
    assert_eq!(keys(&failed), ["a"]);
    let filter = JobFilter { run: Some(run), ..JobFilter::default() };
    let listed = bench.store.jobs(filter, Page { limit: 9, before: None }).await.expect("list");
    assert_eq!(keys(&listed), ["b", "a", "c"]);
    assert_eq!(bench.job(single).await.item, None);
    assert_eq!(bench.job(first[0].id).await.item.map(|item| item.run), Some(run));
}

/// The job of an item cannot be deleted on its own.
pub async fn an_item_goes_with_its_run_only(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a"]).await;
    let page = ItemPage { limit: 1, after: None, states: Vec::new() };
    let item = bench.store.items(run, page).await.expect("items")[0].id;
    assert!(matches!(bench.store.delete(item).await, Err(StoreError::PartOfRun)));
    assert_eq!(bench.run(run).await.tally.total(), 1);
}

/// Gone at once for readers; its items go with sweeps, in bounded steps, running ones once they have ended.
pub async fn a_deleted_run_is_gone_with_its_items(open: Open<'_>) {
    let limits = StoreLimits { max_deleted_per_sweep: 2, ..StoreLimits::default() };
    let bench = Bench::with(open, limits);
    let run = bench.run_of(dataset("1"), &["a", "b", "c", "d", "e"]).await;
    let kept = bench.run_of(dataset("2"), &["a"]).await;
    let session = bench.session().await;
    let running: Vec<_> = bench
        .claim(session, 2)
        .await
        .into_iter()
        .filter(|l| l.job.item.as_ref().is_some_and(|i| i.run == run))
        .collect();
    assert!(bench.store.delete_run(run).await.expect("delete"));
    assert!(!bench.store.delete_run(run).await.expect("delete"), "once");
    assert_eq!(bench.store.run(run).await.expect("read"), None);
    assert_eq!(bench.store.append(run, vec![image(9, "z")]).await.expect("append"), None);
    let none = ItemPage { limit: 9, after: None, states: Vec::new() };
    assert!(bench.store.items(run, none).await.expect("items").is_empty());
    assert_eq!(bench.store.sweep().await.expect("sweep").deleted, 2);
    let rest = bench.claim(session, 9).await;
    assert!(rest.iter().all(|leased| leased.job.item.as_ref().is_some_and(|item| item.run == kept)));
    for leased in &running {
        bench.finish(leased.lease, success("t")).await;
    }
    let mut orphans = Vec::new();
    for _ in 0..4 {
        orphans.extend(bench.store.sweep().await.expect("sweep").orphans);
    }
    assert!(orphans.contains(&named_blob("e")) && !orphans.contains(&named_blob("a")), "{orphans:?}");
    assert_eq!(bench.store.counts().await.expect("counts").queues[0].states.iter().sum::<u64>(), 1);
    assert_eq!(bench.run(kept).await.tally.total(), 1);
}

/// Retention looks at the run, never at one of its items.
pub async fn an_ended_run_is_kept_for_its_time_and_its_items_with_it(open: Open<'_>) {
    let hour = Duration::from_hours(1);
    let limits = StoreLimits { keep_finished: hour, keep_failed: hour, ..StoreLimits::default() };
    let bench = Bench::with(open, limits);
    let run = bench.run_of(dataset("1"), &["a", "b"]).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("t")).await;
    bench.wait(3 * hour);
    assert_eq!(
        bench.store.sweep().await.expect("sweep").deleted,
        0,
        "the run goes on, and so its items stay"
    );
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, broken()).await;
    assert_eq!(bench.run(run).await.status.state, RunState::Succeeded);
    bench.wait(Duration::from_millis(60 * 60 * 1_000 - 1));
    assert_eq!(bench.store.sweep().await.expect("sweep").deleted, 0);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.store.sweep().await.expect("sweep").deleted, 2);
    assert_eq!(bench.store.run(run).await.expect("read"), None);
}

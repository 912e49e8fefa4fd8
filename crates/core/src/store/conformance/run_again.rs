//! Items that are done again, remembered or held, and archives that runs are read from.

use std::{path::Path, time::Duration};

use super::{
    Open,
    fixture::{Bench, named_blob, success},
    run_fixture::{broken, dataset, image, key_of, vector_of, with_vector},
};
use crate::{
    Clock as _,
    job::{Outcome, Place, Shown, State},
    run::{Entry, NewRun, RunEvent, RunState, Stop, Value},
    store::{ItemPage, JobFilter, Page, StoreError},
};

/// What an item gives whose results were remembered.
fn remembered(key: &str) -> Outcome {
    let Outcome::Succeeded(mut results) = with_vector(&vector_of(key), "x") else { unreachable!() };
    for result in &mut results {
        result.cached = true;
    }
    Outcome::Succeeded(results)
}

/// What has succeeded gives again, what has failed or was cancelled gets another chance; sums and counts are as if
/// the first time had not been.
pub async fn a_run_that_is_redone_is_done_anew_and_whole(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c", "d"]).await;
    let session = bench.session().await;
    for leased in bench.claim(session, 9).await {
        match key_of(&leased).as_str() {
            "b" => bench.finish(leased.lease, broken()).await,
            "c" => {
                bench.store.cancel(leased.lease.job).await.expect("cancel");
                bench.finish(leased.lease, Outcome::Cancelled).await;
            }
            _ => bench.finish(leased.lease, with_vector(&vector_of("wrong"), "wrong")).await,
        }
    }
    assert_eq!(bench.run(run).await.status.state, RunState::Succeeded);
    bench.wait(Duration::from_secs(1));
    let again = bench.happen(run, RunEvent::Redo).await;
    assert_eq!((again.status.state, again.tally.waiting(), again.finished_at), (RunState::Running, 4, None));
    assert!(again.tally.failures.is_empty());
    let sums = bench.store.aggregates(run).await.expect("read").expect("the run is there");
    assert!(sums.iter().all(|sum| sum.value == Value::Nothing && sum.counted == 0), "{sums:?}");
    for leased in bench.claim(session, 9).await {
        assert!(bench.job(leased.lease.job).await.results.is_empty());
        bench.finish(leased.lease, with_vector(&vector_of(&key_of(&leased)), "right")).await;
    }
    let ended = bench.run(run).await;
    assert_eq!((ended.status.state, ended.tally.of(State::Succeeded)), (RunState::Succeeded, 4));
    let sums = bench.store.aggregates(run).await.expect("read").expect("the run is there");
    assert_eq!(sums[0].counted, 4);
    assert_eq!(sums[2].value, Value::Counts { classes: 1, counts: vec![("right".to_owned(), 4)] });
    let cancelled = bench.run_of(dataset("2"), &["a"]).await;
    bench.happen(cancelled, RunEvent::Cancel(Stop::asked("enough"))).await;
    let refused = bench.store.change_run(cancelled, RunEvent::Redo).await;
    assert!(matches!(refused, Err(StoreError::RunRefused(_))), "{refused:?}");
}

/// Neither a standstill nor the first pass makes a run slow that is worked on again.
pub async fn the_rate_of_a_run_is_that_of_the_time_since_it_was_taken_up(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c", "d"]).await;
    let work = async |items: usize| {
        let session = bench.session().await;
        for _ in 0..items {
            let leased = bench.claim(session, 1).await.remove(0);
            bench.wait(Duration::from_secs(2));
            let outcome = if key_of(&leased) == "b" { broken() } else { success(&key_of(&leased)) };
            bench.finish(leased.lease, outcome).await;
        }
    };
    let figures = async || {
        let (run, now) = (bench.run(run).await, bench.clock.now());
        (run.rate(now), run.time_left(now).map(|left| left.as_secs()), run.worked(now).as_secs())
    };
    assert_eq!(figures().await, (None, None, 0));
    work(2).await;
    assert_eq!(figures().await, (Some(0.5), Some(4), 4));
    bench.happen(run, RunEvent::Pause(Stop::asked("lunch"))).await;
    bench.wait(Duration::from_hours(1));
    assert_eq!(figures().await, (Some(0.5), None, 4), "a pause is no work");
    bench.happen(run, RunEvent::Resume).await;
    work(2).await;
    assert_eq!(figures().await, (Some(0.5), None, 8));
    bench.wait(Duration::from_hours(1));
    bench.happen(run, RunEvent::Retry).await;
    assert_eq!(figures().await.1, None, "nobody works on it yet");
    work(1).await;
    assert_eq!(figures().await, (Some(0.5), None, 10));
    let begun = bench.run(run).await.started_at;
    bench.wait(Duration::from_hours(1));
    assert_eq!(bench.happen(run, RunEvent::Redo).await.started_at, None);
    assert_eq!(figures().await, (None, None, 0), "what was done is not there any more");
    work(1).await;
    assert_eq!(figures().await, (Some(0.5), Some(6), 2));
    assert!(bench.run(run).await.started_at > begun);
}

/// With the settlement that records them, and not those of which some result was worked out.
pub async fn items_that_were_remembered_are_counted(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    for leased in bench.claim(session, 9).await {
        let key = key_of(&leased);
        let outcome = if key == "c" { success("c") } else { remembered(&key) };
        bench.finish(leased.lease, outcome.clone()).await;
        bench.settle(leased.lease, outcome).await;
    }
    assert_eq!(bench.run(run).await.tally.cached, 2, "once each, however often they are reported");
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.happen(run, RunEvent::Redo).await.tally.cached, 0);
    for leased in bench.claim(session, 1).await {
        bench.finish(leased.lease, remembered("a")).await;
    }
    assert_eq!(bench.run(run).await.tally.cached, 1);
}

/// In whatever way a run gives no work; what runs or has ended is shown as it is.
pub async fn items_of_a_run_that_gives_no_work_are_shown_as_held(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    let states = async || {
        let filter = JobFilter { run: Some(run), ..JobFilter::default() };
        let mut shown = Vec::new();
        for job in bench.store.jobs(filter, Page { limit: 9, before: None }).await.expect("list") {
            assert_eq!(bench.job(job.id).await.shown(), job.shown());
            shown.push(job.shown());
        }
        shown.sort_unstable();
        shown
    };
    let listed = async |state| {
        let filter = JobFilter { run: Some(run), states: vec![state], ..JobFilter::default() };
        bench.store.jobs(filter, Page { limit: 9, before: None }).await.expect("list").len()
    };
    let held = async || bench.store.counts().await.expect("counts").queues[0].held;
    assert_eq!(states().await, [Shown::Queued, Shown::Queued, Shown::Running]);
    assert_eq!(held().await, 0);
    bench.happen(run, RunEvent::Pause(Stop::asked("wait"))).await;
    assert_eq!(states().await, [Shown::Held, Shown::Held, Shown::Running]);
    assert_eq!((listed(Shown::Held).await, listed(Shown::Queued).await, held().await), (2, 0, 2));
    let oldest = async || bench.store.counts().await.expect("counts").oldest_queued;
    assert_eq!(oldest().await, None, "what is held waits for nobody");
    let single = bench.submit(super::job("single")).await;
    assert_eq!((oldest().await, held().await), (Some(bench.job(single).await.run_at), 2));
    bench.store.cancel(single).await.expect("cancel");
    bench.finish(lease, success("a")).await;
    bench.happen(run, RunEvent::Resume).await;
    assert_eq!(states().await, [Shown::Queued, Shown::Queued, Shown::Succeeded]);
    assert_eq!((listed(Shown::Held).await, listed(Shown::Queued).await, held().await), (0, 2, 0));
}

/// From the moment that the run is made until all its items are known or the run is deleted.
pub async fn an_uploaded_archive_belongs_to_its_run_while_it_is_read(open: Open<'_>) {
    let bench = Bench::new(open);
    let archive = named_blob("photos.tar");
    let strays = async || bench.store.unreferenced(vec![archive]).await.expect("look");
    let of = |name| NewRun { archive: Some(archive), ..dataset(name) };
    assert_eq!(strays().await, [archive]);
    let ended = bench.store.create_run(of("1")).await.expect("create").id;
    let deleted = bench.store.create_run(of("2")).await.expect("create").id;
    let failed = bench.store.create_run(of("3")).await.expect("create").id;
    assert!(strays().await.is_empty());
    bench.append(ended, vec![image(0, "a")]).await;
    bench.happen(ended, RunEvent::SourceEnded).await;
    bench.happen(failed, RunEvent::SourceFailed("the checksum is another".to_owned())).await;
    assert!(strays().await.is_empty(), "the others are still read");
    assert!(bench.store.delete_run(deleted).await.expect("delete"));
    let orphans = bench.store.sweep().await.expect("sweep").orphans;
    assert!(orphans.is_empty() && strays().await.is_empty(), "a run that failed may be retried: {orphans:?}");
    assert!(bench.store.delete_run(failed).await.expect("delete"));
    assert_eq!(bench.store.sweep().await.expect("sweep").orphans, [archive]);
    assert_eq!(strays().await, [archive]);
    assert!(bench.store.inputs(vec![archive]).await.expect("look").is_empty());
    let inputs = bench.store.inputs(vec![archive, named_blob("a"), named_blob("b")]).await.expect("look");
    assert_eq!(inputs, [named_blob("a")]);
}

/// From the claim to the last listing; and who has the address of the content alone finds it.
pub async fn an_input_keeps_its_place(open: Open<'_>) {
    let bench = Bench::new(open);
    let place = Place::of(Path::new("/data/may/a.jpg")).expect("a whole path");
    let run = bench.store.create_run(dataset("1")).await.expect("create").id;
    let mut placed = image(0, "a");
    let Entry::Image(_, input) = &mut placed.entry else { panic!("an image") };
    input.place = Some(place.clone());
    bench.append(run, vec![placed, image(1, "b")]).await;
    let known = async |blob| bench.store.placed(named_blob(blob)).await.expect("look");
    assert_eq!(
        known("a").await.map(|input| (input.blob, input.place)),
        Some((named_blob("a"), Some(place.clone())))
    );
    assert_eq!((known("b").await, known("c").await), (None, None));
    let session = bench.session().await;
    let leases = bench.store.claim(session, 2).await.expect("claim");
    let claimed: Vec<_> = leases.iter().map(|leased| leased.job.input.place.clone()).collect();
    assert_eq!(claimed, [Some(place.clone()), None]);
    let page = ItemPage { limit: 2, after: None, states: Vec::new() };
    let items = bench.store.items(run, page).await.expect("items");
    assert_eq!(items[0].input.place, Some(place.clone()));
    assert_eq!(bench.job(items[0].id).await.input.place, Some(place));
    let strays = bench.store.unreferenced(vec![named_blob("a")]).await.expect("look");
    assert_eq!(strays, [], "a copy of it, if there is one, belongs to the job, too");
}

/// And kept: it is what people want to know of a run.
pub async fn a_damaged_archive_is_remembered(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.store.create_run(dataset("1")).await.expect("create").id;
    bench.append(id, vec![image(0, "a")]).await;
    let damaged = bench.happen(id, RunEvent::SourceDamaged("it is torn".to_owned())).await;
    assert_eq!((damaged.status.state, damaged.damage.as_deref()), (RunState::Running, Some("it is torn")));
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("a")).await;
    let ended = bench.run(id).await;
    assert_eq!((ended.status.state, ended.damage.as_deref()), (RunState::Succeeded, Some("it is torn")));
}

/// Even parts from the first claim to the last end, each with what had ended by then.
pub async fn the_pace_of_a_run_is_told(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c", "d"]).await;
    assert!(bench.store.pace(run, 10).await.expect("read").is_empty());
    let session = bench.session().await;
    let begun = bench.run(run).await.created_at;
    for (at, leased) in bench.claim(session, 9).await.into_iter().enumerate() {
        bench.finish(leased.lease, if at == 1 { broken() } else { success("t") }).await;
        bench.wait(Duration::from_secs(if at < 2 { 1 } else { 6 }));
    }
    let after = |seconds: u64| begun + Duration::from_secs(seconds);
    assert_eq!(bench.store.pace(run, 100).await.expect("read").len(), 4);
    let pace = bench.store.pace(run, 2).await.expect("read");
    assert_eq!(pace.iter().map(|(_, sum)| *sum).collect::<Vec<_>>(), [3, 4]);
    assert_eq!((pace[0].0 > after(3), pace[1].0), (true, after(8)));
    assert_eq!(bench.store.pace(run, 1).await.expect("read"), [(after(8), 4)]);
}

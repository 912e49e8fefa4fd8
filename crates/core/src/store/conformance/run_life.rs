//! How runs move along.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, job, success, unlucky},
    queueing::heard_so_far,
    run_fixture::{broken, dataset, image, key_of, slow},
};
use crate::{
    job::{FailureKind, NewJob, Outcome, State},
    run::{NewRun, OnError, Percent, RunEvent, RunState, SourceState, Stop, StopKind},
    store::{Notice, StoreError, WorkerStats},
};

/// Not before its source has ended, and with the settlement of the last item.
pub async fn a_run_ends_with_its_last_item(open: Open<'_>) {
    let bench = Bench::new(open);
    let new = dataset("1");
    let id = bench.store.create_run(new).await.expect("create").id;
    bench.append(id, vec![image(0, "a")]).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    assert!(bench.run(id).await.started_at.is_some());
    bench.finish(lease, success("t")).await;
    let run = bench.run(id).await;
    assert_eq!((run.status.state, run.finished_at), (RunState::Enumerating, None), "more may come");
    bench.append(id, vec![image(1, "b")]).await;
    assert_eq!(bench.happen(id, RunEvent::SourceEnded).await.status.state, RunState::Running);
    let lease = bench.claim_one(session).await;
    bench.wait(Duration::from_secs(1));
    bench.finish(lease, broken()).await;
    let run = bench.run(id).await;
    assert_eq!((run.status.state, run.status.source), (RunState::Succeeded, SourceState::Complete));
    assert_eq!(run.finished_at, Some(run.created_at + Duration::from_secs(1)));
    assert_eq!((run.tally.of(State::Succeeded), run.tally.failed()), (1, 1));
    let empty = bench.store.create_run(dataset("empty")).await.expect("create").id;
    assert_eq!(bench.happen(empty, RunEvent::SourceEnded).await.status.state, RunState::Succeeded);
}

/// Neither one that has ended nor one whose source has.
pub async fn a_run_that_has_all_its_items_takes_no_more(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a"]).await;
    let refused = bench.store.append(run, vec![image(1, "b")]).await;
    assert!(matches!(refused, Err(StoreError::RunRefused(_))), "{refused:?}");
    let other = bench.store.create_run(dataset("2")).await.expect("create").id;
    bench.happen(other, RunEvent::Cancel(Stop::asked("enough"))).await;
    let refused = bench.store.append(other, vec![image(1, "b")]).await;
    assert!(matches!(refused, Err(StoreError::RunRefused(_))), "{refused:?}");
    let refused = bench.store.change_run(other, RunEvent::Resume).await;
    assert!(matches!(refused, Err(StoreError::RunRefused(_))), "{refused:?}");
}

/// Running items finish; everything else is as before.
pub async fn a_paused_run_gives_nothing_and_goes_on_when_resumed(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    let stop = Stop::new(StopKind::DiskFull, "no room");
    let paused = bench.happen(run, RunEvent::Pause(stop.clone())).await;
    assert_eq!((paused.status.state, paused.status.stop), (RunState::Paused, Some(stop.clone())));
    assert_eq!(bench.happen(run, RunEvent::Pause(Stop::asked("me too"))).await.status.stop, Some(stop));
    assert!(bench.claim(session, 9).await.is_empty());
    bench.finish(lease, slow(Duration::from_secs(1))).await;
    bench.wait(Duration::from_secs(1));
    bench.store.sweep().await.expect("sweep");
    assert!(bench.claim(session, 9).await.is_empty(), "what falls due is held too");
    let resumed = bench.happen(run, RunEvent::Resume).await;
    assert_eq!((resumed.status.state, resumed.status.stop), (RunState::Running, None));
    assert_eq!(bench.claim(session, 9).await.len(), 3);
}

/// A full disk is no fault of an item: the run waits, and goes on once it is resumed, with nothing failed.
pub async fn a_run_waits_while_blobs_cannot_be_kept(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    let claimed = bench.claim(session, 2).await;
    bench.finish(claimed[0].lease, unlucky(Duration::from_secs(1))).await;
    let paused = bench.run(run).await.status;
    assert_eq!(
        (paused.state, paused.stop.map(|stop| stop.kind)),
        (RunState::Paused, Some(StopKind::StorageUnavailable))
    );
    bench.finish(claimed[1].lease, success("t")).await;
    bench.wait(Duration::from_secs(1));
    bench.store.sweep().await.expect("sweep");
    assert!(bench.claim(session, 9).await.is_empty());
    bench.happen(run, RunEvent::Resume).await;
    for leased in bench.claim(session, 9).await {
        bench.finish(leased.lease, success("t")).await;
    }
    let ended = bench.run(run).await;
    assert_eq!((ended.status.state, ended.tally.of(State::Succeeded)), (RunState::Succeeded, 3));
}

/// One lane a run: whoever comes in between is next.
pub async fn an_upload_does_not_wait_for_a_run(open: Open<'_>) {
    let bench = Bench::new(open);
    let keys: Vec<String> = (0..3_000).map(|n| format!("{n:05}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    bench.run_of(dataset("1"), &keys).await;
    let session = bench.session().await;
    bench.claim(session, 100).await;
    let upload = bench.submit(NewJob { lane: "ann".parse().expect("lane"), ..job("upload") }).await;
    let next = bench.claim(session, 2).await;
    assert!(next.iter().any(|leased| leased.lease.job == upload));
}

/// Waiting ones at once, running ones when their workers notice, and what comes back from a failure with a sweep.
pub async fn a_cancelled_run_cancels_its_items(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c", "d"]).await;
    let other = bench.run_of(dataset("2"), &["z"]).await;
    let session = bench.session().await;
    let mut claimed: Vec<_> = Vec::new();
    while claimed.len() < 3 {
        claimed.extend(bench.claim(session, 1).await.into_iter().filter(|l| key_of(l) != "z"));
    }
    bench.finish(claimed[0].lease, slow(Duration::from_secs(1))).await;
    bench.finish(claimed[1].lease, success("t")).await;
    let cancelled = bench.happen(run, RunEvent::Cancel(Stop::asked("enough"))).await;
    assert_eq!(cancelled.status.state, RunState::Cancelled);
    assert_eq!(
        bench.store.beat(session, WorkerStats::default()).await.expect("beat").cancel,
        [claimed[2].lease.job]
    );
    bench.finish(claimed[2].lease, Outcome::Cancelled).await;
    bench.wait(Duration::from_secs(1));
    bench.store.sweep().await.expect("sweep");
    let states = bench.item_states(run).await;
    assert_eq!(states.iter().filter(|state| **state == State::Cancelled).count(), 3, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == State::Succeeded).count(), 1, "{states:?}");
    assert_eq!(
        bench.happen(run, RunEvent::Cancel(Stop::asked("again"))).await.status.stop,
        cancelled.status.stop
    );
    assert!(matches!(bench.store.change_run(run, RunEvent::Retry).await, Err(StoreError::RunRefused(_))));
    assert_eq!(bench.run(other).await.tally.of(State::Cancelled), 0);
}

/// The settlement that is one too many stops it; what waits is held.
pub async fn a_run_stops_after_so_many_failures(open: Open<'_>) {
    let bench = Bench::new(open);
    let strict = NewRun { on_error: OnError::StopAfter(2), ..dataset("1") };
    let run = bench.run_of(strict, &["a", "b", "c", "d"]).await;
    let session = bench.session().await;
    for expected in [RunState::Running, RunState::Failed] {
        let lease = bench.claim_one(session).await;
        bench.finish(lease, broken()).await;
        assert_eq!(bench.run(run).await.status.state, expected);
    }
    let failed = bench.run(run).await;
    assert_eq!(failed.status.stop.map(|stop| stop.kind), Some(StopKind::TooManyFailures));
    assert!(failed.finished_at.is_some());
    assert!(bench.claim(session, 9).await.is_empty());
    assert_eq!(bench.happen(run, RunEvent::Retry).await.status.state, RunState::Running);
    assert_eq!(bench.run(run).await.finished_at, None);
    assert_eq!(bench.claim(session, 9).await.len(), 4);
}

/// Not before enough have finished to speak of a share.
pub async fn a_run_stops_at_a_share_of_failures(open: Open<'_>) {
    let bench = Bench::new(open);
    let share = OnError::StopAtPercent(Percent::try_from(50).expect("a share"));
    let keys: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let run = bench.run_of(NewRun { on_error: share, ..dataset("1") }, &keys).await;
    let session = bench.session().await;
    for (n, leased) in bench.claim(session, 20).await.into_iter().enumerate() {
        assert_eq!(bench.run(run).await.status.state, RunState::Running, "after {n}");
        bench.finish(leased.lease, if n % 2 == 0 { broken() } else { success("t") }).await;
    }
    assert_eq!(bench.run(run).await.status.state, RunState::Failed);
}

/// With a fresh budget; what it was that failed is forgotten.
pub async fn what_has_failed_is_done_again_when_asked(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    for leased in bench.claim(session, 9).await {
        let outcome = if key_of(&leased) == "b" { success("t") } else { broken() };
        bench.finish(leased.lease, outcome).await;
    }
    let ended = bench.run(run).await;
    assert_eq!(ended.status.state, RunState::Succeeded);
    assert_eq!(ended.tally.failures.get(&FailureKind::Undecodable), Some(&2));
    let again = bench.happen(run, RunEvent::Retry).await;
    assert_eq!((again.status.state, again.tally.waiting()), (RunState::Running, 2));
    assert!(again.tally.failures.is_empty() && again.finished_at.is_none());
    for leased in bench.claim(session, 9).await {
        assert_ne!(key_of(&leased), "b");
        bench.finish(leased.lease, success("t")).await;
    }
    let ended = bench.run(run).await;
    assert_eq!((ended.status.state, ended.tally.of(State::Succeeded)), (RunState::Succeeded, 3));
    assert_eq!(bench.happen(run, RunEvent::Retry).await, ended, "nothing has failed: nothing changes");
}

/// Nothing is claimed of a run whose archive is not what it was said to be; a retry enumerates again.
pub async fn a_run_whose_source_fails_holds_its_items(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.store.create_run(dataset("1")).await.expect("create").id;
    bench.append(id, vec![image(0, "a")]).await;
    let failed = bench.happen(id, RunEvent::SourceFailed("the checksum is another".to_owned())).await;
    assert_eq!(failed.status.state, RunState::Failed);
    assert_eq!(failed.status.stop.map(|stop| stop.kind), Some(StopKind::SourceFailed));
    let session = bench.session().await;
    assert!(bench.claim(session, 9).await.is_empty());
    assert_eq!(bench.happen(id, RunEvent::Retry).await.status.state, RunState::Enumerating);
    assert_eq!(bench.append(id, vec![image(0, "a"), image(1, "b")]).await.added, 1);
    assert_eq!(bench.claim(session, 9).await.len(), 2);
}

/// A run has succeeded only while none of its items is to be done.
pub async fn an_item_that_is_retried_by_hand_opens_its_run_again(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a"]).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.finish(lease, broken()).await;
    assert_eq!(bench.run(run).await.status.state, RunState::Succeeded);
    bench.store.retry(lease.job).await.expect("retry");
    assert_eq!(bench.run(run).await.status.state, RunState::Running);
    let lease = bench.claim_one(session).await;
    bench.finish(lease, success("t")).await;
    assert_eq!(bench.run(run).await.status.state, RunState::Succeeded);
}

/// After failures of every kind, crashes, shutdowns and cancellations.
pub async fn the_tally_of_a_run_agrees_with_a_recount(open: Open<'_>) {
    let bench = Bench::new(open);
    let keys: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let run = bench.run_of(dataset("1"), &keys).await;
    for round in 0..6_u64 {
        let session = bench.session().await;
        for (n, leased) in bench.claim(session, 9).await.into_iter().enumerate() {
            match (n as u64 + round) % 6 {
                0 => bench.finish(leased.lease, broken()).await,
                1 => bench.finish(leased.lease, slow(Duration::from_secs(round))).await,
                2 => bench.finish(leased.lease, Outcome::Interrupted).await,
                3 => drop(bench.store.cancel(leased.lease.job).await.expect("cancel")),
                4 => bench.finish(leased.lease, success("t")).await,
                _ => {}
            }
        }
        if round % 2 == 0 {
            bench.store.close_session(session).await.expect("close");
        }
        bench.wait(Duration::from_secs(16));
        bench.store.sweep().await.expect("sweep");
        let (tally, states) = (bench.run(run).await.tally, bench.item_states(run).await);
        for state in State::ALL {
            let recount = states.iter().filter(|found| **found == state).count() as u64;
            assert_eq!(tally.of(state), recount, "{state:?} in round {round}");
        }
        assert_eq!(tally.failures.values().sum::<u64>(), tally.failed());
    }
}

/// Whoever watches hears of runs, once a change.
pub async fn a_run_that_changes_is_heard(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a"]).await;
    let mut watch = bench.store.watch();
    let mut heard =
        || heard_so_far(&mut watch).into_iter().filter(|heard| *heard == Notice::Run(run)).count();
    let lease = bench.claim_one(bench.session().await).await;
    assert_eq!(heard(), 1);
    bench.finish(lease, success("t")).await;
    assert_eq!(heard(), 1);
}

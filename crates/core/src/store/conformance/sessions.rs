//! Sessions: who works, and what becomes of the jobs of those who stopped.

use std::time::Duration;

use super::{
    NOON, Open,
    fixture::{Bench, job, success, worker},
    run_fixture::dataset,
};
use crate::{
    job::{AttemptEnd, AttemptLimits, State},
    run::{NewRun, OnError, RunState},
    store::{BEAT_INTERVAL, Beat, SESSION_TTL, StoreError, WorkerStats},
};

/// A worker that beats keeps its jobs as long as it likes.
pub async fn a_session_lives_by_its_beats(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    for _ in 0..10 {
        bench.wait(BEAT_INTERVAL);
        let beat = bench.store.beat(session, WorkerStats::default()).await.expect("beat");
        assert_eq!(beat, Beat::default());
        assert_eq!(bench.store.sweep().await.expect("sweep").lost_sessions, 0);
    }
    assert_eq!(bench.state(id).await, State::Running);
    bench.finish(lease, success("t")).await;
}

/// After [`SESSION_TTL`] of silence another worker gets the job.
pub async fn a_silent_session_loses_its_jobs(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let silent = bench.session().await;
    let leased = bench.claim(silent, 1).await;
    assert_eq!(leased[0].deadline, NOON + SESSION_TTL);
    bench.wait(SESSION_TTL.saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.store.sweep().await.expect("sweep").lost_sessions, 0);
    bench.wait(Duration::from_millis(1));
    let swept = bench.store.sweep().await.expect("sweep");
    assert_eq!((swept.lost_sessions, swept.rescued), (1, 1));
    let job = bench.job(id).await;
    assert_eq!((job.status.state, job.status.crashes, job.status.used), (State::Queued, 1, 1));
    assert_eq!(job.attempts.last().map(|a| a.end), Some(AttemptEnd::Lost));
    assert_eq!(bench.claim_one(bench.session().await).await.token, 2);
}

/// Those of one millisecond, too, whose ids are in no order: whether a run fails may depend on which item ends first.
pub async fn sessions_that_vanish_together_are_lost_as_they_were_opened(open: Open<'_>) {
    let bench = Bench::new(open);
    for round in 0..12 {
        let limits = AttemptLimits { crashes: 1, ..AttemptLimits::default() };
        let strict = NewRun { on_error: OnError::StopAfter(1), limits, ..dataset(&round.to_string()) };
        let run = bench.run_of(strict, &["a", "b"]).await;
        let (first, second) = (bench.session().await, bench.session().await);
        bench.claim_one(first).await;
        let cancelled = bench.claim_one(second).await;
        bench.store.cancel(cancelled.job).await.expect("cancel");
        bench.wait(SESSION_TTL);
        assert_eq!(bench.store.sweep().await.expect("sweep").lost_sessions, 2);
        assert_eq!(bench.item_states(run).await, [State::Failed, State::Cancelled]);
        // With the last item at an end before the first, it would have succeeded.
        assert_eq!(bench.run(run).await.status.state, RunState::Failed, "in round {round}");
    }
}

/// Whether a sweep has noticed or not.
pub async fn a_lost_session_is_told_so(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit(job("a")).await;
    let session = bench.session().await;
    bench.wait(SESSION_TTL);
    for _ in 0..2 {
        assert!(bench.store.beat(session, WorkerStats::default()).await.expect("beat").lost);
        assert!(matches!(bench.store.claim(session, 1).await, Err(StoreError::SessionLost)));
        bench.store.sweep().await.expect("sweep");
    }
}

/// As interrupted: no attempt is spent.
pub async fn closing_a_session_returns_its_jobs(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("a"), job("b")]).await;
    let session = bench.session().await;
    bench.claim(session, 2).await;
    bench.store.close_session(session).await.expect("close");
    for id in ids {
        let job = bench.job(id).await;
        assert_eq!((job.status.state, job.status.used, job.status.crashes), (State::Queued, 0, 0));
        assert_eq!(job.attempts.last().map(|a| a.end), Some(AttemptEnd::Interrupted));
    }
    assert!(matches!(bench.store.claim(session, 1).await, Err(StoreError::SessionLost)));
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 2);
}

/// Closing twice is closing once.
pub async fn closing_an_unknown_session_is_no_error(open: Open<'_>) {
    let bench = Bench::new(open);
    let session = bench.session().await;
    for _ in 0..2 {
        bench.store.close_session(session).await.expect("close");
    }
}

/// Only what a session still holds goes back.
pub async fn a_finished_job_is_not_touched_by_the_end_of_its_session(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.finish(lease, success("t")).await;
    let done = bench.job(id).await;
    bench.wait(SESSION_TTL);
    assert_eq!(bench.store.sweep().await.expect("sweep").rescued, 0);
    assert_eq!(bench.job(id).await, done);
}

/// As they introduced themselves and as they last beat.
pub async fn live_workers_are_listed_with_what_they_said(open: Open<'_>) {
    let bench = Bench::new(open);
    let session = bench.store.open_session(worker("first")).await.expect("open a session");
    bench.wait(BEAT_INTERVAL);
    let stats = WorkerStats { running: 1, succeeded: 2, failed: 3, load: 0.5 };
    bench.store.beat(session, stats).await.expect("beat");
    let workers = bench.store.workers().await.expect("workers");
    let [only] = &workers[..] else { panic!("{workers:?}") };
    assert_eq!((only.session, &only.info, only.stats), (session, &worker("first"), stats));
    assert_eq!((only.since, only.last_beat), (NOON, NOON + BEAT_INTERVAL));
    bench.wait(SESSION_TTL);
    assert!(bench.store.workers().await.expect("workers").is_empty());
}

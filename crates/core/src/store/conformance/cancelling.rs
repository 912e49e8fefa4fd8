//! What people do to jobs: cancel and retry.

use std::time::Duration;

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, success, unlucky},
};
use crate::{
    job::{AttemptEnd, AttemptLimits, NewJob, Outcome, State},
    store::{SESSION_TTL, StoreError, WorkerStats},
};

/// It is never claimed.
pub async fn a_waiting_job_is_cancelled_at_once(open: Open<'_>) {
    let bench = Bench::new(open);
    let later = NewJob { run_at: Some(NOON + Duration::from_secs(1)), ..job("later") };
    for id in bench.submit_all(vec![job("a"), later]).await {
        let cancelled = bench.store.cancel(id).await.expect("cancel").expect("known");
        assert_eq!((cancelled.status.state, cancelled.finished_at), (State::Cancelled, Some(NOON)));
        assert_eq!(bench.job(id).await, cancelled);
    }
    bench.wait(Duration::from_secs(2));
    bench.store.sweep().await.expect("sweep");
    assert!(bench.claim(bench.session().await, 9).await.is_empty());
}

/// Its next beat says so.
pub async fn a_running_job_is_cancelled_when_its_worker_notices(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    bench.submit(job("b")).await;
    let session = bench.session().await;
    let lease = bench.claim(session, 2).await[0].lease;
    let asked = bench.store.cancel(id).await.expect("cancel").expect("known");
    assert!(asked.status.state == State::Running && asked.status.cancel_requested);
    let beat = bench.store.beat(session, WorkerStats::default()).await.expect("beat");
    assert_eq!((beat.lost, beat.cancel), (false, vec![id]));
    bench.finish(lease, Outcome::Cancelled).await;
    let job = bench.job(id).await;
    assert_eq!((job.status.state, job.attempts[0].end), (State::Cancelled, AttemptEnd::Cancelled));
    assert!(bench.store.beat(session, WorkerStats::default()).await.expect("beat").cancel.is_empty());
}

/// A result that is there is kept; a failure is not tried again.
pub async fn a_job_that_succeeds_before_it_notices_has_succeeded(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("a"), job("b"), job("c")]).await;
    let leased = bench.claim(bench.session().await, 3).await;
    for id in &ids {
        bench.store.cancel(*id).await.expect("cancel");
    }
    let outcomes = [success("t"), unlucky(Duration::ZERO), Outcome::Interrupted];
    for (leased, outcome) in leased.iter().zip(outcomes) {
        bench.finish(leased.lease, outcome).await;
    }
    let states = [bench.state(ids[0]).await, bench.state(ids[1]).await, bench.state(ids[2]).await];
    assert_eq!(states, [State::Succeeded, State::Cancelled, State::Cancelled]);
    assert_eq!(bench.job(ids[1]).await.failure, None);
}

/// Nobody works on it again.
pub async fn a_cancelled_job_whose_worker_vanishes_is_cancelled(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    bench.claim_one(bench.session().await).await;
    bench.store.cancel(id).await.expect("cancel");
    bench.wait(SESSION_TTL);
    bench.store.sweep().await.expect("sweep");
    assert_eq!(bench.state(id).await, State::Cancelled);
}

/// Finished jobs stay as they are; unknown ones are `None`.
pub async fn cancelling_is_idempotent_and_knows_its_jobs(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("t")).await;
    let done = bench.job(id).await;
    assert_eq!(bench.store.cancel(id).await.expect("cancel"), Some(done.clone()));
    assert_eq!(bench.job(id).await, done);
    let unknown = job("unknown").id;
    assert_eq!(bench.store.cancel(unknown).await.expect("cancel"), None);
    assert_eq!(bench.store.retry(unknown).await.expect("retry"), None);
    assert_eq!(bench.store.delete(unknown).await.expect("delete"), None);
}

/// The history stays, the budget begins anew, the token never goes back.
pub async fn retrying_gives_a_fresh_budget(open: Open<'_>) {
    let bench = Bench::new(open);
    let limits = AttemptLimits { attempts: 1, crashes: 1 };
    let id = bench.submit(NewJob { limits, ..job("a") }).await;
    let session = bench.session().await;
    for round in 1..=3 {
        let lease = bench.claim_one(session).await;
        assert_eq!(lease.token, round);
        bench.finish(lease, damaged()).await;
        bench.wait(Duration::from_secs(1));
        let retried = bench.store.retry(id).await.expect("retry").expect("known");
        assert_eq!((retried.status.state, retried.status.used), (State::Queued, 0));
        assert_eq!((retried.failure, retried.finished_at), (None, None));
        assert_eq!(retried.run_at, NOON + round * Duration::from_secs(1));
        assert_eq!(retried.attempts.len(), round as usize);
    }
    bench.store.cancel(id).await.expect("cancel");
    bench.store.retry(id).await.expect("retry");
    let lease = bench.claim_one(session).await;
    bench.finish(lease, success("t")).await;
}

/// A success is for ever.
pub async fn retrying_a_success_is_refused(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("t")).await;
    let done = bench.job(id).await;
    assert!(matches!(bench.store.retry(id).await, Err(StoreError::Refused(_))));
    assert_eq!(bench.job(id).await, done);
}

/// Idempotent.
pub async fn retrying_a_waiting_or_running_job_changes_nothing(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    for _ in 0..2 {
        bench.wait(Duration::from_secs(1));
        let before = bench.job(id).await;
        assert_eq!(bench.store.retry(id).await.expect("retry"), Some(before.clone()));
        assert_eq!(bench.job(id).await, before);
        bench.claim(bench.session().await, 1).await;
    }
}

/// Whoever cannot wait need not.
pub async fn a_scheduled_job_can_be_retried_now(open: Open<'_>) {
    let bench = Bench::new(open);
    let later = NewJob { run_at: Some(NOON + Duration::from_mins(1)), ..job("later") };
    let id = bench.submit(later).await;
    let retried = bench.store.retry(id).await.expect("retry").expect("known");
    assert_eq!((retried.status.state, retried.run_at), (State::Queued, NOON));
    assert_eq!(bench.claim_one(bench.session().await).await.job, id);
}

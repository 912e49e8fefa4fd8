//! Outcomes: exactly one is recorded, and every attempt is remembered.

use std::time::Duration;

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, success, unlucky},
};
use crate::{
    job::{AttemptEnd, AttemptLimits, FailureKind, NewJob, Outcome, State, Timings},
    store::{Beside, Settled, Settlement},
};

const SECOND: Duration = Duration::from_secs(1);

/// Results, attempt, marks of time.
pub async fn a_success_is_recorded_with_its_results_and_timings(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    bench.wait(SECOND);
    let lease = bench.claim_one(bench.session().await).await;
    bench.wait(SECOND);
    let timings = Timings {
        read_us: 1,
        wait_us: 2,
        work_us: 30,
        write_us: u64::from(u32::MAX) + 1,
        decode_us: 4,
        infer_us: 5,
        encode_us: 6,
    };
    let outcome = success("thumb");
    let settled = bench
        .store
        .settle(vec![Settlement { lease, outcome: outcome.clone(), timings, beside: Beside::default() }])
        .await;
    assert_eq!(settled.expect("settle"), [Settled::Accepted]);
    let job = bench.job(id).await;
    assert_eq!(Outcome::Succeeded(job.results.clone()), outcome);
    assert_eq!((job.status.state, job.failure.as_ref()), (State::Succeeded, None));
    assert_eq!((job.started_at, job.finished_at), (Some(NOON + SECOND), Some(NOON + 2 * SECOND)));
    let [attempt] = &job.attempts[..] else { panic!("{:?}", job.attempts) };
    assert_eq!((attempt.number, attempt.end, attempt.worker.as_str()), (1, AttemptEnd::Succeeded, "a:7"));
    assert_eq!((attempt.started_at, attempt.ended_at), (NOON + SECOND, NOON + 2 * SECOND));
    assert_eq!((attempt.timings, &attempt.failure), (timings, &None));
}

/// A worker that was given up and comes back late is not heard.
pub async fn an_outcome_with_an_old_token_changes_nothing(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let first = bench.session().await;
    let old = bench.claim_one(first).await;
    bench.store.close_session(first).await.expect("close");
    let queued = bench.job(id).await;
    assert_eq!(bench.settle(old, success("late")).await, Settled::Stale);
    assert_eq!(bench.job(id).await, queued);
    let new = bench.claim_one(bench.session().await).await;
    assert_eq!(new.token, old.token + 1);
    let running = bench.job(id).await;
    assert_eq!(bench.settle(old, damaged()).await, Settled::Stale);
    assert_eq!(bench.job(id).await, running);
    bench.finish(new, success("right")).await;
    assert_eq!(Outcome::Succeeded(bench.job(id).await.results), success("right"));
}

/// The second report is stale, within one call and over two; so is one for a job that is gone.
pub async fn an_outcome_that_is_reported_twice_is_recorded_once(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    let report =
        Settlement { lease, outcome: success("t"), timings: Timings::default(), beside: Beside::default() };
    let answers = bench.store.settle(vec![report.clone(), report]).await.expect("settle");
    assert_eq!(answers, [Settled::Accepted, Settled::Stale]);
    assert_eq!(bench.settle(lease, damaged()).await, Settled::Stale);
    let job = bench.job(id).await;
    assert_eq!((job.status.state, job.attempts.len()), (State::Succeeded, 1));
    assert_eq!(bench.store.counts().await.expect("counts").operations[0].succeeded, 1);
    bench.store.delete(id).await.expect("delete");
    assert_eq!(bench.settle(lease, success("t")).await, Settled::Stale);
}

/// An image that cannot be decoded is not tried again.
pub async fn a_permanent_failure_is_final_at_once(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, damaged()).await;
    let job = bench.job(id).await;
    assert_eq!((job.status.state, job.finished_at), (State::Failed, Some(NOON)));
    assert_eq!(job.failure.map(|f| f.kind), Some(FailureKind::Undecodable));
}

/// The worker draws the delay, the store keeps it.
pub async fn a_transient_failure_waits_for_its_delay(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.finish(lease, unlucky(3 * SECOND)).await;
    let waiting = bench.job(id).await;
    assert_eq!((waiting.status.state, waiting.run_at), (State::Scheduled, NOON + 3 * SECOND));
    assert_eq!(waiting.failure.map(|f| f.message), Some("try again".to_owned()));
    bench.wait(2 * SECOND);
    bench.store.sweep().await.expect("sweep");
    assert!(bench.claim(session, 1).await.is_empty());
    bench.wait(SECOND);
    bench.store.sweep().await.expect("sweep");
    let again = bench.claim_one(session).await;
    assert_eq!(again.token, 2);
    bench.finish(again, success("t")).await;
    let done = bench.job(id).await;
    assert_eq!((done.status.state, done.failure), (State::Succeeded, None));
}

/// Two attempts are two attempts.
pub async fn transient_failures_spend_the_budget(open: Open<'_>) {
    let bench = Bench::new(open);
    let limits = AttemptLimits { attempts: 2, crashes: 3 };
    let id = bench.submit(NewJob { limits, ..job("a") }).await;
    let session = bench.session().await;
    for state in [State::Scheduled, State::Failed] {
        bench.store.sweep().await.expect("sweep");
        let lease = bench.claim_one(session).await;
        bench.finish(lease, unlucky(Duration::ZERO)).await;
        assert_eq!(bench.state(id).await, state);
    }
}

/// Oldest first, each with its own words.
pub async fn every_attempt_keeps_its_error(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.finish(lease, unlucky(Duration::ZERO)).await;
    bench.store.sweep().await.expect("sweep");
    let lease = bench.claim_one(session).await;
    bench.finish(lease, damaged()).await;
    let attempts = bench.job(id).await.attempts;
    let told: Vec<_> =
        attempts.iter().map(|a| (a.number, a.end, a.failure.as_ref().map(|f| f.kind))).collect();
    assert_eq!(
        told,
        [
            (1, AttemptEnd::FailedTransiently, Some(FailureKind::StorageUnavailable)),
            (2, AttemptEnd::Failed, Some(FailureKind::Undecodable)),
        ]
    );
}

/// A shutdown costs nothing, however often.
pub async fn an_interrupted_attempt_is_given_back(open: Open<'_>) {
    let bench = Bench::new(open);
    let limits = AttemptLimits { attempts: 1, crashes: 1 };
    let id = bench.submit(NewJob { limits, ..job("a") }).await;
    let session = bench.session().await;
    for token in 1..=4 {
        bench.wait(SECOND);
        let lease = bench.claim_one(session).await;
        assert_eq!(lease.token, token);
        bench.finish(lease, Outcome::Interrupted).await;
        let job = bench.job(id).await;
        assert_eq!((job.status.state, job.status.used), (State::Queued, 0));
        assert_eq!(job.run_at, NOON + token * SECOND);
        assert_eq!(
            job.attempts.last().map(|a| (a.end, a.failure.clone())),
            Some((AttemptEnd::Interrupted, None))
        );
    }
}

/// A job that kills its worker does not kill them all.
pub async fn a_job_that_loses_three_workers_fails(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("poison")).await;
    for state in [State::Queued, State::Queued, State::Failed] {
        bench.claim_one(bench.session().await).await;
        bench.wait(crate::store::SESSION_TTL);
        assert_eq!(bench.store.sweep().await.expect("sweep").rescued, 1);
        assert_eq!(bench.state(id).await, state);
    }
    let job = bench.job(id).await;
    assert_eq!(job.failure.map(|f| f.kind), Some(FailureKind::Crashed));
    assert!(job.attempts.len() == 3 && job.attempts.iter().all(|a| a.end == AttemptEnd::Lost));
}

/// A worker cannot cancel a job that nobody wants cancelled.
pub async fn a_cancellation_that_nobody_asked_for_gives_the_attempt_back(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, Outcome::Cancelled).await;
    let job = bench.job(id).await;
    assert_eq!((job.status.state, job.status.used), (State::Queued, 0));
}

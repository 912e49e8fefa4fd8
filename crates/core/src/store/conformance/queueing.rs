//! Claims: who is next, when, and never twice.

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_core::Stream;

use super::{
    NOON, Open,
    fixture::{Bench, job, names, success},
};
use crate::{
    job::{NewJob, Shown, State},
    store::{MAX_BATCH, Notice, StoreError},
};

fn in_lane(name: &str, lane: &str) -> NewJob {
    NewJob { lane: lane.parse().expect("lane"), ..job(name) }
}

fn in_queue(name: &str, queue: &str) -> NewJob {
    NewJob { queue: queue.parse().expect("queue"), ..job(name) }
}

/// No job, no session, no blob.
pub async fn an_empty_store_gives_nothing(open: Open<'_>) {
    let bench = Bench::new(open);
    assert!(bench.claim(bench.session().await, 64).await.is_empty());
    assert_eq!(bench.store.job(job("a").id).await.expect("read"), None);
    let unknown = crate::SessionId::new(NOON);
    assert!(matches!(bench.store.claim(unknown, 1).await, Err(StoreError::SessionLost)));
}

/// First in, first out.
pub async fn jobs_of_one_lane_are_claimed_in_order_of_submission(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(vec![job("1"), job("2"), job("3")]).await;
    bench.submit(job("4")).await;
    let session = bench.session().await;
    assert_eq!(names(&bench.claim(session, 2).await), ["1", "2"]);
    let rest = bench.claim(session, 9).await;
    assert_eq!(names(&rest), ["3", "4"]);
    assert!(rest.iter().all(|leased| leased.deadline > NOON && leased.lease.token == 1));
    assert!(rest.iter().all(|leased| leased.job.status.state == State::Running));
}

/// Priority before order.
pub async fn a_higher_priority_goes_first_within_a_lane(open: Open<'_>) {
    let bench = Bench::new(open);
    let with = |name, priority| NewJob { priority, ..job(name) };
    bench.submit_all(vec![with("low", -1), with("mid", 0), with("high", 5), with("mid2", 0)]).await;
    let claimed = bench.claim(bench.session().await, 4).await;
    assert_eq!(names(&claimed), ["high", "mid", "mid2", "low"]);
}

/// The upload of one user is next, whatever waits in the lane of a run.
pub async fn a_run_of_thousands_does_not_starve_an_upload(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all((0..3_000).map(|i| in_lane(&format!("r{i}"), "run")).collect()).await;
    let session = bench.session().await;
    bench.claim(session, 100).await;
    bench.submit(in_lane("upload", "ann")).await;
    let next = bench.claim(session, 2).await;
    assert!(names(&next).contains(&"upload".to_owned()), "{:?}", names(&next));
}

/// Three lanes share nine claims alike.
pub async fn lanes_take_turns(open: Open<'_>) {
    let bench = Bench::new(open);
    for lane in ["a", "b", "c"] {
        bench.submit_all((0..20).map(|_| in_lane(lane, lane)).collect()).await;
    }
    let session = bench.session().await;
    let mut got = Vec::new();
    for _ in 0..9 {
        got.extend(names(&bench.claim(session, 1).await));
    }
    for lane in ["a", "b", "c"] {
        assert_eq!(got.iter().filter(|name| *name == lane).count(), 3, "{got:?}");
    }
}

/// Sixty-four claims in flight at once share three hundred jobs without a double.
pub async fn concurrent_claims_never_receive_the_same_job(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all((0..300).map(|i| in_lane(&format!("{i}"), &format!("l{}", i % 7))).collect()).await;
    let session = bench.session().await;
    let claims = (0..64).map(|_| bench.store.claim(session, 5)).collect();
    let mut seen = HashSet::new();
    for claimed in all(claims).await {
        for leased in claimed.expect("claim") {
            assert!(seen.insert(leased.lease.job), "{:?} was given twice", leased.lease);
        }
    }
    assert_eq!(seen.len(), 300);
}

pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all futures until all are done, so that their calls overlap.
pub(super) async fn all<T>(mut futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut done = Vec::new();
    std::future::poll_fn(|cx: &mut Context<'_>| {
        futures.retain_mut(|future| match future.as_mut().poll(cx) {
            Poll::Ready(value) => {
                done.push(value);
                false
            }
            Poll::Pending => true,
        });
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

/// Its time comes with a sweep.
pub async fn a_job_for_later_is_not_claimed_before_its_time(open: Open<'_>) {
    let bench = Bench::new(open);
    let run_at = NOON + Duration::from_secs(10);
    let id = bench.submit(NewJob { run_at: Some(run_at), ..job("later") }).await;
    assert_eq!(bench.state(id).await, State::Scheduled);
    bench.wait(Duration::from_millis(9_999));
    let session = bench.session().await;
    assert_eq!(bench.store.sweep().await.expect("sweep").due, 0);
    assert!(bench.claim(session, 1).await.is_empty());
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.store.sweep().await.expect("sweep").due, 1);
    assert_eq!(bench.job(id).await.run_at, run_at);
    assert_eq!(bench.claim_one(session).await.job, id);
}

/// A flood of due jobs does not hold the store.
pub async fn scheduled_jobs_fall_due_in_bounded_steps(open: Open<'_>) {
    let bench = Bench::new(open);
    let later = |i: usize| NewJob { run_at: Some(NOON + Duration::from_secs(1)), ..job(&format!("{i}")) };
    bench.submit_all((0..MAX_BATCH).map(later).collect()).await;
    bench.submit_all((0..5).map(later).collect()).await;
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.store.sweep().await.expect("sweep").due, MAX_BATCH as u64);
    assert_eq!(bench.store.sweep().await.expect("sweep").due, 5);
}

/// Held while paused, claimable after; pausing twice is pausing once.
pub async fn a_paused_queue_shows_held_and_gives_nothing(open: Open<'_>) {
    let bench = Bench::new(open);
    let queue: crate::job::QueueName = "slow".parse().expect("queue");
    let id = bench.submit(in_queue("a", "slow")).await;
    let session = bench.session().await;
    for _ in 0..2 {
        bench.store.pause(queue.clone()).await.expect("pause");
        assert_eq!(bench.job(id).await.shown(), Shown::Held);
        let behind = bench.submit(in_queue("b", "slow")).await;
        assert_eq!(bench.job(behind).await.shown(), Shown::Held);
        assert!(bench.claim(session, 9).await.is_empty());
    }
    bench.store.resume(queue.clone()).await.expect("resume");
    bench.store.resume(queue).await.expect("resume");
    assert_eq!(bench.job(id).await.shown(), Shown::Queued);
    assert_eq!(bench.claim(session, 9).await.len(), 3);
}

/// Only the named queue stops, known before or not.
pub async fn pausing_one_queue_leaves_the_others_alone(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.store.pause("never-used".parse().expect("queue")).await.expect("pause");
    bench.store.resume("unknown".parse().expect("queue")).await.expect("resume");
    bench.submit(in_queue("held", "never-used")).await;
    bench.submit(in_queue("b", "open")).await;
    assert_eq!(names(&bench.claim(bench.session().await, 9).await), ["b"]);
    let counts = bench.store.counts().await.expect("counts");
    let known: Vec<_> = counts.queues.iter().map(|q| (q.queue.as_str(), q.paused)).collect();
    assert_eq!(known, [("never-used", true), ("open", false)]);
}

/// Pausing stops claims, not work.
pub async fn running_jobs_of_a_paused_queue_finish(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(in_queue("a", "slow")).await;
    let lease = bench.claim_one(bench.session().await).await;
    bench.store.pause("slow".parse().expect("queue")).await.expect("pause");
    assert_eq!(bench.job(id).await.shown(), Shown::Running);
    bench.finish(lease, success("t")).await;
    assert_eq!(bench.state(id).await, State::Succeeded);
}

/// A submission is heard as work, a settlement as a change of its job.
pub async fn watchers_hear_of_work_and_of_changes(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut watch = bench.store.watch();
    let id = bench.submit(job("a")).await;
    let heard = heard_so_far(&mut watch);
    assert!(heard.contains(&Notice::Work) && heard.contains(&Notice::Job(id)), "{heard:?}");
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("t")).await;
    assert!(heard_so_far(&mut watch).contains(&Notice::Job(id)));
    assert!(heard_so_far(&mut watch).is_empty());
}

/// What a watcher can take without waiting: stores tell before they answer.
pub(super) fn heard_so_far(watch: &mut Pin<Box<dyn Stream<Item = Notice> + Send>>) -> Vec<Notice> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut heard = Vec::new();
    while let Poll::Ready(Some(notice)) = watch.as_mut().poll_next(&mut cx) {
        heard.push(notice);
    }
    heard
}

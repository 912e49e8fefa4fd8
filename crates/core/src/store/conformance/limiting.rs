//! Limits: how many jobs of a queue run at a time, whoever claims them.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, damaged, job, names, success, unlucky},
    queueing::{all, heard_so_far},
};
use crate::{
    job::{NewJob, QueueName, State},
    store::{MaxRunning, Notice, SESSION_TTL},
};

fn slow() -> QueueName {
    "slow".parse().expect("queue")
}

fn in_slow(name: &str) -> NewJob {
    NewJob { queue: slow(), ..job(name) }
}

fn many(count: u32) -> Vec<NewJob> {
    (0..count).map(|n| in_slow(&format!("s{n}"))).collect()
}

impl Bench {
    async fn limit(&self, max: u64) {
        let max = MaxRunning::try_from(max).expect("a limit");
        self.store.limit(slow(), Some(max)).await.expect("limit");
    }

    async fn no_limit(&self) {
        self.store.limit(slow(), None).await.expect("limit");
    }

    /// What the queue says of itself: its limit, and how many of its jobs run.
    async fn told(&self) -> (Option<u32>, u64) {
        let counts = self.store.counts().await.expect("counts");
        let queue = counts.queues.iter().find(|queue| queue.queue == slow()).expect("the queue is known");
        (queue.max_running.map(MaxRunning::get), queue.states[State::Running as usize])
    }
}

/// As many as the limit says, others beside them, and one more for each that ends, however it ends.
pub async fn no_more_jobs_of_a_queue_run_than_its_limit_says(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(2).await;
    bench.submit_all(many(9)).await;
    bench.submit_all(vec![job("a"), job("b"), job("c")]).await;
    let session = bench.session().await;
    let first = bench.claim(session, 99).await;
    assert_eq!(first.len(), 5, "two of the queue and the three others: {:?}", names(&first));
    assert_eq!(bench.told().await, (Some(2), 2));
    let mut lease = first.iter().find(|leased| leased.job.queue == slow()).expect("one of the queue").lease;
    let delay = Duration::from_secs(9);
    for outcome in [success("t"), damaged(), unlucky(delay), crate::job::Outcome::Interrupted] {
        assert!(bench.claim(bench.session().await, 99).await.is_empty());
        bench.finish(lease, outcome).await;
        lease = bench.claim(session, 99).await.first().expect("one more").lease;
        assert_eq!(bench.told().await, (Some(2), 2));
    }
}

/// Sixty-four claims in flight at once.
pub async fn concurrent_claims_stay_within_the_limit_of_a_queue(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(7).await;
    bench.submit_all(many(300)).await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(bench.session().await);
    }
    let claims = (0..64).map(|n| bench.store.claim(sessions[n % 8], 5)).collect();
    let given: usize = all(claims).await.into_iter().map(|claimed| claimed.expect("claim").len()).sum();
    assert_eq!(given, 7);
}

/// Set, raised, lowered below what runs, and taken away, while jobs run.
pub async fn a_limit_changes_while_jobs_run(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(many(20)).await;
    let session = bench.session().await;
    let mut running = bench.claim(session, 5).await;
    bench.limit(2).await;
    assert_eq!(bench.told().await, (Some(2), 5));
    for left in [4, 3, 2] {
        bench.finish(running.remove(0).lease, success("t")).await;
        assert!(bench.claim(session, 9).await.is_empty());
        assert_eq!(bench.told().await, (Some(2), left));
    }
    bench.finish(running.remove(0).lease, success("t")).await;
    assert_eq!(bench.claim(session, 9).await.len(), 1);
    bench.limit(4).await;
    assert_eq!(bench.claim(session, 9).await.len(), 2);
    bench.no_limit().await;
    assert_eq!(bench.told().await, (None, 4));
    assert_eq!(bench.claim(session, 99).await.len(), 12);
}

/// Neither other queues wait for a full one, nor lanes of it for each other.
pub async fn a_full_queue_keeps_nobody_else_waiting(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(1).await;
    let of_lane = |lane: &str| NewJob { lane: lane.parse().expect("lane"), ..in_slow(lane) };
    for lane in ["a", "b", "c"] {
        bench.submit_all((0..50).map(|_| of_lane(lane)).collect()).await;
    }
    let session = bench.session().await;
    let mut got = Vec::new();
    for round in 0..9 {
        let of_queue = bench.claim(session, 99).await;
        assert_eq!(of_queue.len(), 1, "one at a time");
        bench.submit(job(&format!("{round}"))).await;
        assert_eq!(names(&bench.claim(session, 1).await), [round.to_string()]);
        got.extend(names(&of_queue));
        bench.finish(of_queue[0].lease, success("t")).await;
    }
    for lane in ["a", "b", "c"] {
        assert_eq!(got.iter().filter(|name| *name == lane).count(), 3, "{got:?}");
    }
}

/// A queue that had no room does not catch up on the turns that others had meanwhile.
pub async fn a_queue_that_was_full_does_not_catch_up(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(1).await;
    bench.submit_all(many(500)).await;
    bench.submit_all((0..1_000).map(|n| job(&format!("{n}"))).collect()).await;
    let session = bench.session().await;
    bench.claim(session, 400).await;
    bench.no_limit().await;
    let next = bench.claim(session, 100).await;
    let of_queue = next.iter().filter(|leased| leased.job.queue == slow()).count();
    assert!(of_queue.abs_diff(50) <= 1, "{of_queue} of 100");
}

/// The lease of a worker that vanished holds its place until it is rescued.
pub async fn a_vanished_worker_holds_its_places_until_it_is_rescued(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(2).await;
    bench.submit_all(many(4)).await;
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 2);
    bench.wait(SESSION_TTL);
    let other = bench.session().await;
    assert!(bench.claim(other, 9).await.is_empty());
    assert_eq!(bench.store.sweep().await.expect("sweep").rescued, 2);
    assert_eq!(bench.claim(other, 9).await.len(), 2);
    bench.store.close_session(other).await.expect("close");
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 2);
}

/// A job that is to be cancelled runs until its worker has noticed; one that waits never ran.
pub async fn a_cancelled_job_holds_its_place_until_its_worker_notices(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(1).await;
    let ids = bench.submit_all(many(3)).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    bench.store.cancel(ids[0]).await.expect("cancel");
    bench.store.cancel(ids[1]).await.expect("cancel");
    assert!(bench.claim(session, 9).await.is_empty());
    bench.finish(lease, crate::job::Outcome::Cancelled).await;
    assert_eq!(names(&bench.claim(session, 9).await), ["s2"]);
}

/// Each is asked for itself: what is paused gives nothing, and goes on within its limit.
pub async fn a_limit_and_a_pause_hold_beside_each_other(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(many(5)).await;
    let session = bench.session().await;
    bench.store.pause(slow()).await.expect("pause");
    bench.limit(2).await;
    assert!(bench.claim(session, 9).await.is_empty());
    bench.store.resume(slow()).await.expect("resume");
    let running = bench.claim(session, 9).await;
    assert_eq!(running.len(), 2);
    bench.store.pause(slow()).await.expect("pause");
    bench.finish(running[0].lease, success("t")).await;
    bench.no_limit().await;
    assert!(bench.claim(session, 9).await.is_empty());
    bench.store.resume(slow()).await.expect("resume");
    assert_eq!(bench.claim(session, 9).await.len(), 3);
}

/// Whoever waits for work hears of room, of a job that ended and of a limit that was raised; a full queue stays silent.
pub async fn room_in_a_full_queue_is_heard_as_work(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.limit(1).await;
    bench.submit_all(many(4)).await;
    let session = bench.session().await;
    let lease = bench.claim_one(session).await;
    let mut watch = bench.store.watch();
    assert!(bench.claim(session, 9).await.is_empty());
    assert_eq!(heard_so_far(&mut watch), []);
    bench.finish(lease, success("t")).await;
    assert!(heard_so_far(&mut watch).contains(&Notice::Work));
    bench.claim_one(session).await;
    heard_so_far(&mut watch);
    bench.limit(2).await;
    assert!(heard_so_far(&mut watch).contains(&Notice::Work));
}

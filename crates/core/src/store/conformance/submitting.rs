//! Submission: what is acknowledged is there, once.

use super::{
    NOON, Open,
    fixture::{Bench, job},
};
use crate::{
    job::{AttemptLimits, Idempotency, State, Status},
    store::{MAX_BATCH, QueueFull, StoreError, StoreLimits, Submitted},
};

fn keyed(name: &str, key: &str, fingerprint: u8) -> crate::job::NewJob {
    let idempotency = Idempotency { key: key.to_owned(), fingerprint: [fingerprint; 32] };
    crate::job::NewJob { idempotency: Some(idempotency), ..job(name) }
}

/// Every field comes back.
pub async fn a_submitted_job_is_found_as_it_was_submitted(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut new = job("cat.png");
    new.owner = "ann".parse().expect("owner");
    new.queue = "slow".parse().expect("queue");
    new.origin = "cli".parse().expect("origin");
    new.alias = Some("cat's alias".to_owned());
    new.priority = -3;
    new.limits = AttemptLimits { attempts: 9, crashes: 2 };
    let id = bench.submit(new.clone()).await;
    let found = bench.job(id).await;
    assert_eq!(
        (found.id, &found.owner, &found.queue, &found.origin),
        (new.id, &new.owner, &new.queue, &new.origin)
    );
    assert_eq!((&found.alias, found.priority, found.limits), (&new.alias, new.priority, new.limits));
    assert_eq!((&found.input, &found.operations), (&new.input, &new.operations));
    assert_eq!(
        (found.created_at, found.run_at, found.started_at, found.finished_at),
        (NOON, NOON, None, None)
    );
    assert_eq!((found.status, found.held, found.failure), (Status::new(State::Queued), false, None));
    assert!(found.attempts.is_empty() && found.results.is_empty());
}

/// Sequence numbers grow with the order of items and of calls.
pub async fn jobs_are_numbered_in_the_order_of_submission(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut ids = bench.submit_all((0..5).map(|i| job(&format!("a{i}"))).collect()).await;
    ids.extend(bench.submit_all((0..5).map(|i| job(&format!("b{i}"))).collect()).await);
    let mut numbers = Vec::new();
    for id in ids {
        numbers.push(bench.job(id).await.seq);
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// Within one call and over several.
pub async fn a_repeated_idempotent_submission_gives_the_first_job(open: Open<'_>) {
    let bench = Bench::new(open);
    let answers = bench.store.submit(vec![keyed("a", "k", 1), keyed("a", "k", 1)]).await.expect("submit");
    let [Submitted::Created(first), Submitted::Existing(again)] = answers[..] else { panic!("{answers:?}") };
    assert_eq!(first, again);
    let answers = bench.store.submit(vec![keyed("a", "k", 1)]).await.expect("submit");
    assert_eq!(answers, [Submitted::Existing(first)]);
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 1);
}

/// The first job is named, nothing is recorded.
pub async fn an_idempotency_key_with_other_content_is_a_conflict(open: Open<'_>) {
    let bench = Bench::new(open);
    let first = bench.submit(keyed("a", "k", 1)).await;
    let answers = bench.store.submit(vec![keyed("b", "k", 2)]).await.expect("submit");
    assert_eq!(answers, [Submitted::Conflict(first)]);
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 1);
}

/// Two owners may choose the same key.
pub async fn an_idempotency_key_belongs_to_its_owner(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut other = keyed("b", "k", 2);
    other.owner = "bob".parse().expect("owner");
    bench.submit_all(vec![keyed("a", "k", 1), other]).await;
}

/// A key is kept as long as its job.
pub async fn an_idempotency_key_is_free_again_once_its_job_is_deleted(open: Open<'_>) {
    let bench = Bench::new(open);
    let first = bench.submit(keyed("a", "k", 1)).await;
    bench.store.delete(first).await.expect("delete");
    let second = bench.submit(keyed("b", "k", 2)).await;
    assert_ne!(first, second);
}

/// Whoever did not hear the answer may submit the same id again.
pub async fn a_job_that_is_submitted_twice_is_recorded_once(open: Open<'_>) {
    let bench = Bench::new(open);
    let new = job("a");
    let id = bench.submit(new.clone()).await;
    let answers = bench.store.submit(vec![new]).await.expect("submit");
    assert_eq!(answers, [Submitted::Existing(id)]);
    assert_eq!(bench.claim(bench.session().await, 9).await.len(), 1);
}

/// Running jobs do not count as waiting; scheduled ones do.
pub async fn a_full_queue_rejects_and_takes_again_when_there_is_room(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { max_waiting: 2, ..StoreLimits::default() });
    let mut later = job("later");
    later.run_at = Some(NOON + std::time::Duration::from_mins(1));
    let answers = bench.store.submit(vec![later, job("b"), job("c")]).await.expect("submit");
    assert_eq!(answers[2], Submitted::Rejected(QueueFull { max_waiting: 2 }));
    let session = bench.session().await;
    assert_eq!(bench.claim(session, 5).await.len(), 1);
    bench.submit(job("d")).await;
    let answers = bench.store.submit(vec![job("e")]).await.expect("submit");
    assert_eq!(answers, [Submitted::Rejected(QueueFull { max_waiting: 2 })]);
}

/// Nothing of it is recorded.
pub async fn a_batch_above_the_maximum_is_refused_as_a_whole(open: Open<'_>) {
    let bench = Bench::new(open);
    let jobs = vec![job("a"); MAX_BATCH + 1];
    assert!(matches!(bench.store.submit(jobs).await, Err(StoreError::BatchTooLarge)));
    assert!(bench.claim(bench.session().await, 9).await.is_empty());
    let blobs = vec![super::named_blob("a"); MAX_BATCH + 1];
    assert!(matches!(bench.store.unreferenced(blobs).await, Err(StoreError::BatchTooLarge)));
}

//! Listings and look-ups against a simple model.

use std::time::Duration;

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, success, unlucky},
};
use crate::{
    job::{Failure, FailureKind, Job, NewJob, Outcome, Shown},
    store::{JobFilter, Order, Page, WorkerStats},
};

/// Longer than any test of listings takes.
const FOR_LONG: Duration = Duration::from_hours(1);

const ALL: Page = Page { limit: 1_000, before: None };

/// Pages of any size, put together, are the whole.
pub async fn listings_show_the_newest_first_and_page_without_gaps(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all((0..25).map(|i| job(&format!("{i}"))).collect()).await;
    bench.store.delete(ids[7]).await.expect("delete");
    let whole = bench.store.jobs(JobFilter::default(), ALL).await.expect("list");
    assert_eq!(whole.len(), 24);
    assert!(whole.is_sorted_by(|newer, older| newer.seq > older.seq));
    for limit in [1, 7, 24, 100] {
        let mut paged: Vec<Job> = Vec::new();
        loop {
            let before = paged.last().map(|job| job.seq);
            let page = bench.store.jobs(JobFilter::default(), Page { limit, before }).await.expect("list");
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole, "pages of {limit}");
    }
}

/// Jobs that differ in everything that a filter knows.
pub(super) async fn motley(bench: &Bench) -> Vec<Job> {
    let session = bench.session().await;
    for i in 0..24_u32 {
        bench.wait(Duration::from_secs(1));
        bench.store.beat(session, WorkerStats::default()).await.expect("beat");
        let mut new = job(["cat.png", "DOG.png", "100%_cat.jpg", "Käse.gif"][i as usize % 4]);
        new.owner = ["ann", "bob"][i as usize % 2].parse().expect("owner");
        new.origin = ["v1", "cli", "imgproxy"][i as usize % 3].parse().expect("origin");
        new.queue = ["default", "slow"][i as usize / 12].parse().expect("queue");
        new.run_at = (i % 6 == 5).then_some(NOON + Duration::from_hours(1));
        let id = bench.submit(new).await;
        match i % 6 {
            0 if i == 6 => bench.finish(bench.claim_one(session).await, unlucky(FOR_LONG)).await,
            0 if i == 12 => {
                bench.finish(bench.claim_one(session).await, unlucky(FOR_LONG)).await;
                bench.store.retry(id).await.expect("retry");
                bench.finish(bench.claim_one(session).await, success("t")).await;
            }
            0 => bench.finish(bench.claim_one(session).await, success("t")).await,
            1 if i == 7 => {
                let failure = Failure::new(FailureKind::Unencodable, "too wide");
                bench.finish(bench.claim_one(session).await, Outcome::FailedPermanently(failure)).await;
            }
            1 => bench.finish(bench.claim_one(session).await, damaged()).await,
            2 => drop(bench.claim_one(session).await),
            3 => drop(bench.store.cancel(id).await.expect("cancel")),
            _ => {}
        }
        if i % 6 == 4 {
            bench.store.pause("default".parse().expect("queue")).await.expect("pause");
        }
        if i % 6 == 5 {
            bench.store.resume("default".parse().expect("queue")).await.expect("resume");
            bench.store.delete(id).await.expect("delete");
            let again = NewJob { run_at: Some(NOON + Duration::from_hours(1)), ..job("again") };
            bench.submit(again).await;
        }
        if i % 6 == 4 {
            bench.store.cancel(id).await.expect("cancel");
            bench.store.resume("default".parse().expect("queue")).await.expect("resume");
        }
    }
    let mut held = job("held.png");
    held.queue = "slow".parse().expect("queue");
    bench.submit_all(vec![held, job("queued.png")]).await;
    bench.store.pause("slow".parse().expect("queue")).await.expect("pause");
    bench.store.jobs(JobFilter::default(), ALL).await.expect("list")
}

fn filters() -> Vec<JobFilter> {
    let none = JobFilter::default;
    let mut filters = vec![none()];
    filters.extend(Shown::ALL.map(|state| JobFilter { states: vec![state], ..none() }));
    filters.push(JobFilter { states: vec![Shown::Failed, Shown::Held, Shown::Scheduled], ..none() });
    filters.push(JobFilter { states: vec![Shown::Queued, Shown::Held], ..none() });
    for word in ["ann", "bob", "nobody"] {
        filters.push(JobFilter { owner: word.parse().ok(), ..none() });
    }
    for word in ["v1", "cli", "thumbor"] {
        filters.push(JobFilter { origin: word.parse().ok(), ..none() });
    }
    for word in ["default", "slow", "unknown"] {
        filters.push(JobFilter { queue: word.parse().ok(), ..none() });
    }
    for word in ["thumbnail", "classify", ""] {
        filters.push(JobFilter { operation: Some(word.to_owned()), ..none() });
    }
    for word in ["cat", "dog", "PNG", "%", "_", "KÄSE", "Käse", "käse", "", "nothing", "\\"] {
        filters.push(JobFilter { text: Some(word.to_owned()), ..none() });
    }
    for kinds in [
        vec![FailureKind::Undecodable],
        vec![FailureKind::StorageUnavailable],
        vec![FailureKind::Undecodable, FailureKind::Unencodable, FailureKind::StorageUnavailable],
        vec![FailureKind::Crashed],
    ] {
        let states = vec![Shown::Failed, Shown::Succeeded];
        filters.push(JobFilter { failures: kinds.clone(), states, owner: "bob".parse().ok(), ..none() });
        filters.push(JobFilter { failures: kinds, ..none() });
    }
    let (since, until) = (Some(NOON + Duration::from_secs(5)), Some(NOON + Duration::from_secs(12)));
    filters.extend([JobFilter { since, ..none() }, JobFilter { until, ..none() }]);
    filters.push(JobFilter {
        since,
        until,
        owner: "ann".parse().ok(),
        text: Some("cat".to_owned()),
        states: vec![Shown::Succeeded, Shown::Running],
        ..none()
    });
    filters
}

fn matches(job: &Job, filter: &JobFilter) -> bool {
    let name = job.input.name.as_ref().map(ToString::to_string).unwrap_or_default().to_ascii_lowercase();
    (filter.states.is_empty() || filter.states.contains(&job.shown()))
        && filter.operation.as_ref().is_none_or(|name| job.operations.iter().any(|o| o.name() == name))
        && filter.owner.as_ref().is_none_or(|owner| *owner == job.owner)
        && filter.origin.as_ref().is_none_or(|origin| *origin == job.origin)
        && filter.queue.as_ref().is_none_or(|queue| *queue == job.queue)
        && filter.since.is_none_or(|since| job.created_at >= since)
        && filter.until.is_none_or(|until| job.created_at < until)
        && filter.text.as_ref().is_none_or(|text| name.contains(&text.to_ascii_lowercase()))
        && (filter.failures.is_empty()
            || job.failure.as_ref().is_some_and(|failure| filter.failures.contains(&failure.kind)))
}

/// Each filter gives what filtering the whole list gives, from either end, page by page too.
pub async fn every_filter_narrows_as_the_simple_model_does(open: Open<'_>) {
    let bench = Bench::new(open);
    let all = motley(&bench).await;
    let shown: std::collections::BTreeSet<Shown> = all.iter().map(Job::shown).collect();
    assert_eq!(shown.len(), Shown::ALL.len(), "the jobs are to show every state: {shown:?}");
    assert!(all.iter().any(|job| job.failure.is_some() && job.shown() != Shown::Failed));
    let both =
        |filter: JobFilter| [Order::Newest, Order::Oldest].map(|order| JobFilter { order, ..filter.clone() });
    for filter in filters().into_iter().flat_map(both) {
        let mut expected: Vec<Job> = all.iter().filter(|job| matches(job, &filter)).cloned().collect();
        if filter.order == Order::Oldest {
            expected.reverse();
        }
        let listed = bench.store.jobs(filter.clone(), ALL).await.expect("list");
        assert_eq!(listed, expected, "{filter:?}");
        let mut paged: Vec<Job> = Vec::new();
        while paged.len() < expected.len() {
            let page = Page { limit: 3, before: paged.last().map(|job| job.seq) };
            let next = bench.store.jobs(filter.clone(), page).await.expect("list");
            assert!(!next.is_empty(), "{filter:?} ends early");
            paged.extend(next);
        }
        assert_eq!(paged, expected, "{filter:?} in pages");
    }
}

/// What means something to a database means nothing here.
pub async fn text_is_searched_without_wildcards(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(["a%b", "a_b", "axb", "a*b", "a'b", "A?B"].map(job).to_vec()).await;
    for text in ["a%b", "a_b", "a*b", "a'b", "a?b", "%", "_", "*", "'", "?"] {
        let filter = JobFilter { text: Some(text.to_owned()), ..JobFilter::default() };
        assert_eq!(bench.store.jobs(filter, ALL).await.expect("list").len(), 1, "{text}");
    }
}

/// A listing of a thousand jobs stays small.
pub async fn listings_leave_attempts_and_results_out(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("a"), job("b")]).await;
    let leased = bench.claim(bench.session().await, 2).await;
    bench.finish(leased[0].lease, success("t")).await;
    bench.finish(leased[1].lease, damaged()).await;
    let listed = bench.store.jobs(JobFilter::default(), ALL).await.expect("list");
    for (listed, id) in listed.iter().rev().zip(ids) {
        let whole = bench.job(id).await;
        assert_eq!(whole.attempts.len(), 1);
        assert_eq!(*listed, Job { attempts: Vec::new(), results: Vec::new(), ..whole });
    }
}

/// The newest one wins, other origins do not count, deletion uncovers the one before.
pub async fn an_alias_finds_the_newest_job_of_its_origin(open: Open<'_>) {
    let bench = Bench::new(open);
    let named = |origin: &str| NewJob {
        alias: Some("x".to_owned()),
        origin: origin.parse().expect("origin"),
        ..job("a")
    };
    let ids = bench.submit_all(vec![named("v1"), named("v1"), named("cli"), job("none")]).await;
    let find = async |origin: &str, alias: &str| {
        let found = bench.store.newest_by_alias(origin.parse().expect("origin"), alias.to_owned()).await;
        found.expect("read").map(|job| job.id)
    };
    assert_eq!(find("v1", "x").await, Some(ids[1]));
    assert_eq!(find("cli", "x").await, Some(ids[2]));
    assert_eq!(find("imgproxy", "x").await, None);
    assert_eq!(find("v1", "y").await, None);
    let lease = bench.claim_one(bench.session().await).await;
    bench.finish(lease, success("t")).await;
    bench.store.delete(ids[1]).await.expect("delete");
    assert_eq!(find("v1", "x").await, Some(ids[0]));
    let found = bench.store.newest_by_alias("v1".parse().expect("origin"), "x".to_owned()).await;
    assert_eq!(found.expect("read"), Some(bench.job(ids[0]).await), "with attempts and results");
}

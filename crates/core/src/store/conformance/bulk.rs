//! The same thing done to many jobs.

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, named_blob, success},
    listing::motley,
    run_fixture::{broken, dataset},
};
use crate::{
    BlobId, JobId,
    job::{Job, Shown, State},
    run::RunState,
    store::{Acted, Action, Chosen, JobFilter, MAX_PAGE, Order, Page, StoreError},
};

const ACTIONS: [Action; 3] = [Action::Retry, Action::Cancel, Action::Delete];
const ALL: Page = Page { limit: 1_000, before: None };

impl Bench {
    async fn act(&self, action: Action, chosen: Chosen, page: Page) -> Acted {
        self.store.act(action, chosen, page).await.expect("act")
    }

    async fn all_jobs(&self) -> Vec<Job> {
        self.store.jobs(JobFilter::default(), ALL).await.expect("list")
    }

    /// Whether the call for one job alone has changed it.
    async fn act_on_one(&self, action: Action, id: JobId) -> bool {
        let before = self.store.job(id).await.expect("read");
        match action {
            Action::Retry => drop(self.store.retry(id).await),
            Action::Cancel => drop(self.store.cancel(id).await),
            Action::Delete => drop(self.store.delete(id).await),
        }
        self.store.job(id).await.expect("read") != before
    }
}

fn standings(jobs: &[Job]) -> Vec<(u64, Shown, bool, u32)> {
    jobs.iter().map(|job| (job.seq, job.shown(), job.status.cancel_requested, job.status.used)).collect()
}

fn of_states(states: &[Shown]) -> Chosen {
    Chosen { filter: JobFilter { states: states.to_vec(), ..JobFilter::default() }, ids: None }
}

/// The same jobs change in the same way, and the numbers say how many.
pub async fn acting_on_many_jobs_is_acting_on_each(open: Open<'_>) {
    let owner = Chosen { filter: JobFilter { owner: "ann".parse().ok(), ..JobFilter::default() }, ids: None };
    let choices = [
        Chosen::default(),
        of_states(&[Shown::Failed]),
        of_states(&[Shown::Held, Shown::Running]),
        of_states(&[Shown::Succeeded]),
        owner,
    ];
    for action in ACTIONS {
        for chosen in &choices {
            let (many, each) = (Bench::new(open), Bench::new(open));
            motley(&many).await;
            motley(&each).await;
            let meant = each.store.jobs(chosen.filter.clone(), ALL).await.expect("list");
            let mut expected = Acted::default();
            for job in &meant {
                let changed = each.act_on_one(action, job.id).await;
                expected.changed += u64::from(changed);
                expected.skipped += u64::from(!changed);
            }
            let acted = many.act(action, chosen.clone(), ALL).await;
            assert_eq!(
                (acted.changed, acted.skipped),
                (expected.changed, expected.skipped),
                "{action:?} {chosen:?}"
            );
            assert_eq!(acted.next, None);
            assert_eq!(
                standings(&many.all_jobs().await),
                standings(&each.all_jobs().await),
                "{action:?} {chosen:?}"
            );
            assert_eq!(
                many.store.counts().await.expect("counts"),
                each.store.counts().await.expect("counts")
            );
        }
    }
}

/// Every step says where the next one goes on, from either end, and no job is met twice.
pub async fn many_jobs_are_acted_on_in_bounded_steps(open: Open<'_>) {
    for order in [Order::Newest, Order::Oldest] {
        let bench = Bench::new(open);
        let ids = bench.submit_all((0..10).map(|n| job(&format!("{n}"))).collect()).await;
        let chosen = Chosen { filter: JobFilter { order, ..JobFilter::default() }, ids: None };
        let first = bench.act(Action::Cancel, chosen.clone(), Page { limit: 4, before: None }).await;
        let mut cancelled = Vec::new();
        for id in &ids {
            cancelled.push(bench.state(*id).await == State::Cancelled);
        }
        let front = [vec![true; 4], vec![false; 6]].concat();
        let expected: Vec<bool> = match order {
            Order::Oldest => front,
            Order::Newest => front.into_iter().rev().collect(),
        };
        assert_eq!(cancelled, expected);
        let (mut before, mut steps) = (first.next, vec![first.changed]);
        while before.is_some() {
            let acted = bench.act(Action::Cancel, chosen.clone(), Page { limit: 4, before }).await;
            assert_eq!(acted.skipped, 0);
            (before, steps) = (acted.next, [steps, vec![acted.changed]].concat());
        }
        assert_eq!(steps, [4, 4, 2]);
    }
}

/// Unknown ones, those of others and those named twice do not count.
pub async fn chosen_ids_are_acted_on_if_they_match(open: Open<'_>) {
    let bench = Bench::new(open);
    let of = |name: &str, owner: &str| {
        let mut new = job(name);
        new.owner = owner.parse().expect("owner");
        new
    };
    let ids = bench.submit_all(vec![of("a", "ann"), of("b", "bob"), of("c", "ann"), of("d", "ann")]).await;
    let named = vec![ids[0], ids[1], ids[0], job("unknown").id, ids[2]];
    let filter = JobFilter { owner: "ann".parse().ok(), ..JobFilter::default() };
    let chosen = Chosen { filter, ids: Some(named) };
    let acted = bench.act(Action::Cancel, chosen.clone(), ALL).await;
    assert_eq!(acted, Acted { changed: 2, ..Acted::default() });
    assert_eq!(bench.act(Action::Cancel, chosen, ALL).await, Acted { skipped: 2, ..Acted::default() });
    assert_eq!((bench.state(ids[1]).await, bench.state(ids[3]).await), (State::Queued, State::Queued));
    let none = Chosen { ids: Some(Vec::new()), ..Chosen::default() };
    assert_eq!(bench.act(Action::Delete, none, ALL).await, Acted::default());
    let many = Chosen { ids: Some(vec![ids[0]; MAX_PAGE as usize + 1]), ..Chosen::default() };
    let refused = bench.store.act(Action::Delete, many, ALL).await;
    assert!(matches!(refused, Err(StoreError::BatchTooLarge)));
}

/// Those that nobody else refers to; running jobs and items of runs stay.
pub async fn deleting_many_jobs_tells_which_blobs_are_orphans(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["item"]).await;
    let session = bench.session().await;
    let item = bench.claim_one(session).await;
    bench.finish(item, broken()).await;
    bench.submit_all(["same", "same", "other", "running"].map(job).to_vec()).await;
    let leased = bench.claim(session, 4).await;
    for (leased, artifact) in leased.iter().zip(["t1", "t1", "t2"]) {
        bench.finish(leased.lease, success(artifact)).await;
    }
    let newest = bench.act(Action::Delete, Chosen::default(), Page { limit: 3, before: None }).await;
    assert_eq!((newest.changed, newest.skipped), (2, 1), "the running one stays");
    assert_eq!(sorted(newest.orphans), blobs(&["other", "t2"]));
    let rest = bench.act(Action::Delete, Chosen::default(), Page { before: newest.next, ..ALL }).await;
    assert_eq!((rest.changed, rest.skipped, rest.next), (1, 1, None), "the item stays");
    assert_eq!(sorted(rest.orphans), blobs(&["same", "t1"]));
    assert_eq!(bench.all_jobs().await.len(), 2);
    assert_eq!(bench.run(run).await.tally.total(), 1);
}

/// Items count in their run, whoever moved them and however many at once.
pub async fn many_items_that_are_retried_open_their_run_again(open: Open<'_>) {
    let bench = Bench::new(open);
    let run = bench.run_of(dataset("1"), &["a", "b", "c"]).await;
    let session = bench.session().await;
    for (leased, outcome) in bench.claim(session, 3).await.iter().zip([broken(), damaged(), success("t")]) {
        bench.finish(leased.lease, outcome).await;
    }
    assert!(bench.run(run).await.status.state.is_final());
    let filter = JobFilter { run: Some(run), ..JobFilter::default() };
    let acted = bench.act(Action::Retry, Chosen { filter, ids: None }, ALL).await;
    assert_eq!((acted.changed, acted.skipped), (2, 1));
    let opened = bench.run(run).await;
    assert_eq!((opened.status.state, opened.tally.of(State::Queued)), (RunState::Running, 2));
    assert_eq!(bench.all_jobs().await.iter().filter(|job| job.run_at == NOON).count(), 3);
    for leased in bench.claim(session, 3).await {
        bench.finish(leased.lease, success("t")).await;
    }
    assert_eq!(bench.run(run).await.tally.of(State::Succeeded), 3);
}

fn blobs(names: &[&str]) -> Vec<BlobId> {
    sorted(names.iter().map(|name| named_blob(name)).collect())
}

fn sorted(mut blobs: Vec<BlobId>) -> Vec<BlobId> {
    blobs.sort();
    blobs
}

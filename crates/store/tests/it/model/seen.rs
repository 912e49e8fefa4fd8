//! What can be seen of a store, and is compared after each step.

use std::{collections::BTreeMap, ops::Deref};

use darkroom_core::{
    JobId, RunId, Timestamp,
    job::{Input, Job, OperationResult},
    prediction::Prediction,
    run::{Cell, Run},
    store::{
        Counts, GroupPage, ItemPage, JobFilter, Page, Period, PredictionFilter, RunFilter, Store,
        conformance::named_blob,
    },
};

use super::{
    side::{Side, key},
    steps::{Ids, item_key},
};

#[derive(Debug, PartialEq)]
pub(super) struct Visible {
    pub(super) runs: VisibleRuns,
    pub(super) listed: Vec<Job>,
    pub(super) jobs: BTreeMap<JobId, Option<Job>>,
    pub(super) aliases: Vec<Option<Job>>,
    /// Whether each of two owners refers to each blob.
    pub(super) owned: Vec<bool>,
    /// The file of each content that may lie in one.
    pub(super) placed: Vec<Option<Input>>,
    pub(super) predictions: Vec<Prediction>,
    pub(super) past: Vec<Period>,
    pub(super) recalled: Vec<Option<OperationResult>>,
    pub(super) counts: Counts,
    pub(super) workers: Vec<(u32, String)>,
    pub(super) strays: Vec<String>,
}

#[derive(Debug, PartialEq, Default)]
pub(super) struct VisibleRuns {
    pub(super) listed: Vec<Run>,
    /// By idempotency key.
    pub(super) keyed: Vec<Vec<Run>>,
    pub(super) items: Vec<Vec<Job>>,
    pub(super) gathered: Vec<String>,
    pub(super) groups: Vec<Vec<(String, Cell)>>,
}

impl<S: Deref<Target = T>, T: Store + ?Sized> Side<S> {
    pub(super) async fn visible(&self, ids: &Ids) -> Visible {
        let page = Page { limit: 1_000, before: None };
        let mut jobs = BTreeMap::new();
        for id in &ids.jobs {
            jobs.insert(*id, self.store.job(*id).await.expect("read"));
        }
        let mut workers: Vec<_> = self
            .store
            .workers()
            .await
            .expect("workers")
            .into_iter()
            .map(|w| (w.info.pid, format!("{:?} {:?} {:?}", w.stats, w.since, w.last_beat)))
            .collect();
        workers.sort();
        let blobs: Vec<_> = (0..6).map(|n| named_blob(&format!("f{n}"))).chain([named_blob("t")]).collect();
        let mut owned = Vec::new();
        for (owner, blob) in
            ["o0", "o1"].iter().flat_map(|owner| blobs.iter().map(move |blob| (owner, *blob)))
        {
            let refers = self.store.refers(owner.parse().expect("owner"), blob).await;
            owned.push(refers.expect("ask"));
        }
        let mut aliases = Vec::new();
        for n in 0..3 {
            let found = self.store.newest_by_alias("v1".parse().expect("origin"), format!("a{n}")).await;
            aliases.push(found.expect("read"));
        }
        Visible {
            listed: self.store.jobs(JobFilter::default(), page).await.expect("list"),
            counts: self.store.counts().await.expect("counts"),
            strays: self
                .store
                .unreferenced(blobs)
                .await
                .expect("ask")
                .iter()
                .map(ToString::to_string)
                .collect(),
            runs: self.visible_runs(&ids.runs).await,
            jobs,
            workers,
            aliases,
            owned,
            placed: self.placed().await,
            predictions: self.store.predictions(PredictionFilter::default(), page).await.expect("list"),
            past: self.past().await,
            recalled: self.store.recall((0..3).map(key).collect()).await.expect("recall"),
        }
    }

    async fn visible_runs(&self, runs: &[RunId]) -> VisibleRuns {
        let mut seen = VisibleRuns::default();
        let page = Page { limit: 1_000, before: None };
        seen.listed = self.store.runs(RunFilter::default(), page).await.expect("list");
        for (owner, key) in [("o0", "k0"), ("o0", "k1"), ("o1", "k0"), ("o1", "k1")] {
            let (owner, key) = (owner.parse().ok(), Some(key.to_owned()));
            let filter = RunFilter { owner, key, ..RunFilter::default() };
            seen.keyed.push(self.store.runs(filter, page).await.expect("list"));
        }
        for run in runs {
            let items = ItemPage { limit: 1_000, after: None, states: Vec::new() };
            seen.items.push(self.store.items(*run, items).await.expect("items"));
            let gathered = self.store.aggregates(*run).await.expect("aggregates");
            seen.gathered.push(format!("{gathered:?}"));
            for aggregate in 0..3 {
                let page = GroupPage { aggregate, limit: 1_000, after: None };
                seen.groups.push(self.store.groups(*run, page).await.expect("groups"));
            }
        }
        seen
    }

    async fn placed(&self) -> Vec<Option<Input>> {
        let mut placed = Vec::new();
        for index in 0..14 {
            placed.push(self.store.placed(named_blob(&item_key(index))).await.expect("ask"));
        }
        placed
    }

    async fn past(&self) -> Vec<Period> {
        let ends = [i64::MIN, i64::MAX].map(Timestamp::from_millis);
        self.store.history(ends[0], ends[1]).await.expect("history")
    }
}

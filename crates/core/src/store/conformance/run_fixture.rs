//! Runs to try promises on.

use std::time::Duration;

use super::fixture::{Bench, named_blob};
use crate::{
    JobId, Operation, RunId,
    job::{Failure, FailureKind, Input, OperationResult, Outcome, State},
    operation::Thumbnail,
    run::{AggregateKind, AggregateSpec, Entry, NewItem, NewRun, Run, RunEvent, RunName},
    store::{Appended, ItemPage, Leased},
};

use super::NOON;

/// A run that gathers vectors of four numbers, over all and by folder, and counts labels.
pub fn dataset(name: &str) -> NewRun {
    let spec = |pointer: &str, kind| AggregateSpec {
        operation: 0,
        pointer: pointer.to_owned().try_into().expect("a pointer"),
        kind,
    };
    let name = RunName::clean(name).expect("a name");
    let source = serde_json::json!({ "folder": "photos" });
    let run = NewRun::new(NOON, name, source, vec![Operation::Thumbnail(Thumbnail::fit(64, 64))]);
    let specs = vec![
        spec("/vector", AggregateKind::Mean { dimensions: 4 }),
        spec("/vector", AggregateKind::MeanByFolder { dimensions: 4 }),
        spec("/label", AggregateKind::Counts),
    ];
    run.and_then(|run| run.gathering(specs)).expect("a run")
}

/// An image of this name at this place of its source.
pub fn image(index: u64, key: &str) -> NewItem {
    let input = Input {
        blob: named_blob(key),
        bytes: key.len() as u64,
        media_type: "image/png".to_owned(),
        name: None,
        place: None,
    };
    NewItem { index, key: key.parse().expect("a key"), entry: Entry::Image(JobId::new(NOON), input) }
}

/// The vector that an item of this name gives: numbers of very different size, so that a plain sum depends on order.
pub fn vector_of(key: &str) -> [f32; 4] {
    let digest = named_blob(key);
    let mut numbers = [0.0; 4];
    for (number, bytes) in numbers.iter_mut().zip(digest.as_bytes().as_chunks::<4>().0) {
        let value = f32::from_bits(u32::from_le_bytes(*bytes));
        *number = if value.is_finite() { value } else { 1.0 };
    }
    numbers
}

/// Success with a vector and a label.
pub fn with_vector(vector: &[f32], label: &str) -> Outcome {
    Outcome::Succeeded(vec![OperationResult {
        operation: "thumbnail".to_owned(),
        document: serde_json::json!({ "vector": vector, "label": label }),
        artifacts: Vec::new(),
        cached: false,
    }])
}

pub(super) fn key_of(leased: &Leased) -> String {
    leased.job.item.as_ref().map(|item| item.key.to_string()).unwrap_or_default()
}

pub(super) fn broken() -> Outcome {
    Outcome::FailedPermanently(Failure::new(FailureKind::Undecodable, "broken"))
}

/// A failure that may pass, and that says nothing of other items.
pub(super) fn slow(delay: Duration) -> Outcome {
    Outcome::FailedTransiently(Failure::new(FailureKind::TimedOut, "try again"), delay)
}

impl Bench {
    /// A run with these images and no more to come.
    pub(super) async fn run_of(&self, new: NewRun, keys: &[&str]) -> RunId {
        let id = self.store.create_run(new).await.expect("create").id;
        let items = keys.iter().zip(0..).map(|(key, index)| image(index, key)).collect();
        assert_eq!(self.append(id, items).await.taken, keys.len());
        self.happen(id, RunEvent::SourceEnded).await;
        id
    }

    pub(super) async fn append(&self, run: RunId, items: Vec<NewItem>) -> Appended {
        self.store.append(run, items).await.expect("append").expect("the run is there")
    }

    pub(super) async fn happen(&self, run: RunId, event: RunEvent) -> Run {
        self.store.change_run(run, event).await.expect("change").expect("the run is there")
    }

    pub(super) async fn run(&self, run: RunId) -> Run {
        self.store.run(run).await.expect("read").expect("the run is there")
    }

    pub(super) async fn item_states(&self, run: RunId) -> Vec<State> {
        let page = ItemPage { limit: 1_000, after: None, states: Vec::new() };
        let items = self.store.items(run, page).await.expect("items");
        items.iter().map(|job| job.status.state).collect()
    }
}

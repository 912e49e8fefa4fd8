//! What the promises are tried on.

use std::{sync::Arc, time::Duration};

use super::Open;
use crate::{
    BlobId, JobId, ManualClock, Operation, SessionId, Timestamp,
    job::{
        Artifact, Failure, FailureKind, FileName, Input, Job, NewJob, OperationResult, Outcome, State,
        Timings,
    },
    operation::Thumbnail,
    prediction::{Answer, AskedModel, Best, NewPrediction, Surface},
    store::{Beside, Lease, Leased, Settled, Settlement, Store, StoreLimits, Submitted, WorkerInfo},
};

/// A noon in 2023, where the clocks of the suite start.
pub const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The blob whose content is this name.
pub fn named_blob(name: &str) -> BlobId {
    BlobId::of(name.as_bytes())
}

/// A job on a file of this name.
pub fn job(name: &str) -> NewJob {
    let input = Input {
        blob: named_blob(name),
        bytes: name.len() as u64,
        media_type: "image/png".to_owned(),
        name: FileName::clean(name),
        place: None,
    };
    match NewJob::new(NOON, input, vec![Operation::Thumbnail(Thumbnail::fit(64, 64))]) {
        Ok(job) => job,
        Err(error) => panic!("{error}"),
    }
}

/// A worker with four slots.
pub fn worker(host: &str) -> WorkerInfo {
    WorkerInfo { host: host.to_owned(), pid: 7, version: "0".to_owned(), slots: 4 }
}

/// A store under test, with the calls that every promise makes.
pub(super) struct Bench {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<ManualClock>,
}

impl Bench {
    pub(super) fn new(open: Open<'_>) -> Self {
        Self::with(open, StoreLimits::default())
    }

    pub(super) fn with(open: Open<'_>, limits: StoreLimits) -> Self {
        let (store, clock) = open(limits);
        Self { store, clock }
    }

    pub(super) fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(super) async fn submit(&self, job: NewJob) -> JobId {
        self.submit_all(vec![job]).await[0]
    }

    pub(super) async fn submit_all(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        let answers = self.store.submit(jobs).await.expect("submit");
        let created = |answer| match answer {
            Submitted::Created(id) => id,
            other => panic!("expected a new job, not {other:?}"),
        };
        answers.into_iter().map(created).collect()
    }

    pub(super) async fn session(&self) -> SessionId {
        self.store.open_session(worker("a")).await.expect("open a session")
    }

    pub(super) async fn claim(&self, session: SessionId, slots: u32) -> Vec<Leased> {
        self.store.claim(session, slots).await.expect("claim")
    }

    pub(super) async fn claim_one(&self, session: SessionId) -> Lease {
        let claimed = self.claim(session, 1).await;
        assert_eq!(claimed.len(), 1, "one job is to be claimed");
        claimed[0].lease
    }

    pub(super) async fn settle(&self, lease: Lease, outcome: Outcome) -> Settled {
        let settlement =
            Settlement { lease, outcome, timings: Timings::default(), beside: Beside::default() };
        self.store.settle(vec![settlement]).await.expect("settle")[0]
    }

    pub(super) async fn finish(&self, lease: Lease, outcome: Outcome) {
        assert_eq!(self.settle(lease, outcome).await, Settled::Accepted);
    }

    pub(super) async fn job(&self, id: JobId) -> Job {
        self.store.job(id).await.expect("read").expect("the job is there")
    }

    pub(super) async fn state(&self, id: JobId) -> State {
        self.job(id).await.status.state
    }
}

pub(super) fn names(claimed: &[Leased]) -> Vec<String> {
    claimed
        .iter()
        .map(|leased| leased.job.input.name.as_ref().map(ToString::to_string).unwrap_or_default())
        .collect()
}

/// One result with one artifact, the blob of this name.
pub fn success(artifact: &str) -> Outcome {
    Outcome::Succeeded(vec![OperationResult {
        operation: "thumbnail".to_owned(),
        document: serde_json::json!({ "format": "png", "width": 64 }),
        artifacts: vec![Artifact {
            name: "thumbnail.png".to_owned(),
            blob: named_blob(artifact),
            bytes: 3,
            media_type: "image/png".to_owned(),
        }],
        cached: false,
    }])
}

pub(super) fn damaged() -> Outcome {
    Outcome::FailedPermanently(Failure::new(FailureKind::Undecodable, "not an image"))
}

pub(super) fn unlucky(delay: Duration) -> Outcome {
    Outcome::FailedTransiently(Failure::new(FailureKind::StorageUnavailable, "try again"), delay)
}

/// An answer of the model `digits` to this owner.
pub fn prediction(owner: &str, label: &str) -> NewPrediction {
    NewPrediction {
        at: NOON,
        surface: Surface::Digit,
        operation: "digit".to_owned(),
        model: Some(AskedModel {
            name: "digits".to_owned(),
            version: Some("1".to_owned()),
            digest: Some("d1".to_owned()),
        }),
        owner: owner.parse().expect("owner"),
        job: None,
        file_name: FileName::clean("seven.png"),
        input: Some(named_blob(label)),
        answer: Answer::Given(Some(Best { class: 7, label: Some(label.to_owned()), score: 0.75 })),
        took_us: 1_234,
        model_us: Some(1_000),
        cached: false,
    }
}

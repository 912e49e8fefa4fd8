//! What became of one item.

use darkroom_core::job::{Job, Shown, Timings};
use serde::Serialize;
use serde_json::Value;

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its number among the rows, from 0.
    pub index: u64,
    /// Its name in the source.
    pub path: String,
    /// Where it stands.
    pub state: Shown,
    /// The job that was made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How often it was worked on.
    pub attempts: u32,
    /// Whether it needed no work: all its results were remembered.
    pub cached: bool,
    /// Why it has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<RowFailure>,
    /// What each operation gave, in the order of the run's operations.
    pub results: Vec<RowResult>,
    /// Where the time of the attempt that ended it went, if that is known: not if it has not ended, or needed no work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// Why an item has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowFailure {
    /// The reason, from a closed set.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// What one operation gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowResult {
    /// The operation's name.
    pub operation: String,
    /// Its result.
    pub document: Value,
}

impl Row {
    /// The row of an item from its job, with its newest attempt and results; `None` for the job of no run.
    pub fn of(job: &Job, index: u64) -> Option<Self> {
        let failure = job.failure.as_ref().map(|failure| RowFailure {
            code: failure.kind.as_str().to_owned(),
            detail: failure.message.clone(),
        });
        let result = |result: &darkroom_core::job::OperationResult| RowResult {
            operation: result.operation.clone(),
            document: result.document.clone(),
        };
        Some(Self {
            index,
            path: job.item.as_ref()?.key.to_string(),
            state: job.shown(),
            job: Some(job.id.to_string()),
            bytes: Some(job.input.bytes),
            attempts: job.status.lease_seq,
            cached: !job.results.is_empty() && job.results.iter().all(|result| result.cached),
            failure,
            results: job.results.iter().map(result).collect(),
            timings: job.spent(),
        })
    }
}

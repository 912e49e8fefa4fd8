//! What became of one item.

use darkroom_core::job::{Shown, Timings};
use serde::Serialize;
use serde_json::Value;

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its place in the source, from 0.
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
    /// Why it has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<RowFailure>,
    /// What each operation gave, in the order of the run's operations.
    pub results: Vec<RowResult>,
    /// Where the time of the last attempt went.
    pub timings: Timings,
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

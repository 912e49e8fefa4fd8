//! What runs have given: image by image, all together, and by group.

use darkroom_core::{
    exact::Moments,
    job,
    run::{self as core, AggregateSpec},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One image of a run and what came of it: one line of its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunItem {
    /// Its path in the source.
    pub path: String,
    /// Its job.
    pub job: String,
    /// Where the job stands.
    pub state: crate::job::State,
    /// The content address of the image.
    pub blob: String,
    /// Its size.
    pub bytes: u64,
    /// One result an operation, in their order, once it has succeeded.
    pub results: Vec<crate::OperationResult>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<crate::Failure>,
    /// Where the time of the attempt that ended it went; absent if it has not ended, or needed no work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<crate::job::Timings>,
}

/// What a run has gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunAggregates {
    /// In the order of the run.
    pub aggregates: Vec<RunAggregate>,
}

/// What one aggregate comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunAggregate {
    /// What was gathered.
    pub spec: AggregateSpec,
    /// Images with a value.
    pub count: u64,
    /// Images that succeeded without one: photos without a face.
    pub missing: u64,
    /// Images whose value was not what was said.
    pub rejected: u64,
    /// The SHA-256 of the exact sum: the same for any order, any number of workers, and after any crash.
    pub digest: String,
    /// The mean, or the mean of the means of folders. Each number is rounded once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// The variance of each number over all images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<Vec<f64>>,
    /// The length of the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm: Option<f64>,
    /// Folders with a value, or different labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<u64>,
    /// How often each label came, the most frequent first; at most 1,000 labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Vec<LabelCount>>,
}

/// A part of the groups of an aggregate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunGroups {
    /// The groups, by name.
    pub groups: Vec<RunGroup>,
    /// Where the next part begins; absent if this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One group of an aggregate: a folder, or a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunGroup {
    /// Its name; that of the folder at the top is empty.
    pub group: String,
    /// Images with a value.
    pub count: u64,
    /// The mean of a folder; each number is rounded once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
}

/// How often a label came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelCount {
    /// The label.
    pub label: String,
    /// How often.
    pub count: u64,
}

impl RunItem {
    /// One item of a run; `None` for a job that is none.
    pub fn of(job: &job::Job) -> Option<Self> {
        let whole = crate::Job::from(job);
        Some(Self {
            path: job.item.as_ref()?.key.to_string(),
            job: whole.summary.id,
            state: whole.summary.state,
            blob: whole.summary.input.blob,
            bytes: whole.summary.input.bytes,
            results: whole.results,
            failure: whole.summary.failure,
            timings: job.spent().map(Into::into),
        })
    }
}

impl RunGroup {
    /// A group of this name that has come to this.
    pub fn of(group: String, cell: &core::Cell) -> Self {
        let mean = cell.moments.as_ref().and_then(Moments::mean);
        Self { group, count: u64::try_from(cell.counted).unwrap_or_default(), mean }
    }
}

impl RunAggregate {
    /// What an aggregate comes to; `digest` is that of its sum.
    pub fn of(aggregate: core::Aggregate, digest: String) -> Self {
        let core::Aggregate { spec, counted: count, missing, rejected, value, .. } = aggregate;
        let nothing = Self {
            spec,
            count,
            missing,
            rejected,
            digest,
            mean: None,
            variance: None,
            norm: None,
            groups: None,
            counts: None,
        };
        match value {
            core::Value::Nothing => nothing,
            core::Value::Mean { mean, variance, norm, .. } => {
                Self { mean: Some(mean), variance: Some(variance), norm: Some(norm), ..nothing }
            }
            core::Value::MeanOfMeans { groups, mean } => {
                Self { mean: Some(mean), groups: Some(groups), ..nothing }
            }
            core::Value::Counts { classes, counts } => {
                let counts = counts.into_iter().map(|(label, count)| LabelCount { label, count }).collect();
                Self { groups: Some(classes), counts: Some(counts), ..nothing }
            }
        }
    }
}

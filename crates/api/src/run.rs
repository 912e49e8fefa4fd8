//! Runs on the wire: datasets that are worked through.

mod given;

use std::collections::BTreeMap;

use darkroom_core::{
    Operation, Timestamp, job,
    run::{self as core, AggregateSpec, OnError, SourceState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use given::{LabelCount, RunAggregate, RunAggregates, RunGroup, RunGroups, RunItem};

use crate::{StateCounts, Time};

/// The body of `POST /v1/runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// Where its images come from.
    pub source: RunSource,
    /// What is done to each image, 1 to 16 operations.
    #[schema(min_items = 1, max_items = 16)]
    pub operations: Vec<Operation>,
    /// What is gathered over all images; unless told what the operations give: the mean of face embeddings over all
    /// and by folder, counts of digits and labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 4)]
    pub aggregates: Option<Vec<AggregateSpec>>,
    /// What failed images mean to the run.
    #[serde(default)]
    pub on_error: OnError,
    /// The queue in which its images wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_.:@/+-]{1,100}$")]
    pub queue: Option<String>,
    /// Images that may wait at a time; more wait in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub high_water: Option<u32>,
    /// Whether results may be remembered ones, and are remembered; `true` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
}

/// Where the images of a run come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunSource {
    /// Files of a folder of the server, inside of `sources.roots`.
    Folder {
        /// The folder.
        path: String,
        /// Whether folders in it are worked through too.
        #[serde(default)]
        depth: FolderDepth,
        /// Patterns of the paths that are meant, relative to the folder; none is everything.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<String>,
        /// Patterns of the paths that are not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<String>,
    },
    /// The entries of an archive: tar, tar.gz, tar.zst or zip.
    Archive {
        /// Where it is.
        at: ArchivePlace,
        /// What its bytes must sum up to: `md5:…`, `sha1:…` or `sha256:…`. Nothing is worked on before they do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checksum: Option<String>,
    },
    /// Images at addresses.
    Urls {
        /// Each `http:` or `https:`.
        urls: Vec<String>,
    },
    /// Images that are in the blob store already, by their content address. For operators: it holds everybody's.
    Prefix {
        /// The first digits of the addresses that are meant; empty is all images.
        #[schema(pattern = "^[0-9a-f]{0,64}$")]
        prefix: String,
    },
}

/// How deep a folder is worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FolderDepth {
    /// With everything below.
    #[default]
    All,
    /// Its own files only.
    Flat,
}

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchivePlace {
    /// A file of the server, inside of `sources.roots`.
    File(String),
    /// An address, `http:` or `https:`.
    Url(String),
    /// The part `archive` of the same request, which is then `multipart/form-data`.
    Upload,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who asked for it.
    pub owner: String,
    /// Where it stands.
    pub state: RunState,
    /// Whether all its images are known; until then `total` grows.
    pub complete: bool,
    /// Why it is paused, failed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<RunStop>,
    /// Where its images come from.
    pub source: serde_json::Value,
    /// What is done to each image.
    pub operations: Vec<Operation>,
    /// What is gathered.
    pub aggregates: Vec<AggregateSpec>,
    /// What failed images mean to it.
    pub on_error: OnError,
    /// The queue in which its images wait.
    pub queue: String,
    /// Images so far.
    pub total: u64,
    /// Images by state. Those of a run that is paused or has failed are `held` while they wait.
    pub counts: StateCounts,
    /// Images that have succeeded without any work: all their results were remembered.
    #[serde(default)]
    pub cached: u64,
    /// Why images failed.
    pub failures: BTreeMap<String, u64>,
    /// What the source held besides images, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// What is wrong with the archive, and after how many entries; what came before was worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// Bytes of all images so far.
    pub bytes: u64,
    /// Images that ended a second since the run was last taken up: since its first image was begun, or the first one
    /// after nothing was worked on for more than ten seconds although something waited (a pause, a restart), or after
    /// the run had ended (`redo`, `retry-failed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Seconds until it is done at that rate, once all images are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_left: Option<f64>,
    /// Seconds in which it was worked on, without the times in which it stood still.
    #[serde(default)]
    pub worked: f64,
    /// When it was made.
    pub created_at: Time,
    /// When the first image was begun; since a `redo` the first one of that.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum RunState {
    Enumerating,
    Running,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunState {
    /// Whether nothing but a person moves the run any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why a run does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunStop {
    /// The reason: `asked`, `disk_full`, `source_unavailable`, `storage_unavailable`, `source_failed` or
    /// `too_many_failures`.
    pub kind: String,
    /// In a sentence.
    pub message: String,
}

/// A part of the list of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Where the next part begins; absent if this may be the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl From<core::RunState> for RunState {
    fn from(state: core::RunState) -> Self {
        match state {
            core::RunState::Enumerating => Self::Enumerating,
            core::RunState::Running => Self::Running,
            core::RunState::Paused => Self::Paused,
            core::RunState::Succeeded => Self::Succeeded,
            core::RunState::Failed => Self::Failed,
            core::RunState::Cancelled => Self::Cancelled,
        }
    }
}

impl Run {
    /// The run as it stands at `now`.
    pub fn of(run: &core::Run, now: Timestamp) -> Self {
        let tally = &run.tally;
        let complete = run.status.source == SourceState::Complete;
        let of = |state| tally.of(state);
        let (queued, held) = match of(job::State::Queued) {
            waiting if run.status.state.gives_work() => (waiting, 0),
            waiting => (0, waiting),
        };
        Self {
            id: run.id.to_string(),
            name: run.name.to_string(),
            owner: run.owner.to_string(),
            state: run.status.state.into(),
            complete,
            stop: run
                .status
                .stop
                .as_ref()
                .map(|stop| RunStop { kind: stop.kind.as_str().to_owned(), message: stop.message.clone() }),
            source: run.source.clone(),
            operations: run.operations.clone(),
            aggregates: run.aggregates.clone(),
            on_error: run.on_error,
            queue: run.queue.to_string(),
            total: tally.total(),
            counts: StateCounts {
                scheduled: of(job::State::Scheduled),
                queued,
                held,
                running: of(job::State::Running),
                succeeded: of(job::State::Succeeded),
                failed: of(job::State::Failed),
                cancelled: of(job::State::Cancelled),
            },
            failures: tally.failures.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n)).collect(),
            skipped: tally.skipped.iter().map(|(reason, n)| (reason.as_str().to_owned(), *n)).collect(),
            cached: tally.cached,
            damage: run.damage.clone(),
            bytes: tally.bytes,
            rate: run.rate(now),
            time_left: run.time_left(now).map(|left| left.as_secs_f64()),
            worked: run.worked(now).as_secs_f64(),
            created_at: run.created_at.into(),
            started_at: run.started_at.map(Time::from),
            finished_at: run.finished_at.map(Time::from),
        }
    }
}

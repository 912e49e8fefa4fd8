//! What crosses the wire: the words of `/v1`, the problems it answers with, and the document that describes both.
//!
//! Read in this order: [`job`] (what a client submits and is answered), [`problem`] (the closed table of what can go
//! wrong), [`openapi`] (every route, literally), [`client`] (the same, called from Rust).
//!
//! Nothing here is stored. Stored types change with migrations, wire types with API versions.

pub mod average_face;
pub mod bulk;
pub mod faces;
pub mod history;
pub mod job;
pub mod model;
pub mod prediction;
pub mod problem;
pub mod run;
pub mod settings;
pub mod stats;
pub mod submit;
pub mod system;
pub mod time;
pub mod user;
pub mod v2;

pub mod openapi;

#[cfg(feature = "client")]
pub mod client;

pub use bulk::{BulkAction, BulkDone, BulkFilter, BulkRequest};
pub use faces::{CompareRequest, ComparedFace, Comparison, FaceBox};
pub use history::{History, HistoryPoint, Latency, Span};
pub use job::{
    ArtifactLink, Attempt, Failure, InputInfo, Job, JobPage, JobSummary, OperationResult, Timings,
};
pub use model::{ModelInfo, ModelState, ModelTensor, ModelsList};
pub use prediction::{Prediction, PredictionFormat, PredictionOutcome, PredictionPage};
pub use problem::{Code, Problem};
pub use run::{
    ArchivePlace, FolderDepth, LabelCount, Run, RunAggregate, RunAggregates, RunGroup, RunGroups, RunItem,
    RunPage, RunRequest, RunSource, RunState, RunStop,
};
pub use settings::{SettingInfo, SettingList, SettingOrigin};
pub use stats::{
    FailureCount, MinuteCounts, OperationStats, QueueLimit, QueueStats, Queues, RATE_MINUTES, SinceStart,
    StateCounts, Stats, SystemStats,
};
pub use submit::{ImageSource, JobRequest};
pub use system::{
    Index, OperationInfo, Operations, Readiness, SignRequest, Signed, Version, Worker, Workers,
};
pub use time::Time;
pub use user::{
    CreatedKey, KeyInfo, KeyList, Me, NewKey, NewUser, PasswordChange, Role, Secret, TokenAnswer, UserInfo,
    UserList, UserPatch,
};

#[cfg(feature = "client")]
pub use client::{Client, ClientError};

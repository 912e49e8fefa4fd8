//! What a client sends to get a job.

use darkroom_core::Operation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// The JSON body of `POST /v1/jobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// The image.
    pub image: ImageSource,
    /// What is done to it, 1 to 16 operations.
    #[schema(min_items = 1, max_items = 16)]
    pub operations: Vec<Operation>,
    /// The queue to wait in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_.:@/+-]{1,100}$")]
    pub queue: Option<String>,
    /// Higher is taken first among the jobs of one owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i8>,
    /// Seconds before the job may start. Not together with `run_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_536_000)]
    pub delay: Option<f64>,
    /// The instant before which the job does not start. Not together with `delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Time>,
    /// Whether results may be remembered ones, and are remembered; `true` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// What to call the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub name: Option<String>,
}

/// Where the image of a JSON submission is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageSource {
    /// In the request, base64-encoded, with or without a data-URI prefix.
    Base64(String),
    /// At this http or https address, from where the server fetches it.
    Url(String),
    /// Stored already: the content address of an earlier input or artifact.
    Blob(String),
}

//! What the server says about its models.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latency;

/// Every model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelsList {
    /// The models, by name, lowest version first.
    pub models: Vec<ModelInfo>,
}

/// One model at one version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it can be asked.
    pub state: ModelState,
    /// What it is for: `classify`, `digit` or `tensors`.
    pub task: Option<String>,
    /// SHA-256 of its weights, in hexadecimal.
    pub digest: Option<String>,
    /// The licence of its weights.
    pub licence: Option<String>,
    /// Where its weights come from.
    pub source: Option<String>,
    /// The tensor that is made of an image; absent where it takes tensors only.
    pub image: Option<ModelTensor>,
    /// How many labels it has.
    pub labels: u64,
    /// Requests that wait for it.
    pub waiting: u64,
    /// Why it cannot be asked.
    pub failure: Option<String>,
    /// Questions that it was asked since the server started; remembered answers left out.
    #[serde(default)]
    pub requests: u64,
    /// Those that it did not answer.
    #[serde(default)]
    pub failures: u64,
    /// How long its last answers took, up to 1,000 of them: from asking it to its answer, waiting for its turn included.
    #[serde(default)]
    pub latency: Latency,
    /// Bytes of its weights, of which each of its sessions holds a copy; what a run needs comes on top. Null unless it
    /// is loaded.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
}

/// Whether a model can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It is loaded when it is asked.
    #[default]
    Unloaded,
    /// It is in memory.
    Loaded,
    /// Something is wrong with it; `failure` says what.
    Broken,
}

/// A tensor that a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelTensor {
    /// Its name.
    pub name: String,
    /// Its sides, for one image.
    pub shape: Vec<u64>,
}

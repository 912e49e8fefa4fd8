//! What the server says of itself and of its models.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Server)]
pub struct ServerMetadata {
    /// The server's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The extensions of the protocol that it knows.
    pub extensions: Vec<String>,
}

/// `GET /v2/health/live`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Live)]
pub struct Live {
    /// `true`, always: what does not live does not answer.
    pub live: bool,
}

/// `GET /v2/health/ready`, and the same of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Ready)]
pub struct Ready {
    /// The model, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `true`, always: what is not ready is answered with an error.
    pub ready: bool,
}

/// A model with its tensors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Model)]
pub struct ModelMetadata {
    /// Its name.
    pub name: String,
    /// Every version of it; the one that was asked for, if one was.
    pub versions: Vec<String>,
    /// `onnxruntime_onnx`.
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorMetadata>,
    /// What it gives.
    pub outputs: Vec<TensorMetadata>,
    /// What else is known of it.
    pub parameters: ModelNotes,
}

/// What else is known of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2ModelNotes)]
pub struct ModelNotes {
    /// What it is for: `classify`, `digit` or `tensors`.
    pub task: String,
    /// SHA-256 of its weights, in hexadecimal.
    pub digest: String,
    /// The licence of its weights.
    pub licence: String,
    /// How many labels it has, for the classification extension.
    pub labels: u64,
}

/// A tensor that a model takes or gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Tensor)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// The type of its values, in the protocol's words: `FP32` and the like.
    pub datatype: String,
    /// The dimensions; -1 may be any.
    pub shape: Vec<i64>,
    /// Present where encoded images may be sent instead of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<InputNotes>,
}

/// How encoded images may be sent as an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2InputNotes)]
pub struct InputNotes {
    /// The datatype that says so: `BYTES`, of the shape `[n]` or `[n, 1]`, one JPEG, PNG, WebP … an element; in JSON as
    /// base64. They are decoded and prepared as the model's manifest says.
    pub encoded_images: String,
    /// Images in one request at most.
    pub max_images: u64,
}

/// A model's configuration in Triton's words, as far as clients look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Config)]
pub struct ModelConfig {
    /// Its name.
    pub name: String,
    /// `onnxruntime_onnx`.
    pub platform: String,
    /// `onnxruntime`.
    pub backend: String,
    /// How many inputs share a run at most; 0 where the first dimension is not a batch.
    pub max_batch_size: u64,
    /// What it takes.
    pub input: Vec<ConfigInput>,
    /// What it gives.
    pub output: Vec<ConfigOutput>,
}

/// An input in Triton's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2ConfigInput)]
pub struct ConfigInput {
    /// Its name.
    pub name: String,
    /// `TYPE_FP32` and the like.
    pub data_type: String,
    /// `FORMAT_NCHW`, `FORMAT_NHWC` or `FORMAT_NONE`.
    pub format: String,
    /// The dimensions, without that of the batch; -1 may be any.
    pub dims: Vec<i64>,
}

/// An output in Triton's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2ConfigOutput)]
pub struct ConfigOutput {
    /// Its name.
    pub name: String,
    /// `TYPE_FP32` and the like.
    pub data_type: String,
    /// The dimensions, without that of the batch; -1 may be any.
    pub dims: Vec<i64>,
}

/// One entry of the repository's index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2IndexEntry)]
pub struct ModelIndex {
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `READY`, which includes what is loaded when it is asked, or `UNAVAILABLE`.
    pub state: String,
    /// Why it is unavailable, else empty.
    pub reason: String,
}

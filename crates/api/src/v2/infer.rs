//! The question to a model, and its answer. Values are read later, once their type is known: until then they are the
//! piece of the body that they came in.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The JSON of `POST …/infer`. Fields that are not known are passed over, as the protocol has it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = V2InferRequest)]
pub struct InferRequest<'a> {
    /// Comes back in the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// How the answer is wanted.
    #[serde(default)]
    pub parameters: Option<RequestParameters>,
    /// What goes into the model, in any order.
    #[serde(borrow)]
    pub inputs: Vec<TensorInput<'a>>,
    /// The outputs that are wanted; absent or empty is all of them.
    #[serde(default)]
    pub outputs: Option<Vec<RequestedOutput>>,
}

/// How the answer is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = V2RequestParameters)]
pub struct RequestParameters {
    /// Whether outputs that do not say otherwise come as binary.
    #[serde(default)]
    pub binary_data_output: Option<bool>,
    /// Requests that belong together; not supported.
    #[serde(default)]
    #[schema(ignore)]
    pub sequence_id: Option<serde::de::IgnoredAny>,
}

/// A tensor that goes into a model.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = V2Input)]
pub struct TensorInput<'a> {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// The type of its values, such as `FP32`; `BYTES` for encoded images.
    pub datatype: String,
    /// Where its values are, if not in `data`.
    #[serde(default)]
    pub parameters: Option<InputParameters>,
    /// The values, row by row, flat or nested; byte strings as text, encoded images as base64.
    #[serde(default, borrow)]
    #[schema(value_type = Option<Vec<Value>>)]
    pub data: Option<&'a RawValue>,
}

/// Where the values of an input are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = V2InputParameters)]
pub struct InputParameters {
    /// They are binary, and so many bytes of what follows the JSON.
    #[serde(default)]
    pub binary_data_size: Option<u64>,
    /// They are in memory that is shared with the server; not supported.
    #[serde(default)]
    #[schema(ignore)]
    pub shared_memory_region: Option<String>,
}

/// An output that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = V2RequestedOutput)]
pub struct RequestedOutput {
    /// Its name.
    pub name: String,
    /// How it is wanted.
    #[serde(default)]
    pub parameters: Option<OutputParameters>,
}

/// How an output is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = V2OutputParameters)]
pub struct OutputParameters {
    /// Whether it comes as binary.
    #[serde(default)]
    pub binary_data: Option<bool>,
    /// Instead of the values, the so many largest of each row, as `value:index` or `value:index:label`.
    #[serde(default)]
    pub classification: Option<i64>,
    /// It is to be put into memory that is shared with the server; not supported.
    #[serde(default)]
    #[schema(ignore)]
    pub shared_memory_region: Option<String>,
}

/// The JSON of the answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V2InferResponse)]
pub struct InferResponse {
    /// The model that was asked.
    pub model_name: String,
    /// Its version.
    pub model_version: String,
    /// The request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it gave.
    pub outputs: Vec<InferOutput>,
}

/// A tensor that a model gave.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = V2Output)]
pub struct InferOutput {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub datatype: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Where its values are, if not in `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<OutputSize>,
    /// The values, flat, row by row. JSON has no NaN and no infinity: they are null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub data: Option<Box<RawValue>>,
}

/// Where the values of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = V2OutputSize)]
pub struct OutputSize {
    /// They are binary, and so many bytes of what follows the JSON, in the order of the outputs.
    pub binary_data_size: u64,
}

//! The wire types of the Open Inference Protocol, version 2, as `KServe` defined it and Triton extended it: model
//! configuration, binary tensors, classification.
//!
//! Names and shapes are the protocol's. What is beyond it stands in `parameters`, where clients expect extensions.

mod infer;
mod metadata;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Code;

pub use infer::{
    InferOutput, InferRequest, InferResponse, InputParameters, OutputParameters, OutputSize,
    RequestParameters, RequestedOutput, TensorInput,
};
pub use metadata::{
    ConfigInput, ConfigOutput, InputNotes, Live, ModelConfig, ModelIndex, ModelMetadata, ModelNotes, Ready,
    ServerMetadata, TensorMetadata,
};

/// The group of these routes in the document. Their errors have the form of [`Refused`].
pub const GROUP: &str = "open inference protocol";

/// Where the protocol's paths begin.
pub const ROOT: &str = "/v2";

/// The header that says how many bytes of a body are JSON; what follows is binary.
pub const JSON_LENGTH: &str = "inference-header-content-length";

/// Every failure of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = V2Error)]
pub struct Refused {
    /// What is wrong, for people.
    pub error: String,
}

/// The status that a problem has here. The protocol knows no 415 and 422 for what is in a tensor: that is a bad
/// request, and a model is part of the path.
pub fn status(code: Code) -> u16 {
    match code {
        Code::UnknownModel => 404,
        Code::NotAnImage | Code::UnsupportedImage => 400,
        code if code.status() == 422 => 400,
        code => code.status(),
    }
}

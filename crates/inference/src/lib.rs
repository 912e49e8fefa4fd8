//! Models: manifests, registry, preprocessing, batching, and the engine that runs them. No HTTP and no storage.
//!
//! One prediction takes this way: [`Models::get`] finds the [`Model`]; [`image`] makes the tensor that its
//! [`manifest`] describes; the batcher queues it, loads the model if need be, and hands what waits to a session of the
//! [`engine`]; [`scores`] makes probabilities and labels of what comes out.

mod model;
mod registry;

pub mod manifest;

pub mod digit;
pub mod image;

mod batcher;
mod keeper;
mod load;

pub mod engine;
pub mod isolated;
mod onnx_runtime;

pub mod scores;
pub mod tensor;

pub mod check;

pub mod config;
mod error;

pub mod convert;
pub mod onnx;

pub use batcher::Pending;
pub use config::{Config, Isolation, Provider};
pub use error::{InferenceError, Mistake};
pub use isolated::HostCommand;
pub use load::Signature;
pub use model::Model;
pub use onnx_runtime::OnnxRuntime;
pub use registry::{Changes, Listed, Models, Version};
pub use scores::Prediction;
pub use tensor::{Data, ElementType, Named, Tensor, TensorInfo};

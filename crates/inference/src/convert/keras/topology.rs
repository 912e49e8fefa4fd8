//! `model.json`: the layers and where their weights are, as far as a classifier needs them.

use serde::Deserialize;

use super::ConvertError;

/// More layers than any classifier has (ResNet-50: 177).
const MOST_LAYERS: usize = 10_000;

/// A file that was read.
pub(super) struct Model {
    pub(super) layers: Vec<Layer>,
    pub(super) weights: Vec<Group>,
}

/// A layer, and what it reads.
#[derive(Debug, Deserialize)]
pub(super) struct Layer {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
    inbound_nodes: Vec<Vec<Inbound>>,
}

/// Layer, node, tensor, arguments.
#[derive(Debug, Deserialize)]
struct Inbound(
    String,
    usize,
    usize,
    #[allow(dead_code, reason = "a place that must be there")] serde_json::Value,
);

/// The kinds of layers that are known, with what matters of their configuration.
#[derive(Debug, Deserialize)]
#[serde(tag = "class_name", content = "config")]
#[allow(dead_code, reason = "that a data format is a known one is all that matters of it")]
pub(super) enum Kind {
    InputLayer { batch_input_shape: [Option<usize>; 4] },
    ZeroPadding2D { padding: [[usize; 2]; 2], data_format: DataFormat },
    Conv2D(Conv),
    BatchNormalization { epsilon: f64, axis: Vec<usize>, center: bool, scale: bool },
    Activation { activation: Activation },
    MaxPooling2D { pool_size: [usize; 2], strides: [usize; 2], padding: Padding, data_format: DataFormat },
    Add {},
    GlobalAveragePooling2D { data_format: DataFormat },
    Dense { activation: Activation, use_bias: bool },
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "that a data format is a known one is all that matters of it")]
pub(super) struct Conv {
    pub(super) strides: [usize; 2],
    pub(super) padding: Padding,
    pub(super) use_bias: bool,
    pub(super) dilation_rate: [usize; 2],
    pub(super) activation: Activation,
    pub(super) data_format: DataFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Padding {
    Valid,
    Same,
}

/// Only this one is known: it is the default of TensorFlow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum DataFormat {
    #[serde(rename = "channels_last")]
    ChannelsLast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Activation {
    Linear,
    Relu,
    Softmax,
}

/// Tensors that lie behind each other in the shards.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) paths: Vec<String>,
    pub(super) weights: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: String,
    /// How the values are compressed, if they are.
    pub(super) quantization: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "modelTopology")]
    topology: Topology,
    #[serde(rename = "weightsManifest")]
    weights: Vec<Group>,
}

#[derive(Deserialize)]
struct Topology {
    model_config: ModelConfig,
}

#[derive(Deserialize)]
struct ModelConfig {
    config: Layers,
}

#[derive(Deserialize)]
struct Layers {
    layers: Vec<Layer>,
}

impl Model {
    pub(super) fn read(file: &[u8]) -> Result<Self, ConvertError> {
        let file: File = serde_json::from_slice(file)
            .map_err(|error| ConvertError::malformed(format!("model.json: {error}")))?;
        let layers = file.topology.model_config.config.layers;
        if layers.len() > MOST_LAYERS {
            return Err(ConvertError::TooLarge { what: "the number of layers", limit: MOST_LAYERS });
        }
        Ok(Self { layers, weights: file.weights })
    }
}

impl Layer {
    /// The names of the layers that it reads.
    pub(super) fn inputs(&self) -> Result<Vec<&str>, ConvertError> {
        let inbound = match self.inbound_nodes.as_slice() {
            [] => return Ok(Vec::new()),
            [inbound] => inbound,
            _ => {
                return Err(ConvertError::unsupported(format!(
                    "the layer `{}`, used more than once,",
                    self.name
                )));
            }
        };
        let names = inbound.iter().map(|Inbound(name, node, tensor, _)| match (node, tensor) {
            (0, 0) => Ok(name.as_str()),
            _ => Err(ConvertError::unsupported(format!("a second output of `{name}`"))),
        });
        names.collect()
    }
}

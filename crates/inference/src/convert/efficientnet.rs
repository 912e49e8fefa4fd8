//! EfficientNet-Lite: PyTorch weights to ONNX.
//!
//! The architecture is that of Google's `EfficientNet-Lite` (2020): EfficientNet without squeeze-and-excitation, with
//! ReLU6. How many blocks there are, their kernels and widths is read from the weights.

use std::collections::BTreeMap;

use super::{
    ConvertError, Tensor,
    graph::Graph,
    layers::{BatchNorm, Convolution, same_padding},
    torch,
};

/// The stride of the first block of each stage; a stage begins where the number of channels changes.
const STRIDES: [usize; 7] = [1, 2, 2, 2, 1, 2, 1];

/// ε of every batch norm.
const EPSILON: f64 = 1e-3;

/// More blocks than any of the family has (Lite4: 30).
const MOST_BLOCKS: usize = 64;

/// The name of the input: `[batch, 3, side, side]`, red, green, blue, `(value − 127) / 128`.
pub const INPUT: &str = "images";

/// The name of the output: `[batch, classes]`, each row sums to one.
pub const OUTPUT: &str = "probabilities";

/// Converts a file of weights for square images of `side` pixels.
pub fn convert(file: &[u8], side: usize) -> Result<Vec<u8>, ConvertError> {
    let mut network =
        Network { weights: torch::read(file)?, graph: Graph::named("efficientnet-lite"), plane: side };
    let stem = Layer { name: "stem", weights: "_conv_stem", norm: "_bn0", stride: 2, grouped: Grouped::No };
    let input = INPUT.to_owned();
    let mut flow = network.activated(&Flow { value: input, channels: 3 }, &stem)?;
    let mut stage = Stages::default();
    for number in 0..=MOST_BLOCKS {
        let prefix = format!("_blocks.{number}.");
        if !network.weights.contains_key(&format!("{prefix}_depthwise_conv.weight")) {
            break;
        }
        if number == MOST_BLOCKS {
            return Err(ConvertError::TooLarge { what: "the number of blocks", limit: MOST_BLOCKS });
        }
        flow = network.block(&flow, &prefix, &mut stage)?;
    }
    stage.finish()?;
    let head = Layer { name: "head", weights: "_conv_head", norm: "_bn1", stride: 1, grouped: Grouped::No };
    let flow = network.activated(&flow, &head)?;
    network.finish(&flow, side)
}

struct Network {
    weights: BTreeMap<String, Tensor>,
    graph: Graph,
    /// The side of what the next layer sees, in pixels.
    plane: usize,
}

/// What flows between layers.
#[derive(Debug, Clone)]
struct Flow {
    value: String,
    channels: usize,
}

struct Layer<'a> {
    name: &'a str,
    weights: &'a str,
    norm: &'a str,
    stride: usize,
    grouped: Grouped,
}

/// Whether each channel is convolved by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grouped {
    No,
    ByChannel,
}

/// Which stage the blocks have come to.
#[derive(Default)]
struct Stages {
    begun: usize,
}

impl Stages {
    /// The stride of the next block.
    fn stride(&mut self, widens: Widens) -> Result<usize, ConvertError> {
        if widens == Widens::No && self.begun > 0 {
            return Ok(1);
        }
        self.begun += 1;
        let stride = STRIDES.get(self.begun - 1).copied();
        stride.ok_or_else(|| ConvertError::unsupported("a network of more than seven stages"))
    }

    fn finish(&self) -> Result<(), ConvertError> {
        if self.begun == STRIDES.len() {
            return Ok(());
        }
        Err(ConvertError::unsupported(format!("a network of {} stages", self.begun)))
    }
}

/// Whether a block gives another number of channels than it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Widens {
    Yes,
    No,
}

impl Network {
    /// An inverted residual: widen (not in the first), convolve each channel, project; the input is added where the
    /// shapes allow it.
    fn block(&mut self, input: &Flow, prefix: &str, stages: &mut Stages) -> Result<Flow, ConvertError> {
        let [outputs, ..] = self.tensor(&format!("{prefix}_project_conv.weight"))?.dimensions::<4>(prefix)?;
        let widens = if outputs == input.channels { Widens::No } else { Widens::Yes };
        let first = stages.begun == 0 || widens == Widens::Yes;
        let stride = stages.stride(widens)?;
        let name = |part: &str| format!("{}{part}", prefix.trim_start_matches('_'));
        let of = |part: &str| format!("{prefix}{part}");
        let mut flow = input.clone();
        if self.weights.contains_key(&of("_expand_conv.weight")) {
            let (name, weights, norm) = (name("expand"), of("_expand_conv"), of("_bn0"));
            let layer =
                Layer { name: &name, weights: &weights, norm: &norm, stride: 1, grouped: Grouped::No };
            flow = self.activated(&flow, &layer)?;
        }
        let (depthwise, weights, norm) = (name("depthwise"), of("_depthwise_conv"), of("_bn1"));
        let grouped = Grouped::ByChannel;
        flow = self
            .activated(&flow, &Layer { name: &depthwise, weights: &weights, norm: &norm, stride, grouped })?;
        let (project, weights, norm) = (name("project"), of("_project_conv"), of("_bn2"));
        let layer = Layer { name: &project, weights: &weights, norm: &norm, stride: 1, grouped: Grouped::No };
        flow = self.linear(&flow, &layer)?;
        if !first {
            flow.value = self.graph.node("Add", &[&flow.value, &input.value], &name("sum"), &[]);
        }
        Ok(flow)
    }

    /// A convolution with its batch norm, then ReLU6.
    fn activated(&mut self, input: &Flow, layer: &Layer<'_>) -> Result<Flow, ConvertError> {
        let Flow { value, channels } = self.linear(input, layer)?;
        let value = self.graph.node("Clip", &[&value, "zero", "six"], &format!("{}.relu6", layer.name), &[]);
        Ok(Flow { value, channels })
    }

    /// A convolution with its batch norm.
    fn linear(&mut self, input: &Flow, layer: &Layer<'_>) -> Result<Flow, ConvertError> {
        let kernel = self.take(&format!("{}.weight", layer.weights))?;
        let [outputs, inputs, height, width] = kernel.dimensions(layer.weights)?;
        let groups = if layer.grouped == Grouped::ByChannel { input.channels } else { 1 };
        let fits = inputs.checked_mul(groups) == Some(input.channels) && outputs % groups == 0;
        if !fits || height != width || height == 0 {
            return Err(ConvertError::malformed(format!("`{}` has the wrong shape", layer.weights)));
        }
        let (before, after) = same_padding(self.plane, height, layer.stride);
        self.plane = self.plane.div_ceil(layer.stride);
        let convolution = Convolution {
            kernel,
            bias: vec![0.0; outputs],
            strides: [layer.stride; 2],
            pads: [before, before, after, after],
            groups,
        };
        let convolution = convolution.folded(&self.norm(layer.norm)?)?;
        let value = self.graph.convolution(&input.value, layer.name, convolution);
        Ok(Flow { value, channels: outputs })
    }

    fn finish(mut self, flow: &Flow, side: usize) -> Result<Vec<u8>, ConvertError> {
        let (weights, bias) = (self.take("_fc.weight")?, self.take("_fc.bias")?);
        let [classes, features] = weights.dimensions("_fc.weight")?;
        if features != flow.channels || bias.shape() != [classes] {
            return Err(ConvertError::malformed("`_fc.weight` has the wrong shape"));
        }
        self.graph.constant("zero", Tensor::scalar(0.0));
        self.graph.constant("six", Tensor::scalar(6.0));
        self.graph.classifier(&flow.value, weights, bias);
        Ok(self.graph.into_file((INPUT, &[3, side, side]), (OUTPUT, &[classes])))
    }

    fn norm(&mut self, name: &str) -> Result<BatchNorm, ConvertError> {
        Ok(BatchNorm {
            scale: self.take(&format!("{name}.weight"))?,
            shift: self.take(&format!("{name}.bias"))?,
            mean: self.take(&format!("{name}.running_mean"))?,
            variance: self.take(&format!("{name}.running_var"))?,
            epsilon: EPSILON,
        })
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, ConvertError> {
        self.weights.get(name).ok_or_else(|| ConvertError::Missing(name.to_owned()))
    }

    fn take(&mut self, name: &str) -> Result<Tensor, ConvertError> {
        self.weights.remove(name).ok_or_else(|| ConvertError::Missing(name.to_owned()))
    }
}

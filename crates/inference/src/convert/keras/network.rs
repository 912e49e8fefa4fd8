//! Layer by layer into the graph. Zero padding is kept until the layer that it is for, and a batch norm disappears
//! into the convolution before it.

use std::collections::HashMap;

use super::{
    Channels, ConvertError, INPUT, OUTPUT,
    topology::{Activation, Conv, Kind, Layer, Padding},
    weights::Weights,
};
use crate::convert::{
    graph::Graph,
    layers::{BatchNorm, Convolution},
};

/// The graph, as far as it is written.
pub(super) struct Network<'a> {
    weights: Weights,
    channels: Channels,
    graph: Graph,
    readers: HashMap<&'a str, Vec<&'a Layer>>,
    places: HashMap<&'a str, Place>,
    /// Height and width of the input.
    size: Option<[usize; 2]>,
    classes: Option<usize>,
}

/// Where the output of a layer is found in the graph.
#[derive(Debug, Clone)]
struct Place {
    value: String,
    /// Zeros around the plane (top, left, bottom, right), which the next layer must add.
    pads: [usize; 4],
    what: What,
}

/// What is known of the values of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The input: its channels may be in the other order.
    Image,
    /// A convolution together with the batch norm that reads it.
    Folded,
    /// None is negative.
    Rectified,
    Plane,
    /// One value a channel is wanted: the average over the plane, which the dense layer makes.
    Averaged,
    Probabilities,
}

impl<'a> Network<'a> {
    pub(super) fn new(weights: Weights, channels: Channels, layers: &'a [Layer]) -> Self {
        let mut readers: HashMap<&str, Vec<&Layer>> = HashMap::new();
        for layer in layers {
            for input in layer.inputs().unwrap_or_default() {
                readers.entry(input).or_default().push(layer);
            }
        }
        let graph = Graph::named("keras");
        Self { weights, channels, graph, readers, places: HashMap::new(), size: None, classes: None }
    }

    /// Adds a layer; those that it reads were added before.
    pub(super) fn add(&mut self, layer: &'a Layer) -> Result<(), ConvertError> {
        let inputs = layer.inputs()?;
        let found = inputs.iter().map(|&name| self.places.get(name).cloned()).collect::<Option<Vec<_>>>();
        let inputs = found.ok_or_else(|| wrong(layer, "reads a layer that is not there yet"))?;
        let place = match (&layer.kind, inputs.as_slice()) {
            (Kind::InputLayer { batch_input_shape }, []) => self.input(layer, *batch_input_shape),
            (Kind::Add {}, [one, other]) => self.sum(layer, one, other),
            (_, [input]) => self.plain(layer, input),
            _ => Err(wrong(layer, "reads a wrong number of layers")),
        }?;
        self.places.insert(&layer.name, place);
        Ok(())
    }

    /// The file. All of the graph was written by then.
    pub(super) fn into_file(self) -> Result<Vec<u8>, ConvertError> {
        let (Some([height, width]), Some(classes)) = (self.size, self.classes) else {
            return Err(ConvertError::malformed("the model does not end in a dense layer with softmax"));
        };
        drop(self.weights);
        Ok(self.graph.into_file((INPUT, &[3, height, width]), (OUTPUT, &[classes])))
    }

    fn plain(&mut self, layer: &'a Layer, input: &Place) -> Result<Place, ConvertError> {
        let name = layer.name.as_str();
        if input.pads != [0; 4] && !matches!(layer.kind, Kind::Conv2D(_) | Kind::MaxPooling2D { .. }) {
            return Err(wrong(layer, "does not take padding"));
        }
        match &layer.kind {
            Kind::ZeroPadding2D { padding: [[top, bottom], [left, right]], .. } => {
                Ok(Place { pads: [*top, *left, *bottom, *right], ..input.clone() })
            }
            Kind::Conv2D(conv) => self.convolution(layer, conv, input),
            Kind::BatchNormalization { .. } if input.what == What::Folded => {
                Ok(Place { what: What::Plane, ..input.clone() })
            }
            Kind::Activation { activation: Activation::Relu } => {
                let value = self.graph.node("Relu", &[&input.value], name, &[]);
                Ok(Place { value, pads: [0; 4], what: What::Rectified })
            }
            Kind::MaxPooling2D { pool_size, strides, padding: Padding::Valid, .. } => {
                // Zeros around the plane are as good as nothing only where nothing is negative.
                if input.pads != [0; 4] && input.what != What::Rectified {
                    return Err(wrong(layer, "pools padding with what may be negative"));
                }
                let [size, strides] = [pool_size, strides].map(|pair| pair.map(|value| value as i64));
                let pads = input.pads.map(|pad| pad as i64);
                let attributes: [(&str, &[i64]); 3] =
                    [("kernel_shape", &size), ("strides", &strides), ("pads", &pads)];
                let value = self.graph.node("MaxPool", &[&input.value], name, &attributes);
                Ok(Place { value, pads: [0; 4], what: input.what })
            }
            Kind::GlobalAveragePooling2D { .. } => Ok(Place { what: What::Averaged, ..input.clone() }),
            Kind::Dense { activation: Activation::Softmax, use_bias: true }
                if input.what == What::Averaged =>
            {
                self.dense(name, input)
            }
            _ => Err(wrong(layer, "is used in a way that is not supported")),
        }
    }

    fn input(&mut self, layer: &Layer, shape: [Option<usize>; 4]) -> Result<Place, ConvertError> {
        let (None, [None, Some(height), Some(width), Some(3)]) = (self.size, shape) else {
            return Err(wrong(layer, "is not the only input, of three channels"));
        };
        self.size = Some([height, width]);
        Ok(Place { value: INPUT.to_owned(), pads: [0; 4], what: What::Image })
    }

    fn sum(&mut self, layer: &Layer, one: &Place, other: &Place) -> Result<Place, ConvertError> {
        if one.pads != [0; 4] || other.pads != [0; 4] {
            return Err(wrong(layer, "does not take padding"));
        }
        let value = self.graph.node("Add", &[&one.value, &other.value], &layer.name, &[]);
        Ok(Place { value, pads: [0; 4], what: What::Plane })
    }

    fn convolution(&mut self, layer: &Layer, conv: &Conv, input: &Place) -> Result<Place, ConvertError> {
        let name = layer.name.as_str();
        if conv.dilation_rate != [1, 1] || conv.activation != Activation::Linear {
            return Err(wrong(layer, "is used in a way that is not supported"));
        }
        let mut kernel = self.weights.tensor(name, "kernel")?;
        let [height, width, inputs, outputs] = kernel.dimensions(name)?;
        if input.what == What::Image && self.channels == Channels::Bgr {
            kernel = kernel.with_reversed_axis::<4>(2)?;
        }
        let bias = if conv.use_bias {
            self.weights.tensor(name, "bias")?.into_parts().1
        } else {
            vec![0.0; outputs]
        };
        if bias.len() != outputs || inputs == 0 {
            return Err(wrong(layer, "has weights of the wrong shape"));
        }
        let pads = match conv.padding {
            Padding::Valid => input.pads,
            // Odd kernels without strides only: their padding does not depend on the size of the plane.
            Padding::Same
                if conv.strides == [1, 1] && height % 2 == 1 && width % 2 == 1 && input.pads == [0; 4] =>
            {
                [height / 2, width / 2, height / 2, width / 2]
            }
            Padding::Same => return Err(wrong(layer, "is padded in a way that is not supported")),
        };
        let kernel = kernel.transposed([3, 2, 0, 1])?;
        let mut convolution = Convolution { kernel, bias, strides: conv.strides, pads, groups: 1 };
        let mut what = What::Plane;
        if let Some(norm) = self.norm_after(layer)? {
            convolution = convolution.folded(&norm)?;
            what = What::Folded;
        }
        let value = self.graph.convolution(&input.value, name, convolution);
        Ok(Place { value, pads: [0; 4], what })
    }

    /// The batch norm that reads `layer`, if it alone does.
    fn norm_after(&self, layer: &Layer) -> Result<Option<BatchNorm>, ConvertError> {
        let readers = self.readers.get(layer.name.as_str()).map(Vec::as_slice);
        let Some([Layer { name, kind: Kind::BatchNormalization { epsilon, axis, center, scale }, .. }]) =
            readers
        else {
            return Ok(None);
        };
        if axis != &[3] || !center || !scale {
            return Err(ConvertError::unsupported(format!("the batch norm `{name}`")));
        }
        Ok(Some(BatchNorm {
            scale: self.weights.tensor(name, "gamma")?,
            shift: self.weights.tensor(name, "beta")?,
            mean: self.weights.tensor(name, "moving_mean")?,
            variance: self.weights.tensor(name, "moving_variance")?,
            epsilon: *epsilon,
        }))
    }

    fn dense(&mut self, name: &str, input: &Place) -> Result<Place, ConvertError> {
        let weights = self.weights.tensor(name, "kernel")?.transposed([1, 0])?;
        let bias = self.weights.tensor(name, "bias")?;
        let [classes, _] = weights.dimensions(name)?;
        if bias.shape() != [classes] || self.classes.is_some() {
            return Err(ConvertError::malformed(format!(
                "`{name}` is not the only dense layer, or has odd weights"
            )));
        }
        self.classes = Some(classes);
        let value = self.graph.classifier(&input.value, weights, bias);
        Ok(Place { value, pads: [0; 4], what: What::Probabilities })
    }
}

fn wrong(layer: &Layer, what: &str) -> ConvertError {
    ConvertError::malformed(format!("the layer `{}` {what}", layer.name))
}

//! What an ONNX file says of itself, and a manifest that says the rest as well as it can be guessed.

use anyhow::{bail, ensure};
use darkroom_inference::{
    manifest::{Colour, Filter, ImageInput, Layout, Manifest, Resize},
    onnx::{DataType, GraphProto, ModelProto, TensorProto, ValueInfoProto, dimension, type_proto},
};
use prost::Message as _;

/// The side of images where the file leaves it open: most classifiers are trained with it.
const USUAL_SIDE: u32 = 224;

/// Part of the scaled image's side that is cut out: 224 of 256.
const CROP: f64 = 0.875;

/// Mean and standard deviation of ImageNet's photographs, which most classifiers expect (PyTorch's, times 255).
const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const STD: [f32; 3] = [58.395, 57.12, 57.375];

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// Inputs and outputs, as a file describes them.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    /// Outputs that a softmax makes.
    softmax: Vec<String>,
}

/// A named tensor; a dimension without a number may be of any size.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) name: String,
    kind: DataType,
    shape: Option<Vec<Option<i64>>>,
}

impl Signature {
    /// Reads a file; everything that makes it no model is an error.
    pub(super) fn read(file: &[u8]) -> anyhow::Result<Self> {
        let model = ModelProto::decode(file).ok();
        let Some((model, graph)) = model.as_ref().and_then(|model| Some((model, model.graph.as_ref()?)))
        else {
            bail!("this is no ONNX model");
        };
        ensure!(model.ir_version > 0 && !model.opset_import.is_empty(), "this is no ONNX model");
        let external = |tensor: &TensorProto| tensor.data_location == EXTERNAL;
        if graph.initializer.iter().any(external) {
            bail!("its weights are in other files; save it with the weights inside");
        }
        let constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs: Vec<Value> = graph
            .input
            .iter()
            .filter(|input| !constant(&input.name))
            .map(Value::of)
            .collect::<Result<_, _>>()?;
        let outputs: Vec<Value> = graph.output.iter().map(Value::of).collect::<Result<_, _>>()?;
        ensure!(!inputs.is_empty() && !outputs.is_empty(), "the model has no inputs or no outputs");
        Ok(Self { inputs, outputs, softmax: softmaxes(graph) })
    }

    /// Whether every tensor is free in its first dimension.
    pub(super) fn takes_batches(&self) -> bool {
        self.inputs
            .iter()
            .chain(&self.outputs)
            .all(|value| value.shape.as_ref().is_some_and(|shape| matches!(shape.first(), Some(None))))
    }

    /// Whether that output is made by a softmax.
    pub(super) fn is_softmax(&self, output: &str) -> bool {
        self.softmax.iter().any(|name| name == output)
    }

    /// The input as one for images.
    pub(super) fn image(&self) -> anyhow::Result<ImageInput> {
        let [input] = self.inputs.as_slice() else {
            bail!("it has {} inputs, but a model for images has one", self.inputs.len());
        };
        let shape = input.shape.as_deref().unwrap_or_default();
        let (layout, channels, [height, width]) = match *shape {
            [_, Some(channels @ (1 | 3)), height, width] => (Layout::Nchw, channels, [height, width]),
            [_, height, width, Some(channels @ (1 | 3))] => (Layout::Nhwc, channels, [height, width]),
            _ => bail!(
                "its input `{}` has the shape {}, which is none of images",
                input.name,
                input.shape_text()
            ),
        };
        let size =
            [width, height].map(|side| side.and_then(|side| u32::try_from(side).ok()).unwrap_or(USUAL_SIDE));
        let (colour, mean, std) = match channels {
            1 => (Colour::Grey, vec![0.0], vec![255.0]),
            _ => (Colour::Rgb, MEAN.to_vec(), STD.to_vec()),
        };
        Ok(ImageInput {
            input: input.name.clone(),
            layout,
            colour,
            size,
            step: None,
            resize: Resize::Shorter,
            resize_to: Some((f64::from(size[0].max(size[1])) / CROP).round() as u32),
            filter: Filter::Bilinear,
            pad: 0,
            mean,
            std,
        })
    }
}

impl Value {
    fn of(value: &ValueInfoProto) -> anyhow::Result<Self> {
        let kind = value.r#type.as_ref().and_then(|kind| kind.value.as_ref());
        let Some(type_proto::Value::TensorType(tensor)) = kind else {
            bail!("`{}` is no tensor", value.name)
        };
        let shape = tensor.shape.as_ref().map(|shape| {
            let side = |dimension: &dimension::Value| match dimension {
                dimension::Value::DimValue(side) if *side > 0 => Some(*side),
                _ => None,
            };
            shape.dim.iter().map(|dimension| dimension.value.as_ref().and_then(side)).collect()
        });
        let kind = DataType::try_from(tensor.elem_type).unwrap_or(DataType::Undefined);
        Ok(Self { name: value.name.clone(), kind, shape })
    }

    fn shape_text(&self) -> String {
        let Some(shape) = &self.shape else { return "[…]".to_owned() };
        let side = |side: &Option<i64>| side.map_or("?".to_owned(), |side| side.to_string());
        format!("[{}]", shape.iter().map(side).collect::<Vec<_>>().join(", "))
    }

    fn line(&self, what: &str) -> String {
        // A name is the file's own: it must not end the comment that it stands in.
        let name = self.name.escape_default();
        format!("#   {what} `{name}`: {:?} {}", self.kind, self.shape_text())
    }
}

fn softmaxes(graph: &GraphProto) -> Vec<String> {
    let made = graph.node.iter().filter(|node| node.op_type == "Softmax");
    made.flat_map(|node| node.output.clone()).collect()
}

/// The manifest, with what the file says of itself and what was guessed in comments.
pub(super) fn text(manifest: &Manifest, signature: &Signature) -> String {
    let inputs = signature.inputs.iter().map(|value| value.line("input"));
    let outputs = signature.outputs.iter().map(|value| value.line("output"));
    let said = inputs.chain(outputs).collect::<Vec<_>>().join("\n");
    let head = format!("# What the model says of itself:\n{said}\n");
    let guessed = match (&manifest.image, signature.image()) {
        (Some(_), _) => {
            "\n# The file does not say how [image] is to be made: check colour, resize, mean and std.\n"
        }
        (None, Ok(_)) => "\n# To send it images, import it again with --task classify --replace.\n",
        (None, Err(_)) => "\n",
    };
    head + guessed + &manifest.to_toml()
}

//! Writing an ONNX graph, node by node.

use std::collections::HashSet;

use prost::Message as _;

use super::{ConvertError, Tensor, layers::Convolution};
use crate::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, dimension, type_proto,
};

/// The operator set of what is written: old enough for every engine, new enough for all that is needed.
const OPSET: i64 = 13;

/// The version of the format that goes with it.
const IR_VERSION: i64 = 8;

/// A graph that grows.
pub(super) struct Graph(GraphProto);

impl Graph {
    /// An empty graph.
    pub(super) fn named(name: &str) -> Self {
        Self(GraphProto { name: name.to_owned(), ..GraphProto::default() })
    }

    /// A constant; its name is given back.
    pub(super) fn constant(&mut self, name: &str, tensor: Tensor) -> String {
        self.0.initializer.push(float_tensor(name, tensor));
        name.to_owned()
    }

    /// A node with one output, which is also its name and is given back.
    pub(super) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, &[i64])],
    ) -> String {
        let attribute = attributes.iter().map(|&(name, values)| integers(name, values)).collect();
        self.0.node.push(NodeProto { attribute, ..node(op, inputs, output) });
        output.to_owned()
    }

    /// A convolution with its weights.
    pub(super) fn convolution(&mut self, input: &str, name: &str, layer: Convolution) -> String {
        let [_, _, height, width] = layer.kernel_size();
        let Convolution { kernel, bias, strides, pads, groups } = layer;
        let weights = self.constant(&format!("{name}.weight"), kernel);
        let bias = self.constant(&format!("{name}.bias"), Tensor::vector(bias));
        let mut attributes: Vec<(&str, &[i64])> = Vec::new();
        let (size, groups) = ([height as i64, width as i64], [groups as i64]);
        let (strides, pads) = (strides.map(|stride| stride as i64), pads.map(|pad| pad as i64));
        attributes.extend([
            ("kernel_shape", &size[..]),
            ("strides", &strides[..]),
            ("pads", &pads[..]),
            ("group", &groups[..]),
        ]);
        self.node("Conv", &[input, &weights, &bias], name, &attributes)
    }

    /// The end of a classifier: average over the plane, one linear layer, softmax. `weights` are `[classes, features]`.
    pub(super) fn classifier(&mut self, input: &str, weights: Tensor, bias: Tensor) -> String {
        let pooled = self.node("GlobalAveragePool", &[input], "pooled", &[]);
        let features = self.node("Flatten", &[&pooled], "features", &[("axis", &[1])]);
        let weights = self.constant("classifier.weight", weights);
        let bias = self.constant("classifier.bias", bias);
        let logits = self.node("Gemm", &[&features, &weights, &bias], "logits", &[("transB", &[1])]);
        self.node("Softmax", &[&logits], "probabilities", &[("axis", &[1])])
    }

    /// The finished file, with one input and one output for any number of images.
    pub(super) fn into_file(mut self, input: (&str, &[usize]), output: (&str, &[usize])) -> Vec<u8> {
        self.0.input = vec![batched(input)];
        self.0.output = vec![batched(output)];
        let model = ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            producer_name: "darkroom".to_owned(),
            graph: Some(self.0),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

/// A node without attributes, with one output, which is also its name.
pub(super) fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: output.to_owned(),
        op_type: op.to_owned(),
        ..NodeProto::default()
    }
}

/// A float tensor as ONNX stores it.
pub(super) fn float_tensor(name: &str, tensor: Tensor) -> TensorProto {
    let (shape, values) = tensor.into_parts();
    TensorProto {
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: DataType::Float as i32,
        name: name.to_owned(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

/// A tensor of any type, from its bytes.
pub(super) fn bytes_tensor(name: &str, dims: &[i64], kind: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: kind as i32,
        name: name.to_owned(),
        raw_data,
        ..TensorProto::default()
    }
}

/// The values of a float tensor, in whichever of the two forms they are stored.
pub(super) fn floats(tensor: &TensorProto) -> Result<Tensor, ConvertError> {
    let wrong = || ConvertError::malformed(format!("the constant `{}` has a wrong shape", tensor.name));
    let shape: Result<Vec<usize>, _> = tensor.dims.iter().map(|&size| usize::try_from(size)).collect();
    let shape = shape.map_err(|_| wrong())?;
    if tensor.raw_data.is_empty() {
        return Tensor::new(shape, tensor.float_data.clone());
    }
    Tensor::from_bytes(shape, &tensor.raw_data)
}

/// Reads a model, and insists on a graph.
pub(super) fn read(file: &[u8]) -> Result<(ModelProto, GraphProto), ConvertError> {
    let not_onnx = || ConvertError::malformed("this is no ONNX model");
    let mut model = ModelProto::decode(file).map_err(|_| not_onnx())?;
    let graph = model.graph.take().ok_or_else(not_onnx)?;
    Ok((model, graph))
}

/// Whether the standard operators are those of this set or a later one.
pub(super) fn has_operators(model: &ModelProto, set: i64) -> bool {
    model.opset_import.iter().any(|known| known.domain.is_empty() && known.version >= set)
}

/// Takes out the constants that neither a node reads nor the model gives.
pub(super) fn drop_unread(graph: &mut GraphProto) {
    let read: HashSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    let given: HashSet<&String> = graph.output.iter().map(|output| &output.name).collect();
    graph.initializer.retain(|tensor| read.contains(&tensor.name) || given.contains(&tensor.name));
}

/// Groups of channels that a convolution keeps apart.
pub(super) fn groups_of(convolution: &NodeProto) -> i64 {
    convolution.attribute.iter().find(|attribute| attribute.name == "group").map_or(1, |group| group.i)
}

/// `axis`, `group`, `to` and `transB` are single numbers, the others lists.
pub(super) fn integers(name: &str, values: &[i64]) -> AttributeProto {
    let attribute = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
    match (name, values) {
        ("axis" | "group" | "to" | "transB", &[i]) => {
            AttributeProto { r#type: AttributeType::Int as i32, i, ..attribute }
        }
        _ => AttributeProto { r#type: AttributeType::Ints as i32, ints: values.to_vec(), ..attribute },
    }
}

fn batched((name, sizes): (&str, &[usize])) -> ValueInfoProto {
    let batch = dimension::Value::DimParam("batch".to_owned());
    let sizes = sizes.iter().map(|&size| dimension::Value::DimValue(size as i64));
    let dim = [batch].into_iter().chain(sizes);
    let dim = dim.map(|value| Dimension { value: Some(value), ..Dimension::default() }).collect();
    let tensor =
        type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}

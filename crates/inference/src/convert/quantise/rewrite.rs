//! From a float graph to one whose convolutions and additions read and write bytes.

use std::collections::{HashMap, HashSet};

use prost::Message as _;

use super::{affine::Affine, ranges::Ranges, weights};
use crate::{
    convert::{
        ConvertError, Tensor,
        graph::{bytes_tensor, drop_unread, float_tensor, floats, has_operators, integers, read},
    },
    onnx::{DataType, GraphProto, NodeProto, TensorProto},
};

/// The operator set in which scales can be given for each channel.
const OPSET: i64 = 13;

/// Quantises a model. Every value with a range is read as bytes; a convolution or linear layer that reads one gets integer
/// weights. A range of a value that the model does not have is a mistake.
pub fn int8(file: &[u8], ranges: &Ranges) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    if !has_operators(&model, OPSET) {
        return Err(ConvertError::unsupported(format!("a model of an operator set before {OPSET}")));
    }
    let nodes = std::mem::take(&mut graph.node);
    let mut rewrite = Rewrite::new(&mut graph, &nodes, ranges)?;
    for node in nodes {
        rewrite.add(node)?;
    }
    let Rewrite { nodes, constants, .. } = rewrite;
    graph.node = nodes;
    graph.initializer.extend(constants);
    drop_unread(&mut graph);
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// The new graph, as far as it is written.
struct Rewrite {
    /// The constants of the float model that layers may read.
    floats: HashMap<String, TensorProto>,
    /// Values that are read as bytes.
    affines: HashMap<String, Affine>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    names: HashSet<String>,
}

impl Rewrite {
    fn new(graph: &mut GraphProto, nodes: &[NodeProto], ranges: &Ranges) -> Result<Self, ConvertError> {
        let affine = |name: &str| ranges.get(name).map(Affine::over);
        let inputs = graph.input.iter().map(|input| &input.name);
        let made: Vec<&String> = inputs.chain(nodes.iter().flat_map(|node| &node.output)).collect();
        if let Some(name) = ranges.names().find(|name| !made.iter().any(|made| made == name)) {
            return Err(ConvertError::malformed(format!(
                "there is a range for `{name}`, which the model does not have"
            )));
        }
        let mut affines: HashMap<String, Affine> =
            made.iter().filter_map(|name| Some(((*name).clone(), affine(name)?))).collect();
        // The largest of some bytes is one of them.
        for node in nodes.iter().filter(|node| node.op_type == "MaxPool") {
            if let ([input, ..], [output, ..]) = (node.input.as_slice(), node.output.as_slice())
                && let Some(affine) = affines.get(input).copied()
            {
                affines.insert(output.clone(), affine);
            }
        }
        let names =
            made.into_iter().chain(graph.initializer.iter().map(|tensor| &tensor.name)).cloned().collect();
        let is_float = |tensor: &&TensorProto| tensor.data_type == DataType::Float as i32;
        let floats = graph.initializer.iter().filter(is_float).map(|t| (t.name.clone(), t.clone())).collect();
        let mut rewrite = Self { floats, affines, nodes: Vec::new(), constants: Vec::new(), names };
        for input in &graph.input {
            rewrite.add_bytes_of(&input.name)?;
        }
        Ok(rewrite)
    }

    /// Adds a node of the float model; those that it reads were added before.
    fn add(&mut self, mut node: NodeProto) -> Result<(), ConvertError> {
        let affine = node.input.first().and_then(|input| self.affines.get(input)).copied();
        if let Some(affine) = affine.filter(|_| is_layer(&node)) {
            self.integer_weights(&mut node, affine)?;
        }
        for input in &mut node.input {
            if self.affines.contains_key(input) {
                *input = format!("{input}.dequantised");
            }
        }
        let outputs = node.output.clone();
        self.nodes.push(node);
        outputs.iter().try_for_each(|output| self.add_bytes_of(output))
    }

    /// After a value that has a range: the value as bytes, and the bytes as a value.
    fn add_bytes_of(&mut self, name: &str) -> Result<(), ConvertError> {
        let Some(&Affine { scale, zero }) = self.affines.get(name) else { return Ok(()) };
        let [bytes, back] = ["quantised", "dequantised"].map(|part| format!("{name}.{part}"));
        let scale = self.constant(float_tensor(&format!("{name}.scale"), Tensor::scalar(scale)))?;
        let zero = self.constant(bytes_tensor(&format!("{name}.zero"), &[], DataType::Uint8, vec![zero]))?;
        self.node("QuantizeLinear", [name, &scale, &zero], &bytes, None)?;
        self.node("DequantizeLinear", [&bytes, &scale, &zero], &back, None)
    }

    /// Weights and bias of a layer as integers. Those that are no constants stay as they are.
    fn integer_weights(&mut self, node: &mut NodeProto, input: Affine) -> Result<(), ConvertError> {
        let [_, weights, rest @ ..] = node.input.as_slice() else { return Ok(()) };
        let (Some(kernel), bias) = (self.floats.get(weights), rest.first()) else { return Ok(()) };
        let bias = match bias.map(|bias| self.floats.get(bias)) {
            None => Vec::new(),
            Some(None) => return Ok(()),
            Some(Some(bias)) => floats(bias)?.into_parts().1,
        };
        let layer = weights::layer(&floats(kernel)?, &bias, input.scale)?;
        let shape = kernel.dims.clone();
        let bytes = layer.weights.values.iter().map(|value| value.cast_unsigned()).collect();
        let integers = bytes_tensor(weights, &shape, DataType::Int8, bytes);
        node.input[1] = self.by_row(integers, &layer.weights.scales)?;
        if let Some(name) = node.input.get(2).cloned() {
            let bytes = layer.bias.iter().flat_map(|value| value.to_le_bytes()).collect();
            let integers = bytes_tensor(&name, &[layer.bias.len() as i64], DataType::Int32, bytes);
            node.input[2] = self.by_row(integers, &layer.bias_scales)?;
        }
        Ok(())
    }

    /// Constant integers with a scale for each row; the name of what they stand for is given back. Several layers may
    /// share weights, but not the scale of what they read: each gets its own.
    fn by_row(&mut self, mut integers: TensorProto, scales: &[f32]) -> Result<String, ConvertError> {
        let mut name = integers.name.clone();
        while self.names.contains(&format!("{name}.quantised")) {
            name.push_str(".again");
        }
        let kind = integers.data_type;
        let zeros = if kind == DataType::Int8 as i32 { 1 } else { 4 } * scales.len();
        integers.name = format!("{name}.quantised");
        let rows = [scales.len() as i64];
        let integers = self.constant(integers)?;
        let scales =
            self.constant(float_tensor(&format!("{name}.scale"), Tensor::vector(scales.to_vec())))?;
        let zero = TensorProto {
            data_type: kind,
            ..bytes_tensor(&format!("{name}.zero"), &rows, DataType::Int8, vec![0; zeros])
        };
        let zero = self.constant(zero)?;
        let back = format!("{name}.dequantised");
        self.node("DequantizeLinear", [&integers, &scales, &zero], &back, Some(0))?;
        Ok(back)
    }

    fn constant(&mut self, tensor: TensorProto) -> Result<String, ConvertError> {
        let name = tensor.name.clone();
        self.take_name(&name)?;
        self.constants.push(tensor);
        Ok(name)
    }

    fn node(
        &mut self,
        op: &str,
        inputs: [&str; 3],
        output: &str,
        axis: Option<i64>,
    ) -> Result<(), ConvertError> {
        self.take_name(output)?;
        self.nodes.push(NodeProto {
            input: inputs.map(str::to_owned).to_vec(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op.to_owned(),
            attribute: axis.map(|axis| integers("axis", &[axis])).into_iter().collect(),
            ..NodeProto::default()
        });
        Ok(())
    }

    fn take_name(&mut self, name: &str) -> Result<(), ConvertError> {
        if self.names.insert(name.to_owned()) {
            return Ok(());
        }
        Err(ConvertError::malformed(format!("the name `{name}` is taken")))
    }
}

/// Whether it multiplies by rows of weights: a convolution, or a linear layer as classifiers end in.
fn is_layer(node: &NodeProto) -> bool {
    let plain = |node: &NodeProto| {
        let turned = node.attribute.iter().any(|attribute| attribute.name == "transB" && attribute.i == 1);
        turned && node.attribute.len() == 1
    };
    node.op_type == "Conv" || (node.op_type == "Gemm" && plain(node))
}

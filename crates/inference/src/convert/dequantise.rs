//! The repair of an ONNX model whose weights are stored as block-wise 8-bit integers: they become floats again.
//!
//! Such files have nodes `DequantizeLinear` (`value = (q − zero point) · scale`, one scale for each block of
//! `block_size` values along `axis`; ONNX operator set 21) in front of each layer, often followed by a `Reshape`. Both
//! are computed here, once. `Dropout` does nothing when a model is used and is taken out. What nothing reads any more
//! goes too: nodes, constants, and the inputs that only named constants, which runtimes otherwise ask values for.

use std::collections::{HashMap, HashSet};

use prost::Message as _;

use super::{
    ConvertError, MOST_ELEMENTS, Tensor,
    graph::{float_tensor, read},
};
use crate::onnx::{DataType, GraphProto, NodeProto, TensorProto};

/// The version of the format that goes with operator set 21.
const IR_VERSION: i64 = 10;

/// Replaces the integers by the floats that they stand for.
pub fn dequantise(file: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    if graph
        .node
        .iter()
        .flat_map(|node| &node.attribute)
        .any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty())
    {
        return Err(ConvertError::unsupported("a graph inside a graph"));
    }
    let mut folded = Folded { constants: constants(&graph)?, made: HashMap::new(), left: MOST_ELEMENTS };
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        if !folded.fold(&node)? {
            nodes.push(node);
        }
    }
    graph.initializer.extend(folded.made.into_iter().map(|(name, tensor)| float_tensor(&name, tensor)));
    // In the order of their names, so that the same file always gives the same bytes.
    graph.initializer.sort_by(|a, b| a.name.cmp(&b.name));
    graph.node = without_dropout(nodes, &graph);
    prune(&mut graph);
    model.ir_version = model.ir_version.max(IR_VERSION);
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// Constants as they are computed with.
struct Folded {
    constants: HashMap<String, Constant>,
    made: HashMap<String, Tensor>,
    left: usize,
}

/// A constant of one of the types that matter here.
enum Constant {
    Bytes(Vec<usize>, Vec<i8>),
    Floats(Tensor),
    Integers(Vec<i64>),
}

impl Folded {
    /// Computes the node if all that it reads is constant; whether it was. Scales without blocks are left alone:
    /// every runtime knows them.
    fn fold(&mut self, node: &NodeProto) -> Result<bool, ConvertError> {
        let (Some(output), Some(input)) = (node.output.first(), node.input.first()) else { return Ok(false) };
        let second = node.input.get(1).and_then(|name| self.constants.get(name));
        let block = integer(node, "block_size").unwrap_or_default();
        let tensor = match (node.op_type.as_str(), self.constants.get(input), second) {
            ("DequantizeLinear", Some(Constant::Bytes(shape, values)), Some(Constant::Floats(scales)))
                if block > 0 =>
            {
                let zeros = node.input.get(2).and_then(|name| self.constants.get(name));
                self.left = self.left.checked_sub(values.len()).ok_or_else(too_many)?;
                expand(node, &Quantised { shape, values, scales, zeros })?
            }
            ("Reshape", _, Some(Constant::Integers(shape))) => {
                let Some(tensor) = self.made.get(input) else { return Ok(false) };
                self.left = self.left.checked_sub(tensor.values().len()).ok_or_else(too_many)?;
                reshaped(tensor, shape)?
            }
            _ => return Ok(false),
        };
        self.made.insert(output.clone(), tensor);
        Ok(true)
    }
}

fn too_many() -> ConvertError {
    ConvertError::TooLarge { what: "the number of weights", limit: MOST_ELEMENTS }
}

struct Quantised<'a> {
    shape: &'a [usize],
    values: &'a [i8],
    scales: &'a Tensor,
    zeros: Option<&'a Constant>,
}

/// `(value − zero point) · scale` for each value, in single precision as the operator says.
fn expand(node: &NodeProto, quantised: &Quantised<'_>) -> Result<Tensor, ConvertError> {
    let Quantised { shape, values, scales, zeros } = *quantised;
    let wrong = || ConvertError::malformed(format!("the scales of `{}` do not fit its values", node.name));
    let blocks = Blocks::of(node, shape, scales.shape()).ok_or_else(wrong)?;
    let zeros = match zeros {
        None if node.input.len() < 3 => None,
        Some(Constant::Bytes(shape, zeros)) if shape == scales.shape() => Some(zeros),
        _ => return Err(wrong()),
    };
    let value = |(at, &value): (usize, &i8)| {
        let block = blocks.scale_of(at);
        let zero = zeros.map_or(0, |zeros| i32::from(zeros[block]));
        (i32::from(value) - zero) as f32 * scales.values()[block]
    };
    Tensor::new(shape.to_vec(), values.iter().enumerate().map(value).collect())
}

/// Which scale belongs to which value.
struct Blocks {
    /// Values in one step along the axis.
    inner: usize,
    /// Steps along the axis.
    steps: usize,
    /// Steps that share a scale; the last block may be shorter.
    block: usize,
}

impl Blocks {
    /// `None` if the scales have not one value a block.
    fn of(node: &NodeProto, shape: &[usize], scales: &[usize]) -> Option<Self> {
        let block = usize::try_from(integer(node, "block_size")?).ok().filter(|&block| block > 0)?;
        let axis = integer(node, "axis").unwrap_or(1);
        let axis = if axis < 0 { axis.checked_add(shape.len() as i64)? } else { axis };
        let axis = usize::try_from(axis).ok().filter(|&axis| axis < shape.len())?;
        let mut expected = shape.to_vec();
        expected[axis] = shape[axis].div_ceil(block);
        let inner = shape[axis + 1..].iter().product();
        (scales == expected).then_some(Self { inner, steps: shape[axis], block })
    }

    /// The position of the scale of the value at `at`.
    fn scale_of(&self, at: usize) -> usize {
        let (outer, within) = (at / (self.steps * self.inner), at % (self.steps * self.inner));
        let (step, inner) = (within / self.inner, within % self.inner);
        (outer * self.steps.div_ceil(self.block) + step / self.block) * self.inner + inner
    }
}

/// The same values in another shape, as `Reshape` says: 0 keeps a size, -1 takes what is left.
fn reshaped(tensor: &Tensor, wanted: &[i64]) -> Result<Tensor, ConvertError> {
    let wrong =
        || ConvertError::malformed(format!("weights of shape {:?} cannot become {wanted:?}", tensor.shape()));
    let mut shape = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            -1 => 1,
            0 => *tensor.shape().get(axis).ok_or_else(wrong)?,
            size => usize::try_from(size).map_err(|_| wrong())?,
        });
    }
    if let Some(open) = wanted.iter().position(|&size| size == -1) {
        let known = Tensor::count(&shape, MOST_ELEMENTS)?;
        shape[open] = tensor.values().len().checked_div(known).ok_or_else(wrong)?;
    }
    Tensor::new(shape, tensor.values().to_vec()).map_err(|_| wrong())
}

/// The constants that folding can use, by name.
fn constants(graph: &GraphProto) -> Result<HashMap<String, Constant>, ConvertError> {
    let mut constants = HashMap::new();
    for tensor in &graph.initializer {
        if let Some(constant) = constant(tensor)? {
            constants.insert(tensor.name.clone(), constant);
        }
    }
    Ok(constants)
}

fn constant(tensor: &TensorProto) -> Result<Option<Constant>, ConvertError> {
    let wrong = || ConvertError::malformed(format!("the constant `{}` has a wrong shape", tensor.name));
    let shape: Result<Vec<usize>, _> = tensor.dims.iter().map(|&size| usize::try_from(size)).collect();
    let shape = shape.map_err(|_| wrong())?;
    let count = Tensor::count(&shape, MOST_ELEMENTS)?;
    let raw = &tensor.raw_data;
    let constant = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Int8) => Constant::Bytes(shape, raw.iter().map(|&byte| byte.cast_signed()).collect()),
        Ok(DataType::Float) if raw.is_empty() => {
            Constant::Floats(Tensor::new(shape, tensor.float_data.clone())?)
        }
        Ok(DataType::Float) => Constant::Floats(Tensor::from_bytes(shape, raw)?),
        Ok(DataType::Int64) if raw.is_empty() => Constant::Integers(tensor.int64_data.clone()),
        Ok(DataType::Int64) => {
            Constant::Integers(raw.as_chunks().0.iter().map(|&w| i64::from_le_bytes(w)).collect())
        }
        _ => return Ok(None),
    };
    let len = match &constant {
        Constant::Bytes(_, values) => values.len(),
        Constant::Integers(values) => values.len(),
        Constant::Floats(tensor) => tensor.values().len(),
    };
    if len == count { Ok(Some(constant)) } else { Err(wrong()) }
}

fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.i)
}

/// Whoever reads a `Dropout` reads its input instead. One that is an output of the graph stays.
fn without_dropout(nodes: Vec<NodeProto>, graph: &GraphProto) -> Vec<NodeProto> {
    let outputs: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let mut instead: HashMap<String, String> = HashMap::new();
    let mut kept = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        for name in &mut node.input {
            if let Some(other) = instead.get(name) {
                name.clone_from(other);
            }
        }
        let idle =
            node.op_type == "Dropout" && node.output.iter().all(|name| !outputs.contains(name.as_str()));
        match (idle, node.input.first(), node.output.first()) {
            (true, Some(input), Some(output)) => {
                instead.insert(output.clone(), input.clone());
            }
            _ => kept.push(node),
        }
    }
    kept
}

/// Takes out what nothing reads.
fn prune(graph: &mut GraphProto) {
    let mut read: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    // Nodes are in the order of computing, so that from the end every reader comes before what it reads.
    let mut kept: Vec<NodeProto> = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node).into_iter().rev() {
        if node.output.iter().any(|name| read.contains(name)) {
            read.extend(node.input.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| read.contains(&tensor.name));
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    graph.input.retain(|input| read.contains(&input.name) && !constants.contains(input.name.as_str()));
    // Shapes of values in between are hints, and some of them are gone.
    graph.value_info.clear();
}

//! Weights in fewer bytes: on the disk and on the way they are smaller, and the model computes with floats as before.
//!
//! A small weight is brought back by operators that every engine knows and computes once, when the model is loaded:
//! `Cast` for half-precision floats, `Cast` and `Mul` for integers with one scale a row.

use half::f16;
use prost::Message as _;

use super::{
    ConvertError, Tensor,
    graph::{bytes_tensor, float_tensor, floats, integers, node, read},
    quantise::rows,
};
use crate::onnx::{DataType, NodeProto, TensorProto};

/// Smaller tensors stay as they are: there is nothing to be gained.
const LEAST_ELEMENTS: usize = 256;

/// Shorter rows are halves where integers are wanted: those of depthwise kernels and of the first layers, which are few,
/// and lose most by it.
const LEAST_ROW: usize = 64;

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// As they were published: four bytes a weight.
    Float32,
    /// Half-precision floats: two bytes a weight.
    Fp16,
    /// Integers with one scale for each step along the first axis: one byte a weight. Short rows are halves.
    Int8,
}

/// The same model, its weights stored in another way. Weights are tensors of at least two dimensions; the others (biases,
/// scales) are few and stay.
pub fn stored(file: &[u8], storage: Storage) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    let mut nodes = Vec::new();
    let mut kept = Vec::with_capacity(graph.initializer.len());
    for tensor in std::mem::take(&mut graph.initializer) {
        let weights = tensor.data_type == DataType::Float as i32 && tensor.dims.len() > 1;
        let smaller = if weights { smaller(&tensor, storage)? } else { None };
        match smaller {
            Some((constants, back)) => {
                kept.extend(constants);
                nodes.extend(back);
            }
            None => kept.push(tensor),
        }
    }
    nodes.append(&mut graph.node);
    (graph.node, graph.initializer) = (nodes, kept);
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

type Smaller = (Vec<TensorProto>, Vec<NodeProto>);

/// The constants and nodes that stand for a weight; none where it is to stay as it is.
fn smaller(tensor: &TensorProto, storage: Storage) -> Result<Option<Smaller>, ConvertError> {
    let values = floats(tensor)?;
    let narrow = values.values().iter().all(|value| value.abs() <= f16::MAX.to_f32());
    if values.values().len() < LEAST_ELEMENTS || !narrow {
        return Ok(None);
    }
    Ok(match storage {
        Storage::Float32 => None,
        Storage::Int8 if values.shape().iter().skip(1).product::<usize>() >= LEAST_ROW => {
            Some(bytes(tensor, &values))
        }
        Storage::Fp16 | Storage::Int8 => Some(halves(tensor, &values)),
    })
}

fn halves(tensor: &TensorProto, values: &Tensor) -> Smaller {
    let name = &tensor.name;
    let halves = values.values().iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
    let constant = bytes_tensor(&format!("{name}.fp16"), &tensor.dims, DataType::Float16, halves);
    let cast = cast(&constant.name, name);
    (vec![constant], vec![cast])
}

fn bytes(tensor: &TensorProto, values: &Tensor) -> Smaller {
    let name = &tensor.name;
    let rows = rows(values, |_| 0.0);
    let bytes = rows.values.iter().map(|value| value.cast_unsigned()).collect();
    let constant = bytes_tensor(&format!("{name}.int8"), &tensor.dims, DataType::Int8, bytes);
    // One scale a row, in a shape that spreads over it.
    let mut scales = float_tensor(&format!("{name}.scale"), Tensor::vector(rows.scales));
    scales.dims.resize(tensor.dims.len(), 1);
    let unscaled = format!("{name}.unscaled");
    let nodes = vec![cast(&constant.name, &unscaled), node("Mul", &[&unscaled, &scales.name], name)];
    (vec![constant, scales], nodes)
}

fn cast(from: &str, to: &str) -> NodeProto {
    NodeProto { attribute: vec![integers("to", &[DataType::Float as i64])], ..node("Cast", &[from], to) }
}

//! Runs the ONNX files that the converters write: every operator that they may contain, nothing else.

use std::collections::HashMap;

use half::f16;
use prost::Message as _;

use super::plane::{Plane, Window, linear, softmax};
use crate::onnx::{DataType, ModelProto, NodeProto, TensorProto};

/// A value in a graph that runs.
#[derive(Debug, Clone)]
enum Value {
    Plane(Plane),
    Vector(Vec<f32>),
}

/// A tensor that does not depend on the image: shape and values.
type Constant = (Vec<i64>, Vec<f32>);

/// The outcome for one image.
pub(super) fn run(file: &[u8], image: Plane) -> Vec<f32> {
    let graph = ModelProto::decode(file).unwrap().graph.unwrap();
    let mut constants: HashMap<String, Constant> = graph
        .initializer
        .iter()
        .map(|tensor| (tensor.name.clone(), (tensor.dims.clone(), numbers(tensor))))
        .collect();
    let mut values = HashMap::from([(graph.input[0].name.clone(), Value::Plane(image))]);
    for node in &graph.node {
        if let Some(constant) = folded(node, &constants) {
            constants.insert(node.output[0].clone(), constant);
            continue;
        }
        let constant = |at: usize| constants[node.input[at].as_str()].1.as_slice();
        let value = match (node.op_type.as_str(), values[&node.input[0]].clone()) {
            ("Conv", Value::Plane(plane)) => {
                let shape = constants[node.input[1].as_str()].0.as_slice();
                Value::Plane(convolution(node, &plane, (shape, constant(1), constant(2))))
            }
            ("Clip", Value::Plane(plane)) => {
                let (low, high) = (constant(1)[0], constant(2)[0]);
                Value::Plane(plane.map(|_, value| value.clamp(low, high)))
            }
            ("Relu", Value::Plane(plane)) => Value::Plane(plane.map(|_, value| value.max(0.0))),
            ("MaxPool", Value::Plane(plane)) => Value::Plane(plane.pooled(window(node))),
            ("Add", Value::Plane(plane)) => {
                let Value::Plane(other) = &values[&node.input[1]] else { panic!("{node:?}") };
                Value::Plane(plane.plus(other))
            }
            ("QuantizeLinear", value) => value.map(|value| quantised(value, constant(1)[0], constant(2)[0])),
            ("DequantizeLinear", value) => value.map(|value| (value - constant(2)[0]) * constant(1)[0]),
            ("GlobalAveragePool", Value::Plane(plane)) => Value::Vector(plane.averages()),
            ("Flatten", value) => value,
            ("Gemm", Value::Vector(vector)) => {
                assert_eq!(integers(node, "transB"), [1]);
                Value::Vector(linear(&vector, constant(1), constant(2)))
            }
            ("Softmax", Value::Vector(vector)) => Value::Vector(softmax(&vector)),
            (other, _) => panic!("{other} is not expected"),
        };
        values.insert(node.output[0].clone(), value);
    }
    match values.remove(&graph.output[0].name) {
        Some(Value::Vector(vector)) => vector,
        other => panic!("the outcome is {other:?}"),
    }
}

impl Value {
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        match self {
            Self::Plane(plane) => Self::Plane(plane.map(|_, value| f(value))),
            Self::Vector(values) => Self::Vector(values.into_iter().map(f).collect()),
        }
    }
}

/// An unsigned byte, by the definition of `QuantizeLinear`.
fn quantised(value: f32, scale: f32, zero: f32) -> f32 {
    ((value / scale).round_ties_even() + zero).clamp(0.0, 255.0)
}

/// What a node makes of constants, if it reads nothing else.
fn folded(node: &NodeProto, constants: &HashMap<String, Constant>) -> Option<Constant> {
    let (shape, values) = constants.get(&node.input[0])?;
    let (scales, zeros) =
        (node.input.get(1).map(|name| &constants[name].1), node.input.get(2).map(|name| &constants[name].1));
    let row = |at: usize| at / (values.len() / scales.unwrap().len());
    let each = values.iter().enumerate();
    let made = match node.op_type.as_str() {
        "Cast" => values.clone(),
        "Mul" => each.map(|(at, value)| value * scales.unwrap()[row(at)]).collect(),
        "DequantizeLinear" => {
            assert_eq!(integers(node, "axis"), [0]);
            each.map(|(at, value)| (value - zeros.unwrap()[row(at)]) * scales.unwrap()[row(at)]).collect()
        }
        other => panic!("{other} of constants is not expected"),
    };
    Some((shape.clone(), made))
}

/// The numbers of a constant of any type that the converters write.
fn numbers(tensor: &TensorProto) -> Vec<f32> {
    let raw = tensor.raw_data.as_slice();
    match DataType::try_from(tensor.data_type).unwrap() {
        DataType::Float => floats(raw),
        DataType::Float16 => {
            raw.as_chunks().0.iter().map(|&half| f16::from_le_bytes(half).to_f32()).collect()
        }
        DataType::Int8 => raw.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
        DataType::Uint8 => raw.iter().copied().map(f32::from).collect(),
        DataType::Int32 => raw.as_chunks().0.iter().map(|&word| i32::from_le_bytes(word) as f32).collect(),
        other => panic!("{other:?} is not expected"),
    }
}

fn convolution(node: &NodeProto, plane: &Plane, (shape, kernel, bias): (&[i64], &[f32], &[f32])) -> Plane {
    let [outputs, inputs, height, width] = [0, 1, 2, 3].map(|axis| shape[axis] as usize);
    let groups = integers(node, "group")[0] as usize;
    let weight = |output: usize, input: usize, y: usize, x: usize| {
        let within =
            input.checked_sub(output / (outputs / groups) * inputs).filter(|&within| within < inputs);
        within.map_or(0.0, |within| kernel[((output * inputs + within) * height + y) * width + x])
    };
    plane.convolved(outputs, window(node), weight).map(|channel, value| value + bias[channel])
}

fn window(node: &NodeProto) -> Window {
    let (size, strides, pads) =
        (integers(node, "kernel_shape"), integers(node, "strides"), integers(node, "pads"));
    assert!(size[0] == size[1] && strides[0] == strides[1] && pads[0] == pads[1] && pads[2] == pads[3]);
    Window { size: size[0] as usize, stride: strides[0] as usize, pads: (pads[0] as usize, pads[2] as usize) }
}

fn integers(node: &NodeProto, name: &str) -> Vec<i64> {
    let attribute = node.attribute.iter().find(|attribute| attribute.name == name).unwrap();
    if attribute.ints.is_empty() { vec![attribute.i] } else { attribute.ints.clone() }
}

pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

//! Runs the ONNX files that the converters write: every operator that they may contain, nothing else.

use std::collections::HashMap;

use prost::Message as _;

use super::plane::{Plane, Window, linear, softmax};
use crate::onnx::{ModelProto, NodeProto};

/// A value in a graph that runs.
#[derive(Debug, Clone)]
enum Value {
    Plane(Plane),
    Vector(Vec<f32>),
}

/// The outcome for one image.
pub(super) fn run(file: &[u8], image: Plane) -> Vec<f32> {
    let graph = ModelProto::decode(file).unwrap().graph.unwrap();
    let constants: HashMap<&str, Vec<f32>> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), floats(&tensor.raw_data))).collect();
    let shapes: HashMap<&str, &[i64]> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.dims.as_slice())).collect();
    let mut values = HashMap::from([(graph.input[0].name.clone(), Value::Plane(image))]);
    for node in &graph.node {
        let constant = |at: usize| constants[node.input[at].as_str()].as_slice();
        let value = match (node.op_type.as_str(), values[&node.input[0]].clone()) {
            ("Conv", Value::Plane(plane)) => {
                let shape = shapes[node.input[1].as_str()];
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

//! Ranges from what a float model computes for examples.

use std::collections::BTreeMap;

use prost::Message as _;

use super::{end, histogram::Histogram, ranges::Ranges};
use crate::{
    convert::{ConvertError, graph::read},
    onnx::{DataType, GraphProto, TypeProto, ValueInfoProto, type_proto},
};

/// What was seen of every value that can become bytes.
#[derive(Debug, Clone)]
pub struct Calibration {
    inputs: BTreeMap<String, Histogram>,
    values: BTreeMap<String, Histogram>,
}

impl Calibration {
    /// Begins, and gives the model with outputs for everything that must be [seen](Self::see).
    pub fn begin(file: &[u8]) -> Result<(Self, Vec<u8>), ConvertError> {
        let (mut model, mut graph) = read(file)?;
        let fresh = |names: Vec<String>| names.into_iter().map(|name| (name, Histogram::new())).collect();
        let inputs: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
        let values = quantisable(&graph);
        for name in &values {
            if graph.output.iter().all(|output| output.name != *name) {
                graph.output.push(float_output(name));
            }
        }
        model.graph = Some(graph);
        Ok((Self { inputs: fresh(inputs), values: fresh(values) }, model.encode_to_vec()))
    }

    /// Counts the values of an input or output for an example; names that do not matter are passed by.
    pub fn see(&mut self, name: &str, values: &[f32]) {
        for histograms in [&mut self.inputs, &mut self.values] {
            if let Some(histogram) = histograms.get_mut(name) {
                histogram.see(values);
            }
        }
    }

    /// Inputs from their lowest to their highest value; for what is computed the range whose bytes are nearest, by the
    /// mean of the squares.
    pub fn ranges(&self) -> Ranges {
        let mut ranges = Ranges::default();
        let inputs = self.inputs.iter().map(|(name, histogram)| (name, histogram.whole()));
        let values = self.values.iter().map(|(name, histogram)| (name, histogram.best()));
        for (name, range) in inputs.chain(values) {
            if let Some(range) = range {
                ranges.insert(name.clone(), range.rounded());
            }
        }
        ranges
    }
}

/// What convolutions and additions end in, and what a linear layer reads. A maximum pool gives what it is given, so that
/// it has no range of its own.
fn quantisable(graph: &GraphProto) -> Vec<String> {
    let mut names = Vec::new();
    for node in &graph.node {
        let name = match node.op_type.as_str() {
            "Conv" | "Add" => end(graph, node),
            "Gemm" => node.input.first().map(String::as_str),
            _ => None,
        };
        names.extend(name.map(str::to_owned));
    }
    names
}

fn float_output(name: &str) -> ValueInfoProto {
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}

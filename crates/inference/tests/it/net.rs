//! Small networks, written in the format of ONNX.

use darkroom_inference::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, dimension, type_proto,
};
use prost::Message;

/// A dimension: a number, or free (written `-1`).
fn dim(side: i64) -> Dimension {
    let value = match side {
        -1 => dimension::Value::DimParam("n".to_owned()),
        side => dimension::Value::DimValue(side),
    };
    Dimension { value: Some(value), ..Dimension::default() }
}

fn value(name: &str, kind: DataType, shape: &[i64]) -> ValueInfoProto {
    let shape = TensorShapeProto { dim: shape.iter().copied().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: kind as i32, shape: Some(shape) };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value, ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: kind.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

fn model(node: Vec<NodeProto>, input: Vec<ValueInfoProto>, output: Vec<ValueInfoProto>) -> ModelProto {
    let graph = GraphProto { node, input, output, name: "test".to_owned(), ..GraphProto::default() };
    ModelProto {
        ir_version: 9,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// The mean of each channel of an image of 4 × 4: `images` → `scores`.
pub(crate) fn means() -> Vec<u8> {
    means_of(&[-1, 3, 4, 4], &[-1, 3]).encode_to_vec()
}

/// The same for one image at a time.
pub(crate) fn means_of_one() -> Vec<u8> {
    means_of(&[1, 3, 4, 4], &[1, 3]).encode_to_vec()
}

fn means_of(shape: &[i64], scores: &[i64]) -> ModelProto {
    model(
        vec![node("GlobalAveragePool", &["images"], "pooled"), node("Flatten", &["pooled"], "scores")],
        vec![value("images", DataType::Float, shape)],
        vec![value("scores", DataType::Float, scores)],
    )
}

/// The same from half floats.
pub(crate) fn half_means() -> Vec<u8> {
    let mut model = means_of(&[-1, 3, 4, 4], &[-1, 3]);
    if let Some(graph) = &mut model.graph {
        let mut cast = node("Cast", &["halves"], "images");
        cast.attribute.push(AttributeProto {
            name: "to".to_owned(),
            r#type: AttributeType::Int as i32,
            i: DataType::Float as i64,
            ..AttributeProto::default()
        });
        graph.node.insert(0, cast);
        graph.input = vec![value("halves", DataType::Float16, &[-1, 3, 4, 4])];
    }
    model.encode_to_vec()
}

/// `sum = a + b` and `product = a * b`, of rows of two numbers.
pub(crate) fn arithmetic() -> Vec<u8> {
    let row = |name| value(name, DataType::Float, &[-1, 2]);
    model(
        vec![node("Add", &["a", "b"], "sum"), node("Mul", &["a", "b"], "product")],
        vec![row("a"), row("b")],
        vec![row("sum"), row("product")],
    )
    .encode_to_vec()
}

/// `y = x`, of any shape with one dimension.
pub(crate) fn same(kind: DataType) -> Vec<u8> {
    model(vec![node("Identity", &["x"], "y")], vec![value("x", kind, &[-1])], vec![value("y", kind, &[-1])])
        .encode_to_vec()
}

/// The sum of all rows: rows go in, and one comes out, whatever the number of rows.
pub(crate) fn all_rows() -> Vec<u8> {
    model(
        vec![node("ReduceSum", &["x"], "y")],
        vec![value("x", DataType::Float, &[-1, 2])],
        vec![value("y", DataType::Float, &[-1, 1])],
    )
    .encode_to_vec()
}

/// Channels that [`convolution`] takes and gives.
pub(crate) const INPUTS: usize = 16;
pub(crate) const OUTPUTS: usize = 32;

/// A convolution of single pixels with a ReLU, of images of 2 × 2: `images` → `flat`.
pub(crate) fn convolution(weights: &[f32], biases: &[f32]) -> Vec<u8> {
    let floats = |name: &str, dims: &[usize], values: &[f32]| TensorProto {
        name: name.to_owned(),
        data_type: DataType::Float as i32,
        dims: dims.iter().map(|&size| size as i64).collect(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorProto::default()
    };
    let (inputs, outputs) = (INPUTS as i64, OUTPUTS as i64);
    let mut model = model(
        vec![
            node("Conv", &["images", "weights", "biases"], "conv"),
            node("Relu", &["conv"], "relu"),
            node("Flatten", &["relu"], "flat"),
        ],
        vec![value("images", DataType::Float, &[-1, inputs, 2, 2])],
        vec![value("flat", DataType::Float, &[-1, outputs * 4])],
    );
    if let Some(graph) = &mut model.graph {
        graph.initializer.push(floats("weights", &[OUTPUTS, INPUTS, 1, 1], weights));
        graph.initializer.push(floats("biases", &[OUTPUTS], biases));
    }
    model.encode_to_vec()
}

/// Doubles `x` so many times: a model that takes as long as one likes.
pub(crate) fn doubling(times: i64) -> Vec<u8> {
    let scalar = |name: &str, kind, values: &[u8]| TensorProto {
        name: name.to_owned(),
        data_type: kind as i32,
        raw_data: values.to_vec(),
        ..TensorProto::default()
    };
    let body = GraphProto {
        name: "body".to_owned(),
        node: vec![node("Identity", &["go"], "go_on"), node("Add", &["v", "v"], "twice")],
        input: vec![
            value("at", DataType::Int64, &[]),
            value("go", DataType::Bool, &[]),
            value("v", DataType::Float, &[1]),
        ],
        output: vec![value("go_on", DataType::Bool, &[]), value("twice", DataType::Float, &[1])],
        ..GraphProto::default()
    };
    let mut repeat = node("Loop", &["times", "always", "x"], "y");
    repeat.attribute.push(AttributeProto {
        name: "body".to_owned(),
        r#type: AttributeType::Graph as i32,
        g: Some(body),
        ..AttributeProto::default()
    });
    let mut model =
        model(vec![repeat], vec![value("x", DataType::Float, &[1])], vec![value("y", DataType::Float, &[1])]);
    if let Some(graph) = &mut model.graph {
        graph.initializer.push(scalar("times", DataType::Int64, &times.to_le_bytes()));
        graph.initializer.push(scalar("always", DataType::Bool, &[1]));
    }
    model.encode_to_vec()
}

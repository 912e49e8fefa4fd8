//! Small networks, written in the format of ONNX.

use darkroom_inference::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, dimension, type_proto,
};
use prost::Message;

/// The protocol's types, with those of ONNX.
pub(super) const KINDS: [(&str, DataType); 13] = [
    ("BOOL", DataType::Bool),
    ("UINT8", DataType::Uint8),
    ("UINT16", DataType::Uint16),
    ("UINT32", DataType::Uint32),
    ("UINT64", DataType::Uint64),
    ("INT8", DataType::Int8),
    ("INT16", DataType::Int16),
    ("INT32", DataType::Int32),
    ("INT64", DataType::Int64),
    ("FP16", DataType::Float16),
    ("FP32", DataType::Float),
    ("FP64", DataType::Double),
    ("BYTES", DataType::String),
];

/// `y = x`, of any shape with one dimension.
pub(super) fn same(kind: DataType) -> Vec<u8> {
    model(vec![node("Identity", &["x"], "y")], vec![value("x", kind, &[-1])], vec![value("y", kind, &[-1])])
}

/// `sum = a + b` and `product = a * b`, of rows of two numbers.
pub(super) fn arithmetic() -> Vec<u8> {
    let row = |name| value(name, DataType::Float, &[-1, 2]);
    model(
        vec![node("Add", &["a", "b"], "sum"), node("Mul", &["a", "b"], "product")],
        vec![row("a"), row("b")],
        vec![row("sum"), row("product")],
    )
}

/// The mean of each channel of images of 4 × 4.
pub(super) fn means() -> Vec<u8> {
    model(
        vec![node("GlobalAveragePool", &["images"], "pooled"), node("Flatten", &["pooled"], "scores")],
        vec![value("images", DataType::Float, &[-1, 3, 4, 4])],
        vec![value("scores", DataType::Float, &[-1, 3])],
    )
}

/// Doubles `x` as often as the input `times` says: a question takes as long as one likes.
pub(super) fn doubling() -> Vec<u8> {
    let always = TensorProto {
        name: "always".to_owned(),
        data_type: DataType::Bool as i32,
        raw_data: vec![1],
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
    let inputs = vec![value("times", DataType::Int64, &[]), value("x", DataType::Float, &[1])];
    let mut graph = graph(vec![repeat], inputs, vec![value("y", DataType::Float, &[1])]);
    graph.initializer.push(always);
    encoded(graph)
}

fn model(node: Vec<NodeProto>, input: Vec<ValueInfoProto>, output: Vec<ValueInfoProto>) -> Vec<u8> {
    encoded(graph(node, input, output))
}

fn graph(node: Vec<NodeProto>, input: Vec<ValueInfoProto>, output: Vec<ValueInfoProto>) -> GraphProto {
    GraphProto { node, input, output, name: "test".to_owned(), ..GraphProto::default() }
}

fn encoded(graph: GraphProto) -> Vec<u8> {
    let model = ModelProto {
        ir_version: 9,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// `-1` is a free dimension.
fn value(name: &str, kind: DataType, shape: &[i64]) -> ValueInfoProto {
    let side = |side: &i64| match side {
        -1 => dimension::Value::DimParam("n".to_owned()),
        side => dimension::Value::DimValue(*side),
    };
    let dim = shape.iter().map(|s| Dimension { value: Some(side(s)), ..Dimension::default() }).collect();
    let tensor = type_proto::Tensor { elem_type: kind as i32, shape: Some(TensorShapeProto { dim }) };
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

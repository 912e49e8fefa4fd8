//! A small model with block-wise integers, unused inputs and a dropout.

use prost::Message as _;

use super::run::floats;
use crate::{
    convert::{ConvertError, dequantise},
    onnx::{
        AttributeProto, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        ValueInfoProto,
    },
};

fn tensor(name: &str, dims: &[i64], kind: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: kind as i32,
        raw_data,
        ..TensorProto::default()
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let all = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        op_type: op.to_owned(),
        name: op.to_owned(),
        input: all(inputs),
        output: all(outputs),
        ..NodeProto::default()
    }
}

fn blockwise(inputs: &[&str], output: &str, (axis, block): (i64, i64)) -> NodeProto {
    let attribute =
        |name: &str, i| AttributeProto { name: name.to_owned(), r#type: 2, i, ..AttributeProto::default() };
    let attributes = vec![attribute("axis", axis), attribute("block_size", block)];
    NodeProto { attribute: attributes, ..node("DequantizeLinear", inputs, &[output]) }
}

fn value(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.to_owned(), ..ValueInfoProto::default() }
}

/// `[2, 5]` integers, blocks of two along the second axis: the last block has one.
fn model() -> ModelProto {
    let (float, int, byte) = (DataType::Float, DataType::Int64, DataType::Int8);
    let scales: Vec<u8> = [0.5_f32, 2.0, 1.0, 0.25, 4.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let shape: Vec<u8> = [5_i64, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let values: Vec<u8> =
        [1_i8, 2, 3, 4, 5, -6, -7, -8, -128, 127].iter().map(|v| v.cast_unsigned()).collect();
    let graph = GraphProto {
        initializer: vec![
            tensor("q", &[2, 5], byte, values),
            tensor("s", &[2, 3], float, scales),
            tensor("z", &[2, 3], byte, vec![0, 1, 0, 0, 0, 2]),
            tensor("shape", &[2], int, shape),
            tensor("unread", &[1], float, vec![0; 4]),
        ],
        node: vec![
            blockwise(&["q", "s", "z"], "w", (1, 2)),
            node("Reshape", &["w", "shape"], &["reshaped"]),
            node("Constant", &[], &["ratio"]),
            node("Gemm", &["data", "reshaped"], &["y"]),
            node("Dropout", &["y", "ratio"], &["dropped"]),
            node("Relu", &["dropped"], &["out"]),
        ],
        input: vec![value("data"), value("q"), value("forgotten")],
        output: vec![value("out")],
        value_info: vec![value("w")],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: 6,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 21 }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

fn repaired(model: &ModelProto) -> GraphProto {
    ModelProto::decode(dequantise(&model.encode_to_vec()).unwrap().as_slice()).unwrap().graph.unwrap()
}

#[test]
fn integers_become_the_floats_that_they_stand_for() {
    let graph = repaired(&model());
    let [weights] = graph.initializer.as_slice() else { panic!("{:?}", graph.initializer) };
    assert_eq!((weights.name.as_str(), weights.dims.as_slice()), ("reshaped", &[5, 2][..]));
    let expected = [0.5, 1.0, 4.0, 6.0, 5.0, -1.5, -1.75, -32.0, -512.0, 375.0];
    assert_eq!(floats(&weights.raw_data), expected);
}

#[test]
fn blocks_may_lie_along_any_axis() {
    let mut model = model();
    let graph = model.graph.as_mut().unwrap();
    // One scale a column: both rows are one block, and five scales follow from that.
    graph.node[0] = blockwise(&["q", "s"], "w", (-2, 2));
    let scales: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    graph.initializer[1] = tensor("s", &[1, 5], DataType::Float, scales);
    let expected = [1.0, 4.0, 9.0, 16.0, 25.0, -6.0, -14.0, -24.0, -512.0, 635.0];
    assert_eq!(floats(&repaired(&model).initializer[0].raw_data), expected);
}

#[test]
fn what_nothing_reads_is_gone_and_a_dropout_is_passed_by() {
    let graph = repaired(&model());
    let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(operators, ["Gemm", "Relu"]);
    assert_eq!(graph.node[1].input, ["y"]);
    let inputs: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["data"]);
    assert!(graph.value_info.is_empty());
}

#[test]
fn scales_that_do_not_fit_are_refused() {
    let changes: [fn(&mut GraphProto); 5] = [
        |graph| graph.initializer[1].dims = vec![3, 2],
        |graph| graph.initializer[2].dims = vec![6],
        |graph| graph.initializer[0].dims = vec![2, 6],
        |graph| graph.initializer[0].dims = vec![-2, 5],
        |graph| graph.node[0] = blockwise(&["q", "s", "z"], "w", (7, 2)),
    ];
    for change in changes {
        let mut model = model();
        change(model.graph.as_mut().unwrap());
        let outcome = dequantise(&model.encode_to_vec());
        assert!(matches!(outcome, Err(ConvertError::Malformed(_))), "{outcome:?}");
    }
}

#[test]
fn garbage_and_absurd_sizes_are_errors() {
    assert!(matches!(dequantise(b"not a model at all"), Err(ConvertError::Malformed(_))));
    assert!(matches!(dequantise(b""), Err(ConvertError::Malformed(_))));
    let mut model = model();
    model.graph.as_mut().unwrap().initializer[0].dims = vec![i64::MAX, i64::MAX];
    assert!(matches!(dequantise(&model.encode_to_vec()), Err(ConvertError::TooLarge { .. })));
    let whole = self::model().encode_to_vec();
    for len in 0..whole.len() {
        let _either_way = dequantise(&whole[..len]);
    }
}

//! `PRelu` in other words: ONNX Runtime takes it channel by channel, and between convolutions it costs more than they do.

use prost::Message as _;

use super::{ConvertError, graph::read};
use crate::onnx::{DataType, NodeProto, TensorProto};

/// Writes every `PRelu` whose slope `a` is a constant as `(1 - a) * Relu(x) + a * x`, which is the same (ONNX operators,
/// `PRelu`: `x` where it is positive, else `a * x`) and which engines have quick kernels for. SFace takes half the time.
pub fn without_prelu(file: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let ([input, slope], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
            nodes.push(node);
            continue;
        };
        let found = graph.initializer.iter().find(|tensor| tensor.name == *slope);
        let (true, Some(slopes)) = (node.op_type == "PRelu", found) else {
            nodes.push(node);
            continue;
        };
        let rest = rest(slopes, format!("{output}_rest"))?;
        let names = ["positive", "bent", "straight"].map(|part| format!("{output}_{part}"));
        let [positive, bent, straight] = &names;
        nodes.extend([
            simple("Relu", &[input], positive),
            simple("Mul", &[positive, &rest.name], bent),
            simple("Mul", &[input, slope], straight),
            simple("Add", &[bent, straight], output),
        ]);
        graph.initializer.push(rest);
    }
    graph.node = nodes;
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// One less the slopes.
fn rest(slopes: &TensorProto, name: String) -> Result<TensorProto, ConvertError> {
    if slopes.data_type != DataType::Float as i32 {
        return Err(ConvertError::Unsupported(format!("the slope `{}` in other than float32", slopes.name)));
    }
    let (words, odd) = slopes.raw_data.as_chunks::<4>();
    if !odd.is_empty() {
        return Err(ConvertError::Truncated("a tensor"));
    }
    let raw = words.iter().map(|&word| f32::from_le_bytes(word));
    let rest = raw.chain(slopes.float_data.iter().copied()).flat_map(|slope| (1.0 - slope).to_le_bytes());
    Ok(TensorProto {
        name,
        dims: slopes.dims.clone(),
        data_type: slopes.data_type,
        raw_data: rest.collect(),
        ..TensorProto::default()
    })
}

fn simple(op: &str, inputs: &[&String], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&input| input.clone()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::onnx::{GraphProto, ModelProto};

    /// A model of one `PRelu` with these slopes, one a channel of one value.
    fn model(slopes: TensorProto) -> Vec<u8> {
        let nodes = vec![simple("PRelu", &[&"x".to_owned(), &slopes.name], "y")];
        let graph = GraphProto { node: nodes, initializer: vec![slopes], ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn slopes(raw_data: Vec<u8>, float_data: Vec<f32>) -> TensorProto {
        let (data_type, dims) = (DataType::Float as i32, vec![3, 1, 1]);
        TensorProto { name: "a".to_owned(), dims, data_type, raw_data, float_data, ..TensorProto::default() }
    }

    /// What the written nodes make of `x`, by the definitions of their operators.
    fn evaluated(file: &[u8], x: [f32; 3]) -> Vec<f32> {
        let graph = ModelProto::decode(file).unwrap().graph.unwrap();
        let mut values: HashMap<String, Vec<f32>> = HashMap::from([("x".to_owned(), x.to_vec())]);
        for tensor in &graph.initializer {
            let raw = tensor.raw_data.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word));
            values.insert(tensor.name.clone(), raw.chain(tensor.float_data.iter().copied()).collect());
        }
        for node in &graph.node {
            let of = |at: usize| values[&node.input[at]].iter().copied();
            let made: Vec<f32> = match node.op_type.as_str() {
                "Relu" => of(0).map(|value| value.max(0.0)).collect(),
                "Mul" => of(0).zip(of(1)).map(|(a, b)| a * b).collect(),
                "Add" => of(0).zip(of(1)).map(|(a, b)| a + b).collect(),
                other => panic!("{other} is left"),
            };
            values.insert(node.output[0].clone(), made);
        }
        values["y"].clone()
    }

    #[test]
    fn a_bent_line_stays_the_same_line() {
        let a = [0.25_f32, -0.5, 1.5];
        let raw = a.iter().flat_map(|slope| slope.to_le_bytes()).collect();
        for slopes in [slopes(raw, Vec::new()), slopes(Vec::new(), a.to_vec())] {
            let file = without_prelu(&model(slopes)).unwrap();
            assert_eq!(evaluated(&file, [2.0, 4.0, 8.0]), [2.0, 4.0, 8.0]);
            assert_eq!(evaluated(&file, [-2.0, -4.0, -8.0]), [-0.5, 2.0, -12.0]);
        }
    }

    #[test]
    fn what_is_not_understood_is_left_or_refused() {
        let mut graph_without_slope =
            ModelProto::decode(model(slopes(Vec::new(), vec![0.5; 3])).as_slice()).unwrap();
        graph_without_slope.graph.as_mut().unwrap().initializer.clear();
        let kept = without_prelu(&graph_without_slope.encode_to_vec()).unwrap();
        assert_eq!(ModelProto::decode(kept.as_slice()).unwrap().graph.unwrap().node[0].op_type, "PRelu");
        let torn = slopes(vec![1, 2, 3], Vec::new());
        assert_eq!(without_prelu(&model(torn)), Err(ConvertError::Truncated("a tensor")));
        let whole = TensorProto { data_type: DataType::Int8 as i32, ..slopes(vec![1; 4], Vec::new()) };
        assert!(matches!(without_prelu(&model(whole)), Err(ConvertError::Unsupported(_))));
    }
}

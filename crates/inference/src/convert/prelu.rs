//! `PRelu` in other words: ONNX Runtime takes it channel by channel, and between convolutions it costs more than they do.

use prost::Message as _;

use super::{
    ConvertError, Tensor,
    graph::{drop_unread, float_tensor, floats, groups_of, node, read},
};
use crate::onnx::{DataType, GraphProto, NodeProto};

/// Writes every `PRelu` whose slope `a` is a constant in operators that engines have quick kernels for. ONNX defines it
/// as `x` where that is positive, else `a * x`, which is `(1 - a) * Relu(x) + a * x`.
///
/// Where only one convolution reads the result, its weights take the factor `1 - a` over, and `Relu(x) + a / (1 - a) * x`
/// is left. SFace takes less than half the time.
pub fn without_prelu(file: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in graph.node.clone() {
        match Bent::of(&node, &graph)? {
            Some(bent) => nodes.extend(bent.written(&mut graph)?),
            None => nodes.push(node),
        }
    }
    graph.node = nodes;
    drop_unread(&mut graph);
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// A `PRelu` with a constant slope.
struct Bent {
    input: String,
    output: String,
    shape: Vec<usize>,
    slopes: Vec<f32>,
}

impl Bent {
    fn of(node: &NodeProto, graph: &GraphProto) -> Result<Option<Self>, ConvertError> {
        let ([input, slope], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
            return Ok(None);
        };
        let Some(slopes) = constant(graph, slope).filter(|_| node.op_type == "PRelu") else {
            return Ok(None);
        };
        let slopes = &graph.initializer[slopes];
        if slopes.data_type != DataType::Float as i32 {
            return Err(ConvertError::Unsupported(format!("the slope `{slope}` in other than float32")));
        }
        let (shape, slopes) = floats(slopes)?.into_parts();
        Ok(Some(Self { input: input.clone(), output: output.clone(), shape, slopes }))
    }

    fn written(&self, graph: &mut GraphProto) -> Result<Vec<NodeProto>, ConvertError> {
        let [positive, bent, straight] =
            ["positive", "bent", "straight"].map(|part| format!("{}_{part}", self.output));
        let rest: Vec<f32> = self.slopes.iter().map(|slope| 1.0 - slope).collect();
        let relu = node("Relu", &[&self.input], &positive);
        if scale_reader(graph, &self.output, &rest)? {
            let slopes = self.slopes.iter().zip(&rest).map(|(slope, rest)| slope / rest).collect();
            let slopes = self.constant(graph, "slope", slopes)?;
            return Ok(vec![
                relu,
                node("Mul", &[&self.input, &slopes], &straight),
                node("Add", &[&positive, &straight], &self.output),
            ]);
        }
        let slopes = self.constant(graph, "slope", self.slopes.clone())?;
        let rest = self.constant(graph, "rest", rest)?;
        Ok(vec![
            relu,
            node("Mul", &[&positive, &rest], &bent),
            node("Mul", &[&self.input, &slopes], &straight),
            node("Add", &[&bent, &straight], &self.output),
        ])
    }

    /// One number a slope; gives its name.
    fn constant(&self, graph: &mut GraphProto, part: &str, values: Vec<f32>) -> Result<String, ConvertError> {
        let name = format!("{}_{part}", self.output);
        graph.initializer.push(float_tensor(&name, Tensor::new(self.shape.clone(), values)?));
        Ok(name)
    }
}

/// Multiplies what the one convolution that reads `value` makes of each of its channels by that channel's factor, in its
/// weights. Gives `false`, and changes nothing, where that cannot be.
fn scale_reader(graph: &mut GraphProto, value: &str, factors: &[f32]) -> Result<bool, ConvertError> {
    // Next to 0 too little of the number would be left to multiply by.
    let too_small = factors.iter().any(|factor| factor.abs() < 1e-3);
    let readers =
        |name: &str| graph.node.iter().filter(|node| node.input.iter().any(|input| input == name)).collect();
    let of_value: Vec<&NodeProto> = readers(value);
    let given = graph.output.iter().any(|output| output.name == value);
    let [reader] = of_value.as_slice() else { return Ok(false) };
    let ("Conv", [_, weights, ..], false, false) =
        (reader.op_type.as_str(), reader.input.as_slice(), too_small, given)
    else {
        return Ok(false);
    };
    let shared = readers(weights).len() > 1;
    let Some(at) = constant(graph, weights).filter(|_| !shared) else { return Ok(false) };
    let groups = groups_of(reader);
    let (shape, mut values) = floats(&graph.initializer[at])?.into_parts();
    let &[outputs, inputs, height, width] = shape.as_slice() else { return Ok(false) };
    // Each output reads all channels, or, as deep as it is wide, its own.
    let own = match groups {
        1 if inputs == factors.len() => false,
        _ if inputs == 1 && outputs == factors.len() && groups == outputs as i64 => true,
        _ => return Ok(false),
    };
    for (at, plane) in values.chunks_exact_mut((height * width).max(1)).enumerate() {
        let factor = factors[if own { at } else { at % inputs }];
        for weight in plane {
            *weight *= factor;
        }
    }
    let weights = weights.clone();
    graph.initializer[at] = float_tensor(&weights, Tensor::new(shape, values)?);
    Ok(true)
}

/// Where a constant is.
fn constant(graph: &GraphProto, name: &str) -> Option<usize> {
    graph.initializer.iter().position(|tensor| tensor.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{
        convert::graph::integers,
        onnx::{ModelProto, TensorProto, ValueInfoProto},
    };

    /// A model of these nodes and constants, whose output is `z`.
    fn model(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Vec<u8> {
        let output = vec![ValueInfoProto { name: "z".to_owned(), ..ValueInfoProto::default() }];
        let graph = GraphProto { node, initializer, output, ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    /// One `PRelu` with these slopes, one a channel of one value.
    fn alone(slopes: TensorProto) -> Vec<u8> {
        model(vec![node("PRelu", &["x", &slopes.name], "z")], vec![slopes])
    }

    /// The same before a convolution of these weights.
    fn before(groups: i64, weights: TensorProto) -> Vec<u8> {
        let mut convolution = node("Conv", &["y", "w"], "z");
        convolution.attribute = vec![integers("group", &[groups])];
        let slopes = slopes(Vec::new(), SLOPES.to_vec());
        model(vec![node("PRelu", &["x", "a"], "y"), convolution], vec![slopes, weights])
    }

    const SLOPES: [f32; 3] = [0.25, -0.5, 1.5];

    fn slopes(raw_data: Vec<u8>, float_data: Vec<f32>) -> TensorProto {
        let (data_type, dims) = (DataType::Float as i32, vec![3, 1, 1]);
        TensorProto { name: "a".to_owned(), dims, data_type, raw_data, float_data, ..TensorProto::default() }
    }

    fn weights(outputs: usize, inputs: usize) -> TensorProto {
        let values = (1..=outputs * inputs).map(|number| number as f32).collect();
        float_tensor("w", Tensor::new(vec![outputs, inputs, 1, 1], values).unwrap())
    }

    fn graph(file: &[u8]) -> GraphProto {
        ModelProto::decode(file).unwrap().graph.unwrap()
    }

    fn operators(file: &[u8]) -> Vec<String> {
        graph(file).node.into_iter().map(|node| node.op_type).collect()
    }

    /// What the written nodes make of `x`, by the definitions of their operators.
    fn evaluated(file: &[u8], x: [f32; 3]) -> Vec<f32> {
        let graph = graph(file);
        let mut values: HashMap<String, Vec<f32>> = HashMap::from([("x".to_owned(), x.to_vec())]);
        for tensor in &graph.initializer {
            values.insert(tensor.name.clone(), floats(tensor).unwrap().into_parts().1);
        }
        for node in &graph.node {
            let of = |at: usize| values[&node.input[at]].iter().copied();
            let bent = |(x, slope): (f32, f32)| if x > 0.0 { x } else { slope * x };
            let made: Vec<f32> = match node.op_type.as_str() {
                "PRelu" => of(0).zip(of(1)).map(bent).collect(),
                "Relu" => of(0).map(|value| value.max(0.0)).collect(),
                "Mul" => of(0).zip(of(1)).map(|(a, b)| a * b).collect(),
                "Add" => of(0).zip(of(1)).map(|(a, b)| a + b).collect(),
                "Conv" if node.attribute[0].i == 3 => of(0).zip(of(1)).map(|(a, b)| a * b).collect(),
                "Conv" => {
                    let weights: Vec<f32> = of(1).collect();
                    weights.chunks_exact(3).map(|row| of(0).zip(row).map(|(a, b)| a * b).sum()).collect()
                }
                other => panic!("{other} is left"),
            };
            values.insert(node.output[0].clone(), made);
        }
        values["z"].clone()
    }

    #[test]
    fn a_bent_line_stays_the_same_line() {
        let raw = SLOPES.iter().flat_map(|slope| slope.to_le_bytes()).collect();
        for slopes in [slopes(raw, Vec::new()), slopes(Vec::new(), SLOPES.to_vec())] {
            let file = without_prelu(&alone(slopes)).unwrap();
            assert_eq!(operators(&file), ["Relu", "Mul", "Mul", "Add"]);
            assert_eq!(evaluated(&file, [2.0, 4.0, 8.0]), [2.0, 4.0, 8.0]);
            assert_eq!(evaluated(&file, [-2.0, -4.0, -8.0]), [-0.5, 2.0, -12.0]);
        }
    }

    #[test]
    fn a_convolution_behind_takes_a_factor_over() {
        for (groups, weights) in [(1, weights(2, 3)), (3, weights(3, 1))] {
            let before = before(groups, weights);
            let file = without_prelu(&before).unwrap();
            assert_eq!(operators(&file), ["Relu", "Mul", "Add", "Conv"]);
            let constants: Vec<String> =
                graph(&file).initializer.into_iter().map(|tensor| tensor.name).collect();
            assert_eq!(constants, ["w", "y_slope"]);
            for x in [[2.0, 4.0, 8.0], [-2.0, -4.0, -8.0], [1.5, -3.0, 0.0]] {
                for (got, wanted) in evaluated(&file, x).into_iter().zip(evaluated(&before, x)) {
                    assert!((got - wanted).abs() < 1e-5, "{got} is not {wanted}");
                }
            }
        }
    }

    /// A convolution that others share, of other channels, or whose factor would vanish.
    #[test]
    fn where_a_factor_cannot_go_into_weights_it_stays() {
        let kept = |file: Vec<u8>| {
            let written = without_prelu(&file).unwrap();
            assert_eq!(operators(&written)[..4], ["Relu", "Mul", "Mul", "Add"]);
            assert_eq!(evaluated(&written, [-2.0, 4.0, -8.0]), evaluated(&file, [-2.0, 4.0, -8.0]));
        };
        let (mut nodes, constants) = {
            let graph = graph(&before(1, weights(2, 3)));
            (graph.node, graph.initializer)
        };
        let mut other = nodes[1].clone();
        other.input[0] = "x".to_owned();
        other.output[0] = "other".to_owned();
        nodes.push(other);
        kept(model(nodes, constants));
        let vanishing = slopes(Vec::new(), vec![0.25, 1.0, 0.5]);
        let before = graph(&before(1, weights(2, 3)));
        kept(model(before.node, vec![vanishing, weights(2, 3)]));
    }

    #[test]
    fn what_is_not_understood_is_left_or_refused() {
        let mut without_slope =
            ModelProto::decode(alone(slopes(Vec::new(), vec![0.5; 3])).as_slice()).unwrap();
        without_slope.graph.as_mut().unwrap().initializer.clear();
        let kept = without_prelu(&without_slope.encode_to_vec()).unwrap();
        assert_eq!(operators(&kept), ["PRelu"]);
        let torn = slopes(vec![1, 2, 3], Vec::new());
        assert_eq!(without_prelu(&alone(torn)), Err(ConvertError::Truncated("a tensor")));
        let whole = TensorProto { data_type: DataType::Int8 as i32, ..slopes(vec![1; 4], Vec::new()) };
        assert!(matches!(without_prelu(&alone(whole)), Err(ConvertError::Unsupported(_))));
    }
}

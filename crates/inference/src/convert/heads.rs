//! Narrow convolutions side by side, made one. A detector reads a feature map by several heads of one to ten channels,
//! and vector code works through sixteen in the time of one.

use std::collections::HashMap;

use prost::Message as _;

use super::{
    ConvertError, Tensor,
    graph::{
        bytes_tensor, drop_unread, float_tensor, floats, groups_of, has_operators, integers, node, read,
    },
};
use crate::onnx::{AttributeProto, DataType, GraphProto, NodeProto, TensorProto};

/// The first operator set in which `Split` takes its sizes as an input.
const OPSET: i64 = 13;

/// Makes one pair of all pairs of convolutions, a pointwise one and a depthwise one that alone reads it, that read the
/// same value in the same way; `Split` gives what they made its old names. Every number is computed from the same
/// numbers as before. `YuNet` takes a twelfth less time.
pub fn merged_heads(file: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    let groups = groups(&graph);
    if !groups.is_empty() && !has_operators(&model, OPSET) {
        return Err(ConvertError::unsupported(format!("an operator set before {OPSET}")));
    }
    let mut nodes: Vec<NodeProto> = Vec::with_capacity(graph.node.len());
    let mut made = Vec::new();
    for node in &graph.node {
        match groups.iter().find(|group| group.iter().any(|head| head.has(node))) {
            // What a group reads is there before its first node.
            Some(group) if *node == *group[0].pointwise => {
                let (merged, constants) = merged(group)?;
                nodes.extend(merged);
                made.extend(constants);
            }
            Some(_) => {}
            None => nodes.push(node.clone()),
        }
    }
    graph.initializer.extend(made);
    graph.node = nodes;
    drop_unread(&mut graph);
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// A pointwise convolution and the depthwise one behind it.
struct Head<'a> {
    pointwise: &'a NodeProto,
    depthwise: &'a NodeProto,
    /// Weights and biases, the pointwise ones first.
    constants: [&'a TensorProto; 4],
}

/// The heads that can be made one, at least two each.
fn groups(graph: &GraphProto) -> Vec<Vec<Head<'_>>> {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut groups: Vec<Vec<Head<'_>>> = Vec::new();
    for head in graph.node.iter().filter_map(|node| Head::at(node, graph, &constants)) {
        match groups.iter_mut().find(|group| group[0].is_like(&head)) {
            Some(group) => group.push(head),
            None => groups.push(vec![head]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

impl<'a> Head<'a> {
    fn at(
        pointwise: &'a NodeProto,
        graph: &'a GraphProto,
        constants: &HashMap<&str, &'a TensorProto>,
    ) -> Option<Self> {
        let [_, weights, bias] = convolution(pointwise)?;
        let [value] = pointwise.output.as_slice() else { return None };
        let given = graph.output.iter().any(|output| output.name == *value);
        let mut readers = graph.node.iter().filter(|node| node.input.contains(value));
        let depthwise = readers.next().filter(|_| readers.next().is_none() && !given)?;
        let [read, own_weights, own_bias] = convolution(depthwise)?;
        let constant = |name: &str| {
            let tensor = constants.get(name).copied();
            tensor.filter(|tensor| tensor.data_type == DataType::Float as i32)
        };
        let constants = [constant(weights)?, constant(bias)?, constant(own_weights)?, constant(own_bias)?];
        let &[channels, _, 1, 1] = constants[0].dims.as_slice() else { return None };
        let own = constants[2].dims.first() == Some(&channels) && constants[2].dims.get(1) == Some(&1);
        let fits = read == value && groups_of(pointwise) == 1 && groups_of(depthwise) == channels && own;
        fits.then_some(Self { pointwise, depthwise, constants })
    }

    fn has(&self, node: &NodeProto) -> bool {
        node == self.pointwise || node == self.depthwise
    }

    /// Whether both do the same, to other channels.
    fn is_like(&self, other: &Self) -> bool {
        let shape = |head: &Self| head.constants.map(|tensor| tensor.dims.get(1..).map(<[i64]>::to_vec));
        self.pointwise.input[0] == other.pointwise.input[0]
            && geometry(self.pointwise).eq(geometry(other.pointwise))
            && geometry(self.depthwise).eq(geometry(other.depthwise))
            && shape(self) == shape(other)
    }

    fn channels(&self) -> i64 {
        self.constants[0].dims[0]
    }
}

/// What a convolution with a bias reads.
fn convolution(node: &NodeProto) -> Option<[&String; 3]> {
    let inputs: [&String; 3] = node.input.iter().collect::<Vec<_>>().try_into().ok()?;
    (node.op_type == "Conv").then_some(inputs)
}

/// Strides, padding and the like.
fn geometry(convolution: &NodeProto) -> impl Iterator<Item = &AttributeProto> {
    convolution.attribute.iter().filter(|attribute| attribute.name != "group")
}

/// The nodes that do the work of all heads, and their constants.
fn merged(group: &[Head<'_>]) -> Result<([NodeProto; 3], [TensorProto; 5]), ConvertError> {
    let of = |part: &str| format!("{}_heads_{part}", group[0].pointwise.input[0]);
    let [pointwise, depthwise, sizes] = ["pointwise", "depthwise", "sizes"].map(of);
    let names = ["weights", "biases", "own_weights", "own_biases"].map(of);
    let channels: Vec<i64> = group.iter().map(Head::channels).collect();
    let bytes = channels.iter().flat_map(|size| size.to_le_bytes()).collect();
    let [weights, biases, own_weights, own_biases] =
        [0, 1, 2, 3].map(|part| joined(group, part, &names[part]));
    let constants = [
        weights?,
        biases?,
        own_weights?,
        own_biases?,
        bytes_tensor(&sizes, &[channels.len() as i64], DataType::Int64, bytes),
    ];
    let convolution = |[input, weights, bias]: [&str; 3], output: &str, groups: i64, like: &NodeProto| {
        let attribute = geometry(like).cloned().chain([integers("group", &[groups])]).collect();
        NodeProto { attribute, ..node("Conv", &[input, weights, bias], output) }
    };
    let first = &group[0];
    let nodes = [
        convolution([&first.pointwise.input[0], &names[0], &names[1]], &pointwise, 1, first.pointwise),
        convolution([&pointwise, &names[2], &names[3]], &depthwise, channels.iter().sum(), first.depthwise),
        NodeProto {
            output: group.iter().map(|head| head.depthwise.output[0].clone()).collect(),
            attribute: vec![integers("axis", &[1])],
            ..node("Split", &[&depthwise, &sizes], &of("split"))
        },
    ];
    Ok((nodes, constants))
}

/// One constant of all heads, one head's channels after the other's.
fn joined(group: &[Head<'_>], part: usize, name: &str) -> Result<TensorProto, ConvertError> {
    let (mut shape, mut values) = floats(group[0].constants[part])?.into_parts();
    for head in &group[1..] {
        let (more, others) = floats(head.constants[part])?.into_parts();
        shape[0] += more[0];
        values.extend(others);
    }
    Ok(float_tensor(name, Tensor::new(shape, values)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{ModelProto, OperatorSetIdProto, ValueInfoProto};

    /// Where the second head begins.
    const POINTWISE: usize = 4;
    const DEPTHWISE: usize = POINTWISE + 1;

    /// Heads of these channels behind a `Relu` of two channels; the planes have one value each.
    fn detector(channels: &[usize]) -> GraphProto {
        let mut graph = GraphProto { node: vec![node("Relu", &["x"], "map")], ..GraphProto::default() };
        for (head, &channels) in channels.iter().enumerate() {
            let name = |part: &str| format!("{part}{head}");
            let values = |count: usize| (1..=count).map(|n| (n * 3 + head) as f32).collect();
            for (part, shape) in [
                ("w", vec![channels, 2, 1, 1]),
                ("b", vec![channels]),
                ("v", vec![channels, 1, 1, 1]),
                ("c", vec![channels]),
            ] {
                let tensor = Tensor::new(shape.clone(), values(shape.iter().product())).unwrap();
                graph.initializer.push(float_tensor(&name(part), tensor));
            }
            let convolution = |inputs: [String; 3], output: String, groups: usize| NodeProto {
                attribute: vec![integers("strides", &[1, 1]), integers("group", &[groups as i64])],
                ..node("Conv", &inputs.each_ref().map(String::as_str), &output)
            };
            graph.node.push(convolution(["map".to_owned(), name("w"), name("b")], name("p"), 1));
            graph.node.push(convolution([name("p"), name("v"), name("c")], name("d"), channels));
            graph.node.push(node("Relu", &[&name("d")], &name("out")));
            graph.output.push(ValueInfoProto { name: name("out"), ..ValueInfoProto::default() });
        }
        graph
    }

    fn file(graph: GraphProto, version: i64) -> Vec<u8> {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version }];
        ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
    }

    fn graph(file: &[u8]) -> GraphProto {
        ModelProto::decode(file).unwrap().graph.unwrap()
    }

    fn operators(graph: &GraphProto) -> Vec<&str> {
        graph.node.iter().map(|node| node.op_type.as_str()).collect()
    }

    /// The outputs, by the definitions of the operators for planes of one value.
    fn evaluated(graph: &GraphProto, x: [f32; 2]) -> Vec<Vec<f32>> {
        let mut values: HashMap<&str, Vec<f32>> = HashMap::from([("x", x.to_vec())]);
        for tensor in graph.initializer.iter().filter(|tensor| tensor.data_type == DataType::Float as i32) {
            values.insert(&tensor.name, floats(tensor).unwrap().into_parts().1);
        }
        for node in &graph.node {
            let of = |at: usize| values[node.input[at].as_str()].as_slice();
            let made: Vec<f32> = match node.op_type.as_str() {
                "Relu" => of(0).iter().map(|value| value.max(0.0)).collect(),
                "Split" => of(0).to_vec(),
                "Conv" if of(1).len() == of(2).len() => {
                    of(0).iter().zip(of(1)).zip(of(2)).map(|((x, weight), bias)| x * weight + bias).collect()
                }
                "Conv" => of(1)
                    .chunks_exact(2)
                    .zip(of(2))
                    .map(|(row, bias)| row[0] * of(0)[0] + row[1] * of(0)[1] + bias)
                    .collect(),
                other => panic!("{other} is not expected"),
            };
            let mut made = made.into_iter();
            for (output, size) in node.output.iter().zip(sizes(graph, node)) {
                values.insert(output, made.by_ref().take(size).collect());
            }
            assert_eq!(made.next(), None, "{node:?}");
        }
        graph.output.iter().map(|output| values[output.name.as_str()].clone()).collect()
    }

    /// How many values each output of a node takes.
    fn sizes(graph: &GraphProto, node: &NodeProto) -> Vec<usize> {
        if node.op_type != "Split" {
            return vec![usize::MAX];
        }
        let sizes = graph.initializer.iter().find(|tensor| tensor.name == node.input[1]).unwrap();
        sizes.raw_data.as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as usize).collect()
    }

    #[test]
    fn heads_of_one_map_are_one_and_say_the_same() {
        let before = detector(&[1, 4, 1, 10]);
        let after = graph(&merged_heads(&file(before.clone(), 13)).unwrap());
        assert_eq!(operators(&after), ["Relu", "Conv", "Conv", "Split", "Relu", "Relu", "Relu", "Relu"]);
        assert_eq!(groups_of(&after.node[2]), 16);
        assert_eq!(after.initializer.len(), 5);
        for x in [[1.0, 2.0], [-1.0, 0.5]] {
            assert_eq!(evaluated(&after, x), evaluated(&before, x));
        }
    }

    #[test]
    fn only_what_is_done_alike_is_done_together() {
        let untouched = |change: fn(&mut GraphProto)| {
            let mut before = detector(&[2, 3]);
            change(&mut before);
            assert_eq!(graph(&merged_heads(&file(before.clone(), 13)).unwrap()), before);
        };
        assert_eq!(detector(&[2, 3]).node[POINTWISE].output[0], "p1");
        // Other strides; another map; a value in between that others want, too; a depthwise one that mixes channels.
        untouched(|graph| graph.node[DEPTHWISE].attribute[0] = integers("strides", &[2, 2]));
        untouched(|graph| graph.node[POINTWISE].input[0] = "x".to_owned());
        untouched(|graph| {
            graph.output.push(ValueInfoProto { name: "p1".to_owned(), ..ValueInfoProto::default() });
        });
        untouched(|graph| graph.node.push(node("Relu", &["p1"], "more")));
        untouched(|graph| graph.node[DEPTHWISE].attribute[1] = integers("group", &[1]));
        untouched(|graph| graph.node[DEPTHWISE].op_type = "ConvTranspose".to_owned());
    }

    #[test]
    fn an_old_set_of_operators_is_refused_where_it_matters() {
        assert!(matches!(merged_heads(&file(detector(&[2, 3]), 12)), Err(ConvertError::Unsupported(_))));
        assert!(merged_heads(&file(detector(&[2]), 12)).is_ok());
        assert!(matches!(merged_heads(b"no model"), Err(ConvertError::Malformed(_))));
    }
}

//! Quantised networks against the float ones that they were made of.

use prost::Message as _;

use super::{
    Numbers,
    plane::Plane,
    run::{floats, run},
};
use crate::{
    convert::{
        ConvertError, Tensor,
        graph::Graph,
        layers::Convolution,
        quantise::{Calibration, Ranges, int8},
    },
    onnx::{DataType, GraphProto, ModelProto},
};

const SIDE: usize = 8;

fn layer(numbers: &mut Numbers, [outputs, inputs, size]: [usize; 3], groups: usize) -> Convolution {
    let shape = vec![outputs, inputs / groups, size, size];
    let kernel = Tensor::new(shape.clone(), numbers.vector(shape.iter().product())).unwrap();
    let pad = size / 2;
    Convolution { kernel, bias: numbers.vector(outputs), strides: [1; 2], pads: [pad; 4], groups }
}

/// Everything that the converters write around convolutions: ReLU and its clipped kind, a residual addition, a depthwise
/// convolution, both pools, a linear layer.
fn network() -> Vec<u8> {
    let mut numbers = Numbers(21);
    let mut graph = Graph::named("small");
    let zero = graph.constant("zero", Tensor::scalar(0.0));
    let six = graph.constant("six", Tensor::scalar(6.0));
    let stem = graph.convolution("images", "stem", layer(&mut numbers, [6, 3, 3], 1));
    let stem = graph.node("Relu", &[&stem], "stem.relu", &[]);
    let pool: [(&str, &[i64]); 3] =
        [("kernel_shape", &[3, 3]), ("strides", &[2, 2]), ("pads", &[1, 1, 1, 1])];
    let pooled = graph.node("MaxPool", &[&stem], "pool", &pool);
    let depth = graph.convolution(&pooled, "depth", layer(&mut numbers, [6, 6, 3], 6));
    let depth = graph.node("Clip", &[&depth, &zero, &six], "depth.relu6", &[]);
    let project = graph.convolution(&depth, "project", layer(&mut numbers, [6, 6, 1], 1));
    let sum = graph.node("Add", &[&project, &pooled], "sum", &[]);
    let weights = Tensor::new(vec![4, 6], numbers.vector(24)).unwrap();
    graph.classifier(&sum, weights, Tensor::vector(numbers.vector(4)));
    graph.into_file(("images", &[3, SIDE, SIDE]), ("probabilities", &[4]))
}

/// One convolution; its outcome is averaged.
fn single() -> (Convolution, Vec<u8>) {
    let layer = layer(&mut Numbers(33), [4, 5, 3], 1);
    let mut graph = Graph::named("single");
    graph.convolution("images", "only", layer.clone());
    graph.node("GlobalAveragePool", &["only"], "average", &[]);
    (layer, graph.into_file(("images", &[5, SIDE, SIDE]), ("average", &[4, 1, 1])))
}

fn image(channels: usize, seed: u64) -> Plane {
    Plane::new(channels, SIDE, Numbers(seed).vector(channels * SIDE * SIDE))
}

fn graph(file: &[u8]) -> GraphProto {
    ModelProto::decode(file).unwrap().graph.unwrap()
}

fn operators(file: &[u8]) -> Vec<String> {
    graph(file).node.into_iter().map(|node| format!("{} {}", node.op_type, node.output[0])).collect()
}

/// With what a run of the float network says.
const RANGES: &str = "images = [-1.0, 1.0]
'stem.relu' = [0.0, 9.0]
'depth.relu6' = [0.0, 6.0]
project = [-8.0, 8.0]
sum = [-8.0, 14.0]
features = [-8.0, 14.0]
";

#[test]
fn one_convolution_is_no_further_off_than_its_roundings_add_up_to() {
    let (layer, file) = single();
    let (low, high) = (-20.0, 20.0);
    let ranges = Ranges::parse(&format!("images = [-1.0, 1.0]\nonly = [{low:?}, {high:?}]")).unwrap();
    let made = int8(&file, &ranges).unwrap();
    let (input_step, output_step) = (2.0 / 255.0, (high - low) / 255.0_f32);
    for seed in 0..5 {
        let (exact, found) = (run(&file, image(5, seed)), run(&made, image(5, seed)));
        for (channel, (exact, found)) in exact.iter().zip(&found).enumerate() {
            let weights = &layer.kernel.values()[channel * 45..(channel + 1) * 45];
            let weight_step = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs())) / 127.0;
            // An input is at most half a step off (and half, where zero was moved), a weight a whole one; none is
            // larger than 1. The average is no further off than the worst place.
            let weights: f32 = weights.iter().map(|weight| weight.abs()).sum();
            let products = weights * input_step + 45.0 * weight_step * (1.0 + input_step);
            let bound = products + weight_step * input_step + output_step;
            assert!((exact - found).abs() <= bound, "{channel}: {exact} {found}, at most {bound}");
            assert!((exact - found).abs() > 0.0, "nothing was rounded");
        }
    }
}

#[test]
fn a_whole_network_says_nearly_the_same() {
    let file = network();
    let made = int8(&file, &Ranges::parse(RANGES).unwrap()).unwrap();
    for seed in 40..45 {
        let (exact, found) = (run(&file, image(3, seed)), run(&made, image(3, seed)));
        let worst = exact.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{exact:?} {found:?}");
    }
}

#[test]
fn bytes_surround_what_an_engine_makes_integer_operators_of() {
    let made = int8(&network(), &Ranges::parse(RANGES).unwrap()).unwrap();
    let expected = [
        "QuantizeLinear images.quantised",
        "DequantizeLinear images.dequantised",
        "DequantizeLinear stem.weight.dequantised",
        "DequantizeLinear stem.bias.dequantised",
        "Conv stem",
        "Relu stem.relu",
        "QuantizeLinear stem.relu.quantised",
        "DequantizeLinear stem.relu.dequantised",
        "MaxPool pool",
        "QuantizeLinear pool.quantised",
        "DequantizeLinear pool.dequantised",
    ];
    assert_eq!(operators(&made)[..expected.len()], expected);
    let graph = graph(&made);
    let node = |output: &str| graph.node.iter().find(|node| node.output[0] == output).unwrap();
    assert_eq!(node("sum").input, ["project.dequantised", "pool.dequantised"]);
    assert_eq!(node("pooled").input, ["sum.dequantised"]);
    assert_eq!(node("logits").input[0], "features.dequantised");
    assert_eq!(node("probabilities").input, ["logits"], "probabilities are floats");
    let constant = |name: &str| graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
    assert_eq!(constant("pool.scale").raw_data, constant("stem.relu.scale").raw_data);
    let kind = |name: &str| DataType::try_from(constant(name).data_type).unwrap();
    assert_eq!(kind("stem.weight.quantised"), DataType::Int8);
    assert_eq!(kind("stem.bias.quantised"), DataType::Int32);
    assert_eq!(kind("images.zero"), DataType::Uint8);
    assert!(
        graph.initializer.iter().all(|tensor| tensor.name != "stem.weight"),
        "the float weights stay behind"
    );
}

#[test]
fn what_has_no_range_stays_float() {
    let ranges = Ranges::parse(RANGES).unwrap().without(&["features".to_owned(), "images".to_owned()]);
    let made = graph(&int8(&network(), &ranges).unwrap());
    let node = |output: &str| made.node.iter().find(|node| node.output[0] == output).unwrap();
    assert_eq!(node("stem").input, ["images", "stem.weight", "stem.bias"]);
    assert_eq!(node("logits").input, ["features", "classifier.weight", "classifier.bias"]);
    assert_eq!(node("depth").input[1], "depth.weight.dequantised");
}

#[test]
fn a_calibration_finds_the_ranges_of_what_it_is_shown() {
    let (mut calibration, watched) = Calibration::begin(&network()).unwrap();
    let outputs: Vec<String> = graph(&watched).output.into_iter().map(|output| output.name).collect();
    assert_eq!(outputs, ["probabilities", "stem.relu", "depth.relu6", "project", "sum", "features"]);
    for name in outputs {
        calibration.see(&name, &[-1.0, 0.0, 3.0, 3.0, 3.00001]);
    }
    calibration.see("images", &[-0.123_456, 0.5]);
    let ranges = calibration.ranges();
    assert_eq!(ranges.len(), 6, "{ranges}");
    assert!(ranges.to_string().contains("\"images\" = [-0.1235, 0.5]\n"), "{ranges}");
    assert!(int8(&network(), &ranges).is_ok());
}

#[test]
fn ranges_of_another_model_are_refused() {
    let ranges = Ranges::parse("nowhere = [0.0, 1.0]").unwrap();
    let error = int8(&network(), &ranges).unwrap_err();
    assert!(error.to_string().contains("a range for `nowhere`"), "{error}");
    assert!(matches!(int8(b"garbage", &ranges), Err(ConvertError::Malformed(_))));
    let mut old = ModelProto::decode(network().as_slice()).unwrap();
    old.opset_import[0].version = 12;
    assert!(matches!(int8(&old.encode_to_vec(), &Ranges::default()), Err(ConvertError::Unsupported(_))));
}

#[test]
fn a_damaged_model_is_an_error_and_never_a_crash() {
    let ranges = Ranges::parse(RANGES).unwrap();
    let whole = network();
    for len in (0..whole.len()).step_by(7) {
        let _either_way = int8(&whole[..len], &ranges);
    }
    let mut model = ModelProto::decode(whole.as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.iter_mut().for_each(|tensor| tensor.dims = vec![-1, 5]);
    assert!(matches!(int8(&model.encode_to_vec(), &ranges), Err(ConvertError::Malformed(_))));
    let again = int8(&int8(&whole, &ranges).unwrap(), &ranges).unwrap_err();
    assert!(again.to_string().contains("is taken"), "{again}");
}

#[test]
fn values_that_are_stored_as_numbers_are_read_too() {
    let mut model = ModelProto::decode(network().as_slice()).unwrap();
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        tensor.float_data = floats(&std::mem::take(&mut tensor.raw_data));
    }
    let ranges = Ranges::parse(RANGES).unwrap();
    let (one, other) = (int8(&network(), &ranges).unwrap(), int8(&model.encode_to_vec(), &ranges).unwrap());
    let weights = |file: &[u8]| {
        let found =
            graph(file).initializer.into_iter().find(|tensor| tensor.name == "depth.weight.quantised");
        found.unwrap().raw_data
    };
    assert_eq!(weights(&one), weights(&other));
}

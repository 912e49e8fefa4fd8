//! Models whose weights are stored in fewer bytes.

use prost::Message as _;

use super::{Numbers, plane::Plane, run::run};
use crate::{
    convert::{ConvertError, Storage, Tensor, graph::Graph, layers::Convolution, stored},
    onnx::{DataType, ModelProto},
};

const SIDE: usize = 6;

fn network() -> Vec<u8> {
    let mut numbers = Numbers(8);
    let mut graph = Graph::named("small");
    let kernel = Tensor::new(vec![16, 8, 3, 3], numbers.vector(16 * 8 * 9)).unwrap();
    let layer = Convolution { kernel, bias: numbers.vector(16), strides: [1; 2], pads: [1; 4], groups: 1 };
    let value = graph.convolution("images", "conv", layer);
    let kernel = Tensor::new(vec![16, 1, 5, 5], numbers.vector(16 * 25)).unwrap();
    let depth = Convolution { kernel, bias: numbers.vector(16), strides: [1; 2], pads: [2; 4], groups: 16 };
    let value = graph.convolution(&value, "depth", depth);
    let weights = Tensor::new(vec![4, 16], numbers.vector(64)).unwrap();
    graph.classifier(&value, weights, Tensor::vector(numbers.vector(4)));
    graph.into_file(("images", &[8, SIDE, SIDE]), ("probabilities", &[4]))
}

/// Types and bytes of the constants, by name.
fn constant(file: &[u8], name: &str) -> Option<(DataType, usize)> {
    let graph = ModelProto::decode(file).unwrap().graph.unwrap();
    let tensor = graph.initializer.into_iter().find(|tensor| tensor.name == name)?;
    Some((DataType::try_from(tensor.data_type).unwrap(), tensor.raw_data.len()))
}

#[test]
fn the_outcome_hardly_changes() {
    let image = Plane::new(8, SIDE, Numbers(9).vector(8 * SIDE * SIDE));
    let exact = run(&network(), image.clone());
    for (storage, most) in [(Storage::Float32, 0.0), (Storage::Fp16, 2e-4), (Storage::Int8, 5e-3)] {
        let found = run(&stored(&network(), storage).unwrap(), image.clone());
        let worst = exact.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= most, "{storage:?} is {worst} off");
    }
}

#[test]
fn large_weights_are_smaller_and_all_else_stays() {
    let [half, byte] = [Storage::Fp16, Storage::Int8].map(|storage| stored(&network(), storage).unwrap());
    assert_eq!(constant(&half, "conv.weight.fp16"), Some((DataType::Float16, 16 * 72 * 2)));
    assert_eq!(constant(&byte, "conv.weight.int8"), Some((DataType::Int8, 16 * 72)));
    assert_eq!(constant(&byte, "conv.weight.scale"), Some((DataType::Float, 64)));
    for file in [&half, &byte] {
        assert_eq!(
            constant(file, "depth.weight.fp16"),
            Some((DataType::Float16, 16 * 25 * 2)),
            "its rows are short"
        );
        assert_eq!(constant(file, "conv.weight"), None);
        assert_eq!(constant(file, "conv.bias"), Some((DataType::Float, 64)));
        assert_eq!(constant(file, "classifier.weight"), Some((DataType::Float, 256)), "64 weights are few");
    }
}

#[test]
fn weights_beyond_the_reach_of_halves_stay_floats() {
    let mut model = ModelProto::decode(network().as_slice()).unwrap();
    let tensors = &mut model.graph.as_mut().unwrap().initializer;
    tensors[0].raw_data[..4].copy_from_slice(&70_000.0_f32.to_le_bytes());
    let file = stored(&model.encode_to_vec(), Storage::Fp16).unwrap();
    assert_eq!(constant(&file, "conv.weight"), Some((DataType::Float, 16 * 72 * 4)));
}

#[test]
fn garbage_is_an_error() {
    assert!(matches!(stored(b"garbage", Storage::Int8), Err(ConvertError::Malformed(_))));
}

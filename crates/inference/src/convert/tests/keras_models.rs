//! A tiny network in the manner of ResNet, as TensorFlow.js writes it.

use serde_json::{Value, json};

use super::{
    Numbers, assert_close,
    plane::{Plane, Window, linear, softmax},
    run::run,
};
use crate::convert::{ConvertError, keras};

const SIDE: usize = 11;
const CLASSES: usize = 4;
const EPSILON: f32 = 1e-3;

/// Layers with a kernel: name, size, inputs, outputs.
const CONVOLUTIONS: [(&str, usize, usize, usize); 3] =
    [("stem", 3, 3, 6), ("long", 3, 6, 5), ("short", 1, 6, 5)];

struct Network {
    /// `model.json`.
    model: Value,
    /// Name, shape, values; in the order of the shards.
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

fn layer(class: &str, name: &str, inputs: &[&str], config: &Value) -> Value {
    let inbound: Vec<Value> = inputs.iter().map(|input| json!([input, 0, 0, {}])).collect();
    let inbound = if inputs.is_empty() { json!([]) } else { json!([inbound]) };
    json!({ "class_name": class, "name": name, "config": config, "inbound_nodes": inbound })
}

fn convolution(name: &str, input: &str, strides: usize, padding: &str) -> Value {
    layer(
        "Conv2D",
        name,
        &[input],
        &json!({
            "strides": [strides, strides], "padding": padding, "use_bias": true, "dilation_rate": [1, 1],
            "activation": "linear", "data_format": "channels_last",
        }),
    )
}

fn norm(name: &str, input: &str) -> Value {
    layer(
        "BatchNormalization",
        name,
        &[input],
        &json!({ "epsilon": EPSILON, "axis": [3], "center": true, "scale": true }),
    )
}

fn padding(name: &str, input: &str) -> Value {
    layer(
        "ZeroPadding2D",
        name,
        &[input],
        &json!({ "padding": [[1, 1], [1, 1]], "data_format": "channels_last" }),
    )
}

fn relu(name: &str, input: &str) -> Value {
    layer("Activation", name, &[input], &json!({ "activation": "relu" }))
}

fn network() -> Network {
    let pool =
        json!({ "pool_size": [3, 3], "strides": [2, 2], "padding": "valid", "data_format": "channels_last" });
    let layers = vec![
        layer("InputLayer", "input", &[], &json!({ "batch_input_shape": [null, SIDE, SIDE, 3] })),
        padding("pad", "input"),
        convolution("stem", "pad", 2, "valid"),
        norm("stem_bn", "stem"),
        relu("stem_relu", "stem_bn"),
        padding("pool_pad", "stem_relu"),
        layer("MaxPooling2D", "pool", &["pool_pad"], &pool),
        convolution("long", "pool", 1, "same"),
        norm("long_bn", "long"),
        convolution("short", "pool", 1, "valid"),
        norm("short_bn", "short"),
        layer("Add", "sum", &["long_bn", "short_bn"], &json!({})),
        relu("sum_relu", "sum"),
        layer("GlobalAveragePooling2D", "average", &["sum_relu"], &json!({ "data_format": "channels_last" })),
        layer("Dense", "dense", &["average"], &json!({ "activation": "softmax", "use_bias": true })),
    ];
    let mut numbers = Numbers(3);
    let mut tensors = Vec::new();
    for (name, size, inputs, outputs) in CONVOLUTIONS {
        let mut add =
            |name: String, shape: &[usize], values: Vec<f32>| tensors.push((name, shape.to_vec(), values));
        add(
            format!("{name}/kernel"),
            &[size, size, inputs, outputs],
            numbers.vector(size * size * inputs * outputs),
        );
        add(format!("{name}/bias"), &[outputs], numbers.vector(outputs));
        add(format!("{name}_bn/gamma"), &[outputs], numbers.positive(outputs));
        add(format!("{name}_bn/beta"), &[outputs], numbers.vector(outputs));
        add(format!("{name}_bn/moving_mean"), &[outputs], numbers.vector(outputs));
        add(format!("{name}_bn/moving_variance"), &[outputs], numbers.positive(outputs));
    }
    tensors.push(("dense/kernel".to_owned(), vec![5, CLASSES], numbers.vector(5 * CLASSES)));
    tensors.push(("dense/bias".to_owned(), vec![CLASSES], numbers.vector(CLASSES)));
    let entry = |(name, shape, _): &(String, Vec<usize>, Vec<f32>)| json!({ "name": name, "shape": shape, "dtype": "float32" });
    let weights: Vec<Value> = tensors.iter().map(entry).collect();
    let model = json!({
        "modelTopology": { "model_config": { "class_name": "Model", "config": { "layers": layers } } },
        "weightsManifest": [{ "paths": ["a.bin", "b.bin"], "weights": weights }],
    });
    Network { model, tensors }
}

impl Network {
    fn bytes(&self) -> Vec<u8> {
        self.tensors.iter().flat_map(|(_, _, values)| values).flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Converts it, with its bytes in two shards that end in the middle of a value.
    fn convert(&self, bytes: &[u8]) -> Result<Vec<u8>, ConvertError> {
        let (a, b) = bytes.split_at(bytes.len() / 2 - 1);
        keras::convert(self.model.to_string().as_bytes(), keras::Channels::Bgr, |name| match name {
            "a.bin" => Ok(a.to_vec()),
            "b.bin" => Ok(b.to_vec()),
            other => Err(ConvertError::Missing(other.to_owned())),
        })
    }

    fn values(&self, name: &str) -> &[f32] {
        &self.tensors.iter().find(|(tensor, ..)| tensor == name).unwrap().2
    }

    /// Convolution, bias and batch norm one after the other; kernels are `[y, x, input, output]`.
    fn block(&self, plane: &Plane, at: usize, window: Window) -> Plane {
        let (name, size, inputs, outputs) = CONVOLUTIONS[at];
        let kernel = self.values(&format!("{name}/kernel"));
        let bias = self.values(&format!("{name}/bias"));
        let part = |part: &str| self.values(&format!("{name}_bn/{part}"));
        let weight =
            |o: usize, i: usize, y: usize, x: usize| kernel[((y * size + x) * inputs + i) * outputs + o];
        plane.convolved(outputs, window, weight).map(|c, value| {
            let centred = value + bias[c] - part("moving_mean")[c];
            centred / (part("moving_variance")[c] + EPSILON).sqrt() * part("gamma")[c] + part("beta")[c]
        })
    }

    /// The outcome for an image whose channels are red, green, blue; the network wants them the other way round.
    fn expected(&self, image: &Plane) -> Vec<f32> {
        let planes: Vec<&[f32]> = image.values.chunks(SIDE * SIDE).rev().collect();
        let image = Plane::new(3, SIDE, planes.concat());
        let relu = |plane: Plane| plane.map(|_, value| value.max(0.0));
        let window = |size, stride, pad| Window { size, stride, pads: (pad, pad) };
        let plane = relu(self.block(&image, 0, window(3, 2, 1))).pooled(window(3, 2, 1));
        let sum = self.block(&plane, 1, window(3, 1, 1)).plus(&self.block(&plane, 2, window(1, 1, 0)));
        let features = relu(sum).averages();
        let kernel = self.values("dense/kernel");
        let turned: Vec<f32> =
            (0..CLASSES).flat_map(|c| (0..5).map(move |f| kernel[f * CLASSES + c])).collect();
        softmax(&linear(&features, &turned, self.values("dense/bias")))
    }

    fn layer_mut(&mut self, at: usize) -> &mut Value {
        &mut self.model["modelTopology"]["model_config"]["config"]["layers"][at]
    }
}

#[test]
fn the_converted_network_computes_what_the_weights_say() {
    let network = network();
    let image = Plane::new(3, SIDE, Numbers(4).vector(3 * SIDE * SIDE));
    let converted = network.convert(&network.bytes()).unwrap();
    assert_close(&run(&converted, image.clone()), &network.expected(&image));
}

#[test]
fn shards_that_are_too_short_or_too_long_are_refused() {
    let network = network();
    let bytes = network.bytes();
    let short = network.convert(&bytes[..bytes.len() - 4]).unwrap_err();
    assert_eq!(short, ConvertError::Truncated("a shard"));
    let long = network.convert(&[bytes.as_slice(), &[0; 4]].concat()).unwrap_err();
    assert!(matches!(long, ConvertError::Malformed(_)), "{long}");
}

#[test]
fn what_is_not_known_is_named_and_refused() {
    type Change = fn(&mut Network);
    let changes: [(Change, &str); 12] = [
        (|n| n.layer_mut(4)["class_name"] = json!("Lambda"), "unknown variant `Lambda`"),
        (
            |n| n.layer_mut(2)["config"]["data_format"] = json!("channels_first"),
            "unknown variant `channels_first`",
        ),
        (|n| n.layer_mut(4)["config"]["activation"] = json!("tanh"), "unknown variant `tanh`"),
        (
            |n| n.layer_mut(2)["config"]["dilation_rate"] = json!([2, 2]),
            "`stem` is used in a way that is not supported",
        ),
        (
            |n| n.layer_mut(7)["config"]["strides"] = json!([2, 2]),
            "`long` is padded in a way that is not supported",
        ),
        (|n| n.layer_mut(3)["config"]["axis"] = json!([1]), "the batch norm `stem_bn` is not supported"),
        (
            |n| n.layer_mut(4)["inbound_nodes"] = json!([[["stem", 0, 0, {}]]]),
            "is used in a way that is not supported",
        ),
        (
            |n| n.layer_mut(6)["inbound_nodes"] = json!([[["nowhere", 0, 0, {}]]]),
            "reads a layer that is not there yet",
        ),
        (|n| n.layer_mut(11)["inbound_nodes"] = json!([[["long_bn", 0, 0, {}]]]), "`sum`"),
        (
            |n| n.model["weightsManifest"][0]["weights"][0]["dtype"] = json!("uint8"),
            "the type of `stem/kernel`",
        ),
        (
            |n| n.model["weightsManifest"][0]["weights"][0]["shape"] = json!([1u64 << 40, 1u64 << 40]),
            "larger than",
        ),
        (
            |n| n.model["weightsManifest"][0]["weights"][1]["name"] = json!("x"),
            "there is no tensor `stem/bias`",
        ),
    ];
    for (change, expected) in changes {
        let mut network = network();
        change(&mut network);
        let error = network.convert(&network.bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "`{expected}` is not in `{error}`");
    }
}

#[test]
fn pooling_zeros_around_what_may_be_negative_is_refused() {
    let mut network = network();
    // The padding reads the batch norm, which nothing has rectified.
    network.layer_mut(5)["inbound_nodes"] = json!([[["stem_bn", 0, 0, {}]]]);
    let error = network.convert(&network.bytes()).unwrap_err().to_string();
    assert!(error.contains("`pool` pools padding with what may be negative"), "{error}");
}

#[test]
fn no_beginning_of_model_json_is_enough() {
    let model = network().model.to_string();
    for len in (0..model.len()).step_by(7) {
        let read = keras::convert(&model.as_bytes()[..len], keras::Channels::Rgb, |_| Ok(Vec::new()));
        assert!(matches!(read, Err(ConvertError::Malformed(_))), "{len} bytes are enough");
    }
}

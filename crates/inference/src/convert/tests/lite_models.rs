//! A tiny EfficientNet-Lite: seven stages, one block more in the third.

use std::collections::HashMap;

use super::{
    Numbers, assert_close,
    pickles::{View, file},
    plane::{Plane, Window, linear, softmax},
    run::run,
};
use crate::convert::{ConvertError, efficientnet};

const SIDE: usize = 45;

/// Channels that come out of the blocks, their kernels and strides.
const BLOCKS: [(usize, usize, usize); 8] =
    [(3, 3, 1), (4, 3, 2), (5, 5, 2), (5, 5, 1), (6, 3, 2), (7, 5, 1), (8, 5, 2), (9, 3, 1)];

const CLASSES: usize = 5;

type Weights = HashMap<String, (Vec<u32>, Vec<f32>)>;

fn weights() -> Weights {
    let mut numbers = Numbers(1);
    let mut weights = Weights::new();
    let mut conv = |name: &str, norm: &str, shape: [usize; 4]| {
        let scale = (shape[1..].iter().product::<usize>() as f32).sqrt().recip() * 2.5;
        let kernel = numbers.vector(shape.iter().product()).iter().map(|value| value * scale).collect();
        weights.insert(format!("{name}.weight"), (shape.map(|size| size as u32).to_vec(), kernel));
        let one = vec![shape[0] as u32];
        for (part, values) in [
            ("weight", numbers.positive(shape[0])),
            ("bias", numbers.vector(shape[0])),
            ("running_mean", numbers.vector(shape[0])),
            ("running_var", numbers.positive(shape[0])),
        ] {
            weights.insert(format!("{norm}.{part}"), (one.clone(), values));
        }
    };
    conv("_conv_stem", "_bn0", [4, 3, 3, 3]);
    let mut channels = 4;
    for (at, (outputs, kernel, _)) in BLOCKS.into_iter().enumerate() {
        let name = |part: &str| format!("_blocks.{at}.{part}");
        let wide = if at == 0 { channels } else { channels * 2 };
        if at > 0 {
            conv(&name("_expand_conv"), &name("_bn0"), [wide, channels, 1, 1]);
        }
        conv(&name("_depthwise_conv"), &name("_bn1"), [wide, 1, kernel, kernel]);
        conv(&name("_project_conv"), &name("_bn2"), [outputs, wide, 1, 1]);
        channels = outputs;
    }
    conv("_conv_head", "_bn1", [12, channels, 1, 1]);
    weights.insert("_fc.weight".to_owned(), (vec![CLASSES as u32, 12], numbers.vector(CLASSES * 12)));
    weights.insert("_fc.bias".to_owned(), (vec![CLASSES as u32], numbers.vector(CLASSES)));
    weights
}

fn packed(weights: &Weights) -> Vec<u8> {
    let all: Vec<_> = weights.iter().collect();
    let storages: Vec<Vec<f32>> = all.iter().map(|(_, (_, values))| values.clone()).collect();
    let strides: Vec<Vec<u32>> = all.iter().map(|(_, (shape, _))| strides(shape)).collect();
    let views = all.iter().zip(&strides).enumerate().map(|(storage, ((name, (shape, _)), strides))| View {
        name,
        storage,
        offset: 0,
        shape,
        strides,
    });
    file(&storages, &views.collect::<Vec<_>>())
}

fn strides(shape: &[u32]) -> Vec<u32> {
    (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect()
}

/// TensorFlow's `SAME`: as many values as strides fit, the window in the middle, rather too far to the upper left.
fn same(length: usize, size: usize, stride: usize) -> Window {
    let total = ((length.div_ceil(stride) - 1) * stride + size).saturating_sub(length);
    Window { size, stride, pads: (total / 2, total - total / 2) }
}

/// Convolution, then batch norm, as they are trained: one after the other.
fn layer(weights: &Weights, plane: &Plane, (name, norm): (&str, &str), stride: usize) -> Plane {
    let (shape, kernel) = &weights[&format!("{name}.weight")];
    let [outputs, inputs, size, _] = [0, 1, 2, 3].map(|axis| shape[axis] as usize);
    let grouped = inputs == 1 && plane.channels > 1;
    let weight = |output: usize, input: usize, y: usize, x: usize| match grouped {
        true if output == input => kernel[(output * size + y) * size + x],
        true => 0.0,
        false => kernel[((output * inputs + input) * size + y) * size + x],
    };
    let part = |part: &str| &weights[&format!("{norm}.{part}")].1;
    let (scale, shift, mean, variance) =
        (part("weight"), part("bias"), part("running_mean"), part("running_var"));
    plane.convolved(outputs, same(plane.width, size, stride), weight).map(|channel, value| {
        (value - mean[channel]) / (variance[channel] + 1e-3).sqrt() * scale[channel] + shift[channel]
    })
}

fn expected(weights: &Weights, image: &Plane) -> Vec<f32> {
    let relu6 = |plane: Plane| plane.map(|_, value| value.clamp(0.0, 6.0));
    let mut plane = relu6(layer(weights, image, ("_conv_stem", "_bn0"), 2));
    for (at, (outputs, _, stride)) in BLOCKS.into_iter().enumerate() {
        let name = |part: &str| format!("_blocks.{at}.{part}");
        let mut inner = plane.clone();
        if at > 0 {
            inner = relu6(layer(weights, &inner, (&name("_expand_conv"), &name("_bn0")), 1));
        }
        inner = relu6(layer(weights, &inner, (&name("_depthwise_conv"), &name("_bn1")), stride));
        inner = layer(weights, &inner, (&name("_project_conv"), &name("_bn2")), 1);
        plane = if outputs == plane.channels && at > 0 { inner.plus(&plane) } else { inner };
    }
    let features = relu6(layer(weights, &plane, ("_conv_head", "_bn1"), 1)).averages();
    softmax(&linear(&features, &weights["_fc.weight"].1, &weights["_fc.bias"].1))
}

#[test]
fn the_converted_network_computes_what_the_weights_say() {
    let weights = weights();
    let image = Plane::new(3, SIDE, Numbers(2).vector(3 * SIDE * SIDE));
    let converted = efficientnet::convert(&packed(&weights), SIDE).unwrap();
    assert_close(&run(&converted, image.clone()), &expected(&weights, &image));
}

#[test]
fn weights_that_are_missing_or_do_not_fit_are_named() {
    let mut missing = weights();
    missing.remove("_blocks.3._bn1.running_var");
    let error = efficientnet::convert(&packed(&missing), SIDE).unwrap_err();
    assert_eq!(error, ConvertError::Missing("_blocks.3._bn1.running_var".to_owned()));
    let mut odd = weights();
    odd.insert("_blocks.2._expand_conv.weight".to_owned(), (vec![8, 3, 1, 1], vec![0.5; 24]));
    let error = efficientnet::convert(&packed(&odd), SIDE).unwrap_err();
    assert!(error.to_string().contains("_blocks.2._expand_conv"), "{error}");
    let mut short = weights();
    short.retain(|name, _| !name.starts_with("_blocks.7"));
    let error = efficientnet::convert(&packed(&short), SIDE).unwrap_err();
    assert_eq!(error.to_string(), "a network of 6 stages is not supported");
}

//! A quantised convolution in the engine: the integers are exactly those that the operators' definitions give.

use darkroom_inference::{
    Data, Tensor,
    convert::{
        Storage,
        quantise::{Ranges, int8},
        stored,
    },
};

use crate::{
    folder::{Folder, TENSORS},
    net::{self, INPUTS, OUTPUTS},
};

/// Pixels of an image.
const PIXELS: usize = 4;

/// Whole numbers, so that the scales of input and weights are 1; each row has a 127. The first is as large as can be: two
/// products of it do not fit into 16 bits, which processors without VNNI would add them in.
fn weights() -> Vec<f32> {
    let weight = |at: usize| match (at / INPUTS, at % INPUTS) {
        (0, _) | (_, 0) => 127.0,
        (row, column) => ((row * 37 + column * 61) % 255) as f32 - 127.0,
    };
    (0..OUTPUTS * INPUTS).map(weight).collect()
}

fn biases() -> Vec<f32> {
    (0..OUTPUTS).map(|row| row as f32 * 512.0).collect()
}

fn images() -> Vec<Vec<f32>> {
    let image =
        |image: usize| (0..INPUTS * PIXELS).map(|at| ((at * 89 * (image + 1)) % 256) as f32).collect();
    let mut images: Vec<Vec<f32>> = (0..20).map(image).collect();
    images.push(vec![255.0; INPUTS * PIXELS]);
    images
}

/// The step of what comes out: a power of two, so that halves are halves.
const STEP: f32 = 1024.0;

/// By the definitions: sums of products, ReLU, division by the step, half to even, saturation.
fn expected(image: &[f32]) -> Vec<f32> {
    let (weights, biases) = (weights(), biases());
    let places = (0..OUTPUTS).flat_map(|output| (0..PIXELS).map(move |pixel| (output, pixel)));
    let value = |(output, pixel): (usize, usize)| {
        let products =
            (0..INPUTS).map(|input| weights[output * INPUTS + input] * image[input * PIXELS + pixel]);
        let sum = products.sum::<f32>() + biases[output];
        (sum.max(0.0) / STEP).round_ties_even().min(255.0) * STEP
    };
    places.map(value).collect()
}

fn answers(folder: &Folder, name: &str) -> Option<Vec<Vec<f32>>> {
    let models = folder.models()?;
    let model = models.get(name, None).unwrap();
    let answer = |image: Vec<f32>| {
        let tensor = Tensor::new([1, INPUTS, 2, 2], Data::F32(image)).unwrap();
        let outputs = model.infer(vec![("images".to_owned(), tensor)]).unwrap().wait().unwrap();
        outputs[0].1.to_f32().unwrap()
    };
    Some(images().into_iter().map(answer).collect())
}

#[test]
fn integers_round_half_to_even_and_saturate_nowhere_but_at_the_end() {
    let file = net::convolution(&weights(), &biases());
    let ranges = format!("images = [0.0, 255.0]\nrelu = [0.0, {:?}]", 255.0 * STEP);
    let made = int8(&file, &Ranges::parse(&ranges).unwrap()).unwrap();
    let folder = Folder::new();
    folder.add("bytes/1", &made, TENSORS);
    let Some(answers) = answers(&folder, "bytes") else { return };
    for (image, answer) in images().iter().zip(answers) {
        assert_eq!(answer, expected(image));
    }
    let white = expected(&[255.0; INPUTS * PIXELS]);
    assert!(white.contains(&(255.0 * STEP)) && white.contains(&0.0), "both ends are reached: {white:?}");
}

#[test]
fn weights_of_few_bytes_are_floats_again_in_the_engine() {
    let file = net::convolution(&weights(), &biases());
    let folder = Folder::new();
    folder.add("float32/1", &file, TENSORS);
    folder.add("fp16/1", &stored(&file, Storage::Fp16).unwrap(), TENSORS);
    folder.add("int8/1", &stored(&file, Storage::Int8).unwrap(), TENSORS);
    let Some(expected) = answers(&folder, "float32") else { return };
    // Whole numbers up to 127 are exact in either.
    assert_eq!(answers(&folder, "fp16").unwrap(), expected);
    assert_eq!(answers(&folder, "int8").unwrap(), expected);
}

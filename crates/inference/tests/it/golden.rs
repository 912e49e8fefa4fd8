//! Resizing equals Pillow's, sample by sample. `tests/golden/make.py` made the values.

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::{
    Data,
    image::{Pixels, Window, prepare, window},
    manifest::{self, Colour, Filter, ImageInput, Resize},
};

const GOLDEN: &str = include_str!("../golden/pillow.txt");

/// The same formula as in `make.py`.
fn sample(x: u32, y: u32, c: u32) -> u8 {
    let seed = x * 7919 + y * 104_729 + c * 1_299_709 + 12_345;
    let noise = seed.wrapping_mul(2_654_435_761) >> 26;
    let edge = if (x / 5 + y / 7) % 2 == 1 { 96 } else { 0 };
    ((x * 3 + y * 2 + c * 40 + noise + edge) % 256) as u8
}

fn pixels(width: u32, height: u32, channels: u32) -> Pixels<'static> {
    let samples = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| sample(x, y, c))))
        .collect();
    Pixels { width, height, channels: channels as usize, samples }
}

fn filter(name: &str) -> Filter {
    match name {
        "nearest" => Filter::Nearest,
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "lanczos3" => Filter::Lanczos3,
        _ => panic!("{name}"),
    }
}

#[test]
fn every_sample_is_pillows() {
    let mut cases = 0;
    for line in GOLDEN.lines().filter(|line| !line.starts_with("grey")) {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |i: usize| fields[i].parse::<u32>().unwrap();
        let from = pixels(number(0), number(1), number(2));
        let kept = Window { left: number(6), top: number(7), width: number(8), height: number(9) };
        let made = window(&from, (number(3), number(4)), kept, filter(fields[5]));
        assert_eq!((made.width, made.height), (kept.width, kept.height));
        let off = made.samples.iter().zip(&hex(fields[10])).filter(|(a, b)| a != b).count();
        assert_eq!(off, 0, "{off} samples are off: {}", &line[..line.len().min(60)]);
        assert_eq!(made.samples.len(), fields[10].len() / 2);
        cases += 1;
    }
    assert_eq!(cases, 32);
}

#[test]
fn grey_is_pillows() {
    let line = GOLDEN.lines().find_map(|line| line.strip_prefix("grey ")).unwrap();
    let Pixels { samples, .. } = pixels(16, 16, 3);
    let frame = Frame { width: 16, height: 16, layout: Layout::Rgb, pixels: samples.into_owned() };
    let tensor = prepare(&frame, &input(Colour::Grey, [16, 16], Resize::Exact)).unwrap();
    let want: Vec<f32> = hex(line).into_iter().map(f32::from).collect();
    assert_eq!(*tensor.data(), Data::F32(want));
}

fn hex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

pub(crate) fn input(colour: Colour, size: [u32; 2], resize: Resize) -> ImageInput {
    ImageInput {
        input: "images".to_owned(),
        layout: manifest::Layout::Nchw,
        colour,
        size,
        step: None,
        resize,
        resize_to: None,
        filter: Filter::Bilinear,
        pad: 0,
        mean: vec![0.0; colour.channels()],
        std: vec![1.0; colour.channels()],
    }
}

/// The whole way of a classifier, against torchvision's formula on Pillow's samples:
/// `Resize(32)`, `CenterCrop(28)`, `(v / 255 - mean) / std`.
#[test]
fn a_photo_is_prepared_as_torchvision_prepares_it() {
    let line = GOLDEN.lines().find(|line| line.starts_with("333 257 3 41 32 bilinear")).unwrap();
    let crop = hex(line.rsplit(' ').next().unwrap());
    let Pixels { width, height, samples, .. } = pixels(333, 257, 3);
    let frame = Frame { width, height, layout: Layout::Rgb, pixels: samples.into_owned() };
    let (mean, std) = ([0.485f64, 0.456, 0.406], [0.229f64, 0.224, 0.225]);
    let input = ImageInput {
        resize_to: Some(32),
        mean: mean.iter().map(|v| (v * 255.0) as f32).collect(),
        std: std.iter().map(|v| (v * 255.0) as f32).collect(),
        ..input(Colour::Rgb, [28, 28], Resize::Shorter)
    };
    let tensor = prepare(&frame, &input).unwrap();
    assert_eq!(tensor.shape(), [1, 3, 28, 28]);
    let Data::F32(values) = tensor.data() else { panic!("{tensor:?}") };
    for (at, value) in values.iter().enumerate() {
        let (c, pixel) = (at / (28 * 28), at % (28 * 28));
        let want = (f64::from(crop[pixel * 3 + c]) / 255.0 - mean[c]) / std[c];
        assert!((f64::from(*value) - want).abs() < 1e-5, "{at}: {value} is not {want}");
    }
}

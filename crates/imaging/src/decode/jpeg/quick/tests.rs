use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;
use crate::decode::jpeg::{
    raw::{Samples, Upsampling},
    tests::by_libjpeg,
};

fn guard() -> Guard {
    Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)))
}

/// Slopes, an edge and some texture, 203 × 157.
fn photograph(color: ColorType, sampling: SamplingFactor, restart: Option<u16>) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..157_i32 {
        for x in 0..203_i32 {
            let texture = (x * 7 + y * 13) % 23;
            let pixel =
                [x + texture, 255 - y - texture, if x > y { 40 } else { 200 }].map(|v| v.clamp(0, 255) as u8);
            pixels.extend_from_slice(if color == ColorType::Luma { &pixel[..1] } else { &pixel });
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(sampling);
    if let Some(mcus) = restart {
        encoder.set_restart_interval(mcus);
    }
    encoder.encode(&pixels, 203, 157, color).unwrap();
    bytes
}

fn ours(bytes: &[u8], eighths: u32) -> Result<Vec<u8>, Refusal> {
    let mut pixels = Vec::new();
    Reduced::open(bytes, eighths, Upsampling::Repeat)?.rows(&guard(), |row| pixels.extend_from_slice(row))?;
    Ok(pixels)
}

fn libjpegs(bytes: &[u8], eighths: u32, samples: Samples) -> Vec<u8> {
    by_libjpeg(bytes, (eighths, None), samples)
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[test]
fn shows_what_libjpeg_shows() {
    for sampling in
        [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2]
    {
        for restart in [None, Some(1), Some(5)] {
            for eighths in 1..=4 {
                let bytes = photograph(ColorType::Rgb, sampling, restart);
                let pixels = ours(&bytes, eighths).unwrap();
                let difference = mean_difference(&pixels, &libjpegs(&bytes, eighths, Samples::Rgb));
                // Luma at 1/8 is made by the same transform, 2/8 and colour at less resolution by another one: where
                // only one side of it is halved, libjpeg repeats its samples.
                let most = if sampling == SamplingFactor::F_1_1 { 3.0 } else { 6.0 };
                assert!(difference < most, "{sampling:?}, restart {restart:?}, {eighths}/8: {difference}");
            }
        }
    }
}

#[test]
fn grey_at_an_eighth_is_libjpegs() {
    let bytes = photograph(ColorType::Luma, SamplingFactor::F_1_1, None);
    let difference = mean_difference(&ours(&bytes, 1).unwrap(), &libjpegs(&bytes, 1, Samples::Gray));
    assert!(difference < 0.01, "{difference}");
}

#[test]
fn is_nearer_to_the_average_of_each_cell_than_a_level() {
    let bytes = photograph(ColorType::Luma, SamplingFactor::F_1_1, None);
    let full = libjpegs(&bytes, 8, Samples::Gray);
    let pixels = ours(&bytes, 1).unwrap();
    // Whole blocks only: 25 across, 19 down.
    for (x, y) in (0..25).flat_map(|x| (0..19).map(move |y| (x, y))) {
        let cell = (0..64).map(|i| u32::from(full[(y * 8 + i / 8) * 203 + x * 8 + i % 8])).sum::<u32>();
        let got = f64::from(pixels[y * 26 + x]);
        assert!((got - f64::from(cell) / 64.0).abs() < 1.0, "{x}, {y}");
    }
}

#[test]
fn leaves_to_libjpeg_what_it_cannot_do() {
    let bytes = photograph(ColorType::Rgb, SamplingFactor::F_2_2, None);
    for end in [0, 1, 3, 100, bytes.len() / 2, bytes.len() - 40] {
        assert!(matches!(ours(&bytes[..end], 1), Err(Refusal::Unsupported)), "cut at {end}");
    }
    let mut progressive = Vec::new();
    let mut encoder = Encoder::new(&mut progressive, 90);
    encoder.set_progressive(true);
    encoder.encode(&[99; 48], 4, 4, ColorType::Rgb).unwrap();
    assert!(matches!(ours(&progressive, 1), Err(Refusal::Unsupported)));
    let cmyk = photograph_in_four_inks();
    assert!(matches!(ours(&cmyk, 1), Err(Refusal::Unsupported)));
}

fn photograph_in_four_inks() -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 90).encode(&[77; 64], 4, 4, ColorType::Cmyk).unwrap();
    bytes
}

#[test]
fn stops_when_nobody_waits() {
    let bytes = photograph(ColorType::Rgb, SamplingFactor::F_2_2, None);
    let cancelled = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(true)));
    let stopped = Reduced::open(bytes.as_slice(), 1, Upsampling::Smooth).unwrap().rows(&cancelled, |_| {});
    assert!(matches!(stopped, Err(Refusal::Failed(ImageError::Cancelled))));
}

proptest! {
    #[test]
    fn damage_is_refused_or_shown_but_never_a_panic(
        at in prop::collection::vec(any::<prop::sample::Index>(), 1..20), byte in any::<u8>(), eighths in 1..=4_u32,
    ) {
        let mut bytes = photograph(ColorType::Rgb, SamplingFactor::F_2_2, Some(3));
        for index in at {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        // A damaged frame header may declare any size; the limits are checked before this decoder is asked.
        let small = Reduced::open(bytes.as_slice(), eighths, Upsampling::Repeat).is_ok_and(|reduced| reduced.size().0 * reduced.size().1 < 1 << 20);
        if small {
            let _ = ours(&bytes, eighths);
        }
    }
}

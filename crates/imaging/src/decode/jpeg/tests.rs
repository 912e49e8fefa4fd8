use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{scans::ScanFilter, *};
use crate::{
    Frame, Guard,
    decode::{Metadata, MetadataWish},
    encode::{self, Style},
};

/// A slope in both directions, odd in size.
fn slope() -> Frame {
    let pixels = (0..157u32)
        .flat_map(|y| (0..203u32).flat_map(move |x| [x as u8, y as u8, u32::midpoint(x, y) as u8]));
    Frame { width: 203, height: 157, layout: Layout::Rgb, pixels: pixels.collect() }
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let style = Style { quality: Some(95), metadata: Metadata::default() };
    encode::jpeg::still(frame, &style).unwrap()
}

fn decoded(bytes: &[u8], scaled: (u32, u32)) -> Result<Decoded, ImageError> {
    let (source, limits) = (Source::bytes(bytes), Limits::default());
    let header = header(&source, &limits)?;
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    // Nothing is averaged, so that the decoder's own scale shows.
    let averaged = (header.width, header.height);
    let wish = Wish { scaled, averaged, metadata: MetadataWish::Drop, light: Light::Gamma };
    still(&Input { source: &source, header: &header, wish, limits: &limits, guard: &guard })
}

#[test]
fn every_scale_shows_the_same_picture() {
    let bytes = encoded(&slope());
    for eighths in 1..=8u32 {
        let size = ((203 * eighths).div_ceil(8), (157 * eighths).div_ceil(8));
        let got = decoded(&bytes, size).unwrap();
        assert_eq!((got.frame.width, got.frame.height), size);
        assert_eq!(got.covers, (203.0 * f64::from(eighths) / 8.0, 157.0 * f64::from(eighths) / 8.0));
        // The slope has the value of its coordinate, so the middle of every scaled pixel is known.
        let cell = 8.0 / f64::from(eighths);
        for (i, pixel) in got.frame.pixels.as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (i as u32 % size.0, i as u32 / size.0);
            if x + 2 > size.0 || y + 2 > size.1 {
                continue;
            }
            let want = (f64::from(x) + 0.5).mul_add(cell, -0.5);
            assert!(
                (f64::from(pixel[0]) - want).abs() < 6.0,
                "{eighths}/8 at {x}, {y}: {} for {want}",
                pixel[0]
            );
        }
    }
}

/// Texture and an edge, as four progressive scans a component.
fn progressive(color: ColorType, sampling: SamplingFactor) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let texture = (x * 7 + y * 13) % 23;
        [x + texture, 255 - y - texture, if x > y { 40 } else { 200 }].map(|v| v as u8)
    };
    let samples = if color == ColorType::Luma { 1 } else { 3 };
    let pixels: Vec<u8> =
        (0..157).flat_map(|y| (0..203).flat_map(move |x| pixel(x, y).into_iter().take(samples))).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(sampling);
    encoder.encode(&pixels, 203, 157, color).unwrap();
    bytes
}

fn by_libjpeg_at_an_eighth(bytes: &[u8], leave: Option<Leave>, samples: Samples) -> Vec<u8> {
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    let mut decompressor = Decompressor::open(&Source::bytes(bytes), leave, &guard).unwrap();
    let (width, height) = decompressor.start(1, samples, Upsampling::Repeat).unwrap();
    let row = width as usize * samples.channels();
    let mut pixels = vec![0; row * height as usize];
    let mut at = 0;
    while at < pixels.len() {
        at += row * decompressor.read(&mut pixels[at..]).unwrap();
    }
    pixels
}

#[test]
fn an_eighth_without_the_scans_that_it_does_not_show_is_the_same() {
    for (color, sampling, samples) in [
        (ColorType::Luma, SamplingFactor::F_1_1, Samples::Gray),
        (ColorType::Rgb, SamplingFactor::F_1_1, Samples::Rgb),
    ] {
        let bytes = progressive(color, sampling);
        let mut left = Vec::new();
        ScanFilter::new(Leave::Ac).pass(&bytes, &mut left);
        assert!(left.len() < bytes.len() * 3 / 4, "{} of {} bytes are left", left.len(), bytes.len());
        let [all, some] =
            [None, Some(Leave::Ac)].map(|leave| by_libjpeg_at_an_eighth(&bytes, leave, samples));
        assert_eq!(all, some, "{sampling:?}");
    }
}

#[test]
fn an_eighth_keeps_colour_at_half_resolution() {
    let bytes = progressive(ColorType::Rgb, SamplingFactor::F_2_2);
    let [all, some] =
        [None, Some(Leave::Ac)].map(|leave| by_libjpeg_at_an_eighth(&bytes, leave, Samples::Rgb));
    let off = all.iter().zip(&some).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off <= Some(2), "{off:?}");
}

#[test]
fn a_progressive_picture_that_ends_shows_what_came() {
    let bytes = progressive(ColorType::Rgb, SamplingFactor::F_2_2);
    let scan = bytes.windows(2).position(|m| m == [0xff, 0xda]).unwrap() + 14;
    assert_eq!(decoded(&bytes[..bytes.len() / 2], (26, 20)).unwrap().frame.width, 26);
    let nothing = decoded(&bytes[..scan], (26, 20));
    assert!(matches!(nothing, Err(ImageError::Corrupt { .. })), "{nothing:?}");
}

#[test]
fn the_plan_knows_what_size_comes_out() {
    let bytes = encoded(&slope());
    let header = header(&Source::bytes(bytes.as_slice()), &Limits::default()).unwrap();
    for side in [1, 20, 26, 77, 157] {
        let wish = Wish {
            scaled: (side, side),
            averaged: (203, 157),
            metadata: MetadataWish::Drop,
            light: Light::Gamma,
        };
        let frame = decoded(&bytes, (side, side)).unwrap().frame;
        assert_eq!(reduced_size(&header, wish), (frame.width, frame.height));
    }
}

#[test]
fn codings_that_libjpeg_cannot_read_are_named() {
    let bytes = encoded(&slope());
    let start = bytes.windows(2).position(|m| m == [0xff, 0xc0]).unwrap();
    for (marker, precision, word) in
        [(0xc1, 12, "12 bits"), (0xc3, 8, "lossless"), (0xc9, 8, "arithmetic"), (0xc5, 8, "hierarchical")]
    {
        let mut bytes = bytes.clone();
        bytes[start + 1] = marker;
        bytes[start + 4] = precision;
        match header(&Source::bytes(bytes), &Limits::default()) {
            Err(ImageError::Unsupported { what, .. }) => assert!(what.contains(word), "{what}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_picture_that_ends_shows_what_came_and_nothing_at_all_is_damage() {
    let bytes = encoded(&slope());
    let scan = bytes.windows(2).position(|m| m == [0xff, 0xda]).unwrap() + 14;
    let half = decoded(&bytes[..usize::midpoint(scan, bytes.len())], (203, 157)).unwrap();
    assert_eq!(half.frame.pixels[..3].iter().map(|v| v / 8).max(), Some(0), "the upper left corner is dark");
    let nothing = decoded(&bytes[..scan], (203, 157));
    assert!(matches!(nothing, Err(ImageError::Corrupt { .. })), "{nothing:?}");
}

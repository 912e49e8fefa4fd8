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
    slope_of(203, 157)
}

fn slope_of(width: u32, height: u32) -> Frame {
    let value = |at: u32, side: u32| (at * 203 / side) as u8;
    let pixels = (0..height).flat_map(|y| {
        (0..width).flat_map(move |x| {
            [value(x, width), value(y, height), value(x, width) / 2 + value(y, height) / 2]
        })
    });
    Frame { width, height, layout: Layout::Rgb, pixels: pixels.collect() }
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let style = Style { quality: Some(95), metadata: Metadata::default() };
    encode::jpeg::still(frame, &style).unwrap()
}

fn decoded(bytes: &[u8], scaled: (u32, u32)) -> Result<Decoded, ImageError> {
    decoded_for(bytes, scaled, scaled)
}

/// Decoded at this scale or a little above, for results of at most the size `shown`.
fn decoded_for(bytes: &[u8], scaled: (u32, u32), shown: (u32, u32)) -> Result<Decoded, ImageError> {
    let (source, limits) = (Source::bytes(bytes), Limits::default());
    let header = header(&source, &limits)?;
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    // Nothing is averaged, so that the decoder's own scale shows.
    let averaged = (header.width, header.height);
    let wish = Wish { scaled, averaged, shown, metadata: MetadataWish::Drop, light: Light::Gamma };
    still(&Input { source: &source, header: &header, wish, limits: &limits, guard: &guard })
}

fn scaled((width, height): (u32, u32), eighths: u32) -> (u32, u32) {
    ((width * eighths).div_ceil(8), (height * eighths).div_ceil(8))
}

/// Decodes a slope at a scale for results of at most `shown`, and looks at every pixel.
fn shows_the_slope(frame: &Frame, bytes: &[u8], eighths: u32, shown: (u32, u32), comes: u32) {
    let full = (frame.width, frame.height);
    let got = decoded_for(bytes, scaled(full, eighths), shown).unwrap();
    let size = scaled(full, comes);
    assert_eq!((got.frame.width, got.frame.height), size, "{eighths}/8");
    let covers = |side: u32| f64::from(side) * f64::from(comes) / 8.0;
    assert_eq!(got.covers, (covers(full.0), covers(full.1)));
    // The slope rises evenly, so the middle of every scaled pixel is known.
    let rise = 8.0 / f64::from(comes) * 203.0 / f64::from(full.0);
    for (i, pixel) in got.frame.pixels.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = (i as u32 % size.0, i as u32 / size.0);
        if x + 2 > size.0 || y + 2 > size.1 {
            continue;
        }
        let (got, want) = (f64::from(pixel[0]), (f64::from(x) + 0.5).mul_add(rise, -0.5));
        assert!((got - want).abs() < 6.0, "{eighths}/8 at {x}, {y}: {got} for {want}");
    }
}

#[test]
fn every_scale_shows_the_same_picture() {
    let frame = slope();
    let bytes = encoded(&frame);
    // Of a small image only the scales that have vector instructions, and ours where colour may be repeated.
    for (eighths, comes) in (1..=8).zip([1, 2, 4, 4, 8, 8, 8, 8]) {
        shows_the_slope(&frame, &bytes, eighths, scaled((203, 157), eighths), comes);
    }
    for (eighths, comes) in (1..=8).zip([1, 2, 3, 4, 8, 8, 8, 8]) {
        shows_the_slope(&frame, &bytes, eighths, (1, 1), comes);
    }
}

#[test]
fn a_large_image_is_decoded_no_larger_than_it_must_be() {
    let frame = slope_of(2_600, 2_000);
    let bytes = encoded(&frame);
    for eighths in 5..8 {
        shows_the_slope(&frame, &bytes, eighths, scaled((2_600, 2_000), eighths), eighths);
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

/// All rows of a JPEG as libjpeg gives them, at so many eighths of its size.
pub(super) fn by_libjpeg(bytes: &[u8], (eighths, leave): (u32, Option<Leave>), samples: Samples) -> Vec<u8> {
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    let mut decompressor = Decompressor::open(&Source::bytes(bytes), leave, &guard).unwrap();
    let (width, height) = decompressor.start(eighths, samples, Upsampling::Repeat).unwrap();
    let mut buffer = RowBuffer::new(width as usize * samples.channels());
    let (mut pixels, mut left) = (Vec::new(), height as usize);
    while left > 0 {
        let count = decompressor.read(&mut buffer, left).unwrap();
        buffer.rows(count).for_each(|row| pixels.extend_from_slice(row));
        left -= count;
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
        let [all, some] = [None, Some(Leave::Ac)].map(|leave| by_libjpeg(&bytes, (1, leave), samples));
        assert_eq!(all, some, "{sampling:?}");
    }
}

#[test]
fn an_eighth_keeps_colour_at_half_resolution() {
    let bytes = progressive(ColorType::Rgb, SamplingFactor::F_2_2);
    let [all, some] = [None, Some(Leave::Ac)].map(|leave| by_libjpeg(&bytes, (1, leave), Samples::Rgb));
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
            shown: (side, side),
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

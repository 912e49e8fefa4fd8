use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::*;
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

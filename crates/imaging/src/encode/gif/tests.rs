//! What is written is what is shown again.

use super::*;
use crate::decode::Metadata;

fn style() -> Style {
    Style { quality: None, metadata: Metadata::default() }
}

fn frame(letters: &str) -> Frame {
    let pixel = |letter| match letter {
        'r' => [255, 0, 0, 255],
        'g' => [0, 255, 0, 255],
        'b' => [0, 0, 255, 255],
        _ => [7, 7, 7, 0],
    };
    let rows: Vec<&str> = letters.split(' ').collect();
    let pixels = rows.iter().flat_map(|row| row.chars().flat_map(pixel)).collect();
    Frame { width: rows[0].len() as u32, height: rows.len() as u32, layout: Layout::Rgba, pixels }
}

fn encoded(frames: &[(&str, u32)], loops: u16) -> Vec<u8> {
    let first = frame(frames[0].0);
    let canvas = Canvas { width: first.width, height: first.height, loops };
    let mut encoder = animation(canvas, style()).unwrap();
    for (letters, delay) in frames {
        encoder.push(&frame(letters), *delay).unwrap();
    }
    encoder.finish().unwrap()
}

/// Left, top, width, height, disposal and delay of every frame.
fn written(bytes: &[u8]) -> Vec<([u16; 4], DisposalMethod, u16)> {
    let mut reader = gif::Decoder::new(bytes).unwrap();
    let mut frames = Vec::new();
    while let Some(f) = reader.read_next_frame().unwrap() {
        frames.push(([f.left, f.top, f.width, f.height], f.dispose, f.delay));
    }
    frames
}

#[test]
fn only_what_changes_is_written() {
    let bytes = encoded(&[("rrr rrr", 100), ("rrr rgr", 100), ("rrr rgr", 100)], 0);
    let keep = DisposalMethod::Keep;
    let expected = vec![([0, 0, 3, 2], keep, 10), ([1, 1, 1, 1], keep, 10), ([0, 0, 1, 1], keep, 10)];
    assert_eq!(written(&bytes), expected);
}

#[test]
fn a_frame_that_uncovers_transparency_is_cleared_before() {
    let bytes = encoded(&[("rr rr", 10), (".r rg", 10), (".b rg", 10)], 0);
    let places: Vec<_> = written(&bytes).into_iter().map(|(place, dispose, _)| (place, dispose)).collect();
    let expected = [
        ([0, 0, 2, 2], DisposalMethod::Background),
        ([0, 0, 2, 2], DisposalMethod::Keep),
        ([1, 0, 1, 1], DisposalMethod::Keep),
    ];
    assert_eq!(places, expected);
}

#[test]
fn delays_stay_in_time_though_the_unit_is_coarse() {
    let frames: Vec<(&str, u32)> = (0..30).map(|i| (if i % 2 == 0 { "r" } else { "g" }, 33)).collect();
    let total: u32 = written(&encoded(&frames, 0)).iter().map(|(_, _, delay)| u32::from(*delay)).sum();
    assert_eq!(total, 99);
}

#[test]
fn plays_are_counted_from_one() {
    for loops in [0, 1, 2, 7] {
        let bytes = encoded(&[("r", 10), ("g", 10)], loops);
        let mut reader = gif::Decoder::new(bytes.as_slice()).unwrap();
        while reader.read_next_frame().unwrap().is_some() {}
        let plays = match reader.repeat() {
            Repeat::Infinite => 0,
            Repeat::Finite(again) => again + 1,
        };
        assert_eq!(plays, loops);
    }
}

#[test]
fn every_layout_is_written() {
    let cases: [(Layout, &[u8], &[u8]); 4] = [
        (Layout::Gray, &[0, 200], &[0, 0, 0, 255, 200, 200, 200, 255]),
        (Layout::GrayAlpha, &[9, 255, 9, 0], &[9, 9, 9, 255, 0, 0, 0, 0]),
        (Layout::Rgb, &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 255, 4, 5, 6, 255]),
        (Layout::Rgba, &[1, 2, 3, 128, 4, 5, 6, 127], &[1, 2, 3, 255, 0, 0, 0, 0]),
    ];
    for (layout, pixels, expected) in cases {
        let bytes = still(&Frame { width: 2, height: 1, layout, pixels: pixels.to_vec() }, &style()).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut reader = options.read_info(bytes.as_slice()).unwrap();
        assert_eq!(&*reader.read_next_frame().unwrap().unwrap().buffer, expected, "{layout:?}");
    }
}

#[test]
fn sides_that_the_format_cannot_say_are_refused() {
    let wide = Frame { width: 65_536, height: 1, layout: Layout::Gray, pixels: vec![0; 65_536] };
    assert!(matches!(still(&wide, &style()), Err(ImageError::Encode { format: Format::Gif, .. })));
}

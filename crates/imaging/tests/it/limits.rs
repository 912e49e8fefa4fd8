//! Every limit refuses, by name, before any pixel work; and every way out of a decode is taken.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use darkroom_core::operation::{Frames, OutputFormat, Thumbnail};
use darkroom_imaging::{Guard, ImageError, Limits, Source, inspect, memory_needed, render};

use crate::{
    data,
    fixture::{self, Jpeg},
    picture::{Corner, scene},
};

fn png() -> Source {
    Source::bytes(scene(120, 80, Corner::Opaque).to_png())
}

fn progressive() -> Source {
    Source::bytes(fixture::jpeg(&scene(120, 80, Corner::Opaque), Jpeg::Progressive))
}

/// The named limit that `render` reports, with the value asked for.
fn refused(source: &Source, request: Thumbnail, limits: &Limits) -> (&'static str, u64) {
    match render(source, &[request], limits, &data::guard()) {
        Err(ImageError::Limit { limit, actual, allowed }) => {
            assert!(actual > allowed);
            (limit, actual)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn input_bytes() {
    let limits = Limits { input_bytes: 100, ..Limits::default() };
    assert_eq!(refused(&png(), Thumbnail::default(), &limits), ("input_bytes", png().len().unwrap()));
}

#[test]
fn streamed_pixels() {
    let limits = Limits { streamed_pixels: 120 * 80 - 1, ..Limits::default() };
    assert_eq!(refused(&png(), Thumbnail::default(), &limits), ("streamed_pixels", 9600));
    assert!(inspect(&png(), &Limits { streamed_pixels: 9600, frame_pixels: 0, ..Limits::default() }).is_ok());
}

#[test]
fn frame_pixels() {
    let limits = Limits { frame_pixels: 9599, ..Limits::default() };
    assert_eq!(refused(&progressive(), Thumbnail::default(), &limits), ("frame_pixels", 9600));
}

#[test]
fn side() {
    let limits = Limits { side: 119, ..Limits::default() };
    assert_eq!(refused(&png(), Thumbnail::default(), &limits), ("side", 120));
}

#[test]
fn scans() {
    let limits = Limits { scans: 2, ..Limits::default() };
    assert_eq!(refused(&progressive(), Thumbnail::default(), &limits), ("scans", 3));
    assert!(inspect(&progressive(), &Limits::default()).is_ok());
}

#[test]
fn a_scan_bomb_is_refused_by_its_markers() {
    let jpeg = fixture::jpeg(&scene(120, 80, Corner::Opaque), Jpeg::Progressive);
    let scan = jpeg.windows(2).rposition(|m| m == [0xff, 0xda]).unwrap();
    let bomb = [&jpeg[..jpeg.len() - 2], &jpeg[scan..jpeg.len() - 2].repeat(200)].concat();
    assert_eq!(refused(&Source::bytes(bomb), Thumbnail::default(), &Limits::default()), ("scans", 101));
}

#[test]
fn result_side() {
    let limits = Limits { result_side: 63, ..Limits::default() };
    assert_eq!(refused(&png(), Thumbnail::fit(64, 64), &limits), ("result_side", 64));
    assert!(render(&png(), &[Thumbnail::fit(63, 63)], &limits, &data::guard()).is_ok());
}

#[test]
fn memory() {
    // The coefficients: 8 × 5 MCUs of 6 blocks of 128 bytes.
    let limits = Limits { memory: 30_000, ..Limits::default() };
    assert_eq!(refused(&progressive(), Thumbnail::default(), &limits), ("memory", 8 * 5 * 6 * 128));
    let large = Thumbnail { enlarge: true, ..Thumbnail::fit(8000, 8000) };
    let limits = Limits { memory: 100_000_000, ..Limits::default() };
    let needed = memory_needed(&inspect(&png(), &limits).unwrap(), std::slice::from_ref(&large));
    assert_eq!(refused(&png(), large, &limits), ("memory", needed));
}

#[test]
fn frames_and_the_sum_of_their_pixels() {
    let mut gif = Vec::new();
    let mut encoder = gif::Encoder::new(&mut gif, 20, 10, &[0, 0, 0, 255, 255, 255]).unwrap();
    for _ in 0..5 {
        encoder.write_frame(&gif::Frame::from_indexed_pixels(20, 10, vec![1; 200], None)).unwrap();
    }
    drop(encoder);
    let source = Source::bytes(gif);
    let all = || Thumbnail { frames: Frames::All, format: OutputFormat::Gif, ..Thumbnail::fit(10, 10) };
    let few = Limits { frames: 4, ..Limits::default() };
    assert_eq!(refused(&source, all(), &few), ("frames", 5));
    assert_eq!(
        refused(&source, all(), &Limits { animation_pixels: 999, ..Limits::default() }),
        ("animation_pixels", 1000)
    );
    assert!(
        render(&source, &[Thumbnail::fit(10, 10)], &few, &data::guard()).is_ok(),
        "one frame is one frame"
    );
}

#[test]
fn decode_time() {
    let guard = Guard::new(Duration::ZERO, Arc::new(AtomicBool::new(false)));
    for source in [png(), progressive()] {
        let result = render(&source, &[Thumbnail::default()], &Limits::default(), &guard);
        assert!(matches!(result, Err(ImageError::TimedOut(Duration::ZERO))), "{result:?}");
    }
}

#[test]
fn a_cancelled_caller_gets_nothing() {
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(true)));
    let result = render(&png(), &[Thumbnail::default()], &Limits::default(), &guard);
    assert!(matches!(result, Err(ImageError::Cancelled)), "{result:?}");
}

#[test]
fn a_declared_size_is_refused_without_pixels() {
    // A header of 100,000 × 100,000 with next to nothing behind it.
    let mut png = scene(1, 1, Corner::Opaque).to_png();
    png[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    assert_eq!(refused(&Source::bytes(png), Thumbnail::default(), &Limits::default()), ("side", 100_000));
}

#[test]
fn no_requests_make_no_work() {
    assert_eq!(render(&png(), &[], &Limits::default(), &data::guard()).unwrap(), []);
}

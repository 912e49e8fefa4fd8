//! Images as frames: every colour type, upright, reduced to no less than was asked for.

use darkroom_core::operation::Background;
use darkroom_imaging::{Frame, FrameRequest, ImageError, Inspected, Layout, Limits, Source};
use jpeg_encoder::{ColorType, Encoder};

use crate::{
    data,
    fixture::{self, Jpeg},
    picture::{Corner, scene},
};

fn frame(bytes: Vec<u8>, request: &FrameRequest) -> Frame {
    let inspected = Inspected::new(Source::bytes(bytes), Limits::default()).unwrap();
    let frame = inspected.frame(request, &data::guard()).unwrap();
    assert_eq!(frame.layout, Layout::Rgb);
    assert_eq!(frame.pixels.len(), frame.width as usize * frame.height as usize * 3);
    assert!(inspected.frame_memory_needed(request) > frame.pixels.len() as u64);
    frame
}

fn pixels(bytes: Vec<u8>) -> Vec<u8> {
    frame(bytes, &FrameRequest::default()).pixels
}

fn png(colour: png::ColorType, depth: png::BitDepth, size: (u32, u32), rows: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 200, 100, 50]);
        encoder.set_trns(vec![255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(rows).unwrap();
    bytes
}

#[test]
fn every_kind_of_png_becomes_rgb() {
    use png::{BitDepth as Depth, ColorType as Colour};
    let grey = png(Colour::Grayscale, Depth::Eight, (2, 1), &[7, 250]);
    assert_eq!(pixels(grey), [7, 7, 7, 250, 250, 250]);
    let bits = png(Colour::Grayscale, Depth::One, (3, 1), &[0b1010_0000]);
    assert_eq!(pixels(bits), [255, 255, 255, 0, 0, 0, 255, 255, 255]);
    let deep = png(Colour::Rgb, Depth::Sixteen, (1, 1), &[0x80, 0x80, 0xff, 0xff, 0, 0]);
    assert_eq!(pixels(deep), [128, 255, 0]);
    let half = png(Colour::GrayscaleAlpha, Depth::Eight, (2, 1), &[0, 128, 40, 255]);
    assert_eq!(pixels(half), [127, 127, 127, 40, 40, 40], "over white");
    let palette = png(Colour::Indexed, Depth::Eight, (2, 1), &[0, 1]);
    assert_eq!(pixels(palette.clone()), [10, 20, 30, 255, 255, 255], "the second is transparent");
    let request = FrameRequest { background: Some(Background([1, 2, 3])), ..FrameRequest::default() };
    assert_eq!(frame(palette.clone(), &request).pixels, [10, 20, 30, 1, 2, 3]);
    let kept = FrameRequest { background: None, ..FrameRequest::default() };
    let inspected = Inspected::new(Source::bytes(palette), Limits::default()).unwrap();
    assert_eq!(inspected.frame(&kept, &data::guard()).unwrap().layout, Layout::Rgba);
}

#[test]
fn inks_become_light() {
    let mut jpeg = Vec::new();
    let cyan: Vec<u8> = [255, 0, 0, 0].repeat(64);
    Encoder::new(&mut jpeg, 100).encode(&cyan, 8, 8, ColorType::Cmyk).unwrap();
    let pixels = pixels(jpeg);
    assert!(pixels[0] < 8 && pixels[1] > 247 && pixels[2] > 247, "{:?}", &pixels[..3]);
}

#[test]
fn a_frame_is_reduced_but_not_below_what_is_needed() {
    for kind in [Jpeg::Baseline, Jpeg::Progressive] {
        let jpeg = fixture::jpeg(&scene(1001, 803, Corner::Opaque), kind);
        let whole = frame(jpeg.clone(), &FrameRequest::default());
        assert_eq!((whole.width, whole.height), (1001, 803));
        for (side, margin) in [(100, 1.0), (100, 2.0), (256, 1.0), (700, 1.4), (5000, 1.0)] {
            let request = FrameRequest { shorter_side: Some(side), margin, ..FrameRequest::default() };
            let small = frame(jpeg.clone(), &request);
            let least = (f64::from(side) * margin).min(803.0);
            assert!(f64::from(small.height) >= least - 1.0, "{} for {side} × {margin}", small.height);
            assert!(small.height <= 803 && (side > 256 || small.height < 803), "{}", small.height);
            let (x, y) = (f64::from(small.width) / 1001.0, f64::from(small.height) / 803.0);
            assert!((x - y).abs() < 0.01, "the aspect is kept: {x} and {y}");
        }
    }
}

#[test]
fn a_frame_is_upright() {
    let Some(folder) = data::folder("exif-orientation") else { return };
    let size = |name: &str| {
        let found = frame(std::fs::read(folder.join(name)).unwrap(), &FrameRequest::default());
        (found.width, found.height)
    };
    for value in 1..=8 {
        assert_eq!(size(&format!("Landscape_{value}.jpg")), size("Landscape_1.jpg"), "{value}");
    }
}

#[test]
fn a_frame_stays_within_the_memory() {
    let jpeg = fixture::jpeg(&scene(1000, 800, Corner::Opaque), Jpeg::Baseline);
    let limits = Limits { memory: 3 << 20, ..Limits::default() };
    let inspected = Inspected::new(Source::bytes(jpeg), limits).unwrap();
    let refused = inspected.frame(&FrameRequest::default(), &data::guard());
    assert!(matches!(refused, Err(ImageError::Limit { limit: "memory", .. })), "{refused:?}");
    let small = FrameRequest { shorter_side: Some(100), ..FrameRequest::default() };
    assert!(inspected.frame(&small, &data::guard()).is_ok(), "reduced it fits");
}

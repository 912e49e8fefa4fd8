//! What each mode gives, seen from outside.

use darkroom_core::operation::{Background, Gravity, Mode, OutputFormat, Thumbnail};
use darkroom_imaging::{Format, Source, inspect};

use crate::{
    data,
    fixture::{self, Jpeg},
    picture::{Corner, Picture, scene},
};

fn made(picture: &Picture, request: &Thumbnail) -> Picture {
    let request = Thumbnail { format: OutputFormat::Png, ..request.clone() };
    Picture::from_png(&data::thumbnail(&Source::bytes(picture.to_png()), &request).unwrap().bytes)
}

/// Red on the left half, blue on the right.
fn halves(width: u32, height: u32) -> Picture {
    let pixel = |i: u32| if i % width < width / 2 { [255, 0, 0, 255] } else { [0, 0, 255, 255] };
    Picture { width, height, pixels: (0..width * height).map(pixel).collect() }
}

#[test]
fn fit_of_1200_by_600_into_500_is_500_by_250() {
    let small = made(&halves(1200, 600), &Thumbnail::fit(500, 500));
    assert_eq!((small.width, small.height), (500, 250));
}

#[test]
fn fill_keeps_the_side_that_gravity_names() {
    for (gravity, colour) in [(Gravity::West, [255, 0, 0, 255]), (Gravity::East, [0, 0, 255, 255])] {
        let request = Thumbnail { mode: Mode::Fill, gravity, ..Thumbnail::fit(50, 100) };
        let small = made(&halves(400, 200), &request);
        assert_eq!((small.width, small.height), (50, 100));
        assert!(small.pixels.iter().all(|p| p == &colour), "{gravity}");
    }
}

#[test]
fn exact_stretches() {
    let small = made(&halves(400, 200), &Thumbnail { mode: Mode::Exact, ..Thumbnail::fit(33, 77) });
    assert_eq!((small.width, small.height), (33, 77));
}

#[test]
fn pad_fills_the_box_with_the_background() {
    let request =
        Thumbnail { mode: Mode::Pad, background: Some(Background([1, 2, 3])), ..Thumbnail::fit(100, 100) };
    let small = made(&halves(400, 200), &request);
    assert_eq!((small.width, small.height, small.pixels[0]), (100, 100, [1, 2, 3, 255]));
    assert_eq!(small.pixels[50 * 100 + 10], [255, 0, 0, 255]);
}

#[test]
fn pad_is_transparent_where_the_image_is_and_white_where_it_cannot_be() {
    let request = Thumbnail { mode: Mode::Pad, ..Thumbnail::fit(100, 100) };
    assert_eq!(made(&scene(200, 100, Corner::Transparent), &request).pixels[0][3], 0);
    assert_eq!(made(&scene(200, 100, Corner::Opaque), &request).pixels[0], [255; 4]);
}

#[test]
fn transparency_becomes_white_or_the_background_in_jpeg() {
    let source = Source::bytes(scene(200, 200, Corner::Transparent).to_png());
    for (background, colour) in [(None, [255, 255, 255]), (Some(Background([10, 200, 30])), [10, 200, 30])] {
        let request = Thumbnail { background, ..Thumbnail::fit(100, 100) };
        let jpeg = data::thumbnail(&source, &request).unwrap();
        assert_eq!(jpeg.format, Format::Jpeg);
        let seen = data::thumbnail(&Source::bytes(jpeg.bytes), &data::as_it_is()).unwrap();
        let [r, g, b, _] = Picture::from_png(&seen.bytes).pixels[5 * 100 + 5];
        let off = [r, g, b].iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off <= Some(4), "{:?} instead of {colour:?}", [r, g, b]);
    }
}

#[test]
fn the_format_of_the_source_is_kept_when_asked() {
    let picture = scene(64, 48, Corner::Opaque);
    let webp = Thumbnail { format: OutputFormat::Webp, ..data::as_it_is() };
    let webp = data::thumbnail(&Source::bytes(picture.to_png()), &webp).unwrap().bytes;
    let jpeg = fixture::jpeg(&picture, Jpeg::Progressive);
    for (bytes, format) in [(picture.to_png(), Format::Png), (webp, Format::Webp), (jpeg, Format::Jpeg)] {
        let request = Thumbnail { format: OutputFormat::Source, ..Thumbnail::fit(32, 32) };
        let small = data::thumbnail(&Source::bytes(bytes), &request).unwrap();
        let header =
            inspect(&Source::bytes(small.bytes.clone()), &darkroom_imaging::Limits::default()).unwrap();
        assert_eq!((small.format, header.format), (format, format));
        assert_eq!((small.width, small.height, header.width, header.height), (32, 24, 32, 24));
    }
}

#[test]
fn every_quality_is_written_and_more_is_larger() {
    let source = Source::bytes(scene(300, 200, Corner::Opaque).to_png());
    for format in [OutputFormat::Jpeg, OutputFormat::Webp] {
        let size = |quality: u8| {
            let request =
                Thumbnail { format, quality: Some(quality.try_into().unwrap()), ..data::as_it_is() };
            data::thumbnail(&source, &request).unwrap().bytes.len()
        };
        assert!(size(1) < size(50) && size(50) < size(100), "{format}");
    }
}

//! A reduced decode looks like a full one, and does not shift the picture.

use darkroom_core::operation::{Filter, Light, OutputFormat, Reduce, Thumbnail};
use darkroom_imaging::{Source, render};

use crate::{
    data,
    fixture::{self, Jpeg},
    picture::{Corner, Picture, scene},
};

fn shrunk(source: &Source, side: u32, reduce: Reduce) -> Picture {
    let request = Thumbnail { reduce, format: OutputFormat::Png, ..Thumbnail::fit(side, side) };
    Picture::from_png(&data::thumbnail(source, &request).unwrap().bytes)
}

/// Decibels against the same filter on every pixel. A shift of half a result pixel costs this scene more than 15 dB.
fn least(reduce: Reduce) -> f64 {
    match reduce {
        Reduce::Speed => 34.0,
        Reduce::Balanced => 38.0,
        Reduce::Quality => 44.0,
        Reduce::None => f64::INFINITY,
    }
}

#[test]
fn every_reduction_is_close_to_a_full_decode() {
    // Sides that no factor divides, and no multiple of a block.
    let picture = scene(1237, 911, Corner::Opaque);
    let mut sources = vec![
        ("png", Source::bytes(picture.to_png())),
        ("jpeg", Source::bytes(fixture::jpeg(&picture, Jpeg::Baseline))),
        ("progressive", Source::bytes(fixture::jpeg(&picture, Jpeg::Progressive))),
    ];
    let request = Thumbnail { format: OutputFormat::Webp, ..data::as_it_is() };
    sources.push(("webp", Source::bytes(data::thumbnail(&sources[0].1, &request).unwrap().bytes)));
    for (name, source) in &sources {
        for side in [31, 100, 200, 300, 511, 900] {
            let full = shrunk(source, side, Reduce::None);
            for reduce in [Reduce::Speed, Reduce::Balanced, Reduce::Quality] {
                let psnr = shrunk(source, side, reduce).psnr(&full);
                assert!(psnr >= least(reduce), "{name} to {side} with {reduce}: {psnr:.1} dB");
            }
        }
    }
}

#[test]
fn transparent_pixels_lend_no_colour() {
    let picture = Picture {
        width: 400,
        height: 400,
        pixels: (0..160_000).map(|i| if i % 400 < 201 { [0, 200, 0, 255] } else { [255, 0, 0, 0] }).collect(),
    };
    let source = Source::bytes(picture.to_png());
    for reduce in Reduce::ALL {
        let small = shrunk(&source, 40, *reduce);
        let tinted = small.pixels.iter().find(|[r, _, _, a]| *a > 8 && *r > 24);
        assert_eq!(tinted, None, "{reduce}");
        assert_eq!((small.pixels[0], small.pixels[39][3]), ([0, 200, 0, 255], 0), "{reduce}");
    }
}

#[test]
fn linear_light_keeps_the_brightness_of_fine_detail() {
    let checks =
        |i: u32| if (i % 512 + i / 512).is_multiple_of(2) { [255, 255, 255, 255] } else { [0, 0, 0, 255] };
    let picture = Picture { width: 512, height: 512, pixels: (0..512 * 512).map(checks).collect() };
    for bytes in [picture.to_png(), fixture::jpeg(&picture, Jpeg::Baseline)] {
        let source = Source::bytes(bytes);
        for (light, grey) in [(Light::Gamma, 128), (Light::Linear, 188)] {
            let request = Thumbnail { light, format: OutputFormat::Png, ..Thumbnail::fit(64, 64) };
            let small = Picture::from_png(&data::thumbnail(&source, &request).unwrap().bytes);
            let [middle, ..] = small.pixels[32 * 64 + 32];
            assert!(middle.abs_diff(grey) <= 3, "{light}: {middle}");
        }
    }
}

#[test]
fn nearest_neighbour_invents_no_colour() {
    let picture = scene(333, 222, Corner::Opaque);
    let request =
        Thumbnail { filter: Filter::Nearest, format: OutputFormat::Png, ..Thumbnail::fit(100, 100) };
    let small = data::thumbnail(&Source::bytes(picture.to_png()), &request).unwrap();
    let invented =
        Picture::from_png(&small.bytes).pixels.into_iter().find(|pixel| !picture.pixels.contains(pixel));
    assert_eq!(invented, None);
}

#[test]
fn several_sizes_from_one_decode_look_like_each_alone() {
    let source = Source::bytes(fixture::jpeg(&scene(1600, 1200, Corner::Opaque), Jpeg::Baseline));
    let request = |side| Thumbnail { format: OutputFormat::Png, ..Thumbnail::fit(side, side) };
    let sides = [100, 800, 400, 50, 200];
    let requests = sides.map(request);
    let together = render(&source, &requests, &darkroom_imaging::Limits::default(), &data::guard()).unwrap();
    for (rendition, request) in together.iter().zip(&requests) {
        let full = Thumbnail { reduce: Reduce::None, ..request.clone() };
        let full = Picture::from_png(&data::thumbnail(&source, &full).unwrap().bytes);
        let psnr = Picture::from_png(&rendition.bytes).psnr(&full);
        assert!(psnr >= least(Reduce::Balanced), "{} px: {psnr:.1} dB", rendition.width);
    }
}

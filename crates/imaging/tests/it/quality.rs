//! How close results are to a reference: every pixel, filtered in floating point by the definition of Lanczos.
//!
//! Two measures against the reference, as seen on white: PSNR in decibels, and SSIM (Wang et al. 2004: 8 × 8 windows,
//! K1 = 0.01, K2 = 0.03) of luma.

use darkroom_core::operation::{Filter, Mode, OutputFormat, Reduce, Thumbnail};
use darkroom_imaging::Source;

use crate::{
    data,
    fixture::{self, Jpeg, bitmap::bmp},
    picture::{Corner, Picture, scene},
};

/// What a result must reach.
#[derive(Debug, Clone, Copy)]
struct Least {
    psnr: f64,
    ssim: f64,
}

/// By how much a decoder may reduce. With every pixel decoded, only rounding to 8 bits (twice: the filter is
/// separable) tells the result from the reference.
fn least(reduce: Reduce) -> Least {
    match reduce {
        Reduce::Speed => Least { psnr: 32.0, ssim: 0.97 },
        Reduce::Balanced => Least { psnr: 36.0, ssim: 0.985 },
        Reduce::Quality => Least { psnr: 42.0, ssim: 0.995 },
        Reduce::None => Least { psnr: 48.0, ssim: 0.999 },
    }
}

const WIDTH: u32 = 1237;
const HEIGHT: u32 = 911;

/// The scene in every format that can be large, lossless ones as they are, others as this crate decodes them whole.
fn inputs() -> Vec<(&'static str, Source, Picture)> {
    let picture = scene(WIDTH, HEIGHT, Corner::Opaque);
    let png = Source::bytes(picture.to_png());
    let written = |format| {
        let request = Thumbnail { format, ..data::as_it_is() };
        Source::bytes(data::thumbnail(&png, &request).unwrap().bytes)
    };
    let sources = [
        ("PNG", png.clone()),
        ("BMP", Source::bytes(bmp(&picture, 24, HEIGHT as i32))),
        ("baseline JPEG", Source::bytes(fixture::jpeg(&picture, Jpeg::Baseline))),
        ("progressive JPEG", Source::bytes(fixture::jpeg(&picture, Jpeg::Progressive))),
        ("WebP", written(OutputFormat::Webp)),
        ("GIF", written(OutputFormat::Gif)),
        ("AVIF", written(OutputFormat::Avif)),
    ];
    let whole =
        |source: &Source| Picture::from_png(&data::thumbnail(source, &data::as_it_is()).unwrap().bytes);
    sources.map(|(name, source)| (name, source.clone(), whole(&source))).into()
}

#[test]
fn every_format_mode_and_reduction_is_close_to_the_reference() {
    for (name, source, whole) in inputs() {
        for mode in Mode::ALL {
            let expected = reference(&whole, *mode, (240, 200));
            for reduce in Reduce::ALL {
                let request = Thumbnail {
                    mode: *mode,
                    reduce: *reduce,
                    format: OutputFormat::Png,
                    ..Thumbnail::fit(240, 200)
                };
                let shown = Picture::from_png(&data::thumbnail(&source, &request).unwrap().bytes);
                check(&format!("{name}, {mode}, {reduce}"), (&shown, &expected), least(*reduce));
            }
        }
    }
}

#[test]
fn every_written_format_is_close_to_the_reference() {
    let picture = scene(WIDTH, HEIGHT, Corner::Opaque);
    let source = Source::bytes(picture.to_png());
    let expected = reference(&picture, Mode::Fit, (400, 400));
    let formats = [
        (OutputFormat::Jpeg, Least { psnr: 34.0, ssim: 0.96 }),
        (OutputFormat::Webp, Least { psnr: 34.0, ssim: 0.96 }),
        (OutputFormat::Avif, Least { psnr: 34.0, ssim: 0.96 }),
        (OutputFormat::Gif, Least { psnr: 29.0, ssim: 0.85 }),
        (OutputFormat::Png, least(Reduce::Balanced)),
    ];
    for (format, least) in formats {
        let written = data::thumbnail(&source, &Thumbnail { format, ..Thumbnail::fit(400, 400) }).unwrap();
        let shown = data::thumbnail(&Source::bytes(written.bytes), &data::as_it_is()).unwrap();
        check(&format.to_string(), (&Picture::from_png(&shown.bytes), &expected), least);
    }
}

#[test]
fn enlarging_follows_the_reference() {
    let picture = scene(97, 61, Corner::Opaque);
    let request = Thumbnail { enlarge: true, format: OutputFormat::Png, ..Thumbnail::fit(291, 291) };
    let shown = data::thumbnail(&Source::bytes(picture.to_png()), &request).unwrap();
    let expected = resized(&picture, Part::whole(&picture), (291, 183));
    check("enlarged", (&Picture::from_png(&shown.bytes), &expected), Least { psnr: 45.0, ssim: 0.998 });
    assert_eq!(request.filter, Filter::Lanczos3);
}

fn check(what: &str, (shown, expected): (&Picture, &Picture), least: Least) {
    let (psnr, ssim) = (shown.psnr(expected), ssim(shown, expected));
    assert!(
        psnr >= least.psnr && ssim >= least.ssim,
        "{what}: {psnr:.1} dB, SSIM {ssim:.4}; {least:?} is demanded"
    );
}

/// What each mode makes of a picture in a box, with centred gravity.
fn reference(picture: &Picture, mode: Mode, (width, height): (u32, u32)) -> Picture {
    let whole = Part::whole(picture);
    let scale = (f64::from(width) / whole.width).min(f64::from(height) / whole.height);
    let fitted = ((whole.width * scale).round() as u32, (whole.height * scale).round() as u32);
    match mode {
        Mode::Fit => resized(picture, whole, fitted),
        Mode::Exact => resized(picture, whole, (width, height)),
        Mode::Fill => {
            let scale = (f64::from(width) / whole.width).max(f64::from(height) / whole.height);
            let (w, h) = (f64::from(width) / scale, f64::from(height) / scale);
            let part =
                Part { left: (whole.width - w) / 2.0, top: (whole.height - h) / 2.0, width: w, height: h };
            resized(picture, part, (width, height))
        }
        Mode::Pad => {
            let inner = resized(picture, whole, fitted);
            let (left, top) = ((width - fitted.0) / 2, (height - fitted.1) / 2);
            let mut pixels = vec![[255; 4]; (width * height) as usize];
            for (y, row) in inner.pixels.chunks(fitted.0 as usize).enumerate() {
                let at = (top as usize + y) * width as usize + left as usize;
                pixels[at..at + row.len()].copy_from_slice(row);
            }
            Picture { width, height, pixels }
        }
    }
}

/// A part of a picture, in pixels with fractions.
#[derive(Clone, Copy)]
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Part {
    fn whole(picture: &Picture) -> Self {
        Self { left: 0.0, top: 0.0, width: f64::from(picture.width), height: f64::from(picture.height) }
    }
}

/// Lanczos with three lobes along both axes, in double precision, rounded once at the end. Opaque pictures only.
fn resized(picture: &Picture, part: Part, (width, height): (u32, u32)) -> Picture {
    let columns = weights((part.left, part.width), picture.width, width);
    let rows = weights((part.top, part.height), picture.height, height);
    let stride = picture.width as usize;
    let across: Vec<[f64; 3]> = (0..picture.height as usize)
        .flat_map(|y| columns.iter().map(move |taps| (y, taps)))
        .map(|(y, taps)| sum(taps, |x| picture.pixels[y * stride + x].map(f64::from)))
        .collect();
    let pixels = rows
        .iter()
        .flat_map(|taps| (0..width as usize).map(move |x| (x, taps)))
        .map(|(x, taps)| {
            let [r, g, b] = sum(taps, |y| {
                let [r, g, b] = across[y * width as usize + x];
                [r, g, b, 0.0]
            })
            .map(|v| (v + 0.5).clamp(0.0, 255.0) as u8);
            [r, g, b, 255]
        })
        .collect();
    Picture { width, height, pixels }
}

type Taps = Vec<(usize, f64)>;

fn sum(taps: &Taps, sample: impl Fn(usize) -> [f64; 4]) -> [f64; 3] {
    taps.iter().fold([0.0; 3], |total, &(at, weight)| {
        let sample = sample(at);
        [0, 1, 2].map(|c| total[c] + sample[c] * weight)
    })
}

/// For every result pixel, which source pixels count how much; the sum is 1 at the edges, too.
fn weights((start, length): (f64, f64), source: u32, result: u32) -> Vec<Taps> {
    let scale = length / f64::from(result);
    let wide = scale.max(1.0);
    let one = |i: u32| {
        let centre = start + (f64::from(i) + 0.5) * scale;
        let from = (centre - 3.0 * wide).floor().max(0.0) as u32;
        let to = ((centre + 3.0 * wide).ceil() as u32).min(source);
        let raw: Taps =
            (from..to).map(|at| (at as usize, lanczos((f64::from(at) + 0.5 - centre) / wide))).collect();
        let total: f64 = raw.iter().map(|(_, weight)| weight).sum();
        raw.into_iter().map(|(at, weight)| (at, weight / total)).collect()
    };
    (0..result).map(one).collect()
}

fn lanczos(x: f64) -> f64 {
    let sinc =
        |x: f64| if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// The mean over 8 × 8 windows, four pixels apart.
fn ssim(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let luma = |[r, g, b, _]: [u8; 4]| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    let (width, height) = (a.width as usize, a.height as usize);
    let mut total = (0.0, 0.0);
    for top in (0..height.saturating_sub(7)).step_by(4) {
        for left in (0..width.saturating_sub(7)).step_by(4) {
            let places = (top..top + 8).flat_map(|y| (left..left + 8).map(move |x| y * width + x));
            let pairs: Vec<_> = places.map(|at| (luma(a.pixels[at]), luma(b.pixels[at]))).collect();
            total = (total.0 + window(&pairs), total.1 + 1.0);
        }
    }
    total.0 / total.1
}

fn window(pairs: &[(f64, f64)]) -> f64 {
    const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
    const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let (xx, yy) = (mean(&|p| (p.0 - x).powi(2)), mean(&|p| (p.1 - y).powi(2)));
    let xy = mean(&|p| (p.0 - x) * (p.1 - y));
    (2.0 * x * y + C1) * (2.0 * xy + C2) / ((x * x + y * y + C1) * (xx + yy + C2))
}

//! Files that end early give what there is or a typed error: never a panic, never a hang.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use darkroom_core::operation::{Frames, OutputFormat, Thumbnail};
use darkroom_imaging::{ImageError, Limits, Source, inspect, render};
use tiff::encoder::{Compression, TiffEncoder, colortype::RGBA8};

use crate::{
    data,
    fixture::{
        self, Jpeg,
        bitmap::{bmp, ico, icon_bitmap},
    },
    picture::{Corner, Picture, scene},
};

/// Far above what any of these small files takes on a busy machine, and far below a hang.
const LONGEST: Duration = Duration::from_mins(5);

/// One file of every format that is read, made here; several where a format has varieties with decoders of their own.
fn files() -> Vec<(String, Vec<u8>)> {
    let picture = scene(320, 240, Corner::Transparent);
    let source = Source::bytes(picture.to_png());
    let written = |format| {
        let request = Thumbnail { format, ..data::as_it_is() };
        (format.to_string(), data::thumbnail(&source, &request).unwrap().bytes)
    };
    let mut files: Vec<_> =
        [OutputFormat::Png, OutputFormat::Webp, OutputFormat::Avif, OutputFormat::Gif].map(written).into();
    files.push(("baseline JPEG".into(), fixture::jpeg(&picture, Jpeg::Baseline)));
    files.push(("progressive JPEG".into(), fixture::jpeg(&picture, Jpeg::Progressive)));
    files.push(("TIFF".into(), tiff(&picture)));
    files.push(("BMP".into(), bmp(&picture, 24, 240)));
    files.push(("ICO".into(), ico(&[(48, 24, icon_bitmap(&scene(48, 48, Corner::Opaque), 24))])));
    files.push(("animated WebP".into(), animated_webp()));
    files
}

fn tiff(picture: &Picture) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(Compression::Lzw);
    encoder.write_image::<RGBA8>(picture.width, picture.height, picture.pixels.as_flattened()).unwrap();
    bytes.into_inner()
}

fn animated_webp() -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), 64, 64, &[200, 30, 30, 20, 20, 60]).unwrap();
    for step in 0..4 {
        let buffer: Vec<u8> = (0..64 * 64).map(|i| u8::from(i / 64 % 8 == step)).collect();
        let frame =
            gif::Frame { width: 64, height: 64, delay: 5, buffer: buffer.into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    let source = Source::bytes(encoder.into_inner().unwrap());
    let request = Thumbnail { frames: Frames::All, format: OutputFormat::Webp, ..data::as_it_is() };
    data::thumbnail(&source, &request).unwrap().bytes
}

#[test]
fn every_fiftieth_of_every_format_is_an_image_or_a_typed_error() {
    for (name, bytes) in files() {
        let mut images = 0;
        for part in 0..=50 {
            images += u32::from(works(&name, &bytes[..bytes.len() * part / 50]));
        }
        assert!(images >= 1, "the whole {name} is an image");
    }
}

/// Whether a file that may be cut gives an image.
fn works(name: &str, bytes: &[u8]) -> bool {
    let start = Instant::now();
    let source = Source::bytes(bytes);
    let requests = [
        Thumbnail { format: OutputFormat::Png, ..Thumbnail::fit(32, 32) },
        Thumbnail { format: OutputFormat::Gif, frames: Frames::All, ..Thumbnail::fit(32, 32) },
    ];
    let rendered = render(&source, &requests, &Limits::default(), &data::guard());
    let took = start.elapsed();
    assert!(took < LONGEST, "{name} cut at {} took {took:?}", bytes.len());
    match rendered {
        Ok(_) => true,
        Err(ImageError::NotAnImage | ImageError::Corrupt { .. } | ImageError::Unsupported { .. }) => false,
        Err(error) => panic!("{name} cut at {}: {error:?}", bytes.len()),
    }
}

#[test]
fn a_cut_header_is_no_image() {
    for (name, bytes) in files() {
        for length in 0..12 {
            let error = inspect(&Source::bytes(&bytes[..length]), &Limits::default()).unwrap_err();
            let refused = matches!(error, ImageError::NotAnImage | ImageError::Corrupt { .. });
            assert!(refused, "{name} cut at {length}: {error:?}");
        }
    }
}

#[test]
fn a_damaged_chunk_of_a_png_is_called_by_its_name() {
    let mut png = scene(320, 240, Corner::Opaque).to_png();
    // The sum behind the header's 4 + 4 + 13 bytes, which follow the signature's 8.
    png[29] ^= 1;
    let error = data::thumbnail(&Source::bytes(png), &data::as_it_is()).unwrap_err().to_string();
    assert!(error.contains("IHDR") && !error.contains("ChunkType"), "{error}");
}

//! Images that are made, not kept.

pub(crate) mod bitmap;

use std::io::{BufWriter, Write};

use jpeg_encoder::{ColorType, Encoder, ImageBuffer, JpegColorType};

use crate::picture::Picture;

/// Kinds of JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jpeg {
    Baseline,
    Progressive,
}

/// Encoded at quality 95 with colour at half resolution.
pub(crate) fn jpeg(picture: &Picture, kind: Jpeg) -> Vec<u8> {
    let rgb: Vec<u8> = picture.pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.set_progressive(kind == Jpeg::Progressive);
    encoder.encode(&rgb, picture.width as u16, picture.height as u16, ColorType::Rgb).unwrap();
    bytes
}

/// The sample of a large picture that is never in memory: smooth, with a fine pattern.
pub(crate) fn pattern(x: u32, y: u32) -> [u8; 3] {
    let fine = if (x / 3 + y / 5).is_multiple_of(2) { 24 } else { 0 };
    [(x / 80) as u8 / 2 + fine, (y / 80) as u8 / 2 + fine, ((x + y) / 160) as u8 / 2]
}

/// Writes the [`pattern`] as a baseline JPEG, row by row.
pub(crate) fn stream_jpeg(to: impl Write, width: u16, height: u16) {
    Encoder::new(BufWriter::new(to), 80).encode_image(Pattern { width, height }).unwrap();
}

/// Writes the [`pattern`] as an RGB PNG, row by row.
pub(crate) fn stream_png(to: impl Write, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(BufWriter::new(to), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for y in 0..height {
        let row: Vec<u8> = (0..width).flat_map(|x| pattern(x, y)).collect();
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
}

struct Pattern {
    width: u16,
    height: u16,
}

impl ImageBuffer for Pattern {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        for x in 0..self.width {
            let sample = pattern(u32::from(x), u32::from(y));
            buffers.iter_mut().zip(sample).for_each(|(buffer, v)| buffer.push(v));
        }
    }
}

//! Pixels to compare.

use std::io::Cursor;

/// 8-bit RGBA, not premultiplied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl Picture {
    /// From a PNG of any kind.
    pub(crate) fn from_png(bytes: &[u8]) -> Self {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut samples).unwrap();
        samples.truncate(info.buffer_size());
        let pixels = samples.chunks_exact(info.color_type.samples()).map(|pixel| match *pixel {
            [v] => [v, v, v, 255],
            [v, a] => [v, v, v, a],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, a] => [r, g, b, a],
            _ => unreachable!("PNG has 1 to 4 channels"),
        });
        Self { width: info.width, height: info.height, pixels: pixels.collect() }
    }

    /// Encoded as an RGBA PNG.
    pub(crate) fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(self.pixels.as_flattened()).unwrap();
        bytes
    }

    /// The samples as seen on white, 0 to 255.
    fn seen(&self) -> impl Iterator<Item = f64> {
        self.pixels.iter().flat_map(|&[r, g, b, a]| {
            let alpha = f64::from(a) / 255.0;
            [r, g, b].map(|v| f64::from(v) * alpha + 255.0 * (1.0 - alpha))
        })
    }

    /// The largest difference of any sample as seen on white.
    pub(crate) fn largest_difference(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        self.seen().zip(other.seen()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// Whether the same is seen; the colour of transparent pixels does not count.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height) && self.largest_difference(other) < 0.5
    }

    /// Peak signal-to-noise ratio in decibels, as seen on white; infinite for the same pixels.
    pub(crate) fn psnr(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let squares: f64 = self.seen().zip(other.seen()).map(|(a, b)| (a - b).powi(2)).sum();
        10.0 * (255.0f64.powi(2) / (squares / (self.pixels.len() * 3) as f64)).log10()
    }
}

/// A synthetic photograph: smooth colour, some edges and a transparent corner if wanted.
pub(crate) fn scene(width: u32, height: u32, corner: Corner) -> Picture {
    let pixel = |x: u32, y: u32| {
        let (fx, fy) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let wave = ((fx * 9.0).sin() * (fy * 7.0).cos() * 60.0 + 128.0) as u8;
        let inside = (fx - 0.6).hypot(fy - 0.4) < 0.2;
        let alpha = if matches!(corner, Corner::Transparent) && fx + fy < 0.4 { 0 } else { 255 };
        if inside { [220, 90, 60, alpha] } else { [wave, (fy * 255.0) as u8, (fx * 200.0) as u8, alpha] }
    };
    let pixels =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
    Picture { width, height, pixels }
}

/// What the upper left corner of a [`scene`] is like.
#[derive(Clone, Copy)]
pub(crate) enum Corner {
    Opaque,
    Transparent,
}

//! The test digits as people would send them, made by a seeded generator.

use anyhow::Result;
use darkroom_imaging::{Frame, Layout};
use rand::{Rng, rngs::StdRng};

use crate::{
    jpeg,
    mnist::{Labelled, SIDE},
    pen::{Strokes, bilinear},
};

/// A way to send a digit.
pub(crate) struct Degradation {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    make: fn(&Labelled, &mut StdRng) -> Frame,
    /// The lowest and the highest quality of the JPEG that it goes through, if it does.
    jpeg: Option<(u8, u8)>,
}

/// All of them, in the order of the table.
pub(crate) const DEGRADATIONS: [Degradation; 14] = [
    as_file("as they are", |digit, _| grey(SIDE, SIDE, digit.pixels.clone())),
    as_file("dark on light", |digit, _| grey(SIDE, SIDE, digit.pixels.iter().map(|p| 255 - p).collect())),
    as_file("20 to 60 px", |digit, random| scaled(digit, random, 20.0, 60.0)),
    as_file("100 to 600 px", |digit, random| scaled(digit, random, 100.0, 600.0)),
    as_file("1000 to 2000 px", |digit, random| scaled(digit, random, 1000.0, 2000.0)),
    as_file("off the centre", off_centre),
    as_file("hairline", |digit, random| penned(digit, random, 0.004, 0.02)),
    as_file("thick pen", |digit, random| penned(digit, random, 0.12, 0.17)),
    as_jpeg("JPEG, quality 10 to 40", (10, 40), |digit, random| scaled(digit, random, 28.0, 200.0)),
    as_file("lit from one side", |digit, random| Photo::of(digit, random).lit(random).frame()),
    as_file("rough paper, noise", |digit, random| Photo::of(digit, random).rough(random).frame()),
    as_file("ruled paper", |digit, random| Photo::of(digit, random).ruled(random).frame()),
    as_file("on a dark table", |digit, random| Photo::of(digit, random).on_table(random).frame()),
    as_jpeg("all but the table: a photo", (30, 80), photo),
];

const fn as_file(name: &'static str, make: fn(&Labelled, &mut StdRng) -> Frame) -> Degradation {
    Degradation { name, make, jpeg: None }
}

const fn as_jpeg(
    name: &'static str,
    quality: (u8, u8),
    make: fn(&Labelled, &mut StdRng) -> Frame,
) -> Degradation {
    Degradation { name, make, jpeg: Some(quality) }
}

impl Degradation {
    /// The frame that arrives.
    pub(crate) fn frame(&self, digit: &Labelled, random: &mut StdRng) -> Result<Frame> {
        let frame = (self.make)(digit, random);
        match self.jpeg {
            Some((least, most)) => jpeg::through(&frame, random.random_range(least..most)),
            None => Ok(frame),
        }
    }
}

/// A frame of one channel.
fn grey(width: usize, height: usize, pixels: Vec<u8>) -> Frame {
    Frame { width: width as u32, height: height as u32, layout: Layout::Gray, pixels }
}

/// Dark or light, of a side between the two.
fn scaled(digit: &Labelled, random: &mut StdRng, least: f32, most: f32) -> Frame {
    let side = random.random_range(least..most) as usize;
    let ink = printed(digit, (side, side), (0.0, 0.0), side as f32);
    toned(&ink, side, random)
}

fn off_centre(digit: &Labelled, random: &mut StdRng) -> Frame {
    let large = random.random_range(60.0..150.0_f32);
    let size = (random.random_range(300..500), random.random_range(300..500));
    let corner =
        |free: usize, random: &mut StdRng| random.random_range(-0.1 * large..free as f32 - 0.9 * large);
    let corner = (corner(size.0, random), corner(size.1, random));
    toned(&printed(digit, size, corner, large), size.0, random)
}

fn penned(digit: &Labelled, random: &mut StdRng, least: f32, most: f32) -> Frame {
    let side = random.random_range(250..600);
    let width = (random.random_range(least..most) * side as f32).max(1.0);
    let ink = Strokes::of(&digit.pixels).drawn((side, side), (0.0, 0.0), side as f32, width);
    toned(&ink, side, random)
}

fn photo(digit: &Labelled, random: &mut StdRng) -> Frame {
    let photo = Photo::of(digit, random).lit(random).rough(random);
    if random.random_bool(0.4) { photo.ruled(random).frame() } else { photo.frame() }
}

/// The digit enlarged, its edges sharp again.
fn printed(digit: &Labelled, size: (usize, usize), corner: (f32, f32), large: f32) -> Vec<f32> {
    let step = SIDE as f32 / large;
    let hardness = (1.0 / step).clamp(1.0, 6.0);
    let place = |at: usize, corner: f32| (at as f32 + 0.5 - corner) * step - 0.5;
    let ink = |at: usize| {
        let (x, y) = (place(at % size.0, corner.0), place(at / size.0, corner.1));
        let inside = 0.0..(SIDE - 1) as f32 - 0.001;
        if !inside.contains(&x) || !inside.contains(&y) {
            return 0.0;
        }
        ((bilinear(&digit.pixels, x, y) / 255.0 - 0.5) * hardness + 0.5).clamp(0.0, 1.0)
    };
    (0..size.0 * size.1).map(ink).collect()
}

/// Ink and paper of two grey values that are well apart, either of them the darker.
fn toned(ink: &[f32], width: usize, random: &mut StdRng) -> Frame {
    let (dark, light) = (random.random_range(0.0..90.0_f32), random.random_range(150.0..255.0));
    let (from, to) = if random.random_bool(0.5) { (dark, light) } else { (light, dark) };
    let pixels = ink.iter().map(|ink| (from + (to - from) * ink).round() as u8).collect();
    grey(width, ink.len() / width, pixels)
}

/// A digit written on paper, by a pen; grey values in 0..1.
struct Photo {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Photo {
    fn of(digit: &Labelled, random: &mut StdRng) -> Self {
        let (width, height) = (random.random_range(300..600), random.random_range(300..600));
        let shorter = width.min(height) as f32;
        let side = shorter * random.random_range(0.4..0.9_f32);
        let corner =
            (random.random_range(0.0..width as f32 - side), random.random_range(0.0..height as f32 - side));
        let pen = side * random.random_range(0.02..0.1_f32);
        let ink = Strokes::of(&digit.pixels).drawn((width, height), corner, side, pen);
        let (paper, written) = (random.random_range(0.65..0.95_f32), random.random_range(0.1..0.35_f32));
        let values = ink.iter().map(|ink| paper + (written - paper) * ink).collect();
        Self { width, height, values }
    }

    /// The value at each place, in parts of the frame, is changed.
    fn changed(mut self, change: impl Fn(f32, f32, f32) -> f32) -> Self {
        let (width, height) = (self.width, self.height);
        for (at, value) in self.values.iter_mut().enumerate() {
            *value = change(*value, (at % width) as f32 / width as f32, (at / width) as f32 / height as f32);
        }
        self
    }

    /// Light that falls off to one side, and darker corners.
    fn lit(self, random: &mut StdRng) -> Self {
        let angle = random.random_range(0.0..std::f32::consts::TAU);
        let (fall, corners) = (random.random_range(0.2..0.7_f32), random.random_range(0.0..0.3_f32));
        self.changed(|value, x, y| {
            let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
            let along = (x * angle.cos() + y * angle.sin()) / std::f32::consts::SQRT_2;
            value * (1.0 - fall * (1.0 + along) / 2.0) * (1.0 - corners * (x * x + y * y) / 2.0)
        })
    }

    /// Fibres a few pixels long, and the noise of a sensor.
    fn rough(self, random: &mut StdRng) -> Self {
        let (width, height) = (self.width, self.height);
        let (fibre, grain) = (random.random_range(0.01..0.05_f32), random.random_range(0.01..0.06_f32));
        let coarse: Vec<f32> = (0..width * height).map(|_| random.random_range(-1.0..1.0)).collect();
        let grains: Vec<f32> = (0..width * height).map(|_| random.random_range(-1.0..1.0_f32)).collect();
        let smooth = |at: usize| {
            (0..5).map(|step| coarse[(at + step * (width + 1)) % coarse.len()]).sum::<f32>() / 2.2
        };
        let values = self.values.iter().enumerate();
        let values =
            values.map(|(at, value)| value * (1.0 + fibre * smooth(at)) + grain * 1.7 * grains[at]).collect();
        Self { values, ..self }
    }

    /// Blue lines, as grey as the writing is at the darkest.
    fn ruled(self, random: &mut StdRng) -> Self {
        let lines = random.random_range(4..12) as f32;
        let (slope, darkness) = (random.random_range(-0.04..0.04_f32), random.random_range(0.15..0.5_f32));
        let phase = random.random_range(0.0..1.0_f32);
        let thickness = random.random_range(1.0..3.0_f32) / self.height as f32 * lines;
        self.changed(|value, x, y| {
            let place = (y + slope * x) * lines + phase;
            if place.fract() < thickness { value.min(value * (1.0 - darkness)) } else { value }
        })
    }

    /// A dark table around the sheet, on every side.
    fn on_table(mut self, random: &mut StdRng) -> Self {
        let (margin, table) = (random.random_range(0.1..0.3_f32), random.random_range(0.1..0.35_f32));
        let (out_width, out_height) = grown(self.width, self.height, margin);
        let (left, top) = ((out_width - self.width) / 2, (out_height - self.height) / 2);
        let mut values: Vec<f32> =
            (0..out_width * out_height).map(|_| table + random.random_range(-0.03..0.03_f32)).collect();
        for (y, row) in self.values.chunks_exact(self.width).enumerate() {
            values[(top + y) * out_width + left..][..self.width].copy_from_slice(row);
        }
        (self.width, self.height, self.values) = (out_width, out_height, values);
        self
    }

    fn frame(self) -> Frame {
        let pixels =
            self.values.iter().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect();
        grey(self.width, self.height, pixels)
    }
}

fn grown(width: usize, height: usize, margin: f32) -> (usize, usize) {
    let grown = |side: usize| (side as f32 * (1.0 + 2.0 * margin)) as usize;
    (grown(width), grown(height))
}

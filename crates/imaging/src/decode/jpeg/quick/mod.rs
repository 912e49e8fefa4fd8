//! Baseline JPEG at 1/8 or 2/8, reading only what that shows.
//!
//! libjpeg decodes every AC coefficient and throws nearly all of them away. Here their codes are passed several at a
//! glance, which halves the time of a thumbnail. A coefficient that is needed becomes pixels by an inverse transform
//! of as many points as the reduced block has (Dugad and Ahuja, "A fast scheme for image size change in the compressed
//! domain", 2001): a better low pass than an average. Anything unusual is `Unsupported`, before or during decoding:
//! libjpeg, which forgives everything, takes over then.

mod bits;
mod huffman;
mod tables;

use std::io::{self, ErrorKind, Read};

use crate::{Guard, ImageError};

use bits::{BitSource, Bits};
use huffman::{Ac, Huffman};
use tables::{Component, Tables};

/// Why there are no (more) rows.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Not one interleaved baseline scan of grey or YCbCr, or damaged: for libjpeg.
    Unsupported,
    /// Nobody can do it.
    Failed(ImageError),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof { Self::Unsupported } else { Self::Failed(error.into()) }
    }
}

/// Position of each coefficient in the order of the file: (column, row).
const ZIGZAG: [(u8, u8); 25] = [
    (0, 0),
    (1, 0),
    (0, 1),
    (0, 2),
    (1, 1),
    (2, 0),
    (3, 0),
    (2, 1),
    (1, 2),
    (0, 3),
    (0, 4),
    (1, 3),
    (2, 2),
    (3, 1),
    (4, 0),
    (5, 0),
    (4, 1),
    (3, 2),
    (2, 3),
    (1, 4),
    (0, 5),
    (0, 6),
    (1, 5),
    (2, 4),
    (3, 3),
];

/// A JPEG whose tables are read.
pub(super) struct Reduced<R> {
    source: BitSource<R>,
    tables: Tables,
    planes: Vec<Plane>,
    /// Size of the output.
    size: (u32, u32),
    mcus: (u32, u32),
    mcus_to_restart: u32,
    restarts: u8,
}

/// One component's samples of a row of MCUs, at the size of the output.
struct Plane {
    /// Points of a block: columns and rows.
    points: (usize, usize),
    /// Coefficients of a block to look at.
    coefficients: u32,
    stride: usize,
    samples: Vec<u8>,
    dc: i32,
}

impl<R: Read> Reduced<R> {
    /// Reads up to the first scan of a file; `eighths` is 1 or 2.
    pub(super) fn open(mut input: R, eighths: u32) -> Result<Self, Refusal> {
        let tables = Tables::read(&mut input)?;
        let (across, down) = tables.most_sampling();
        let block = |most: u32| 8 * most;
        let mcus = (tables.width.div_ceil(block(across)), tables.height.div_ceil(block(down)));
        let planes = tables
            .components
            .iter()
            .map(|c| Plane::new(c, eighths, (across, down), mcus.0))
            .collect::<Option<_>>();
        let size = ((tables.width * eighths).div_ceil(8), (tables.height * eighths).div_ceil(8));
        Ok(Self {
            source: BitSource::new(input),
            planes: planes.ok_or(Refusal::Unsupported)?,
            size,
            mcus,
            mcus_to_restart: tables.restart_interval,
            restarts: 0,
            tables,
        })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Hands every row, RGB or grey, to `push`, from top to bottom.
    pub(super) fn rows(mut self, guard: &Guard, mut push: impl FnMut(&[u8])) -> Result<(), Refusal> {
        let mut row = vec![0; self.size.0 as usize * if self.planes.len() == 1 { 1 } else { 3 }];
        let mut left = self.size.1;
        for _ in 0..self.mcus.1 {
            guard.check().map_err(Refusal::Failed)?;
            self.decode_mcu_row()?;
            let height = (self.planes[0].samples.len() / self.planes[0].stride) as u32;
            for y in 0..height.min(left) as usize {
                self.colour_row(y, &mut row);
                push(&row);
            }
            left -= height.min(left);
        }
        Ok(())
    }

    fn decode_mcu_row(&mut self) -> Result<(), Refusal> {
        for mcu in 0..self.mcus.0 as usize {
            if self.tables.restart_interval > 0 && self.mcus_to_restart == 0 {
                self.restart()?;
            }
            self.mcus_to_restart = self.mcus_to_restart.wrapping_sub(1);
            let (planes, tables) = (&mut self.planes, &self.tables);
            self.source
                .mcu(|bits| {
                    planes
                        .iter_mut()
                        .zip(&tables.components)
                        .try_for_each(|(plane, c)| plane.decode(bits, tables, c, mcu))
                })?
                .ok_or(Refusal::Unsupported)?;
        }
        if self.source.overran() { Err(Refusal::Unsupported) } else { Ok(()) }
    }

    fn restart(&mut self) -> Result<(), Refusal> {
        if !self.source.restart(self.restarts)? {
            return Err(Refusal::Unsupported);
        }
        self.restarts = (self.restarts + 1) % 8;
        self.mcus_to_restart = self.tables.restart_interval;
        self.planes.iter_mut().for_each(|plane| plane.dc = 0);
        Ok(())
    }

    fn colour_row(&self, y: usize, row: &mut [u8]) {
        let line = |plane: &'_ Plane| y * plane.stride..y * plane.stride + self.size.0 as usize;
        if let [gray] = self.planes.as_slice() {
            row.copy_from_slice(&gray.samples[line(gray)]);
        } else if let [luma, blue, red] = self.planes.as_slice() {
            let chroma = blue.samples[line(blue)].iter().zip(&red.samples[line(red)]);
            for ((rgb, y), (cb, cr)) in row.chunks_exact_mut(3).zip(&luma.samples[line(luma)]).zip(chroma) {
                // ITU T.871 section 7, in 16-bit fractions, as libjpeg rounds it.
                let (y, cb, cr) = (i32::from(*y), i32::from(*cb) - 128, i32::from(*cr) - 128);
                rgb[0] = clamped(y + ((91_881 * cr + 32_768) >> 16));
                rgb[1] = clamped(y + ((-22_554 * cb - 46_802 * cr + 32_768) >> 16));
                rgb[2] = clamped(y + ((116_130 * cb + 32_768) >> 16));
            }
        }
    }
}

impl Plane {
    /// `None` for samplings whose blocks would have more than four points or a fraction of one.
    fn new(component: &Component, eighths: u32, most: (u32, u32), mcus: u32) -> Option<Self> {
        let points = |most: u32, own: u32| {
            let points = eighths * most / own;
            (most.is_multiple_of(own) && matches!(points, 1 | 2 | 4)).then_some(points as usize)
        };
        let points = (points(most.0, component.across)?, points(most.1, component.down)?);
        let stride = (mcus * component.across) as usize * points.0;
        let coefficients = ZIGZAG
            .iter()
            .rposition(|&(column, row)| usize::from(column) < points.0 && usize::from(row) < points.1)
            .map(|last| last as u32 + 1)?;
        let samples = vec![0; stride * component.down as usize * points.1];
        Some(Self { points, coefficients, stride, samples, dc: 0 })
    }

    /// The component's blocks of one MCU.
    #[inline]
    fn decode(&mut self, bits: &mut Bits, tables: &Tables, component: &Component, mcu: usize) -> Option<()> {
        let (dc, ac) = (tables.dc(component)?, tables.ac(component)?);
        for down in 0..component.down as usize {
            for across in 0..component.across as usize {
                let column = (mcu * component.across as usize + across) * self.points.0;
                let at = down * self.points.1 * self.stride + column;
                self.decode_block(bits, (dc, ac), &component.quantisation, at)?;
            }
        }
        Some(())
    }

    #[inline]
    fn decode_block(
        &mut self,
        bits: &mut Bits,
        (dc, ac): (&Huffman, &Huffman),
        steps: &[f32; 25],
        at: usize,
    ) -> Option<()> {
        bits.refill();
        let size = u32::from(dc.symbol(bits)?);
        if size > 11 {
            return None;
        }
        self.dc += bits.value(size);
        // Sums of damaged data could grow without an end; what 8-bit samples give stays far below.
        if self.dc.abs() > 1 << 15 {
            return None;
        }
        let mut block = [0.0; 16];
        block[0] = self.dc as f32 * steps[0];
        let mut next = 1;
        let mut flat = true;
        while next < self.coefficients {
            bits.refill();
            match ac.ac(bits)? {
                Ac::EndOfBlock => {
                    next = 64;
                    break;
                }
                Ac::Value { zeros, bits: size } => {
                    next += zeros;
                    let value = bits.value(size);
                    if let Some(&(column, row)) = ZIGZAG.get(next as usize)
                        && usize::from(column) < self.points.0
                        && usize::from(row) < self.points.1
                    {
                        block[usize::from(row) * 4 + usize::from(column)] =
                            value as f32 * steps[next as usize];
                        flat = false;
                    }
                    next += 1;
                }
            }
        }
        if next > 64 {
            return None;
        }
        ac.skip_block(bits, next)?;
        self.place(&block, flat, at);
        Some(())
    }

    #[inline]
    fn place(&mut self, block: &[f32; 16], flat: bool, at: usize) {
        let (columns, rows) = self.points;
        if flat {
            let sample = sample(block[0] / 8.0);
            for y in 0..rows {
                self.samples[at + y * self.stride..][..columns].fill(sample);
            }
            return;
        }
        if (columns, rows) == (2, 2) {
            let (a, b, c, d) = (block[0], block[1], block[4], block[5]);
            let (sum, difference) = ((a + b) / 8.0, (a - b) / 8.0);
            let (low, high) = ((c + d) / 8.0, (c - d) / 8.0);
            self.samples[at..at + 2].copy_from_slice(&[sample(sum + low), sample(difference + high)]);
            let below = at + self.stride;
            self.samples[below..below + 2].copy_from_slice(&[sample(sum - low), sample(difference - high)]);
            return;
        }
        let across: [[f32; 4]; 4] =
            std::array::from_fn(|y| inverse(block[y * 4..][..4].first_chunk().unwrap_or(&[0.0; 4]), columns));
        for x in 0..columns {
            let column = inverse(&across.map(|row| row[x]), rows);
            for (y, value) in column.iter().enumerate().take(rows) {
                self.samples[at + y * self.stride + x] = sample(*value);
            }
        }
    }
}

/// Inverse DCT of 1, 2 or 4 points of 8-point coefficients: orthonormal, times the square root of `points` / 8.
#[inline]
fn inverse(c: &[f32; 4], points: usize) -> [f32; 4] {
    const ROOT: f32 = 0.353_553_39; // 1/√8
    const COS: f32 = 0.461_939_77; // cos(π/8) / 2
    const SIN: f32 = 0.191_341_72; // sin(π/8) / 2
    match points {
        1 => [c[0] * ROOT, 0.0, 0.0, 0.0],
        2 => [(c[0] + c[1]) * ROOT, (c[0] - c[1]) * ROOT, 0.0, 0.0],
        _ => {
            let (even, odd) = ((c[0] + c[2]) * ROOT, (c[0] - c[2]) * ROOT);
            let (outer, inner) = (c[1] * COS + c[3] * SIN, c[1] * SIN - c[3] * COS);
            [even + outer, odd + inner, odd - inner, even - outer]
        }
    }
}

#[inline]
fn sample(value: f32) -> u8 {
    // A cast saturates.
    (value + 128.5) as u8
}

#[inline]
fn clamped(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests;

//! Baseline JPEG at 1/8 to 4/8, reading only what that shows.
//!
//! libjpeg decodes every AC coefficient and throws nearly all of them away. Here their codes are passed several at a
//! glance, which halves the time of a thumbnail. A coefficient that is needed becomes pixels by an inverse transform
//! of as many points as the reduced block has (Dugad and Ahuja, "A fast scheme for image size change in the compressed
//! domain", 2001): a better low pass than an average. Anything unusual is `Unsupported`, before or during decoding:
//! libjpeg, which forgives everything, takes over then.

mod bits;
mod huffman;
mod plane;
mod tables;
mod transform;

use std::io::{self, ErrorKind, Read};

use crate::{Guard, ImageError};

use super::raw::Upsampling;
use bits::BitSource;
use plane::{MOST_POINTS, Plane};
use tables::Tables;

/// The largest scale, in eighths.
pub(super) const MOST_EIGHTHS: u32 = MOST_POINTS as u32;

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

impl<R: Read> Reduced<R> {
    /// Reads up to the first scan of a file; `eighths` is at most [`MOST_EIGHTHS`].
    pub(super) fn open(mut input: R, eighths: u32, upsampling: Upsampling) -> Result<Self, Refusal> {
        let tables = Tables::read(&mut input)?;
        let (across, down) = tables.most_sampling();
        let block = |most: u32| 8 * most;
        let mcus = (tables.width.div_ceil(block(across)), tables.height.div_ceil(block(down)));
        let planes = tables
            .components
            .iter()
            .map(|c| Plane::new(c, eighths, upsampling, (across, down), mcus.0))
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
            let height = self.planes[0].rows();
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
        self.planes.iter_mut().for_each(Plane::restart);
        Ok(())
    }

    fn colour_row(&mut self, y: usize, row: &mut [u8]) {
        let width = self.size.0 as usize;
        if let [gray] = self.planes.as_mut_slice() {
            row.copy_from_slice(gray.row(y, width));
        } else if let [luma, blue, red] = self.planes.as_mut_slice() {
            let chroma = blue.row(y, width).iter().zip(red.row(y, width));
            for ((rgb, y), (cb, cr)) in row.chunks_exact_mut(3).zip(luma.row(y, width)).zip(chroma) {
                // ITU T.871 section 7, in 16-bit fractions, as libjpeg rounds it.
                let (y, cb, cr) = (i32::from(*y), i32::from(*cb) - 128, i32::from(*cr) - 128);
                rgb[0] = clamped(y + ((91_881 * cr + 32_768) >> 16));
                rgb[1] = clamped(y + ((-22_554 * cb - 46_802 * cr + 32_768) >> 16));
                rgb[2] = clamped(y + ((116_130 * cb + 32_768) >> 16));
            }
        }
    }
}

#[inline]
fn clamped(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests;

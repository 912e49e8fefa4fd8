//! Samples of any depth to 8 bits.

use tiff::decoder::DecodingResult;

/// What the samples of a chunk describe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Pixels a row.
    pub(super) width: usize,
    /// Samples a pixel.
    pub(super) per_pixel: usize,
    /// Whether the largest value of the depth becomes 255; false for indices.
    pub(super) scale: bool,
}

/// The samples of one strip or tile, 8 bits each.
#[derive(Debug)]
pub(super) struct Bytes {
    samples: Vec<u8>,
    row: usize,
    pub(super) per_pixel: usize,
}

impl Bytes {
    /// From decoded samples of `bits` each; those of fewer than 8 are packed, and rows begin at whole bytes.
    /// `None` for types that are no intensities (signed, 64 bits).
    pub(super) fn new(decoded: DecodingResult, bits: u8, shape: Shape) -> Option<Self> {
        let row = shape.width * shape.per_pixel;
        let samples = match decoded {
            DecodingResult::U8(packed) if bits < 8 => unpack(&packed, bits, shape, row),
            DecodingResult::U8(samples) => samples,
            DecodingResult::U16(samples) => {
                samples.iter().map(|&v| ((u32::from(v) * 255 + 32_767) / 65_535) as u8).collect()
            }
            DecodingResult::U32(samples) => samples.iter().map(|&v| (v >> 24) as u8).collect(),
            DecodingResult::F16(samples) => samples.iter().map(|&v| from_unit(v.to_f32())).collect(),
            DecodingResult::F32(samples) => samples.iter().map(|&v| from_unit(v)).collect(),
            DecodingResult::F64(samples) => samples.iter().map(|&v| from_unit(v as f32)).collect(),
            _ => return None,
        };
        Some(Self { samples, row: row.max(1), per_pixel: shape.per_pixel })
    }

    /// Rows from the top, one byte a sample.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.samples.chunks_exact(self.row)
    }
}

/// 0 to 1 as stored, without a curve; what lies outside (and what is no number) is cut.
fn from_unit(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// 1, 2 or 4 bits a sample, the first in the highest bits.
fn unpack(packed: &[u8], bits: u8, shape: Shape, row: usize) -> Vec<u8> {
    let most = (1u16 << bits) - 1;
    let factor = if shape.scale { 255 / most } else { 1 };
    let bits = usize::from(bits);
    let row_bytes = (row * bits).div_ceil(8).max(1);
    let sample = |bytes: &[u8], i: usize| {
        let at = i * bits;
        let pair = u16::from_be_bytes([bytes[at / 8], *bytes.get(at / 8 + 1).unwrap_or(&0)]);
        (((pair >> (16 - bits - at % 8)) & most) * factor) as u8
    };
    packed.chunks_exact(row_bytes).flat_map(|bytes| (0..row).map(move |i| sample(bytes, i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(decoded: DecodingResult, bits: u8, width: usize, scale: bool) -> Vec<u8> {
        Bytes::new(decoded, bits, Shape { width, per_pixel: 1, scale }).unwrap().samples
    }

    #[test]
    fn packed_samples_come_apart() {
        let bytes = || DecodingResult::U8(vec![0b1010_0000, 0b0110_0000]);
        assert_eq!(samples(bytes(), 1, 3, true), [255, 0, 255, 0, 255, 255]);
        assert_eq!(samples(bytes(), 2, 2, true), [170, 170, 85, 170]);
        assert_eq!(samples(bytes(), 2, 2, false), [2, 2, 1, 2]);
        assert_eq!(samples(bytes(), 4, 4, true), [170, 0, 102, 0]);
    }

    #[test]
    fn depths_that_do_not_divide_a_byte_come_apart() {
        // 5 + 5 + 5 bits and one of padding: 31, 0, 31.
        let bytes = DecodingResult::U8(vec![0b1111_1000, 0b0011_1110]);
        assert_eq!(samples(bytes, 5, 3, false), [31, 0, 31]);
    }

    #[test]
    fn wide_samples_are_rounded() {
        assert_eq!(samples(DecodingResult::U16(vec![0, 128, 129, 65_535]), 16, 4, true), [0, 0, 1, 255]);
        let floats = vec![-1.0, 0.5, 1.0, 7.0, f32::NAN, f32::INFINITY];
        assert_eq!(samples(DecodingResult::F32(floats), 32, 6, true), [0, 128, 255, 255, 0, 255]);
    }
}

//! Run lengths of 8-bit and 4-bit indices and (OS/2) of 24-bit pixels.

use crate::{Format, ImageError};

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Byte,
    Nibble,
    Triple,
}

/// Rows of RGB in file order. Pixels that the code skips are black; runs past the edges are cut.
pub(super) fn decode(
    code: &[u8],
    unit: Unit,
    size: (usize, usize),
    palette: &[[u8; 3]],
) -> Result<Vec<u8>, ImageError> {
    let mut canvas = Canvas { pixels: vec![[0; 3]; size.0 * size.1], size, x: 0, y: 0 };
    let mut code = Code { bytes: code, unit, palette };
    while canvas.y < size.1 {
        match (code.byte(), code.byte()) {
            (Some(0), Some(0)) => (canvas.x, canvas.y) = (0, canvas.y + 1),
            (Some(0), Some(1)) => break,
            (Some(0), Some(2)) => {
                let (Some(right), Some(down)) = (code.byte(), code.byte()) else { break };
                (canvas.x, canvas.y) = (canvas.x + usize::from(right), canvas.y + usize::from(down));
            }
            (Some(0), Some(count)) => code.literal(usize::from(count), &mut canvas),
            (Some(count), Some(first)) => code.run(usize::from(count), first, &mut canvas),
            // An end without the end mark is common; one before the last row is a cut file.
            _ if canvas.y + 1 >= size.1 => break,
            _ => return Err(ImageError::corrupt(Format::Bmp, "the run lengths end early")),
        }
    }
    Ok(canvas.pixels.into_flattened())
}

struct Canvas {
    pixels: Vec<[u8; 3]>,
    size: (usize, usize),
    x: usize,
    y: usize,
}

impl Canvas {
    fn put(&mut self, colour: [u8; 3]) {
        if self.x < self.size.0 && self.y < self.size.1 {
            self.pixels[self.y * self.size.0 + self.x] = colour;
        }
        self.x += 1;
    }
}

struct Code<'a> {
    bytes: &'a [u8],
    unit: Unit,
    palette: &'a [[u8; 3]],
}

impl Code<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn colour(&self, index: u8) -> [u8; 3] {
        self.palette.get(usize::from(index)).copied().unwrap_or_default()
    }

    /// `count` pixels of one colour, or of two in turn where one byte holds two indices.
    fn run(&mut self, count: usize, first: u8, canvas: &mut Canvas) {
        let colours = match self.unit {
            Unit::Byte => [self.colour(first); 2],
            Unit::Nibble => [self.colour(first >> 4), self.colour(first & 15)],
            Unit::Triple => [self.triple(first); 2],
        };
        (0..count).for_each(|i| canvas.put(colours[i % 2]));
    }

    /// `count` pixels as they follow, padded to an even number of bytes.
    fn literal(&mut self, count: usize, canvas: &mut Canvas) {
        let bytes = match self.unit {
            Unit::Byte => count,
            Unit::Nibble => count.div_ceil(2),
            Unit::Triple => count * 3,
        };
        let (literal, rest) = self.bytes.split_at(bytes.min(self.bytes.len()));
        match self.unit {
            Unit::Byte => literal.iter().for_each(|&index| canvas.put(self.colour(index))),
            Unit::Nibble => {
                let indices = literal.iter().flat_map(|&pair| [pair >> 4, pair & 15]).take(count);
                indices.for_each(|index| canvas.put(self.colour(index)));
            }
            Unit::Triple => literal.as_chunks::<3>().0.iter().for_each(|&[b, g, r]| canvas.put([r, g, b])),
        }
        self.bytes = rest.get(bytes % 2..).unwrap_or_default();
    }

    fn triple(&mut self, blue: u8) -> [u8; 3] {
        let (green, red) = (self.byte().unwrap_or(0), self.byte().unwrap_or(0));
        [red, green, blue]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALETTE: [[u8; 3]; 3] = [[9, 9, 9], [1, 1, 1], [2, 2, 2]];

    fn greens(code: &[u8], unit: Unit, size: (usize, usize)) -> Vec<u8> {
        decode(code, unit, size, &PALETTE).unwrap().as_chunks::<3>().0.iter().map(|rgb| rgb[1]).collect()
    }

    #[test]
    fn runs_literals_and_jumps_of_bytes() {
        let code = [3, 1, 0, 0, 0, 3, 1, 2, 1, 0, 0, 0, 0, 2, 1, 0, 2, 2, 0, 1];
        assert_eq!(greens(&code, Unit::Byte, (3, 3)), [1, 1, 1, 1, 2, 1, 0, 2, 2]);
    }

    #[test]
    fn nibbles_alternate() {
        assert_eq!(greens(&[3, 0x12, 0, 3, 0x12, 0x10, 0, 1], Unit::Nibble, (6, 1)), [1, 2, 1, 1, 2, 1]);
    }

    #[test]
    fn triples_are_blue_green_red() {
        assert_eq!(decode(&[2, 3, 2, 1, 0, 1], Unit::Triple, (2, 1), &[]).unwrap(), [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn runs_past_the_edges_are_cut_and_early_ends_are_errors() {
        assert_eq!(greens(&[200, 1, 0, 0, 200, 2], Unit::Byte, (2, 2)), [1, 1, 2, 2]);
        assert!(decode(&[2, 1], Unit::Byte, (2, 3), &PALETTE).is_err());
    }
}

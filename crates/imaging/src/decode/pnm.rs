//! Netpbm: bitmaps (PBM), grey (PGM) and colour (PPM), plain and raw (netpbm's pbm(5), pgm(5) and ppm(5)). Of several
//! images in one file the first counts.

use std::io::Read;

use crate::{
    Format, Frame, Guard, Header, ImageError, Layout, Limits, Orientation, Source,
    decode::{Decoded, Input, Metadata},
};

/// Bytes that a header takes at most, with its comments.
const HEADER: u64 = 16 << 10;

/// Reads the header.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    let mut start = Vec::new();
    source.open()?.take(HEADER).read_to_end(&mut start)?;
    let picture = Picture::parse(&start)?;
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    let (file, frame) = (source.len()?, pixels.saturating_mul(picture.layout().channels() as u64));
    // While it is read the file may be there twice.
    let memory = file.saturating_add(file.max(frame));
    Ok(Header {
        format: Format::Pnm,
        width: picture.width,
        height: picture.height,
        orientation: Orientation::default(),
        frames: 1,
        has_alpha: false,
        streams: false,
        memory,
        held: memory,
    })
}

/// Decodes the image.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let bytes = input.source.read_all()?;
    let picture = Picture::parse(&bytes[..bytes.len().min(HEADER as usize)])?;
    let frame = picture.frame(&bytes[picture.samples_at..], input.guard)?;
    Ok(Decoded::whole(frame, Metadata::default()))
}

/// What the header says.
#[derive(Debug)]
struct Picture {
    kind: Kind,
    coding: Coding,
    width: u32,
    height: u32,
    /// The sample that is white.
    most: u32,
    samples_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One bit a pixel; 1 is black.
    Bits,
    Grey,
    Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// Decimal numbers.
    Plain,
    Raw,
}

impl Picture {
    fn parse(start: &[u8]) -> Result<Self, ImageError> {
        let (kind, coding) = match start.get(1) {
            Some(b'1') => (Kind::Bits, Coding::Plain),
            Some(b'2') => (Kind::Grey, Coding::Plain),
            Some(b'3') => (Kind::Colour, Coding::Plain),
            Some(b'4') => (Kind::Bits, Coding::Raw),
            Some(b'5') => (Kind::Grey, Coding::Raw),
            _ => (Kind::Colour, Coding::Raw),
        };
        let mut words = Words { bytes: start, at: 2 };
        let width = words.number()?;
        let height = words.number()?;
        let most = if kind == Kind::Bits { 1 } else { words.number()? };
        if width == 0 || height == 0 {
            return Err(damaged("a side is zero"));
        }
        if most == 0 || most > u32::from(u16::MAX) {
            return Err(damaged("the largest sample is not from 1 to 65535"));
        }
        // Raw samples begin behind one blank, or behind a comment that follows the last number. Plain ones are words, too.
        if coding == Coding::Raw {
            words.end();
        }
        if words.at >= start.len() {
            return Err(damaged("the header has no end"));
        }
        Ok(Self { kind, coding, width, height, most, samples_at: words.at })
    }

    fn layout(&self) -> Layout {
        if self.kind == Kind::Colour { Layout::Rgb } else { Layout::Gray }
    }

    fn frame(&self, stored: &[u8], guard: &Guard) -> Result<Frame, ImageError> {
        guard.check()?;
        let row = self.width as usize * self.layout().channels();
        let least = match self.coding {
            Coding::Raw => self.raw_row() * self.height as usize,
            // One digit a sample; of bits, nothing need be between them.
            Coding::Plain => row * self.height as usize,
        };
        if stored.len() < least {
            return Err(damaged("the pixels end early"));
        }
        let mut pixels = vec![0; row * self.height as usize];
        let mut words = Words { bytes: stored, at: 0 };
        for (y, to) in pixels.chunks_exact_mut(row).enumerate() {
            guard.check()?;
            match self.coding {
                Coding::Raw => self.raw(&stored[y * self.raw_row()..], to),
                Coding::Plain => self.plain(&mut words, to)?,
            }
        }
        Ok(Frame { width: self.width, height: self.height, layout: self.layout(), pixels })
    }

    /// Bytes of a row as it is stored.
    fn raw_row(&self) -> usize {
        let samples = self.width as usize * self.layout().channels();
        match self.kind {
            Kind::Bits => samples.div_ceil(8),
            _ if self.most > 255 => samples * 2,
            _ => samples,
        }
    }

    fn raw(&self, from: &[u8], to: &mut [u8]) {
        if self.kind == Kind::Bits {
            for (x, to) in to.iter_mut().enumerate() {
                *to = if (from[x / 8] >> (7 - x % 8)) & 1 == 1 { 0 } else { 255 };
            }
        } else if self.most > 255 {
            for (to, from) in to.iter_mut().zip(from.as_chunks::<2>().0) {
                *to = self.scaled(u32::from(u16::from_be_bytes(*from)));
            }
        } else if self.most == 255 {
            to.copy_from_slice(&from[..to.len()]);
        } else {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = self.scaled(u32::from(*from)));
        }
    }

    fn plain(&self, words: &mut Words<'_>, to: &mut [u8]) -> Result<(), ImageError> {
        for to in to {
            *to = match self.kind {
                Kind::Bits => {
                    if words.bit()? {
                        0
                    } else {
                        255
                    }
                }
                _ => self.scaled(words.number()?),
            };
        }
        Ok(())
    }

    /// A sample of 0 to `most` as one of 0 to 255.
    fn scaled(&self, sample: u32) -> u8 {
        ((sample.min(self.most) * 255 + self.most / 2) / self.most) as u8
    }
}

/// Numbers between blanks and comments.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Words<'_> {
    /// Passes over blanks and comments, which end with their line.
    fn skip(&mut self) {
        let mut is_comment = false;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' | b'\r' => is_comment = false,
                b'#' => is_comment = true,
                _ if is_comment || byte.is_ascii_whitespace() => {}
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Passes over what ends the header: one blank, or a comment with its line.
    fn end(&mut self) {
        let left = &self.bytes[self.at..];
        let comment =
            left.starts_with(b"#").then(|| left.iter().position(|byte| matches!(byte, b'\n' | b'\r')));
        self.at += comment.map_or(0, |end| end.unwrap_or(left.len() - 1)) + 1;
    }

    fn number(&mut self) -> Result<u32, ImageError> {
        self.skip();
        let begin = self.at;
        let mut value = 0_u32;
        while let Some(digit) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            value = value.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            _ if self.at == begin => Err(damaged("a number is missing")),
            Some(byte) if !byte.is_ascii_whitespace() && *byte != b'#' => Err(damaged("a number is none")),
            _ => Ok(value),
        }
    }

    fn bit(&mut self) -> Result<bool, ImageError> {
        self.skip();
        let bit = match self.bytes.get(self.at) {
            Some(b'0') => false,
            Some(b'1') => true,
            _ => return Err(damaged("a bit is neither 0 nor 1")),
        };
        self.at += 1;
        Ok(bit)
    }
}

fn damaged(detail: &str) -> ImageError {
    ImageError::corrupt(Format::Pnm, detail)
}

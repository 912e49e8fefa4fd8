//! The marker segments of a JPEG (ITU-T T.81, annex B), read without decoding.

use std::io::{self, Read};

use crate::{Format, ImageError, decode::Metadata, source::ReadSeek};

/// What the markers say.
#[derive(Debug, Default)]
pub(super) struct Markers {
    pub(super) frame: StartOfFrame,
    /// Components of the first scan; fewer than the frame's means that libjpeg keeps all coefficients.
    pub(super) first_scan_components: u8,
    /// Scans, counted only where they cost (see [`StartOfFrame::is_progressive`]).
    pub(super) scans: u32,
    /// The transform that an Adobe segment declares.
    pub(super) adobe_transform: Option<u8>,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
    icc: IccParts,
}

/// B.2.2: the frame header.
#[derive(Debug, Default)]
pub(super) struct StartOfFrame {
    marker: u8,
    precision: u8,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Horizontal and vertical sampling factors.
    pub(super) components: Vec<(u32, u32)>,
}

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the first scan.
    Header,
    /// To the end where several scans are to be expected, counting them up to this many and one more.
    Scans(u32),
}

const TEM: u8 = 0x01;
const SOF0: u8 = 0xc0;
const SOF1: u8 = 0xc1;
const SOF2: u8 = 0xc2;
const SOF3: u8 = 0xc3;
const DHT: u8 = 0xc4;
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const SOF15: u8 = 0xcf;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

impl Markers {
    pub(super) fn read(reader: Box<dyn ReadSeek>, extent: Extent) -> Result<Self, ImageError> {
        let mut markers = Self::default();
        match markers.walk(&mut Walker { reader, chunk: Vec::new(), at: 0 }, extent) {
            Ok(()) => markers.checked(),
            // A file that ends in the middle of its scans still has a picture to show.
            Err(Stop::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof && markers.scans > 0 => {
                markers.checked()
            }
            Err(Stop::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(corrupt("ends in its header"))
            }
            Err(Stop::Io(error)) => Err(error.into()),
            Err(Stop::Broken(what)) => Err(corrupt(what)),
        }
    }

    /// The ICC profile, when all its parts are there.
    pub(super) fn icc(&self) -> Option<Vec<u8>> {
        self.icc.joined()
    }

    pub(super) fn metadata(mut self) -> Metadata {
        Metadata { icc: self.icc(), exif: self.exif.take(), xmp: self.xmp.take() }
    }

    fn walk(&mut self, walker: &mut Walker, extent: Extent) -> Result<(), Stop> {
        loop {
            let marker = walker.next_marker()?;
            match marker {
                SOI | TEM | RST0..=RST7 => {}
                EOI => return if self.scans > 0 { Ok(()) } else { Err(Stop::Broken("no scan")) },
                SOS => {
                    let segment = walker.segment()?;
                    if self.frame.marker == 0 {
                        return Err(Stop::Broken("a scan without a frame header"));
                    }
                    if self.scans == 0 {
                        self.first_scan_components =
                            *segment.first().ok_or(Stop::Broken("an empty scan header"))?;
                    }
                    self.scans += 1;
                    match extent {
                        Extent::Scans(most) if self.has_several_scans() && self.scans <= most => {}
                        _ => return Ok(()),
                    }
                }
                _ => {
                    let segment = walker.segment()?;
                    self.take(marker, &segment)?;
                }
            }
        }
    }

    fn take(&mut self, marker: u8, segment: &[u8]) -> Result<(), Stop> {
        match marker {
            SOF0..=SOF15 if !matches!(marker, DHT | JPG | DAC) => {
                if self.frame.marker != 0 {
                    return Err(Stop::Broken("two frame headers"));
                }
                self.frame =
                    StartOfFrame::parse(marker, segment).ok_or(Stop::Broken("a broken frame header"))?;
            }
            APP1 => {
                if let Some(exif) = segment.strip_prefix(b"Exif\0") {
                    // The sixth byte is padding, 0 by the standard and sometimes 0xff.
                    self.exif.get_or_insert_with(|| exif.get(1..).unwrap_or_default().to_vec());
                } else if let Some(xmp) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp.get_or_insert_with(|| xmp.to_vec());
                }
            }
            APP2 => {
                if let Some(part) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.icc.add(part);
                }
            }
            APP14 => {
                if let Some(adobe) = segment.strip_prefix(b"Adobe") {
                    self.adobe_transform = adobe.get(6).copied();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, ImageError> {
        self.frame.check_supported()?;
        if self.frame.height == 0 || self.frame.width == 0 {
            return Err(corrupt("declares a side of 0 pixels"));
        }
        Ok(self)
    }

    /// Whether libjpeg holds the coefficients of the whole image until the last scan.
    pub(super) fn has_several_scans(&self) -> bool {
        self.frame.is_progressive() || usize::from(self.first_scan_components) < self.frame.components.len()
    }
}

impl StartOfFrame {
    fn parse(marker: u8, segment: &[u8]) -> Option<Self> {
        let [precision, h1, h0, w1, w0, count, specs @ ..] = segment else { return None };
        let specs = specs.as_chunks::<3>().0.get(..usize::from(*count))?;
        let factors = |spec: &[u8; 3]| (u32::from(spec[1] >> 4), u32::from(spec[1] & 15));
        let components: Vec<_> = specs.iter().map(factors).collect();
        let sane = components.iter().all(|&(h, v)| (1..=4).contains(&h) && (1..=4).contains(&v));
        (sane && !components.is_empty()).then(|| Self {
            marker,
            precision: *precision,
            width: u32::from(u16::from_be_bytes([*w1, *w0])),
            height: u32::from(u16::from_be_bytes([*h1, *h0])),
            components,
        })
    }

    /// B.1.1.3: SOF2 is progressive with Huffman coding.
    pub(super) fn is_progressive(&self) -> bool {
        self.marker == SOF2
    }

    fn check_supported(&self) -> Result<(), ImageError> {
        let what = match (self.marker, self.precision, self.components.len()) {
            (SOF3, ..) => "lossless coding",
            (SOF0 | SOF1 | SOF2, 8, 1 | 3 | 4) => return Ok(()),
            (SOF0 | SOF1 | SOF2, 8, _) => "this number of components",
            (SOF0 | SOF1 | SOF2, 12, _) => "a depth of 12 bits",
            (SOF0 | SOF1 | SOF2, ..) => "this depth",
            (0xc9..=SOF15, ..) => "arithmetic coding",
            _ => "hierarchical coding",
        };
        Err(ImageError::Unsupported { format: Format::Jpeg, what })
    }

    /// Bytes of all coefficients: 64 of 16 bits a block, blocks rounded up to whole MCUs (A.2.4).
    pub(super) fn coefficient_bytes(&self) -> u64 {
        let most = |factor: fn(&(u32, u32)) -> u32| self.components.iter().map(factor).max().unwrap_or(1);
        let (h, v) = (most(|f| f.0), most(|f| f.1));
        let mcus = u64::from(self.width.div_ceil(8 * h)) * u64::from(self.height.div_ceil(8 * v));
        let blocks: u64 = self.components.iter().map(|&(h, v)| u64::from(h * v)).sum();
        mcus * blocks * 128
    }
}

/// An ICC profile in up to 255 parts (ICC.1:2022, annex B.4).
#[derive(Debug, Default)]
struct IccParts {
    parts: Vec<(u8, Vec<u8>)>,
    count: u8,
}

impl IccParts {
    fn add(&mut self, part: &[u8]) {
        if let [number, count, data @ ..] = part {
            self.count = *count;
            if self.parts.len() < usize::from(*count) && self.parts.iter().all(|(n, _)| n != number) {
                self.parts.push((*number, data.to_vec()));
            }
        }
    }

    fn joined(&self) -> Option<Vec<u8>> {
        if self.parts.is_empty() || self.parts.len() != usize::from(self.count) {
            return None;
        }
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by_key(|(number, _)| *number);
        Some(parts.into_iter().flat_map(|(_, data)| data).copied().collect())
    }
}

enum Stop {
    Io(io::Error),
    Broken(&'static str),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn corrupt(what: &str) -> ImageError {
    ImageError::corrupt(Format::Jpeg, what)
}

/// Reads in small chunks, so that a header costs one read and a walk costs one pass.
struct Walker {
    reader: Box<dyn ReadSeek>,
    chunk: Vec<u8>,
    at: usize,
}

const CHUNK: u64 = 16 << 10;

impl Walker {
    fn refill(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.at = 0;
        if self.reader.by_ref().take(CHUNK).read_to_end(&mut self.chunk)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        if self.at == self.chunk.len() {
            self.refill()?;
        }
        self.at += 1;
        Ok(self.chunk[self.at - 1])
    }

    /// The code of the next marker, past entropy-coded data and fill bytes.
    fn next_marker(&mut self) -> io::Result<u8> {
        loop {
            match memchr::memchr(0xff, &self.chunk[self.at..]) {
                None => self.refill()?,
                Some(skipped) => {
                    self.at += skipped + 1;
                    let mut code = self.byte()?;
                    while code == 0xff {
                        code = self.byte()?;
                    }
                    if code != 0 {
                        return Ok(code);
                    }
                }
            }
        }
    }

    /// The content of a segment whose marker was just read.
    fn segment(&mut self) -> Result<Vec<u8>, Stop> {
        let length = usize::from(u16::from_be_bytes([self.byte()?, self.byte()?]));
        let mut left =
            length.checked_sub(2).ok_or(Stop::Broken("a segment shorter than its length field"))?;
        let mut segment = Vec::with_capacity(left);
        while left > 0 {
            if self.at == self.chunk.len() {
                self.refill()?;
            }
            let some = left.min(self.chunk.len() - self.at);
            segment.extend_from_slice(&self.chunk[self.at..self.at + some]);
            self.at += some;
            left -= some;
        }
        Ok(segment)
    }
}

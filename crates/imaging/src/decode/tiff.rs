//! TIFF decoding: the first page, one strip or tile at a time.

mod header;
mod samples;

use tiff::{ColorType, decoder::DecodingResult, tags::Tag};

pub(crate) use header::header;
use header::{Page, damaged, open};
use samples::Bytes;

use crate::{
    Format, Frame, ImageError, Layout,
    colour::CmykToRgb,
    decode::{Decoded, Input, Metadata},
};

/// Decodes the first page.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let mut page = open(input.source, input.limits)?;
    let metadata = metadata(&mut page);
    let painter = Painter::new(&mut page, &metadata)?;
    let (width, height) = page.size;
    let pixels = vec![0; width as usize * height as usize * painter.layout.channels()];
    let mut frame = Frame { width, height, layout: painter.layout, pixels };
    for chunk in 0..page.chunks() {
        input.guard.check()?;
        let bytes = page.read(chunk)?;
        painter.paint(&mut frame, &page, chunk, &bytes);
    }
    painter.finish(&mut frame);
    // The inks have been converted, and a profile for inks means nothing to the pixels.
    let icc = metadata.icc.filter(|_| !painter.is_ink());
    Ok(Decoded::whole(frame, Metadata { icc, ..metadata }))
}

/// Profile and XMP; the tags around the pixels are the EXIF of a TIFF, and make no sense without them.
fn metadata(page: &mut Page) -> Metadata {
    let mut block = |tag| page.reader.find_tag(tag).ok().flatten().and_then(|value| value.into_u8_vec().ok());
    Metadata { icc: block(Tag::IccProfile), exif: None, xmp: block(Tag::Unknown(700)) }
}

/// Turns samples into pixels of the frame.
struct Painter {
    layout: Layout,
    rule: Rule,
    premultiplied: bool,
}

/// What the samples of a pixel mean. `stride` is how many of them one pixel has in a chunk.
enum Rule {
    /// Grey or colour as stored; samples past the layout's channels are left out.
    Copy,
    Palette(Vec<[u8; 3]>),
    Inks(CmykToRgb),
    YCbCr(Luma),
}

/// The weights of red, green and blue in luma.
#[derive(Debug, Clone, Copy)]
struct Luma([f32; 3]);

impl Painter {
    fn new(page: &mut Page, metadata: &Metadata) -> Result<Self, ImageError> {
        let (alpha, premultiplied) = (page.has_alpha, page.premultiplied);
        let (layout, rule) = match page.colour {
            _ if page.is_palette => (Layout::Rgb, Rule::Palette(page.palette()?)),
            ColorType::GrayA(_) | ColorType::Multiband { .. } if alpha => (Layout::GrayAlpha, Rule::Copy),
            ColorType::Gray(_) | ColorType::Multiband { .. } => (Layout::Gray, Rule::Copy),
            ColorType::RGB(_) => (Layout::Rgb, Rule::Copy),
            ColorType::RGBA(_) => (Layout::Rgba, Rule::Copy),
            ColorType::CMYK(8 | 16) => (Layout::Rgb, Rule::Inks(CmykToRgb::new(metadata.icc.as_deref()))),
            ColorType::YCbCr(8) => (Layout::Rgb, Rule::YCbCr(page.luma())),
            _ => return Err(unsupported("this colour model")),
        };
        if page.planes > 1 && !matches!(rule, Rule::Copy) {
            return Err(unsupported("separate planes of palette, CMYK or YCbCr"));
        }
        Ok(Self { layout, rule, premultiplied: premultiplied && layout.has_alpha() })
    }

    fn is_ink(&self) -> bool {
        matches!(self.rule, Rule::Inks(_))
    }

    /// Writes one decoded strip or tile to its place.
    fn paint(&self, frame: &mut Frame, page: &Page, chunk: u32, bytes: &Bytes) {
        let place = page.place(chunk);
        let channels = self.layout.channels();
        let frame_row = frame.width as usize * channels;
        for (y, row) in bytes.rows().take(place.height).enumerate() {
            let at = (place.top + y) * frame_row + place.left * channels;
            let to = &mut frame.pixels[at..at + place.width * channels];
            if page.planes == 1 {
                self.pixels(row, bytes.per_pixel, to);
            } else if place.plane < channels {
                to[place.plane..].iter_mut().step_by(channels).zip(row).for_each(|(to, from)| *to = *from);
            }
        }
    }

    fn pixels(&self, row: &[u8], per_pixel: usize, to: &mut [u8]) {
        match &self.rule {
            Rule::Inks(inks) if per_pixel == 4 => inks.row(&row[..to.len() / 3 * 4], to),
            Rule::Palette(colours) => {
                for (to, &index) in to.as_chunks_mut::<3>().0.iter_mut().zip(row) {
                    *to = colours.get(usize::from(index)).copied().unwrap_or_default();
                }
            }
            Rule::YCbCr(luma) => {
                for (to, from) in to.as_chunks_mut::<3>().0.iter_mut().zip(row.as_chunks::<3>().0) {
                    *to = luma.rgb(*from);
                }
            }
            _ => {
                let channels = self.layout.channels();
                for (to, from) in to.chunks_exact_mut(channels).zip(row.chunks_exact(per_pixel)) {
                    to.copy_from_slice(&from[..channels]);
                }
            }
        }
    }

    fn finish(&self, frame: &mut Frame) {
        if !self.premultiplied {
            return;
        }
        for pixel in frame.pixels.chunks_exact_mut(self.layout.channels()) {
            let Some((alpha, colours)) = pixel.split_last_mut() else { return };
            for colour in colours.iter_mut().filter(|_| *alpha > 0) {
                *colour =
                    ((u32::from(*colour) * 255 + u32::from(*alpha) / 2) / u32::from(*alpha)).min(255) as u8;
            }
        }
    }
}

impl Luma {
    /// ITU-R BT.601: the default of TIFF 6.0, section 21, and what JPEG uses.
    const BT_601: Self = Self([0.299, 0.587, 0.114]);

    /// Full range, by the formulas of TIFF 6.0, section 21.
    fn rgb(self, [y, cb, cr]: [u8; 3]) -> [u8; 3] {
        let Self([of_red, of_green, of_blue]) = self;
        let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
        let red = y + cr * (2.0 - 2.0 * of_red);
        let blue = y + cb * (2.0 - 2.0 * of_blue);
        let green = (y - of_blue * blue - of_red * red) / of_green;
        [red, green, blue].map(|v| (v + 0.5) as u8)
    }
}

fn unsupported(what: &'static str) -> ImageError {
    ImageError::Unsupported { format: Format::Tiff, what }
}

impl Page {
    /// The colours of a palette image (16 bits each in the file).
    fn palette(&mut self) -> Result<Vec<[u8; 3]>, ImageError> {
        let table = self.reader.get_tag_u16_vec(Tag::ColorMap).map_err(damaged)?;
        let count = table.len() / 3;
        let channel = |c: usize, i: usize| (table[c * count + i] >> 8) as u8;
        Ok((0..count).map(|i| [channel(0, i), channel(1, i), channel(2, i)]).collect())
    }

    /// The weights that the file declares, if they can be.
    fn luma(&mut self) -> Luma {
        let declared = self.reader.get_tag_f32_vec(Tag::Unknown(529)).unwrap_or_default();
        match declared.try_into().map(Luma) {
            Ok(luma) if luma.0.iter().all(|weight| (0.01..1.0).contains(weight)) => luma,
            _ => Luma::BT_601,
        }
    }

    fn read(&mut self, chunk: u32) -> Result<Bytes, ImageError> {
        let per_pixel = if self.planes > 1 { 1 } else { self.samples };
        let width = self.place(chunk).width;
        let decoded: DecodingResult = self.reader.read_chunk(chunk).map_err(damaged)?;
        let scale = !self.is_palette;
        Bytes::new(decoded, self.bits, samples::Shape { width, per_pixel, scale })
            .ok_or_else(|| unsupported("this sample type"))
    }
}

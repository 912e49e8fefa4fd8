//! From bytes to a frame: one entry a format, all with the same shape.

pub(crate) mod avif;
pub(crate) mod bmp;
mod dib;
pub(crate) mod gif;
pub(crate) mod ico;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod pnm;
pub(crate) mod tiff;
pub(crate) mod webp;
pub(crate) mod webp_animation;

use darkroom_core::operation::Light;

use crate::{Format, Frame, Guard, Header, ImageError, Limits, Source};

/// What the plan asks of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The smallest width and height (stored orientation) that the codec may scale to; the full size asks for every
    /// pixel.
    pub(crate) scaled: (u32, u32),
    /// The smallest width and height (stored orientation) that averaging may leave, at least `scaled`.
    pub(crate) averaged: (u32, u32),
    /// Width and height (stored orientation) of the whole image at the scale of the largest result.
    pub(crate) shown: (u32, u32),
    /// Whether EXIF and XMP are wanted. The ICC profile is always handed over.
    pub(crate) metadata: MetadataWish,
    /// In which light a reduction averages.
    pub(crate) light: Light,
}

/// Whether a decoder hands over EXIF and XMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataWish {
    /// Leave them in the file.
    Drop,
    /// Hand them over.
    Read,
}

/// Everything a decoder needs. The header has passed the limits already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) source: &'a Source,
    pub(crate) header: &'a Header,
    pub(crate) wish: Wish,
    pub(crate) limits: &'a Limits,
    pub(crate) guard: &'a Guard,
}

/// A decoded still image, in stored orientation, in the colours of its profile.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Maybe reduced: then at least [`Wish::scaled`].
    pub(crate) frame: Frame,
    /// The size (in pixels of `frame`, from its top left corner) that the whole image covers. Equal to the frame's
    /// size unless a reduction left a remainder: 1,001 pixels at 1/8 cover 125.125 of 126 pixels.
    pub(crate) covers: (f64, f64),
    pub(crate) metadata: Metadata,
}

impl Decoded {
    /// A frame that was not reduced.
    pub(crate) fn whole(frame: Frame, metadata: Metadata) -> Self {
        let covers = (f64::from(frame.width), f64::from(frame.height));
        Self { frame, covers, metadata }
    }
}

/// What travels beside the pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The ICC profile; `None` means sRGB (or that the decoder has converted already).
    pub(crate) icc: Option<Vec<u8>>,
    /// The TIFF structure of EXIF, from its byte order mark on (no `Exif\0\0` before it).
    pub(crate) exif: Option<Vec<u8>>,
    /// The XMP packet.
    pub(crate) xmp: Option<Vec<u8>>,
}

/// The frames of an animation, composited to the full canvas, one at a time.
pub(crate) trait Animation {
    /// How often it plays; 0 is for ever.
    fn loops(&self) -> u16;
    /// The next frame and how long it shows, in milliseconds; `None` after the last.
    fn next_frame(&mut self) -> Result<Option<(Frame, u32)>, ImageError>;
}

type OpenAnimation = fn(&Input<'_>) -> Result<Box<dyn Animation>, ImageError>;

/// One format that can be decoded.
pub(crate) struct Decoder {
    pub(crate) format: Format,
    /// Reads the header only, without pixel work.
    pub(crate) header: fn(&Source, &Limits) -> Result<Header, ImageError>,
    /// The (first) frame.
    pub(crate) still: fn(&Input<'_>) -> Result<Decoded, ImageError>,
    /// All frames, for formats that can have several.
    pub(crate) animation: Option<OpenAnimation>,
}

/// Every format that can be decoded.
const DECODERS: &[Decoder] = &[
    Decoder { format: Format::Jpeg, header: jpeg::header, still: jpeg::still, animation: None },
    Decoder { format: Format::Png, header: png::header, still: png::still, animation: None },
    Decoder {
        format: Format::Webp,
        header: webp::header,
        still: webp::still,
        animation: Some(webp_animation::animation),
    },
    Decoder { format: Format::Gif, header: gif::header, still: gif::still, animation: Some(gif::animation) },
    Decoder { format: Format::Tiff, header: tiff::header, still: tiff::still, animation: None },
    Decoder { format: Format::Bmp, header: bmp::header, still: bmp::still, animation: None },
    Decoder { format: Format::Ico, header: ico::header, still: ico::still, animation: None },
    Decoder { format: Format::Pnm, header: pnm::header, still: pnm::still, animation: None },
    Decoder { format: Format::Avif, header: avif::header, still: avif::still, animation: None },
];

/// The decoder of a format, or a refusal that names it.
pub(crate) fn decoder(format: Format) -> Result<&'static Decoder, ImageError> {
    DECODERS.iter().find(|d| d.format == format).ok_or(ImageError::Unsupported {
        format,
        what: "decoding (its codec is encumbered by patents; convert it first)",
    })
}

/// The size of the frame that a decoder gives for a wish.
pub(crate) fn reduced_size(header: &Header, wish: Wish) -> (u32, u32) {
    match header.format {
        Format::Jpeg => jpeg::reduced_size(header, wish),
        Format::Png => png::reduced_size(header, wish),
        Format::Webp => webp::reduced_size(header, wish),
        _ => (header.width, header.height),
    }
}

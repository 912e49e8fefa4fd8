//! Everything becomes sRGB.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as Channels, ProfileClass, Transform8BitExecutor, TransformOptions,
};

use crate::{Frame, Layout};

/// The longest profile that is read. Printing profiles with large tables have 2 MiB at most.
const LONGEST_PROFILE: usize = 8 << 20;

/// Pixels that go through a transform at once: small enough for the first-level cache.
const RUN: usize = 2048;

/// Converts a frame from its ICC profile to sRGB. A profile that is sRGB, damaged, or of another colour model than
/// the frame changes nothing. Alpha stays as it is.
pub(crate) fn to_srgb(frame: &mut Frame, icc: &[u8]) {
    let Some(profile) = parse(icc) else { return };
    match (frame.layout, profile.color_space) {
        (Layout::Rgb | Layout::Rgba, DataColorSpace::Rgb) => {
            if let Some(transform) = transform(&profile, Channels::Rgb).filter(|t| !is_identity(t.as_ref())) {
                convert_rgb(frame, transform.as_ref());
            }
        }
        (Layout::Gray | Layout::GrayAlpha, DataColorSpace::Gray | DataColorSpace::Rgb) => {
            if let Some(curve) = grey_curve(&profile) {
                let channels = frame.layout.channels();
                frame.pixels.iter_mut().step_by(channels).for_each(|grey| *grey = curve[usize::from(*grey)]);
            }
        }
        _ => {}
    }
}

/// Turns rows of CMYK (0 = no ink, 255 = full ink) into sRGB, through the embedded profile when there is one.
pub(crate) struct CmykToRgb {
    transform: Option<Arc<Transform8BitExecutor>>,
}

impl CmykToRgb {
    /// `icc` is the profile embedded in the file; one that is damaged or not for CMYK is ignored.
    pub(crate) fn new(icc: Option<&[u8]>) -> Self {
        let profile = icc.and_then(parse).filter(|profile| profile.color_space == DataColorSpace::Cmyk);
        // The library spells four inks as it spells four channels.
        Self { transform: profile.and_then(|profile| transform(&profile, Channels::Rgba)) }
    }

    /// `cmyk` holds 4 bytes a pixel, `rgb` 3.
    pub(crate) fn row(&self, cmyk: &[u8], rgb: &mut [u8]) {
        let converted =
            self.transform.as_ref().is_some_and(|transform| transform.transform(cmyk, rgb).is_ok());
        if !converted {
            multiply_inks(cmyk, rgb);
        }
    }
}

/// Each ink takes its share of the light that black leaves: what browsers show where no profile says better.
fn multiply_inks(cmyk: &[u8], rgb: &mut [u8]) {
    for (ink, rgb) in cmyk.as_chunks::<4>().0.iter().zip(rgb.as_chunks_mut::<3>().0) {
        let light = 255 - u32::from(ink[3]);
        for c in 0..3 {
            rgb[c] = (((255 - u32::from(ink[c])) * light + 127) / 255) as u8;
        }
    }
}

/// A profile that describes pixels (not a link between devices, an effect, or a list of named colours).
fn parse(icc: &[u8]) -> Option<ColorProfile> {
    if icc.len() > LONGEST_PROFILE {
        return None;
    }
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    let describes_pixels = matches!(
        profile.profile_class,
        ProfileClass::InputDevice
            | ProfileClass::DisplayDevice
            | ProfileClass::OutputDevice
            | ProfileClass::ColorSpace
    );
    describes_pixels.then_some(profile)
}

fn transform(profile: &ColorProfile, from: Channels) -> Option<Arc<Transform8BitExecutor>> {
    profile
        .create_transform_8bit(from, &ColorProfile::new_srgb(), Channels::Rgb, TransformOptions::default())
        .ok()
}

/// Whether a transform from RGB moves no colour of a 6 × 6 × 6 cube by more than a rounding step: most cameras embed
/// sRGB itself, and then the pixels had better stay as they are.
fn is_identity(transform: &Transform8BitExecutor) -> bool {
    let levels = || (0..=255u8).step_by(51);
    let cube: Vec<u8> =
        levels().flat_map(|r| levels().flat_map(move |g| levels().flat_map(move |b| [r, g, b]))).collect();
    let mut converted = vec![0; cube.len()];
    transform.transform(&cube, &mut converted).is_ok()
        && cube.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= 1)
}

fn convert_rgb(frame: &mut Frame, transform: &Transform8BitExecutor) {
    let channels = frame.layout.channels();
    let (mut before, mut after) = (vec![0; RUN * 3], vec![0; RUN * 3]);
    for run in frame.pixels.chunks_mut(RUN * channels) {
        let count = run.len() / channels;
        let (before, after) = (&mut before[..count * 3], &mut after[..count * 3]);
        for (pixel, rgb) in run.chunks_exact(channels).zip(before.as_chunks_mut::<3>().0) {
            rgb.copy_from_slice(&pixel[..3]);
        }
        if transform.transform(before, after).is_err() {
            return;
        }
        for (pixel, rgb) in run.chunks_exact_mut(channels).zip(after.as_chunks::<3>().0) {
            pixel[..3].copy_from_slice(rgb);
        }
    }
}

/// What each of the 256 greys becomes, also where a grey frame carries an RGB profile (whose greys are its diagonal).
fn grey_curve(profile: &ColorProfile) -> Option<[u8; 256]> {
    let (channels, repeat) =
        if profile.color_space == DataColorSpace::Gray { (Channels::Gray, 1) } else { (Channels::Rgb, 3) };
    let greys: Vec<u8> = (0..=255).flat_map(|grey| std::iter::repeat_n(grey, repeat)).collect();
    let mut rgb = vec![0; 256 * 3];
    transform(profile, channels)?.transform(&greys, &mut rgb).ok()?;
    Some(std::array::from_fn(|grey| rgb[grey * 3 + 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(profile: &ColorProfile) -> Vec<u8> {
        profile.encode().unwrap()
    }

    fn frame(layout: Layout, pixels: &[u8]) -> Frame {
        let width = (pixels.len() / layout.channels()) as u32;
        Frame { width, height: 1, layout, pixels: pixels.to_vec() }
    }

    fn converted(layout: Layout, pixels: &[u8], icc: &[u8]) -> Vec<u8> {
        let mut frame = frame(layout, pixels);
        to_srgb(&mut frame, icc);
        frame.pixels
    }

    fn assert_close(got: &[u8], want: &[u8], by: u8) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(g, w)| g.abs_diff(*w) <= by), "{got:?} is not {want:?} ± {by}");
    }

    #[test]
    fn srgb_changes_nothing() {
        let pixels: Vec<u8> = (0..=255).collect();
        assert_eq!(converted(Layout::Rgba, &pixels, &encoded(&ColorProfile::new_srgb())), pixels);
    }

    /// Expected values by the definitions of Display P3 (D65, 0.680/0.320, 0.265/0.690, 0.150/0.060, sRGB curve) and
    /// IEC 61966-2-1: red (200, 100, 50) of P3 lies at (214.9, 92.6, 31.0) of sRGB.
    #[test]
    fn display_p3_becomes_more_saturated_srgb() {
        let icc = encoded(&ColorProfile::new_display_p3());
        assert_close(&converted(Layout::Rgb, &[200, 100, 50], &icc), &[215, 93, 31], 2);
        let with_alpha = converted(Layout::Rgba, &[200, 100, 50, 77, 10, 10, 10, 0], &icc);
        assert_close(&with_alpha, &[215, 93, 31, 77, 10, 10, 10, 0], 2);
        assert_eq!((with_alpha[3], with_alpha[7]), (77, 0), "alpha is no colour");
    }

    #[test]
    fn frames_longer_than_a_run_are_converted_whole() {
        let pixels: Vec<u8> = [200, 100, 50].repeat(RUN * 2 + 17);
        let after = converted(Layout::Rgb, &pixels, &encoded(&ColorProfile::new_display_p3()));
        assert!(after.as_chunks::<3>().0.iter().all(|pixel| *pixel == after[..3]));
        assert_ne!(after[..3], pixels[..3]);
    }

    #[test]
    fn grey_profiles_change_the_curve() {
        // Linear light 0.5 (128 of 255) is 188 in sRGB.
        let icc = encoded(&ColorProfile::new_gray_with_gamma(1.0));
        assert_close(&converted(Layout::Gray, &[0, 128, 255], &icc), &[0, 188, 255], 2);
        assert_close(&converted(Layout::GrayAlpha, &[128, 128, 255, 3], &icc), &[188, 128, 255, 3], 2);
    }

    #[test]
    fn a_grey_frame_follows_the_diagonal_of_an_rgb_profile() {
        let icc = encoded(&ColorProfile::new_adobe_rgb());
        let after = converted(Layout::Gray, &[0, 64, 128, 255], &icc);
        // Adobe RGB is a pure gamma of 2.2: nearly, but not quite, the sRGB curve.
        assert_close(&after, &[0, 63, 128, 255], 3);
    }

    #[test]
    fn profiles_that_do_not_fit_are_ignored() {
        let pixels = [10, 20, 30, 40, 50, 60];
        let grey = encoded(&ColorProfile::new_gray_with_gamma(1.0));
        assert_eq!(converted(Layout::Rgb, &pixels, &grey), pixels);
        assert_eq!(converted(Layout::Rgb, &pixels, b"not a profile"), pixels);
        let whole = encoded(&ColorProfile::new_display_p3());
        for cut in 0..whole.len() {
            converted(Layout::Rgb, &pixels, &whole[..cut]);
        }
    }

    #[test]
    fn inks_without_a_profile_multiply() {
        let cmyk = [0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 128];
        let mut rgb = [0; 15];
        CmykToRgb::new(None).row(&cmyk, &mut rgb);
        assert_eq!(rgb, [255, 255, 255, 0, 255, 255, 255, 0, 0, 0, 0, 0, 127, 127, 127]);
        let mut again = [0; 15];
        CmykToRgb::new(Some(&encoded(&ColorProfile::new_srgb()))).row(&cmyk, &mut again);
        assert_eq!(again, rgb, "a profile for RGB says nothing about inks");
    }
}

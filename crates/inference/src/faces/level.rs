//! At which sizes a picture is looked at.
//!
//! The detector was trained on faces of about 10 to 300 pixels. A face that fills the picture is found in a small copy
//! of it, and small faces in a large one; with copies whose sides are not more than [`STEP`] times apart nothing is missed.

use crate::manifest::ImageInput;

/// The smallest copy has as many pixels as a square of this side; smaller pictures are enlarged to that. Measured on the
/// AT&T faces at 23 × 28 pixels, which faces fill: with 160 the lowest score is 0.88 and 96.8 % of the pairs of one person are accepted
/// at one false acceptance in 1000; with 96, 128 and 192 these are 95.0 to 96.5 %, with 320 the lowest score is 0.77.
pub(super) const COARSE: u32 = 160;

/// A picture gets a finer look than the smallest when that has at least so many times as many pixels.
const WORTHWHILE: f64 = 1.25;

/// The sides of two looks are at most so many times apart.
const STEP: u32 = 8;

/// Longest side of a face, in the pixels of a copy, that the next coarser copy does not show better.
const LARGEST: f32 = 320.0;

/// One look: the whole picture scaled, in the top left corner of a canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Width and height that the picture is scaled to.
    pub scaled: (u32, u32),
    /// Width and height of what the detector sees.
    pub canvas: (u32, u32),
    /// The longest side of a face, in pixels of this look, that counts here; none for the coarsest.
    pub largest: Option<f32>,
}

impl Level {
    /// The looks at a picture of this size, finest first: never none, and three at most for sides up to 4096. `square` is the side
    /// of the square whose pixels the finest look has at most. A detector of one fixed size looks once.
    pub fn all(size: (u32, u32), input: &ImageInput, square: u32) -> Vec<Self> {
        let Some(step) = input.step else { return vec![Self::fixed(size, input)] };
        let pixels = f64::from(size.0) * f64::from(size.1);
        let of = |square: u32, largest| {
            let scale = f64::from(square) / pixels.sqrt();
            let scaled = scaled(size, scale);
            Self { scaled, canvas: (multiple(scaled.0, step), multiple(scaled.1, step)), largest }
        };
        let finest = pixels.min(f64::from(square).powi(2));
        let mut levels = Vec::new();
        if finest >= f64::from(COARSE).powi(2) * WORTHWHILE {
            let mut finer = finest.sqrt().round() as u32;
            levels.push(of(finer, Some(LARGEST)));
            while finer > COARSE * STEP {
                finer /= STEP;
                levels.push(of(finer, Some(LARGEST)));
            }
        }
        levels.push(of(COARSE, None));
        levels
    }

    fn fixed(size: (u32, u32), input: &ImageInput) -> Self {
        let [width, height] = input.size;
        let scale = (f64::from(width) / f64::from(size.0)).min(f64::from(height) / f64::from(size.1));
        let scaled = scaled(size, scale);
        Self { scaled: (scaled.0.min(width), scaled.1.min(height)), canvas: (width, height), largest: None }
    }
}

fn scaled((width, height): (u32, u32), scale: f64) -> (u32, u32) {
    let side = |of: u32| (f64::from(of) * scale).round().max(1.0) as u32;
    (side(width), side(height))
}

fn multiple(side: u32, step: u32) -> u32 {
    side.div_ceil(step.max(1)) * step.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Colour, Filter, Layout, Resize};

    fn input(step: Option<u32>) -> ImageInput {
        ImageInput {
            input: "input".to_owned(),
            layout: Layout::Nchw,
            colour: Colour::Bgr,
            size: [640, 640],
            step,
            resize: Resize::Fit,
            resize_to: None,
            filter: Filter::Bilinear,
            pad: 0,
            mean: vec![0.0; 3],
            std: vec![1.0; 3],
        }
    }

    #[test]
    fn large_pictures_are_looked_at_twice_and_small_ones_are_enlarged() {
        let sizes = |size, side| {
            let levels = Level::all(size, &input(Some(32)), side);
            levels.iter().map(|level| (level.scaled, level.canvas)).collect::<Vec<_>>()
        };
        assert_eq!(sizes((4000, 3000), 1024), [((1182, 887), (1184, 896)), ((185, 139), (192, 160))]);
        // Never enlarged for the finer look.
        assert_eq!(sizes((640, 480), 1024), [((640, 480), (640, 480)), ((185, 139), (192, 160))]);
        assert_eq!(sizes((170, 170), 1024), [((160, 160), (160, 160))]);
        assert_eq!(sizes((23, 28), 1024), [((145, 177), (160, 192))]);
        assert_eq!(sizes((1, 1), 1024), [((160, 160), (160, 160))]);
        assert_eq!(sizes((25_600, 1), 1024), [((25_600, 1), (25_600, 32))]);
        assert_eq!(sizes((4000, 4000), 160), [((160, 160), (160, 160))]);
        let scaled =
            |side| sizes((9000, 9000), side).into_iter().map(|(scaled, _)| scaled.0).collect::<Vec<_>>();
        assert_eq!(scaled(4096), [4096, 512, 160]);
        assert_eq!(scaled(1280), [1280, 160]);
    }

    #[test]
    fn a_detector_of_one_size_looks_once() {
        let levels = Level::all((4000, 3000), &input(None), 1024);
        assert_eq!(levels, [Level { scaled: (640, 480), canvas: (640, 640), largest: None }]);
    }

    #[test]
    fn no_look_has_many_more_pixels_than_asked_for() {
        for size in [(1, 1), (1, 65_500), (65_500, 6_000), (20_000, 20_000), (333, 777), (1500, 10)] {
            for side in [160, 1024, 4096] {
                for level in Level::all(size, &input(Some(32)), side) {
                    // A side is never less than a pixel.
                    let longer = f64::from(level.scaled.0.max(level.scaled.1));
                    let most = 1.1 * f64::from(side.max(COARSE)).powi(2) + longer;
                    let pixels = f64::from(level.scaled.0) * f64::from(level.scaled.1);
                    assert!(pixels <= most, "{size:?} at {side}: {level:?}");
                }
            }
        }
    }
}

//! Where an image of any size goes on the input of a model.

use crate::manifest::{ImageInput, Resize};

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Window {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// The image is scaled to `scaled`, of which `window` is kept and put at `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) scaled: (u32, u32),
    pub(super) window: Window,
    pub(super) offset: (u32, u32),
}

impl Placement {
    pub(super) fn new(input: &ImageInput, (width, height): (u32, u32)) -> Self {
        let [to_width, to_height] = input.size;
        match (input.resize, input.resize_to) {
            (Resize::Shorter, Some(shorter)) => {
                let scaled = by_shorter_side((width, height), shorter);
                let window = Window {
                    left: centre(scaled.0, to_width),
                    top: centre(scaled.1, to_height),
                    width: to_width,
                    height: to_height,
                };
                Self { scaled, window, offset: (0, 0) }
            }
            (Resize::Fit, _) => {
                let scaled = inside((width, height), (to_width, to_height));
                let offset = ((to_width - scaled.0) / 2, (to_height - scaled.1) / 2);
                Self { scaled, window: whole(scaled), offset }
            }
            _ => Self { scaled: (to_width, to_height), window: whole((to_width, to_height)), offset: (0, 0) },
        }
    }
}

fn whole((width, height): (u32, u32)) -> Window {
    Window { left: 0, top: 0, width, height }
}

/// torchvision's `Resize(n)`: the shorter side is exactly `n`, the longer is cut to a whole number.
fn by_shorter_side((width, height): (u32, u32), shorter: u32) -> (u32, u32) {
    let longer = |long: u32, short: u32| {
        u32::try_from(u64::from(shorter) * u64::from(long) / u64::from(short)).unwrap_or(u32::MAX)
    };
    if width <= height { (shorter, longer(height, width)) } else { (longer(width, height), shorter) }
}

/// torchvision's `CenterCrop`: half of what is left over, rounded as Python does, halves to the even number.
fn centre(length: u32, kept: u32) -> u32 {
    let over = length.saturating_sub(kept);
    let half = over / 2;
    if over % 2 == 1 && half % 2 == 1 { half + 1 } else { half }
}

/// The largest size of the same aspect inside a box, sides rounded, at least one pixel.
fn inside((width, height): (u32, u32), (to_width, to_height): (u32, u32)) -> (u32, u32) {
    let scale = (f64::from(to_width) / f64::from(width)).min(f64::from(to_height) / f64::from(height));
    let side = |of: u32, most: u32| ((f64::from(of) * scale).round() as u32).clamp(1, most);
    (side(width, to_width), side(height, to_height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values by torchvision 0.20: `Resize(256)`, then `CenterCrop(224)`.
    #[test]
    fn sizes_and_crops_are_those_of_torchvision() {
        assert_eq!(by_shorter_side((500, 375), 256), (341, 256));
        assert_eq!(by_shorter_side((375, 500), 256), (256, 341));
        assert_eq!(by_shorter_side((100, 100), 256), (256, 256));
        // (341 - 224) / 2 is 58.5, which Python rounds to 58; 59.5 becomes 60.
        assert_eq!(centre(341, 224), 58);
        assert_eq!(centre(343, 224), 60);
        assert_eq!(centre(256, 224), 16);
    }

    #[test]
    fn a_thread_of_an_image_keeps_one_pixel() {
        assert_eq!(inside((10_000, 1), (112, 112)), (112, 1));
        assert_eq!(inside((3, 5), (112, 112)), (67, 112));
    }
}

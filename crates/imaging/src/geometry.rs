//! From the box that was asked for to a crop of the image, the size of the resampled pixels, and where they lie.

use darkroom_core::operation::{Gravity, Mode, Thumbnail};

/// A rectangle in pixels, with fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// What becomes of an image of one size under one request. All of it upright, as seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Geometry {
    /// The part of the image that is kept.
    pub(crate) crop: Rect,
    /// The size in pixels that `crop` is resampled to.
    pub(crate) size: (u32, u32),
    /// The size of the result: `size`, or the box that `pad` fills.
    pub(crate) canvas: (u32, u32),
    /// Where the resampled pixels begin on the canvas.
    pub(crate) offset: (u32, u32),
}

impl Geometry {
    /// Lays out `request` for an upright image of `width` × `height` pixels, each at least 1.
    pub(crate) fn new(request: &Thumbnail, width: u32, height: u32) -> Self {
        let (box_width, box_height) = request.target();
        let full = Rect { left: 0.0, top: 0.0, width: f64::from(width), height: f64::from(height) };
        let reach = (box_width.unwrap_or(width), box_height.unwrap_or(height));
        match request.mode {
            Mode::Fit => Self::plain(full, fit(request, (width, height))),
            Mode::Exact => Self::plain(full, reach),
            Mode::Fill => Self::plain(covering(full, reach, request.gravity), reach),
            Mode::Pad => {
                let size = fit(request, (width, height));
                let (fx, fy) = anchor(request.gravity);
                let free = (reach.0 - size.0.min(reach.0), reach.1 - size.1.min(reach.1));
                let offset = ((f64::from(free.0) * fx) as u32, (f64::from(free.1) * fy) as u32);
                Self { crop: full, size, canvas: reach, offset }
            }
        }
    }

    fn plain(crop: Rect, size: (u32, u32)) -> Self {
        Self { crop, size, canvas: size, offset: (0, 0) }
    }

    /// How large (width, height) the whole image would be at the scale of the result.
    pub(crate) fn whole_at_result_scale(&self, width: u32, height: u32) -> (f64, f64) {
        (
            f64::from(width) * f64::from(self.size.0) / self.crop.width,
            f64::from(height) * f64::from(self.size.1) / self.crop.height,
        )
    }
}

/// The largest size inside the box with the image's aspect; no larger than the image unless asked; sides at least 1.
fn fit(request: &Thumbnail, (width, height): (u32, u32)) -> (u32, u32) {
    let (box_width, box_height) = request.target();
    let ratio = |side: Option<u32>, of: u32| side.map_or(f64::INFINITY, |s| f64::from(s) / f64::from(of));
    let scale = ratio(box_width, width).min(ratio(box_height, height));
    if scale >= 1.0 && !request.enlarge {
        return (width, height);
    }
    let side = |of: u32, within: Option<u32>| {
        let rounded = (f64::from(of) * scale).round().max(1.0) as u32;
        within.map_or(rounded, |most| rounded.min(most))
    };
    (side(width, box_width), side(height, box_height))
}

/// The largest part of `full` with the aspect of `reach`, placed by gravity. Smart placement starts from the middle:
/// only the pixels can tell more.
fn covering(full: Rect, reach: (u32, u32), gravity: Gravity) -> Rect {
    let scale = (f64::from(reach.0) / full.width).max(f64::from(reach.1) / full.height);
    let width = (f64::from(reach.0) / scale).min(full.width);
    let height = (f64::from(reach.1) / scale).min(full.height);
    let (fx, fy) = anchor(gravity);
    Rect { left: (full.width - width) * fx, top: (full.height - height) * fy, width, height }
}

/// The share of the free space that lies left of and above the kept part.
fn anchor(gravity: Gravity) -> (f64, f64) {
    let horizontal = match gravity {
        Gravity::West | Gravity::NorthWest | Gravity::SouthWest => 0.0,
        Gravity::East | Gravity::NorthEast | Gravity::SouthEast => 1.0,
        Gravity::Center | Gravity::North | Gravity::South | Gravity::Smart => 0.5,
    };
    let vertical = match gravity {
        Gravity::North | Gravity::NorthWest | Gravity::NorthEast => 0.0,
        Gravity::South | Gravity::SouthWest | Gravity::SouthEast => 1.0,
        Gravity::Center | Gravity::West | Gravity::East | Gravity::Smart => 0.5,
    };
    (horizontal, vertical)
}

#[cfg(test)]
mod tests {
    use darkroom_core::operation::Dpr;
    use proptest::prelude::*;

    use super::*;

    fn size(request: &Thumbnail, width: u32, height: u32) -> (u32, u32) {
        Geometry::new(request, width, height).size
    }

    fn boxed(mode: Mode, width: u32, height: u32) -> Thumbnail {
        Thumbnail { mode, ..Thumbnail::fit(width, height) }
    }

    #[test]
    fn fit_keeps_the_aspect() {
        assert_eq!(size(&Thumbnail::fit(500, 500), 1200, 600), (500, 250));
        assert_eq!(size(&Thumbnail::fit(500, 500), 600, 1200), (250, 500));
        let free_height = Thumbnail { height: None, ..Thumbnail::fit(300, 1) };
        assert_eq!(size(&free_height, 1200, 800), (300, 200));
    }

    #[test]
    fn fit_enlarges_only_when_told() {
        let mut request = Thumbnail::fit(500, 500);
        assert_eq!(size(&request, 100, 50), (100, 50));
        request.enlarge = true;
        assert_eq!(size(&request, 100, 50), (500, 250));
    }

    #[test]
    fn a_thread_of_an_image_keeps_one_pixel() {
        assert_eq!(size(&Thumbnail::fit(100, 100), 60_000, 1), (100, 1));
        assert_eq!(size(&Thumbnail::fit(100, 100), 1, 60_000), (1, 100));
    }

    #[test]
    fn dpr_multiplies_the_box() {
        let request = Thumbnail { dpr: Dpr::try_from(2.0).unwrap(), ..Thumbnail::fit(100, 100) };
        assert_eq!(size(&request, 4000, 3000), (200, 150));
    }

    #[test]
    fn fill_crops_towards_gravity() {
        let mut request = boxed(Mode::Fill, 100, 100);
        let centred = Geometry::new(&request, 400, 200);
        assert_eq!(centred.crop, Rect { left: 100.0, top: 0.0, width: 200.0, height: 200.0 });
        request.gravity = Gravity::East;
        assert!((Geometry::new(&request, 400, 200).crop.left - 200.0).abs() < 1e-9);
        assert_eq!(centred.canvas, (100, 100));
    }

    #[test]
    fn pad_places_by_gravity() {
        let mut request = boxed(Mode::Pad, 100, 100);
        assert_eq!(Geometry::new(&request, 400, 200).offset, (0, 25));
        request.gravity = Gravity::South;
        let south = Geometry::new(&request, 400, 200);
        assert_eq!((south.size, south.offset, south.canvas), ((100, 50), (0, 50), (100, 100)));
    }

    fn any_request() -> impl Strategy<Value = Thumbnail> {
        let mode = proptest::sample::select(Mode::ALL);
        let gravity = proptest::sample::select(Gravity::ALL);
        (mode, gravity, 1u32..9000, 1u32..9000, any::<bool>()).prop_map(|(mode, gravity, w, h, enlarge)| {
            Thumbnail { mode, gravity, enlarge, ..Thumbnail::fit(w, h) }
        })
    }

    proptest! {
        #[test]
        fn the_crop_lies_in_the_image_and_the_pixels_on_the_canvas(
            request in any_request(), width in 1u32..65_500, height in 1u32..65_500,
        ) {
            let g = Geometry::new(&request, width, height);
            prop_assert!(g.size.0 >= 1 && g.size.1 >= 1);
            prop_assert!(g.crop.left >= 0.0 && g.crop.top >= 0.0 && g.crop.width > 0.0 && g.crop.height > 0.0);
            prop_assert!(g.crop.left + g.crop.width <= f64::from(width) + 1e-6);
            prop_assert!(g.crop.top + g.crop.height <= f64::from(height) + 1e-6);
            prop_assert!(g.offset.0 + g.size.0 <= g.canvas.0 && g.offset.1 + g.size.1 <= g.canvas.1);
        }

        #[test]
        fn modes_keep_their_word(request in any_request(), width in 1u32..65_500, height in 1u32..65_500) {
            let g = Geometry::new(&request, width, height);
            let (w, h) = (request.width.unwrap(), request.height.unwrap());
            match request.mode {
                Mode::Fit => {
                    prop_assert!(g.canvas.0 <= w.max(width) && g.canvas.1 <= h.max(height));
                    if !request.enlarge { prop_assert!(g.size.0 <= width && g.size.1 <= height); }
                    // One side is exact and the other is off by no more than the rounding.
                    let (sx, sy) = (f64::from(g.size.0) / f64::from(width), f64::from(g.size.1) / f64::from(height));
                    let off = (sx - sy).abs();
                    prop_assert!(off <= 1.0 / f64::from(width.min(height)), "{off}");
                }
                Mode::Fill | Mode::Exact | Mode::Pad => prop_assert_eq!(g.canvas, (w, h)),
            }
        }
    }
}

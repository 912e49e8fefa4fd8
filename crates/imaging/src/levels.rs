//! One decoded image at several scales, each half of the one before, made when asked for.

use darkroom_core::operation::Light;

use crate::{Frame, geometry::Rect, reducer::Reducer};

/// A frame and the size in its pixels that the image covers.
pub(crate) struct Level {
    pub(crate) frame: Frame,
    pub(crate) covers: (f64, f64),
}

/// The decoded frame first.
pub(crate) struct Levels(Vec<Level>);

impl Levels {
    pub(crate) fn new(frame: Frame, covers: (f64, f64)) -> Self {
        Self(vec![Level { frame, covers }])
    }

    /// The smallest level that still is at least `smallest`. Forgets those below it, because results are made from the
    /// smallest to the largest.
    pub(crate) fn at_least(&mut self, smallest: (f64, f64)) -> &Level {
        let suits = |covers: (f64, f64)| covers.0 >= smallest.0 && covers.1 >= smallest.1;
        let mut at = 0;
        loop {
            let covers = self.0[at].covers;
            if !suits((covers.0 / 2.0, covers.1 / 2.0)) {
                self.0.truncate(at + 1);
                return &self.0[at];
            }
            at += 1;
            if at == self.0.len() {
                let half = self.0[at - 1].halved();
                self.0.push(half);
            }
        }
    }
}

impl Level {
    fn halved(&self) -> Self {
        let frame = &self.frame;
        let mut reducer = Reducer::new((frame.width, frame.height), frame.layout, (2, 2), Light::Gamma);
        for row in frame.pixels.chunks_exact(frame.width as usize * frame.layout.channels()) {
            reducer.push(row);
        }
        Self { frame: reducer.finish(), covers: (self.covers.0 / 2.0, self.covers.1 / 2.0) }
    }

    /// A rectangle of the stored image of `full` pixels, in pixels of this level.
    pub(crate) fn region(&self, rect: Rect, full: (u32, u32)) -> Rect {
        let (x, y) = (self.covers.0 / f64::from(full.0), self.covers.1 / f64::from(full.1));
        Rect { left: rect.left * x, top: rect.top * y, width: rect.width * x, height: rect.height * y }
    }
}

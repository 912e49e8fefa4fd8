//! Frames with strokes of a round pen.

use darkroom_imaging::{Frame, Layout};

/// Points that are joined, in parts of the frame.
pub(crate) type Line = Vec<(f32, f32)>;

/// What is drawn, and how.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub(crate) lines: Vec<Line>,
    /// Width and height of the frame.
    pub(crate) size: (u32, u32),
    /// Where the unit square of the lines is: left, top and side, in pixels.
    pub(crate) place: (f32, f32, f32),
    /// Width of the pen, in parts of that side.
    pub(crate) pen: f32,
}

impl Drawing {
    /// On a square frame of `side`, with a tenth of it as margin.
    pub(crate) fn new(lines: &[Line], side: u32) -> Self {
        let whole = side as f32;
        let place = (0.1 * whole, 0.1 * whole, 0.8 * whole);
        Self { lines: lines.to_vec(), size: (side, side), place, pen: 0.1 }
    }

    /// How much ink is on each pixel, 0 to 1.
    pub(crate) fn ink(&self) -> Vec<f32> {
        let pieces: Vec<_> = self.lines.iter().flat_map(|line| line.windows(2)).collect();
        let (left, top, side) = self.place;
        let width = self.size.0 as usize;
        let ink = |at: usize| {
            let x = ((at % width) as f32 + 0.5 - left) / side;
            let y = ((at / width) as f32 + 0.5 - top) / side;
            let nearest = pieces.iter().map(|piece| distance((x, y), piece[0], piece[1]));
            ((self.pen / 2.0 - nearest.fold(f32::MAX, f32::min)) * side + 0.5).clamp(0.0, 1.0)
        };
        (0..width * self.size.1 as usize).map(ink).collect()
    }

    /// In two grey values.
    pub(crate) fn frame(&self, paper: u8, ink: u8) -> Frame {
        self.toned(|_, _, amount| f32::from(paper) + (f32::from(ink) - f32::from(paper)) * amount)
    }

    /// With a grey value of each place (in parts of the frame) and amount of ink.
    pub(crate) fn toned(&self, tone: impl Fn(f32, f32, f32) -> f32) -> Frame {
        let (width, height) = self.size;
        let place = |at: usize| {
            let (x, y) = (at % width as usize, at / width as usize);
            (x as f32 / width as f32, y as f32 / height as f32)
        };
        let pixels = self.ink().into_iter().enumerate().map(|(at, amount)| {
            let (x, y) = place(at);
            tone(x, y, amount).round().clamp(0.0, 255.0) as u8
        });
        Frame { width, height, layout: Layout::Gray, pixels: pixels.collect() }
    }
}

fn distance(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let along = (to.0 - from.0, to.1 - from.1);
    let off = (point.0 - from.0, point.1 - from.1);
    let length = (along.0 * along.0 + along.1 * along.1).max(1e-9);
    let at = ((off.0 * along.0 + off.1 * along.1) / length).clamp(0.0, 1.0);
    (off.0 - at * along.0).hypot(off.1 - at * along.1)
}

/// The ten digits as a hand draws them, roughly.
pub(crate) fn digits() -> [Vec<Line>; 10] {
    let arc = |(x, y): (f32, f32), (wide, high): (f32, f32), from: f32, to: f32| -> Line {
        let angle = |step: u8| (from + (to - from) * f32::from(step) / 24.0).to_radians();
        (0..=24).map(|step| (x + wide * angle(step).cos(), y + high * angle(step).sin())).collect()
    };
    [
        vec![arc((0.5, 0.5), (0.3, 0.48), 0.0, 360.0)],
        vec![vec![(0.52, 0.02), (0.48, 0.98)]],
        vec![arc((0.48, 0.28), (0.3, 0.26), 190.0, 390.0), vec![(0.74, 0.4), (0.15, 0.97), (0.85, 0.97)]],
        vec![arc((0.45, 0.26), (0.3, 0.24), 200.0, 450.0), arc((0.45, 0.74), (0.34, 0.25), 270.0, 520.0)],
        vec![vec![(0.3, 0.05), (0.15, 0.55), (0.8, 0.55)], vec![(0.7, 0.05), (0.65, 0.98)]],
        vec![vec![(0.8, 0.04), (0.3, 0.04), (0.25, 0.45)], arc((0.45, 0.68), (0.33, 0.28), 230.0, 500.0)],
        vec![vec![(0.65, 0.02), (0.35, 0.35), (0.24, 0.7)], arc((0.5, 0.73), (0.27, 0.25), 0.0, 360.0)],
        vec![vec![(0.12, 0.08), (0.82, 0.08), (0.42, 0.98)]],
        vec![arc((0.5, 0.26), (0.24, 0.23), 0.0, 360.0), arc((0.5, 0.74), (0.28, 0.25), 0.0, 360.0)],
        vec![arc((0.48, 0.28), (0.25, 0.25), 0.0, 360.0), vec![(0.73, 0.3), (0.66, 0.98)]],
    ]
}

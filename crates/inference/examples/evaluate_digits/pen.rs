//! Draws a digit of the set again, with a pen of any width, at any size.

use crate::mnist::SIDE;

/// The skeleton is looked for on a grid so many times as fine as the digit's.
const FINER: usize = 4;
const FINE: usize = SIDE * FINER;

/// The middle lines of a digit's strokes: pieces from point to point, in parts of the digit's frame.
pub(crate) struct Strokes(Vec<[(f32, f32); 2]>);

impl Strokes {
    /// Of a digit of 28×28, white on black.
    pub(crate) fn of(pixels: &[u8]) -> Self {
        let mut solid: Vec<bool> =
            (0..FINE * FINE).map(|at| smooth(pixels, at % FINE, at / FINE) > 110.0).collect();
        while thin(&mut solid, 0) | thin(&mut solid, 1) {}
        let point = |at: usize| ((at % FINE) as f32 / FINE as f32, (at / FINE) as f32 / FINE as f32);
        let ahead = [1, FINE - 1, FINE, FINE + 1];
        let pieces = (0..FINE * (FINE - 1) - 1).filter(|&at| solid[at]).flat_map(|at| {
            let joined: Vec<usize> = ahead.iter().map(|step| at + step).filter(|&next| solid[next]).collect();
            // A lone point is a piece, too.
            if joined.is_empty() {
                vec![[point(at); 2]]
            } else {
                joined.iter().map(|&to| [point(at), point(to)]).collect()
            }
        });
        Self(pieces.collect())
    }

    /// Ink in 0..1 on a canvas of `size`, the digit's frame `large` pixels wide with its corner at `corner`.
    pub(crate) fn drawn(&self, size: (usize, usize), corner: (f32, f32), large: f32, width: f32) -> Vec<f32> {
        let mut ink = vec![0.0_f32; size.0 * size.1];
        let placed = |(x, y): (f32, f32)| (corner.0 + x * large, corner.1 + y * large);
        for [from, to] in &self.0 {
            draw(&mut ink, size, [placed(*from), placed(*to)], width / 2.0);
        }
        ink
    }
}

fn draw(ink: &mut [f32], size: (usize, usize), [from, to]: [(f32, f32); 2], radius: f32) {
    let reach = radius + 1.0;
    let bounds = |one: f32, other: f32, side: usize| {
        let low = (one.min(other) - reach).max(0.0) as usize;
        low..((one.max(other) + reach).max(0.0) as usize + 1).min(side)
    };
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let length = (along_x * along_x + along_y * along_y).max(1e-6);
    for y in bounds(from.1, to.1, size.1) {
        for x in bounds(from.0, to.0, size.0) {
            let (off_x, off_y) = (x as f32 + 0.5 - from.0, y as f32 + 0.5 - from.1);
            let at = ((off_x * along_x + off_y * along_y) / length).clamp(0.0, 1.0);
            let distance = (off_x - at * along_x).hypot(off_y - at * along_y);
            let pixel = &mut ink[y * size.0 + x];
            *pixel = pixel.max((radius + 0.5 - distance).clamp(0.0, 1.0));
        }
    }
}

fn smooth(pixels: &[u8], x: usize, y: usize) -> f32 {
    let place = |at: usize| ((at as f32 + 0.5) / FINER as f32 - 0.5).clamp(0.0, SIDE as f32 - 1.001);
    bilinear(pixels, place(x), place(y))
}

/// Between the pixels of a digit, in its own pixels.
pub(crate) fn bilinear(pixels: &[u8], x: f32, y: f32) -> f32 {
    let (left, top) = (x as usize, y as usize);
    let (right, down) = (x - left as f32, y - top as f32);
    let row = |y: usize| {
        f32::from(pixels[y * SIDE + left]) * (1.0 - right) + f32::from(pixels[y * SIDE + left + 1]) * right
    };
    row(top) * (1.0 - down) + row(top + 1) * down
}

/// One pass of Zhang and Suen's thinning (Communications of the ACM 27, 1984); whether it changed something.
fn thin(solid: &mut [bool], pass: usize) -> bool {
    let doomed: Vec<usize> = (FINE + 1..FINE * (FINE - 1) - 1)
        .filter(|&at| solid[at] && (1..FINE - 1).contains(&(at % FINE)))
        .filter(|&at| is_rim(solid, at, pass))
        .collect();
    for &at in &doomed {
        solid[at] = false;
    }
    !doomed.is_empty()
}

fn is_rim(solid: &[bool], at: usize, pass: usize) -> bool {
    // Clockwise from the pixel above.
    let ring =
        [at - FINE, at - FINE + 1, at + 1, at + FINE + 1, at + FINE, at + FINE - 1, at - 1, at - FINE - 1];
    let ring = ring.map(|at| solid[at]);
    let neighbours = ring.iter().filter(|solid| **solid).count();
    let beginnings = (0..8).filter(|&i| !ring[i] && ring[(i + 1) % 8]).count();
    let [up, right, down, left] = [ring[0], ring[2], ring[4], ring[6]];
    let open = match pass {
        0 => !right || !down || !(up || left),
        _ => !left || !up || !(right || down),
    };
    (2..=6).contains(&neighbours) && beginnings == 1 && open
}

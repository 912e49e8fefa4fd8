//! Erases the lines of ruled and squared paper, and leaves the strokes that cross them.

use super::{parts::SOLID, plane::Plane};

/// A line is no thicker than this part of the longer side, and at least this long, together with what continues it on
/// the other side of a stroke.
const THICKEST: f32 = 1.0 / 48.0;
const SHORTEST: f32 = 0.6;
/// Smaller planes hold no lines that could be told from strokes.
const LEAST_SIDE: usize = 64;
/// A line leans at most by this part of a pixel with each pixel.
const STEEPEST: f32 = 0.1;
/// Faint ink so far from an erased pixel goes too.
const EDGE: usize = 1;

/// Erases lines from side to side, and from top to bottom.
pub(super) fn erase(ink: &mut Plane) {
    if ink.longer() < LEAST_SIDE {
        return;
    }
    erase_across(ink);
    let mut turned = ink.transposed();
    if erase_across(&mut turned) {
        *ink = turned.transposed();
    }
}

/// Whether there was something to erase.
fn erase_across(ink: &mut Plane) -> bool {
    let thickest = ((THICKEST * ink.longer() as f32) as usize).max(1);
    let runs = flat_runs(ink, thickest);
    let lines = lines(&runs, ink.width, thickest);
    for &at in &lines {
        rub_out(ink, runs[at], thickest);
    }
    !lines.is_empty()
}

/// A stretch of thin ink: it begins at column `left` on row `top`, and follows the ink to column `right`, row `end`.
#[derive(Clone, Copy)]
struct Run {
    left: usize,
    right: usize,
    top: f32,
    end: f32,
}

impl Run {
    fn length(self) -> usize {
        self.right - self.left
    }

    fn row(self, x: f32) -> f32 {
        let slope = (self.end - self.top) / self.length().max(1) as f32;
        self.top + slope * (x - self.left as f32)
    }
}

/// Stretches of ink that are nowhere higher than `thickest`, and at least four times as long.
fn flat_runs(ink: &Plane, thickest: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Vec<Run> = Vec::new();
    for x in 0..ink.width {
        let mut next = Vec::new();
        for middle in thin_middles(ink, x, thickest) {
            let continued = open.iter().position(|run| (run.end - middle).abs() <= 1.0);
            let start = Run { left: x, right: x + 1, top: middle, end: middle };
            next.push(continued.map_or(start, |at| Run {
                right: x + 1,
                end: middle,
                ..open.swap_remove(at)
            }));
        }
        runs.append(&mut open);
        open = next;
    }
    runs.append(&mut open);
    let flat = |run: &Run| (run.end - run.top).abs() <= STEEPEST * run.length() as f32 + thickest as f32;
    runs.retain(|run| run.length() >= 4 * thickest && flat(run));
    runs
}

/// The middle rows of the vertical stretches of ink in column `x` that are at most `thickest` high.
fn thin_middles(ink: &Plane, x: usize, thickest: usize) -> Vec<f32> {
    let (mut middles, mut start) = (Vec::new(), None);
    for y in 0..=ink.height {
        let solid = y < ink.height && ink.at(x, y) >= SOLID;
        match (solid, start) {
            (true, None) => start = Some(y),
            (false, Some(from)) => {
                if y - from <= thickest {
                    middles.push((from + y - 1) as f32 / 2.0);
                }
                start = None;
            }
            _ => {}
        }
    }
    middles
}

/// Which of the runs are pieces of lines: those that continue each other over most of the width, from near one side
/// to near the other.
fn lines(runs: &[Run], width: usize, thickest: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(runs[at].length()));
    for seed in order {
        if found.contains(&seed) {
            continue;
        }
        let pieces: Vec<usize> =
            (0..runs.len()).filter(|&at| continues(runs[seed], runs[at], thickest)).collect();
        let length: usize = pieces.iter().map(|&at| runs[at].length()).sum();
        let left = pieces.iter().map(|&at| runs[at].left).min().unwrap_or(width);
        let right = pieces.iter().map(|&at| runs[at].right).max().unwrap_or(0);
        let long = length as f32 >= SHORTEST * width as f32;
        if long && left <= width / 16 && width - right <= width / 16 {
            found.extend(pieces);
        }
    }
    found
}

/// Whether `other` lies on the line that `seed` is a part of.
fn continues(seed: Run, other: Run, thickest: usize) -> bool {
    let middle = (other.left + other.right) as f32 / 2.0;
    let row = f32::midpoint(other.top, other.end);
    let distance = (middle - (seed.left + seed.right) as f32 / 2.0).abs();
    (seed.row(middle) - row).abs() <= thickest as f32 + 1.0 + 0.02 * distance
}

/// Erases the ink of the run, but not where it is part of something higher.
fn rub_out(ink: &mut Plane, run: Run, thickest: usize) {
    for x in run.left..run.right {
        let middle = run.row(x as f32).round().max(0.0) as usize;
        let from = middle.saturating_sub(thickest + EDGE);
        let to = (middle + thickest + EDGE + 1).min(ink.height);
        let solid = (from..to).filter(|&y| ink.at(x, y) >= SOLID).count();
        if solid <= thickest + EDGE {
            for y in from..to {
                ink.values[y * ink.width + x] = 0.0;
            }
        }
    }
}

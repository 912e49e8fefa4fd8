//! Erases the lines of ruled and squared paper, and leaves the strokes that cross them.

use std::ops::Range;

use super::{parts::SOLID, plane::Plane};

/// Lines are looked for in fainter ink than strokes: between two rows of pixels, each has half of a thin one.
const FAINT: f32 = 0.15;
/// A line is no thicker than this part of the longer side, is at least so much of the width long, together with what
/// continues it on the other side of a stroke,
const THICKEST: f32 = 1.0 / 48.0;
const SHORTEST: f32 = 0.5;
/// and begins and ends within this part of the width from the sides.
const MARGIN: usize = 12;
/// Smaller planes hold no lines that could be told from strokes.
const LEAST_SIDE: usize = 64;
/// A line leans at most by this part of a pixel with each pixel.
const STEEPEST: f32 = 0.1;
/// A leaning line changes its row by such steps, and is too faint to see for so many columns where it does.
const LARGEST_STEP: f32 = 1.5;
const LONGEST_GAP: usize = 8;
/// Shorter stretches are not looked at.
const LEAST_PIECE: usize = 3;
/// Faint ink so far from a line goes too.
const EDGE: f32 = 1.5;

/// The ink without lines from side to side, and from top to bottom; `None` if there are none.
pub(super) fn without_lines(ink: &Plane) -> Option<Plane> {
    if ink.longer() < LEAST_SIDE {
        return None;
    }
    let mut erased = ink.clone();
    let across = erase_across(&mut erased);
    let mut turned = erased.transposed();
    if erase_across(&mut turned) {
        return Some(turned.transposed());
    }
    across.then_some(erased)
}

/// Whether there was something to erase.
fn erase_across(ink: &mut Plane) -> bool {
    let thickest = ((THICKEST * ink.longer() as f32) as usize).max(1);
    let runs = flat_runs(ink, thickest);
    let lines = lines(&runs, ink.width, thickest);
    for &(run, thickness) in &lines {
        rub_out(ink, run, thickness);
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
    ink: usize,
}

impl Run {
    fn begun(x: usize, stretch: &Range<usize>) -> Self {
        let middle = middle(stretch);
        Self { left: x, right: x + 1, top: middle, end: middle, ink: stretch.len() }
    }

    fn followed(self, x: usize, stretch: &Range<usize>) -> Self {
        Self { right: x + 1, end: middle(stretch), ink: self.ink + stretch.len(), ..self }
    }

    fn length(self) -> usize {
        self.right - self.left
    }

    fn thickness(self) -> f32 {
        self.ink as f32 / self.length() as f32
    }

    fn row(self, x: f32) -> f32 {
        let slope = (self.end - self.top) / self.length() as f32;
        self.top + slope * (x - self.left as f32)
    }

    fn is_flat(self) -> bool {
        (self.end - self.top).abs() <= STEEPEST * self.length() as f32 + self.thickness()
    }
}

fn middle(stretch: &Range<usize>) -> f32 {
    (stretch.start + stretch.end - 1) as f32 / 2.0
}

/// Flat stretches of ink that are nowhere higher than `thickest`.
fn flat_runs(ink: &Plane, thickest: usize) -> Vec<Run> {
    let (mut runs, mut open): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
    for x in 0..ink.width {
        let mut followed = Vec::new();
        for stretch in thin_stretches(ink, x, thickest) {
            let continued = open.iter().position(|run| (run.end - middle(&stretch)).abs() <= LARGEST_STEP);
            followed.push(match continued {
                Some(at) => open.swap_remove(at).followed(x, &stretch),
                None => Run::begun(x, &stretch),
            });
        }
        let (waiting, ended): (Vec<Run>, Vec<Run>) =
            open.into_iter().partition(|run| x - run.right < LONGEST_GAP);
        runs.extend(ended);
        open = followed;
        open.extend(waiting);
    }
    runs.extend(open);
    runs.retain(|run| run.length() >= LEAST_PIECE && run.is_flat());
    runs
}

/// The vertical stretches of ink in column `x` that are at most `thickest` high.
fn thin_stretches(ink: &Plane, x: usize, thickest: usize) -> Vec<Range<usize>> {
    let (mut stretches, mut start) = (Vec::new(), None);
    for y in 0..=ink.height {
        let inked = y < ink.height && ink.at(x, y) >= FAINT;
        match (inked, start) {
            (true, None) => start = Some(y),
            (false, Some(from)) => {
                stretches.push(from..y);
                start = None;
            }
            _ => {}
        }
    }
    stretches.retain(|stretch| stretch.len() <= thickest);
    stretches
}

/// The runs that are pieces of lines, and how thick each line is: pieces that continue each other over most of the
/// width, from near one side to near the other.
fn lines(runs: &[Run], width: usize, thickest: usize) -> Vec<(Run, f32)> {
    let mut found: Vec<(Run, f32)> = Vec::new();
    let mut left: Vec<Run> = runs.to_vec();
    left.sort_by_key(|run| run.length());
    while let Some(seed) = left.pop().filter(|run| run.length() >= 4 * thickest) {
        let (pieces, others): (Vec<Run>, Vec<Run>) =
            left.into_iter().partition(|&run| seed.continues_in(run));
        left = others;
        let pieces: Vec<Run> = pieces.into_iter().chain([seed]).collect();
        let length: usize = pieces.iter().map(|run| run.length()).sum();
        let first = pieces.iter().map(|run| run.left).min().unwrap_or(width);
        let last = pieces.iter().map(|run| run.right).max().unwrap_or(0);
        let across = first <= width / MARGIN && width - last <= width / MARGIN;
        if across && length as f32 >= SHORTEST * width as f32 {
            found.extend(pieces.into_iter().map(|piece| (piece, seed.thickness())));
        }
    }
    found
}

impl Run {
    /// Whether `other` lies on the line that this run is a part of.
    fn continues_in(self, other: Self) -> bool {
        let middle = (other.left + other.right) as f32 / 2.0;
        let distance = (middle - (self.left + self.right) as f32 / 2.0).abs();
        let off = (self.row(middle) - f32::midpoint(other.top, other.end)).abs();
        off <= self.thickness() + 0.02 * distance && other.thickness() <= 2.0 * self.thickness() + 1.0
    }
}

/// Erases the ink of the run and the soft edge of it, but nothing where it is part of something higher.
fn rub_out(ink: &mut Plane, run: Run, thickness: f32) {
    let reach = thickness / 2.0 + EDGE;
    for x in run.left..run.right {
        let middle = run.row(x as f32);
        let from = (middle - reach).round().max(0.0) as usize;
        let to = ((middle + reach).round() as usize + 1).min(ink.height);
        let beyond = |y: Option<usize>| y.is_some_and(|y| y < ink.height && ink.at(x, y) >= SOLID);
        if beyond(from.checked_sub(1)) || beyond(Some(to)) {
            continue;
        }
        for y in from..to {
            ink.values[y * ink.width + x] = 0.0;
        }
    }
}

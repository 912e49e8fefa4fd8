//! Widths of strokes, in pixels.

use super::{
    centre::BOX,
    parts::SOLID,
    plane::{Area, Plane},
};

/// Strokes that would be thinner than this in the box are made as thick as `GOOD`; pixels of the box. MNIST's are
/// about 2 to 3 pixels wide.
const THIN: f32 = 1.3;
const GOOD: f32 = 2.0;

/// The ink with strokes that survive the scaling: a hairline would become a shadow.
pub(super) fn even_out(ink: Plane) -> Plane {
    let scale = BOX as f32 / ink.longer() as f32;
    let width = mean_width(&ink);
    if scale >= 1.0 || width * scale >= THIN {
        return ink;
    }
    thickened(&ink, (GOOD / scale - width) / 2.0)
}

/// Twice the area by the outline: exact for long strokes. The outline is counted along pixel edges, which is longer
/// by 4/π than it is on average over all directions.
fn mean_width(ink: &Plane) -> f32 {
    let solid = |x: usize, y: usize| ink.at(x, y) >= SOLID;
    let (mut area, mut edges) = (0_u32, 0_u32);
    for y in 0..ink.height {
        for x in (0..ink.width).filter(|&x| solid(x, y)) {
            area += 1;
            let outside = [
                x == 0 || !solid(x - 1, y),
                y == 0 || !solid(x, y - 1),
                x + 1 == ink.width || !solid(x + 1, y),
                y + 1 == ink.height || !solid(x, y + 1),
            ];
            edges += outside.into_iter().map(u32::from).sum::<u32>();
        }
    }
    2.0 * area as f32 / (edges as f32 * std::f32::consts::FRAC_PI_4).max(1.0)
}

/// Everything within `radius` of the ink, with a soft edge; larger by the radius on each side.
fn thickened(ink: &Plane, radius: f32) -> Plane {
    let margin = radius.ceil() as usize + 1;
    let mut wide = Plane::filled(ink.width + 2 * margin, ink.height + 2 * margin, 0.0);
    for (y, row) in ink.values.chunks_exact(ink.width).enumerate() {
        wide.values[(y + margin) * wide.width + margin..][..ink.width].copy_from_slice(row);
    }
    let distances = squared_distances(&wide, |value| value >= SOLID);
    let values = distances.iter().map(|squared| (radius + 0.5 - squared.sqrt()).clamp(0.0, 1.0)).collect();
    let thick = Plane { values, ..wide };
    let inner = margin - radius.round() as usize;
    thick.crop(Area { left: inner, top: inner, right: thick.width - inner, bottom: thick.height - inner })
}

/// The radius of the largest circle inside the ink. What is outside the plane is paper.
pub(super) fn broadest(ink: &Plane) -> f32 {
    let mut wide = Plane::filled(ink.width + 2, ink.height + 2, 0.0);
    for (y, row) in ink.values.chunks_exact(ink.width).enumerate() {
        wide.values[(y + 1) * wide.width + 1..][..ink.width].copy_from_slice(row);
    }
    squared_distances(&wide, |value| value < SOLID).into_iter().fold(0.0, f32::max).sqrt()
}

/// From each pixel to the nearest that `is_target`, squared, exact: the lower envelope of parabolas, first along the
/// columns, then along the rows (Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012).
fn squared_distances(plane: &Plane, is_target: impl Fn(f32) -> bool) -> Vec<f32> {
    // Farther than any distance in a plane, and its square still exact enough to be told from it.
    const FAR: f32 = 1e8;
    let start = plane.values.iter().map(|&value| if is_target(value) { 0.0 } else { FAR }).collect();
    let columns = Plane { values: start, ..*plane }.transposed();
    let along = |plane: Plane| {
        let values = plane.values.chunks_exact(plane.width).flat_map(envelope).collect();
        Plane { values, ..plane }
    };
    along(along(columns).transposed()).values
}

fn envelope(heights: &[f32]) -> Vec<f32> {
    let meet = |one: usize, other: usize| {
        let lifted = |at: usize| f64::from(heights[at]) + (at * at) as f64;
        (lifted(other) - lifted(one)) / (2.0 * (other - one) as f64)
    };
    // Vertices of the parabolas that are lowest somewhere, and from where on each is.
    let mut lowest: Vec<(usize, f64)> = vec![(0, f64::NEG_INFINITY)];
    for at in 1..heights.len() {
        let mut from = meet(lowest[lowest.len() - 1].0, at);
        while lowest.len() > 1 && from <= lowest[lowest.len() - 1].1 {
            lowest.pop();
            from = meet(lowest[lowest.len() - 1].0, at);
        }
        lowest.push((at, from));
    }
    let mut current = 0;
    let height = |at: usize| {
        while current + 1 < lowest.len() && lowest[current + 1].1 < at as f64 {
            current += 1;
        }
        let vertex = lowest[current].0;
        heights[vertex] + (at.abs_diff(vertex) as f32).powi(2)
    };
    (0..heights.len()).map(height).collect()
}

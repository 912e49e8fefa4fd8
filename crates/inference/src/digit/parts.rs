//! Which of the connected patches of ink are the digit.

use super::plane::{Area, Plane};

/// Strength from which a pixel is ink for good; what is fainter belongs to it if it is beside it.
pub(super) const SOLID: f32 = 0.4;
/// Faint pixels so far from a kept patch stay: the soft edge of its strokes.
const EDGE: usize = 2;
/// The outermost row and column of a digit have at least this much ink somewhere.
const VISIBLE: f32 = 0.1;
/// A patch belongs to the digit if it has this part of the ink of the largest,
const LEAST_PART: f32 = 0.05;
/// and is no farther from what is already kept than this part of that one's longer side;
const FARTHEST: f32 = 0.35;
/// if it lies along the border, like the edge of a table, it must be as near as this.
const FARTHEST_EDGE: f32 = 0.1;
/// A patch lies along the border when it touches this part of one side. It counts for less by `EDGE_WEIGHT` when the
/// main patch is chosen.
const LONG_CONTACT: f32 = 0.4;
const EDGE_WEIGHT: f32 = 0.2;
/// Pixels of ink that a digit has at least, and the least part of the frame's longer side that it is long.
const LEAST_INK: f32 = 4.0;
const LEAST_LENGTH: f32 = 0.02;
/// More patches than this, of which the kept ones have less than `LEAST_SHARE` of the ink, are noise.
const MANY: usize = 30;
const LEAST_SHARE: f32 = 0.15;

/// Erases all that is not the digit, and says where that is; `None` if nothing could be one.
pub(super) fn keep(ink: &mut Plane) -> Option<Area> {
    let (labels, parts) = label(ink);
    let kept = choose(&parts)?;
    let total: f32 = parts.iter().map(|part| part.mass).sum();
    let kept_mass: f32 = parts.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(part, _)| part.mass).sum();
    let noise = parts.len() > MANY && kept_mass < LEAST_SHARE * total;
    if noise || kept_mass < LEAST_INK {
        return None;
    }
    erase_others(ink, &labels, &kept);
    let area = visible(ink)?;
    (area.longer() as f32 >= LEAST_LENGTH * ink.longer() as f32).then_some(area)
}

struct Part {
    area: Area,
    mass: f32,
    // The longest stretch of one side of the frame that it touches, as a part of that side.
    contact: f32,
}

impl Part {
    fn weight(&self) -> f32 {
        if self.contact > LONG_CONTACT { self.mass * EDGE_WEIGHT } else { self.mass }
    }
}

/// The main patch, and whatever is near enough to it, or to what was added.
fn choose(parts: &[Part]) -> Option<Vec<bool>> {
    let main =
        (0..parts.len()).max_by(|&one, &other| parts[one].weight().total_cmp(&parts[other].weight()))?;
    let mut kept = vec![false; parts.len()];
    kept[main] = true;
    let mut area = parts[main].area;
    let mut candidates: Vec<usize> = (0..parts.len())
        .filter(|&at| at != main && parts[at].mass >= LEAST_PART * parts[main].mass)
        .collect();
    loop {
        let reach = parts[main].area.longer() as f32;
        let near = |&&at: &&usize| {
            let farthest = if parts[at].contact > LONG_CONTACT { FARTHEST_EDGE } else { FARTHEST };
            parts[at].area.gap(area) as f32 <= (farthest * reach).max(1.0)
        };
        let Some(&next) = candidates.iter().find(near) else { return Some(kept) };
        kept[next] = true;
        area = area.union(parts[next].area);
        candidates.retain(|&at| at != next);
    }
}

const PAPER: u32 = u32::MAX;

/// The number of the patch of each pixel, or `PAPER`, and the patches; neighbours are the eight around.
fn label(ink: &Plane) -> (Vec<u32>, Vec<Part>) {
    let mut labels = vec![PAPER; ink.values.len()];
    let (mut parts, mut stack) = (Vec::new(), Vec::new());
    for start in 0..ink.values.len() {
        if labels[start] != PAPER || ink.values[start] < SOLID {
            continue;
        }
        let number = parts.len() as u32;
        labels[start] = number;
        stack.push(start);
        let mut traced = Traced::new(start, ink);
        while let Some(at) = stack.pop() {
            traced.add(at, ink);
            for next in around(at % ink.width, at / ink.width, 1, ink) {
                if labels[next] == PAPER && ink.values[next] >= SOLID {
                    labels[next] = number;
                    stack.push(next);
                }
            }
        }
        parts.push(traced.finish(ink));
    }
    (labels, parts)
}

/// A patch that grows; the counts are of its pixels on the left, top, right and bottom side.
struct Traced {
    area: Area,
    mass: f32,
    contacts: [usize; 4],
}

impl Traced {
    fn new(start: usize, ink: &Plane) -> Self {
        let (x, y) = (start % ink.width, start / ink.width);
        Self { area: Area { left: x, top: y, right: x + 1, bottom: y + 1 }, mass: 0.0, contacts: [0; 4] }
    }

    fn add(&mut self, at: usize, ink: &Plane) {
        let (x, y) = (at % ink.width, at / ink.width);
        self.area = self.area.union(Area { left: x, top: y, right: x + 1, bottom: y + 1 });
        self.mass += ink.values[at];
        let touches = [x == 0, y == 0, x + 1 == ink.width, y + 1 == ink.height];
        for (contact, touches) in self.contacts.iter_mut().zip(touches) {
            *contact += usize::from(touches);
        }
    }

    fn finish(self, ink: &Plane) -> Part {
        let sides = [ink.height, ink.width, ink.height, ink.width];
        let contacts = self.contacts.iter().zip(sides).map(|(&contact, side)| contact as f32 / side as f32);
        Part { area: self.area, mass: self.mass, contact: contacts.fold(0.0, f32::max) }
    }
}

fn erase_others(ink: &mut Plane, labels: &[u32], kept: &[bool]) {
    let mut near = vec![false; labels.len()];
    for (at, &label) in labels.iter().enumerate() {
        if label != PAPER && kept[label as usize] {
            for next in around(at % ink.width, at / ink.width, EDGE, ink) {
                near[next] = true;
            }
        }
    }
    for (at, value) in ink.values.iter_mut().enumerate() {
        let other = labels[at] != PAPER && !kept[labels[at] as usize];
        if other || !near[at] {
            *value = 0.0;
        }
    }
}

/// Indices of the pixels within `reach` of one, itself among them.
fn around(x: usize, y: usize, reach: usize, ink: &Plane) -> impl Iterator<Item = usize> + use<> {
    let width = ink.width;
    let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
    let rows = y.saturating_sub(reach)..(y + reach + 1).min(ink.height);
    rows.flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

/// The smallest area that holds all visible ink.
fn visible(ink: &Plane) -> Option<Area> {
    let pixels = ink.values.iter().enumerate().filter(|(_, value)| **value > VISIBLE);
    pixels
        .map(|(at, _)| (at % ink.width, at / ink.width))
        .map(|(x, y)| Area { left: x, top: y, right: x + 1, bottom: y + 1 })
        .reduce(Area::union)
}

//! From the detector's tensors to candidates.

use super::{Area, Face, Point};
use crate::tensor::Named;

/// The detector has a cell for every so many pixels, in each direction.
pub const STRIDES: [u32; 3] = [8, 16, 32];

/// Candidates of one look that are kept, the surest (OpenCV's `top_k`).
const MOST: usize = 5_000;

/// The outputs for one stride: a row for each cell, cells row by row.
struct Cells {
    stride: f32,
    across: usize,
    class: Vec<f32>,
    object: Vec<f32>,
    /// Four a cell: where the centre is, and the logarithms of width and height, in strides.
    boxes: Vec<f32>,
    /// Ten a cell: x and y of five points, in strides.
    points: Vec<f32>,
}

/// Every candidate with at least this score, in pixels of the canvas, the surest first, 5000 at most.
///
/// The outputs are `cls_S`, `obj_S`, `bbox_S` and `kps_S` for each stride S of 8, 16 and 32. Of cell (column, row):
/// score = √(cls · obj), each clamped to 0..1; centre = (column + dx, row + dy) · S; width = exp(dw) · S; height = exp(dh) · S;
/// point = (column + px, row + py) · S.
pub fn candidates(outputs: &[Named], canvas: (u32, u32), min_score: f32) -> Result<Vec<Face>, String> {
    let mut found = Vec::new();
    for stride in STRIDES {
        let cells = Cells::of(outputs, stride, canvas)?;
        found.extend((0..cells.class.len()).filter_map(|cell| cells.face(cell, min_score)));
    }
    // Equal scores stay in the order of the cells, so that the same tensors always give the same faces.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MOST);
    Ok(found)
}

impl Cells {
    fn of(outputs: &[Named], stride: u32, (width, height): (u32, u32)) -> Result<Self, String> {
        let (across, down) = ((width / stride) as usize, (height / stride) as usize);
        let values = |kind: &str, each: usize| {
            let name = format!("{kind}_{stride}");
            let tensor = outputs.iter().find(|(output, _)| *output == name).map(|(_, tensor)| tensor);
            let values = tensor.and_then(crate::Tensor::to_f32);
            let values =
                values.ok_or_else(|| format!("it has no output `{name}` of numbers: it finds no faces"))?;
            if values.len() == across * down * each {
                return Ok(values);
            }
            let expected = across * down * each;
            Err(format!("output `{name}` has {} values, not {expected}", values.len()))
        };
        Ok(Self {
            stride: stride as f32,
            across,
            class: values("cls", 1)?,
            object: values("obj", 1)?,
            boxes: values("bbox", 4)?,
            points: values("kps", 10)?,
        })
    }

    /// The candidate of a cell; none if it is not sure enough, or has numbers that are none.
    fn face(&self, cell: usize, min_score: f32) -> Option<Face> {
        let score = (self.class[cell].clamp(0.0, 1.0) * self.object[cell].clamp(0.0, 1.0)).sqrt();
        if score.is_nan() || score < min_score {
            return None;
        }
        let (column, row) = ((cell % self.across) as f32, (cell / self.across) as f32);
        let place = |x: f32, y: f32| Point { x: (column + x) * self.stride, y: (row + y) * self.stride };
        let [dx, dy, dw, dh] = *self.boxes.as_chunks().0.get(cell)?;
        let (centre, width, height) = (place(dx, dy), dw.exp() * self.stride, dh.exp() * self.stride);
        let area = Area { left: centre.x - width / 2.0, top: centre.y - height / 2.0, width, height };
        let points: &[f32; 10] = self.points.as_chunks().0.get(cell)?;
        let landmarks = std::array::from_fn(|i| place(points[2 * i], points[2 * i + 1]));
        let face = Face { area, landmarks, score };
        face.is_finite().then_some(face)
    }
}

impl Face {
    fn is_finite(&self) -> bool {
        let Area { left, top, width, height } = self.area;
        // A product, so that sums and areas of such faces are finite, too.
        (left * top).is_finite()
            && (width * height).is_finite()
            && self.landmarks.iter().all(|point| (point.x * point.y).is_finite())
    }
}

//! Non-maximum suppression: of candidates that cover each other, the surest stays.

use super::{Area, Face, MOST_FACES};

/// Two candidates of which more than this share (intersection over union) is common are one face (OpenCV's default).
pub const OVERLAP: f32 = 0.3;

/// One candidate for each face, the surest first, from those of all looks; [`MOST_FACES`] at most.
pub fn suppressed(mut candidates: Vec<Face>) -> Vec<Face> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for candidate in candidates {
        if kept.len() == MOST_FACES {
            break;
        }
        if kept.iter().all(|face| overlap(face.area, candidate.area) <= OVERLAP) {
            kept.push(candidate);
        }
    }
    kept
}

/// Intersection over union, from 0 to 1.
fn overlap(a: Area, b: Area) -> f32 {
    let common = |a_from: f32, a_length: f32, b_from: f32, b_length: f32| {
        ((a_from + a_length).min(b_from + b_length) - a_from.max(b_from)).max(0.0)
    };
    let both = common(a.left, a.width, b.left, b.width) * common(a.top, a.height, b.top, b.height);
    let either = a.size() + b.size() - both;
    if either > 0.0 { both / either } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::Point;

    fn face(left: f32, score: f32) -> Face {
        let area = Area { left, top: 0.0, width: 10.0, height: 10.0 };
        Face { area, landmarks: [Point { x: 0.0, y: 0.0 }; 5], score }
    }

    #[test]
    fn of_faces_that_cover_each_other_the_surest_stays() {
        // 10 of 190 pixels in common are 0.05, 60 of 140 are 0.43.
        let kept = suppressed(vec![face(0.0, 0.7), face(4.0, 0.9), face(13.0, 0.8)]);
        assert_eq!(kept, [face(4.0, 0.9), face(13.0, 0.8)]);
    }

    #[test]
    fn the_overlap_is_intersection_over_union() {
        let (a, b) = (face(0.0, 1.0).area, face(4.0, 1.0).area);
        assert!((overlap(a, b) - 60.0 / 140.0).abs() < 1e-6);
        assert!((overlap(a, a) - 1.0).abs() < 1e-6);
        assert!(overlap(a, face(10.0, 1.0).area).abs() < f32::EPSILON);
        let nothing = Area { left: 0.0, top: 0.0, width: 0.0, height: 0.0 };
        assert!(overlap(nothing, nothing).abs() < f32::EPSILON);
    }

    #[test]
    fn there_is_an_end_to_faces() {
        let many = (0..3_000).map(|i| face(i as f32 * 20.0, 0.9)).collect();
        assert_eq!(suppressed(many).len(), MOST_FACES);
    }
}

//! Whether two faces are of one person.

/// SFace's embeddings of one person have at least this cosine, by its authors' choice on LFW (OpenCV's model zoo). What
/// that means on other photographs is in `docs/faces.md`.
pub const SAME_PERSON: f32 = 0.363;

/// The cosine of the angle between two embeddings, from -1 to 1; `None` if they are no vectors of the same model.
pub fn cosine(a: &[f32], b: &[f32]) -> Option<f32> {
    if a.len() != b.len() {
        return None;
    }
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    cosine.is_finite().then_some(cosine.clamp(-1.0, 1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_that_of_the_angle() {
        assert_eq!(cosine(&[1.0, 0.0], &[1.0, 0.0]), Some(1.0));
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), Some(0.0));
        assert_eq!(cosine(&[3.0, 0.0], &[-1.0, 0.0]), Some(-1.0));
        assert!((cosine(&[1.0, 0.0], &[1.0, 1.0]).unwrap() - 0.5f32.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_direction_or_another_length_has_no_cosine() {
        for (a, b) in
            [(&[0.0, 0.0][..], &[1.0, 0.0][..]), (&[1.0], &[1.0, 0.0]), (&[f32::NAN], &[1.0]), (&[], &[])]
        {
            assert_eq!(cosine(a, b), None);
        }
    }
}

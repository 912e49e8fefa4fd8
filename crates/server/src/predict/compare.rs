//! Two answers about faces, compared.

use std::fmt;

use darkroom_api::{ComparedFace, Comparison};
use darkroom_core::operation::{Faces, Which};
use darkroom_inference::faces::compare::{SAME_PERSON, cosine};
use serde_json::Value;

/// Why two answers cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomparable {
    /// There is no face in the first image.
    First,
    /// There is no face in the second image.
    Second,
    /// The embeddings are not of one kind.
    Kinds,
}

impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "there is no face in the first image",
            Self::Second => "there is no face in the second image",
            Self::Kinds => "the faces were embedded by different models",
        })
    }
}

/// What is asked about each of two images that are to be compared.
pub fn question() -> Faces {
    Faces { which: Which::Largest, ..Faces::default() }
}

/// Compares the faces in two documents of [`question`]; from `threshold` on (0.363 if none) they are of one person.
pub fn compared(first: &Value, second: &Value, threshold: Option<f32>) -> Result<Comparison, Incomparable> {
    let (one, one_embedding) = face(first).ok_or(Incomparable::First)?;
    let (other, other_embedding) = face(second).ok_or(Incomparable::Second)?;
    if first["embedder"] != second["embedder"] {
        return Err(Incomparable::Kinds);
    }
    let cosine = cosine(&one_embedding, &other_embedding).ok_or(Incomparable::Kinds)?;
    let threshold = threshold.unwrap_or(SAME_PERSON);
    Ok(Comparison {
        same: cosine >= threshold,
        cosine,
        threshold,
        first: one,
        second: other,
        embedder: first["embedder"].clone(),
    })
}

/// The first face of a document, with its embedding.
fn face(document: &Value) -> Option<(ComparedFace, Vec<f32>)> {
    let face = document.pointer("/faces/0")?;
    let embedding = face["embedding"].as_array()?.iter().map(|value| Some(value.as_f64()? as f32));
    let area = serde_json::from_value(face["box"].clone()).ok()?;
    Some((ComparedFace { area, score: face["score"].as_f64()? as f32 }, embedding.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(embedding: &[f32], digest: &str) -> Value {
        let face = json!({
            "box": { "x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0 }, "score": 0.9, "embedding": embedding,
        });
        json!({ "faces": [face], "embedder": { "digest": digest } })
    }

    #[test]
    fn the_verdict_is_that_of_the_threshold() {
        let (a, b) = (said(&[1.0, 0.0], "x"), said(&[0.5, 0.75f32.sqrt()], "x"));
        let compared = |threshold| compared(&a, &b, threshold).unwrap();
        let usual = compared(None);
        assert!(usual.same && (usual.cosine - 0.5).abs() < 1e-6);
        assert!(!compared(Some(0.51)).same);
        let numbers = (usual.threshold, usual.first.area.width, usual.second.score);
        assert_eq!(numbers, (SAME_PERSON, 3.0, 0.9));
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let (face, none) = (said(&[1.0], "x"), json!({ "faces": [] }));
        assert_eq!(compared(&none, &face, None), Err(Incomparable::First));
        assert_eq!(compared(&face, &none, None), Err(Incomparable::Second));
        assert_eq!(compared(&face, &said(&[1.0], "y"), None), Err(Incomparable::Kinds));
        assert_eq!(compared(&face, &said(&[0.0], "x"), None), Err(Incomparable::Kinds));
    }
}

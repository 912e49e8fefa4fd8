//! What a run gathers, and what one item gives to it.
//!
//! The value of an item is read from the result document of one operation, at a JSON pointer (RFC 6901). What the
//! operations write: `faces` its faces at `/faces`, the best first, each with an `embedding` of 128 numbers; `digit`
//! the digit at `/digit`; `classify` the labels at `/labels`, the likeliest first.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ItemKey;
use crate::{Operation, exact::MAX_DIMENSIONS, job::OperationResult};

/// Aggregates of one run at most.
pub const MAX_AGGREGATES: usize = 4;

/// The longest label that is counted, in bytes.
pub const MAX_LABEL: usize = 200;

/// Numbers of a face embedding.
const FACE_DIMENSIONS: u32 = 128;

/// Something that is gathered over all items of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AggregateSpec {
    /// Which operation of the run gives the value: its place, from 0.
    #[serde(default)]
    pub operation: u8,
    /// Where in its result document the value is.
    pub pointer: Pointer,
    /// What is made of the values.
    #[serde(flatten)]
    pub kind: AggregateKind,
}

/// What is made of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AggregateKind {
    /// Mean, variance and norm of vectors of so many numbers, exactly.
    Mean {
        /// Numbers of each vector.
        dimensions: u32,
    },
    /// The mean of each folder, and the mean of those.
    MeanByFolder {
        /// Numbers of each vector.
        dimensions: u32,
    },
    /// How often each label or number came.
    Counts,
}

/// A JSON pointer (RFC 6901): empty, or begins with a slash; at most 200 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "/faces/0/embedding")]
pub struct Pointer(String);

/// Why something cannot be gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAggregate {
    /// It is no pointer.
    #[error("a pointer is empty or begins with a slash, and has at most {MAX_LABEL} bytes")]
    Pointer,
    /// There is no such operation.
    #[error("the run has no operation of that number")]
    Operation,
    /// Too many numbers, or none.
    #[error("a vector has 1 to {MAX_DIMENSIONS} numbers")]
    Dimensions,
}

impl TryFrom<String> for Pointer {
    type Error = InvalidAggregate;
    fn try_from(text: String) -> Result<Self, InvalidAggregate> {
        let sound = text.len() <= MAX_LABEL && (text.is_empty() || text.starts_with('/'));
        if sound { Ok(Self(text)) } else { Err(InvalidAggregate::Pointer) }
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a value is gathered: the aggregate as a whole, or one group of it (a folder, a label).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellName {
    /// The place of the aggregate in the run.
    pub aggregate: u8,
    /// The group; `None` for the whole.
    pub group: Option<String>,
}

/// What one item gives to one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A vector of the right length, all numbers finite.
    Vector(Vec<f32>),
    /// One more.
    One,
    /// There is no value: a photo without a face.
    Missing,
    /// The value is not what was said: another length, not a number.
    Rejected,
}

impl AggregateSpec {
    /// What runs gather unless told: the mean of face embeddings, over all and by folder; counts of digits and labels.
    pub fn defaults(operations: &[Operation]) -> Vec<Self> {
        let of = |(at, operation): (usize, &Operation)| {
            let spec = |pointer: &str, kind| Self {
                operation: at as u8,
                pointer: Pointer(pointer.to_owned()),
                kind,
            };
            let dimensions = FACE_DIMENSIONS;
            match operation.name() {
                "faces" => vec![
                    spec("/faces/0/embedding", AggregateKind::Mean { dimensions }),
                    spec("/faces/0/embedding", AggregateKind::MeanByFolder { dimensions }),
                ],
                "digit" => vec![spec("/digit", AggregateKind::Counts)],
                "classify" => vec![spec("/labels/0/label", AggregateKind::Counts)],
                _ => Vec::new(),
            }
        };
        operations.iter().enumerate().flat_map(of).take(MAX_AGGREGATES).collect()
    }

    pub(super) fn check(&self, operations: &[Operation]) -> Result<(), InvalidAggregate> {
        if usize::from(self.operation) >= operations.len() {
            return Err(InvalidAggregate::Operation);
        }
        match self.kind.dimensions() {
            Some(dimensions) if !(1..=MAX_DIMENSIONS).contains(&dimensions) => {
                Err(InvalidAggregate::Dimensions)
            }
            _ => Ok(()),
        }
    }

    /// What an item with these results gives to this aggregate, the `at`-th of its run.
    pub fn parts(&self, at: u8, key: &ItemKey, results: &[OperationResult]) -> Vec<(CellName, Part)> {
        let whole = CellName { aggregate: at, group: None };
        let group = |name: &str| CellName { aggregate: at, group: Some(name.to_owned()) };
        let result = results.get(usize::from(self.operation));
        let Some(value) = result.and_then(|result| result.document.pointer(&self.pointer.0)) else {
            return vec![(whole, Part::Missing)];
        };
        let rejected = vec![(whole.clone(), Part::Rejected)];
        match self.kind {
            AggregateKind::Mean { dimensions } => match vector(value, dimensions) {
                Some(vector) => vec![(whole, Part::Vector(vector))],
                None => rejected,
            },
            AggregateKind::MeanByFolder { dimensions } => match vector(value, dimensions) {
                Some(vector) => vec![(whole, Part::One), (group(key.folder()), Part::Vector(vector))],
                None => rejected,
            },
            AggregateKind::Counts => match label(value) {
                Some(label) => vec![(whole, Part::One), (group(&label), Part::One)],
                None => rejected,
            },
        }
    }
}

impl AggregateKind {
    /// Numbers of each vector, if it gathers vectors.
    pub fn dimensions(self) -> Option<usize> {
        match self {
            Self::Mean { dimensions } | Self::MeanByFolder { dimensions } => Some(dimensions as usize),
            Self::Counts => None,
        }
    }
}

/// Numbers as `f32`: documents write them so that they read back as they were.
fn vector(value: &serde_json::Value, dimensions: u32) -> Option<Vec<f32>> {
    let numbers = value.as_array().filter(|numbers| numbers.len() == dimensions as usize)?;
    let finite = |number: &serde_json::Value| number.as_f64().map(|n| n as f32).filter(|n| n.is_finite());
    numbers.iter().map(finite).collect()
}

fn label(value: &serde_json::Value) -> Option<String> {
    let label = match value {
        serde_json::Value::String(label) => label.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (label.len() <= MAX_LABEL).then_some(label)
}

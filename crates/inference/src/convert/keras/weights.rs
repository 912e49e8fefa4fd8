//! The tensors that the shards hold.

use std::{collections::HashMap, ops::Range};

use super::{ConvertError, topology::Group};
use crate::convert::{MOST_ELEMENTS, Tensor};

/// All shards, and where in them each tensor is.
pub(super) struct Weights {
    bytes: Vec<u8>,
    places: HashMap<String, (Vec<usize>, Range<usize>)>,
}

impl Weights {
    pub(super) fn read(
        groups: &[Group],
        mut shard: impl FnMut(&str) -> Result<Vec<u8>, ConvertError>,
    ) -> Result<Self, ConvertError> {
        let mut weights = Self { bytes: Vec::new(), places: HashMap::new() };
        for group in groups {
            let mut at = weights.bytes.len();
            for path in &group.paths {
                weights.bytes.extend(shard(path)?);
                if weights.bytes.len() > MOST_ELEMENTS * 4 {
                    return Err(ConvertError::TooLarge {
                        what: "the number of weights",
                        limit: MOST_ELEMENTS,
                    });
                }
            }
            for entry in &group.weights {
                if entry.dtype != "float32" || entry.quantization.is_some() {
                    return Err(ConvertError::unsupported(format!("the type of `{}`", entry.name)));
                }
                let end = at + Tensor::count(&entry.shape, MOST_ELEMENTS)? * 4;
                weights.places.insert(entry.name.clone(), (entry.shape.clone(), at..end));
                at = end;
            }
            if at > weights.bytes.len() {
                return Err(ConvertError::Truncated("a shard"));
            }
            if at < weights.bytes.len() {
                return Err(ConvertError::malformed("the shards hold more than model.json says"));
            }
        }
        Ok(weights)
    }

    /// The tensor of a layer, such as `conv1` and `kernel`.
    pub(super) fn tensor(&self, layer: &str, part: &str) -> Result<Tensor, ConvertError> {
        let name = format!("{layer}/{part}");
        let Some((shape, range)) = self.places.get(&name) else { return Err(ConvertError::Missing(name)) };
        let bytes = self.bytes.get(range.clone()).ok_or(ConvertError::Truncated("a shard"))?;
        Tensor::from_bytes(shape.clone(), bytes)
    }
}

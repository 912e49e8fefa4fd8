//! The values of an input, wherever they are: in the JSON or behind it.

use darkroom_api::v2::{InputParameters, TensorInput};
use darkroom_inference::{Data, ElementType};

use super::{bad, json};
use crate::http::failure::Failure;

/// Dimensions of a tensor.
const MAX_DIMENSIONS: usize = 32;
/// Byte strings in one tensor.
const MAX_STRINGS: usize = 1 << 20;

/// The values of an input, wherever they are.
pub(super) fn values(
    input: &TensorInput<'_>,
    kind: ElementType,
    shape: &[usize],
    binary: &mut &[u8],
) -> Result<Data, Failure> {
    let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    let count = count.ok_or_else(|| about(input, "has a shape with more values than can be counted"))?;
    let default = InputParameters::default();
    let given = input.parameters.as_ref().unwrap_or(&default);
    if given.shared_memory_region.is_some() {
        return Err(no_shared_memory(&input.name));
    }
    match (given.binary_data_size, input.data) {
        (Some(_), Some(_)) => Err(about(input, "has `data` and binary data; one of them is enough")),
        (None, None) => Err(about(input, "has neither `data` nor binary data")),
        (None, Some(data)) => json::values(data.get(), kind, count).map_err(|what| about(input, &what)),
        (Some(size), None) => {
            let piece = taken(binary, size).ok_or_else(|| {
                about(input, &format!("says {size} bytes of binary data, but {} are left", binary.len()))
            })?;
            from_bytes(piece, kind, count).map_err(|what| about(input, &what))
        }
    }
}

/// The first `size` bytes, which are taken off.
fn taken<'a>(binary: &mut &'a [u8], size: u64) -> Option<&'a [u8]> {
    let (piece, rest) = binary.split_at_checked(usize::try_from(size).ok()?)?;
    *binary = rest;
    Some(piece)
}

/// Counts first, so that nothing is made of bytes that do not fit.
fn from_bytes(bytes: &[u8], kind: ElementType, count: usize) -> Result<Data, String> {
    if let Some(width) = kind.width()
        && count.checked_mul(width) != Some(bytes.len())
    {
        return Err(format!(
            "has {} bytes of binary data, which are not its shape's {count} values",
            bytes.len()
        ));
    }
    // Each string has four bytes for its length.
    if kind == ElementType::Bytes && (count > MAX_STRINGS || bytes.len() / 4 < count) {
        return Err(format!("has no {count} byte strings in {} bytes", bytes.len()));
    }
    if kind == ElementType::Bytes && strings(bytes) > count {
        return Err(format!("has more than the {count} byte strings of its shape"));
    }
    let data = Data::from_bytes(kind, bytes).map_err(|what| format!("has bad binary data: {what}"))?;
    match data.len() {
        is if is == count => Ok(data),
        is => Err(format!("has {is} values, its shape has {count}")),
    }
}

/// How many byte strings there are, as far as the lengths are right.
fn strings(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((_, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        (bytes, count) = (rest, count + 1);
    }
    count
}

pub(super) fn kind(input: &TensorInput<'_>) -> Result<ElementType, Failure> {
    ElementType::named(&input.datatype).ok_or_else(|| {
        about(input, &format!("has the datatype `{}`, which is not supported", input.datatype))
    })
}

pub(super) fn shape(input: &TensorInput<'_>) -> Result<Vec<usize>, Failure> {
    if input.shape.len() > MAX_DIMENSIONS {
        return Err(about(input, &format!("has more than {MAX_DIMENSIONS} dimensions")));
    }
    let sides: Option<Vec<usize>> = input.shape.iter().map(|side| usize::try_from(*side).ok()).collect();
    sides.ok_or_else(|| about(input, &format!("cannot have the shape {:?}", input.shape)))
}

pub(super) fn about(input: &TensorInput<'_>, what: &str) -> Failure {
    bad(&format!("input `{}` {what}", input.name))
}

pub(super) fn no_shared_memory(name: &str) -> Failure {
    bad(&format!("`{name}` is said to be in shared memory, which is not supported"))
}

//! Arrays of floats with a shape.

use super::ConvertError;

/// Elements that all tensors of a file may have together: 512 MB.
pub(super) const MOST_ELEMENTS: usize = 128 << 20;

/// Floats in row-major order: the last dimension is contiguous.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Tensor {
    /// As many values as the shape has places.
    pub(super) fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, ConvertError> {
        if Self::count(&shape, MOST_ELEMENTS)? != values.len() {
            return Err(ConvertError::malformed(format!(
                "a tensor of shape {shape:?} has {} values",
                values.len()
            )));
        }
        Ok(Self { shape, values })
    }

    /// From little-endian bytes.
    pub(super) fn from_bytes(shape: Vec<usize>, bytes: &[u8]) -> Result<Self, ConvertError> {
        let (words, odd) = bytes.as_chunks::<4>();
        if !odd.is_empty() {
            return Err(ConvertError::Truncated("a tensor"));
        }
        Self::new(shape, words.iter().map(|&word| f32::from_le_bytes(word)).collect())
    }

    /// One value for each place of the only dimension.
    pub(super) fn vector(values: Vec<f32>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// A single value without any dimension.
    pub(super) fn scalar(value: f32) -> Self {
        Self { shape: Vec::new(), values: vec![value] }
    }

    /// How many elements a shape has; an error above `most`.
    pub(super) fn count(shape: &[usize], most: usize) -> Result<usize, ConvertError> {
        // A size of zero must not hide that the others are absurd.
        let room = shape.iter().try_fold(1_usize, |room, &size| room.checked_mul(size.max(1)));
        if room.is_none_or(|room| room > most) {
            return Err(ConvertError::TooLarge { what: "the number of weights", limit: MOST_ELEMENTS });
        }
        Ok(shape.iter().product())
    }

    /// Its sizes, outermost first.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values, row-major.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The shape, if it has exactly `N` dimensions.
    pub(super) fn dimensions<const N: usize>(&self, name: &str) -> Result<[usize; N], ConvertError> {
        self.shape.as_slice().try_into().map_err(|_| {
            ConvertError::malformed(format!("`{name}` has {} dimensions, not {N}", self.shape.len()))
        })
    }

    /// The same elements with the axes in another order: `axes[i]` of the old is axis `i` of the new.
    pub(super) fn transposed<const N: usize>(&self, axes: [usize; N]) -> Result<Self, ConvertError> {
        let old = self.dimensions::<N>("a tensor")?;
        let mut strides = [1; N];
        for axis in (0..N.saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * old[axis + 1];
        }
        let (shape, steps) = (axes.map(|axis| old[axis]), axes.map(|axis| strides[axis]));
        let mut values = Vec::with_capacity(self.values.len());
        let mut index = [0; N];
        for _ in 0..self.values.len() {
            values.push(self.values[index.iter().zip(steps).map(|(i, step)| i * step).sum::<usize>()]);
            for axis in (0..N).rev() {
                index[axis] += 1;
                if index[axis] < shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        Self::new(shape.to_vec(), values)
    }

    /// The same with the order along one of `N` axes turned around.
    pub(super) fn with_reversed_axis<const N: usize>(self, axis: usize) -> Result<Self, ConvertError> {
        let sizes = self.dimensions::<N>("a tensor")?;
        let inner: usize = sizes[axis + 1..].iter().product();
        let (shape, values) = self.into_parts();
        let slabs = values.chunks_exact((sizes[axis] * inner).max(1));
        let values =
            slabs.flat_map(|slab| slab.chunks_exact(inner.max(1)).rev().flatten().copied()).collect();
        Self::new(shape, values)
    }

    pub(super) fn into_parts(self) -> (Vec<usize>, Vec<f32>) {
        (self.shape, self.values)
    }
}

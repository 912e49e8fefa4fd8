//! A few rows on their way out of libjpeg, in the processor's cache.
//!
//! Where a row begins at a multiple of the vector size, the colour conversion of libjpeg-turbo writes it past the cache
//! (`movntdq` in its jdcolext and jdmrgext), as if nobody would look at it soon. We look at it at once, and would have to
//! fetch it from memory again: 640 × 480 pixels to 256 took 1.9 ms instead of 1.7, or not, as the allocator pleased.

use super::raw::MOST_ROWS;

/// Bytes of the largest vector that is written so (AVX2).
const VECTOR: usize = 32;

/// How far behind a multiple of [`VECTOR`] a row begins: at no multiple of SSE2's 16, either.
const BEHIND: usize = 8;

/// Room for [`MOST_ROWS`] rows, none of which begins where a vector does.
pub(super) struct RowBuffer {
    bytes: Vec<u8>,
    first: usize,
    stride: usize,
    row_bytes: usize,
}

impl RowBuffer {
    /// For rows of so many bytes, at least one.
    pub(super) fn new(row_bytes: usize) -> Self {
        let stride = row_bytes.next_multiple_of(VECTOR);
        let bytes = vec![0; stride * MOST_ROWS + 2 * VECTOR];
        let first = bytes.as_ptr().addr().wrapping_neg() % VECTOR + BEHIND;
        Self { bytes, first, stride, row_bytes }
    }

    /// The first rows.
    pub(super) fn rows(&mut self, count: usize) -> impl Iterator<Item = &mut [u8]> {
        let rows = self.bytes[self.first..].chunks_exact_mut(self.stride).take(count.min(MOST_ROWS));
        rows.map(|row| &mut row[..self.row_bytes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole_and_none_begins_where_a_vector_does() {
        for row_bytes in [1, 15, 16, 31, 32, 33, 1920, 1923] {
            let mut buffer = RowBuffer::new(row_bytes);
            let rows: Vec<_> = buffer.rows(usize::MAX).collect();
            assert_eq!(rows.len(), MOST_ROWS);
            for row in rows {
                assert_eq!(row.len(), row_bytes);
                assert_ne!(row.as_ptr().addr() % 16, 0, "{row_bytes}");
            }
        }
    }
}

//! How many vectors there are, their sum, and the sum of their squares: all that mean and variance need.

use super::{
    big::Big,
    limbs::{SumOfSingles, SumOfSquares},
    round::{DOUBLE, SINGLE, rounded},
    spread::Spread,
};

/// Numbers of one vector at most: the embeddings of every common model are shorter.
pub const MAX_DIMENSIONS: usize = 4_096;

/// The form of [`Moments::to_bytes`].
const FORM: u8 = 1;

/// The exponents of one unit of each sum.
const SINGLE_UNIT: i32 = -149;
const SQUARE_UNIT: i32 = -298;

/// The exact count, sum and sum of squares of vectors of `f32`. Equal sets of vectors give equal values and bytes,
/// in whatever order and over whatever partial sums they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moments {
    /// Negative in a partial sum that takes more back than it gives.
    count: i64,
    sums: Vec<SumOfSingles>,
    squares: Vec<SumOfSquares>,
}

/// Why a vector is not summed. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSummed {
    /// A number is infinite or not a number.
    #[error("number {0} of the vector is not finite")]
    NotFinite(usize),
    /// The vector is longer or shorter than the others.
    #[error("the vector has {found} numbers, not {wanted}")]
    OtherLength {
        /// What all vectors have.
        wanted: usize,
        /// What this one has.
        found: usize,
    },
}

/// The bytes are not those of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those of an exact sum")]
pub struct InvalidSum;

impl Moments {
    /// No vector yet, of this many numbers each; at most [`MAX_DIMENSIONS`].
    pub fn new(dimensions: usize) -> Self {
        let dimensions = dimensions.min(MAX_DIMENSIONS);
        Self {
            count: 0,
            sums: vec![SumOfSingles::ZERO; dimensions],
            squares: vec![SumOfSquares::ZERO; dimensions],
        }
    }

    /// Numbers of each vector.
    pub fn dimensions(&self) -> usize {
        self.sums.len()
    }

    /// Vectors added less those subtracted.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Adds a vector.
    pub fn add(&mut self, vector: &[f32]) -> Result<(), NotSummed> {
        self.check(vector)?;
        self.count += 1;
        for ((value, sum), square) in vector.iter().zip(&mut self.sums).zip(&mut self.squares) {
            let (digits, position) = parts(*value);
            if value.is_sign_negative() {
                sum.subtract(digits, position);
            } else {
                sum.add(digits, position);
            }
            square.add(digits * digits, 2 * position);
        }
        Ok(())
    }

    /// Takes a vector back that was added, here or to a sum that is merged with this one.
    pub fn subtract(&mut self, vector: &[f32]) -> Result<(), NotSummed> {
        self.check(vector)?;
        self.count -= 1;
        for ((value, sum), square) in vector.iter().zip(&mut self.sums).zip(&mut self.squares) {
            let (digits, position) = parts(*value);
            if value.is_sign_negative() {
                sum.add(digits, position);
            } else {
                sum.subtract(digits, position);
            }
            square.subtract(digits * digits, 2 * position);
        }
        Ok(())
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) -> Result<(), NotSummed> {
        let (wanted, found) = (self.dimensions(), other.dimensions());
        if wanted != found {
            return Err(NotSummed::OtherLength { wanted, found });
        }
        self.count += other.count;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, added)| sum.merge(added));
        self.squares.iter_mut().zip(&other.squares).for_each(|(square, added)| square.merge(added));
        Ok(())
    }

    /// The mean, each number rounded once. `None` without vectors.
    pub fn mean(&self) -> Option<Vec<f64>> {
        self.each_mean(DOUBLE)
    }

    /// The mean as `f32`, each number rounded once (not by way of `f64`).
    pub fn mean_f32(&self) -> Option<Vec<f32>> {
        Some(self.each_mean(SINGLE)?.into_iter().map(|mean| mean as f32).collect())
    }

    /// The variance of each number over all vectors (the mean square less the squared mean: of the population),
    /// rounded once. `None` without vectors.
    pub fn variance(&self) -> Option<Vec<f64>> {
        let count = self.positive_count()?;
        let squared = count.multiply(&count);
        let each = self.sums.iter().zip(&self.squares).map(|(sum, squares)| {
            let sum = sum.magnitude();
            let spread = count.multiply(&squares.magnitude()).minus(&sum.multiply(&sum));
            rounded(&spread, &squared, SQUARE_UNIT, DOUBLE)
        });
        Some(each.collect())
    }

    /// The length of the mean. Its square is rounded once, and the root of that once more. `None` without vectors.
    pub fn norm(&self) -> Option<f64> {
        let count = self.positive_count()?;
        let squares = self.sums.iter().map(|sum| {
            let sum = sum.magnitude();
            sum.multiply(&sum)
        });
        let total = squares.fold(Big::from(0), |total, square| total.add(&square));
        Some(rounded(&total, &count.multiply(&count), SQUARE_UNIT, DOUBLE).sqrt())
    }

    /// Adds this mean to a spread of means. Without vectors it adds nothing.
    pub fn add_mean_to(&self, spread: &mut Spread) -> Result<(), NotSummed> {
        self.mean().map_or(Ok(()), |mean| spread.add(&mean))
    }

    /// The sum in its only form: a version, the number of dimensions (4 bytes), the count (8 bytes), then sum and sum
    /// of squares of each dimension in as few bytes as they need. About 25 bytes a dimension for a million
    /// embeddings.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(13 + self.dimensions() * 32);
        bytes.push(FORM);
        bytes.extend((self.dimensions() as u32).to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        for (sum, square) in self.sums.iter().zip(&self.squares) {
            sum.write(&mut bytes);
            square.write(&mut bytes);
        }
        bytes
    }

    /// Reads what [`Moments::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSum> {
        let (head, mut rest) = bytes.split_at_checked(13).ok_or(InvalidSum)?;
        let dimensions = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if head[0] != FORM || dimensions > MAX_DIMENSIONS {
            return Err(InvalidSum);
        }
        let mut read = Self::new(dimensions);
        let count = head[5..].first_chunk().ok_or(InvalidSum)?;
        read.count = i64::from_le_bytes(*count);
        for (sum, square) in read.sums.iter_mut().zip(&mut read.squares) {
            (*sum, rest) = SumOfSingles::read(rest).ok_or(InvalidSum)?;
            (*square, rest) = SumOfSquares::read(rest).ok_or(InvalidSum)?;
        }
        if rest.is_empty() { Ok(read) } else { Err(InvalidSum) }
    }

    fn check(&self, vector: &[f32]) -> Result<(), NotSummed> {
        let (wanted, found) = (self.dimensions(), vector.len());
        if wanted != found {
            return Err(NotSummed::OtherLength { wanted, found });
        }
        match vector.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(NotSummed::NotFinite(at)),
            None => Ok(()),
        }
    }

    fn positive_count(&self) -> Option<Big> {
        u64::try_from(self.count).ok().filter(|count| *count > 0).map(Big::from)
    }

    fn each_mean(&self, format: super::round::Format) -> Option<Vec<f64>> {
        let count = self.positive_count()?;
        let each = self.sums.iter().map(|sum| {
            let mean = rounded(&sum.magnitude(), &count, SINGLE_UNIT, format);
            if sum.is_negative() { -mean } else { mean }
        });
        Some(each.collect())
    }
}

/// A finite number without its sign as `digits · 2^(position - 149)`.
#[inline]
fn parts(value: f32) -> (u64, u32) {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 23) & 0xff, u64::from(bits & 0x007f_ffff));
    if exponent == 0 { (fraction, 0) } else { (fraction | 0x0080_0000, exponent - 1) }
}

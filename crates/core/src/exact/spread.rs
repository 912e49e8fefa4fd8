//! The mean of means.

use super::{
    big::Big,
    limbs::SumOfDoubles,
    moments::{MAX_DIMENSIONS, NotSummed},
    round::{DOUBLE, rounded},
};

/// The exponent of one unit.
const UNIT: i32 = -1074;

/// The exact sum of vectors of `f64`: of the means of groups, each rounded once. Independent of their order.
#[derive(Debug, Clone)]
pub struct Spread {
    count: u64,
    sums: Vec<SumOfDoubles>,
}

impl Spread {
    /// No vector yet, of this many numbers each; at most [`MAX_DIMENSIONS`].
    pub fn new(dimensions: usize) -> Self {
        Self { count: 0, sums: vec![SumOfDoubles::ZERO; dimensions.min(MAX_DIMENSIONS)] }
    }

    /// Vectors added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a vector.
    pub fn add(&mut self, vector: &[f64]) -> Result<(), NotSummed> {
        let (wanted, found) = (self.sums.len(), vector.len());
        if wanted != found {
            return Err(NotSummed::OtherLength { wanted, found });
        }
        if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
            return Err(NotSummed::NotFinite(at));
        }
        self.count += 1;
        for (value, sum) in vector.iter().zip(&mut self.sums) {
            let bits = value.to_bits();
            let (exponent, fraction) = ((bits >> 52) as u32 & 0x7ff, bits & ((1 << 52) - 1));
            let (digits, position) =
                if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
            if value.is_sign_negative() {
                sum.subtract(digits, position);
            } else {
                sum.add(digits, position);
            }
        }
        Ok(())
    }

    /// The mean, each number rounded once. `None` without vectors.
    pub fn mean(&self) -> Option<Vec<f64>> {
        let count = Some(self.count).filter(|count| *count > 0).map(Big::from)?;
        let each = self.sums.iter().map(|sum| {
            let mean = rounded(&sum.magnitude(), &count, UNIT, DOUBLE);
            if sum.is_negative() { -mean } else { mean }
        });
        Some(each.collect())
    }
}

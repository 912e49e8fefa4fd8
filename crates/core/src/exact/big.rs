//! Whole numbers of any width, for the few operations that rounding needs.

use std::cmp::Ordering;

/// A whole number that is not negative; limbs of 64 bits, the least significant first, the last one not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Big(Vec<u64>);

impl Big {
    pub(super) fn new(mut limbs: Vec<u64>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self(limbs)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bits it takes to write it.
    pub(super) fn bits(&self) -> u32 {
        self.0.last().map_or(0, |last| self.0.len() as u32 * 64 - last.leading_zeros())
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let longest = self.0.len().max(other.0.len());
        let mut sum = Vec::with_capacity(longest + 1);
        let mut carry = 0;
        for at in 0..longest {
            let limb = |of: &Self| u128::from(of.0.get(at).copied().unwrap_or_default());
            let total = limb(self) + limb(other) + carry;
            sum.push(total as u64);
            carry = total >> 64;
        }
        sum.push(carry as u64);
        Self::new(sum)
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        let mut product = vec![0_u64; self.0.len() + other.0.len() + 1];
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.0.iter().enumerate() {
                let total = u128::from(*a) * u128::from(*b) + u128::from(product[i + j]) + carry;
                product[i + j] = total as u64;
                carry = total >> 64;
            }
            product[i + other.0.len()] = carry as u64;
        }
        Self::new(product)
    }

    /// The difference; zero if `other` is greater.
    pub(super) fn minus(mut self, other: &Self) -> Self {
        if self.compare(other) == Ordering::Less {
            return Self(Vec::new());
        }
        self.take(other);
        Self::new(self.0)
    }

    pub(super) fn shifted_left(&self, by: u32) -> Self {
        let (whole, part) = ((by / 64) as usize, by % 64);
        let mut limbs = vec![0; whole];
        let mut carry = 0;
        for limb in &self.0 {
            let wide = u128::from(*limb) << part;
            limbs.push(wide as u64 | carry);
            carry = (wide >> 64) as u64;
        }
        limbs.push(carry);
        Self::new(limbs)
    }

    /// The quotient, which the caller knows to be below 2⁶⁶, and whether anything remains.
    pub(super) fn divide(mut self, by: &Self) -> (u128, bool) {
        let mut step = by.shifted_left(65);
        let mut quotient = 0;
        for _ in 0..=65 {
            quotient <<= 1;
            if self.compare(&step) != Ordering::Less {
                self.take(&step);
                self = Self::new(self.0);
                quotient |= 1;
            }
            step.halve();
        }
        (quotient, !self.is_zero())
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Subtracts a number that is not greater. Leaves zeros on top.
    fn take(&mut self, other: &Self) {
        let mut borrow = false;
        for (at, limb) in self.0.iter_mut().enumerate() {
            let (rest, first) = limb.overflowing_sub(other.0.get(at).copied().unwrap_or_default());
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            *limb = rest;
            borrow = first | second;
        }
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for limb in self.0.iter_mut().rev() {
            let low = *limb << 63;
            *limb = (*limb >> 1) | carry;
            carry = low;
        }
        if self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl From<u64> for Big {
    fn from(value: u64) -> Self {
        Self::new(vec![value])
    }
}

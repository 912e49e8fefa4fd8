//! Whole numbers of a fixed width, in two's complement.

use super::big::Big;

/// A whole number of `N` limbs of 64 bits, the least significant first. Whoever adds chooses a width that cannot
/// overflow: see the types that are made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limbs<const N: usize>([u64; N]);

/// A sum of `f32`: multiples of 2⁻¹⁴⁹, at most 277 bits each. Six limbs hold 2⁶³ of them.
pub(super) type SumOfSingles = Limbs<6>;

/// A sum of squares of `f32`: multiples of 2⁻²⁹⁸, at most 554 bits each. Ten limbs hold 2⁶³ of them.
pub(super) type SumOfSquares = Limbs<10>;

/// A sum of `f64`: multiples of 2⁻¹⁰⁷⁴, at most 2,098 bits each. 34 limbs hold 2⁶³ of them.
pub(super) type SumOfDoubles = Limbs<34>;

impl<const N: usize> Limbs<N> {
    pub(super) const ZERO: Self = Self([0; N]);

    /// Adds `bits · 2^position`.
    #[inline]
    pub(super) fn add(&mut self, bits: u64, position: u32) {
        let (at, [low, high]) = placed(bits, position);
        let (sum, carry) = self.0[at].overflowing_add(low);
        self.0[at] = sum;
        let (sum, first) = self.0[at + 1].overflowing_add(high);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        self.0[at + 1] = sum;
        let mut carry = first | second;
        let mut next = at + 2;
        while carry && next < N {
            (self.0[next], carry) = self.0[next].overflowing_add(1);
            next += 1;
        }
    }

    /// Subtracts `bits · 2^position`.
    #[inline]
    pub(super) fn subtract(&mut self, bits: u64, position: u32) {
        let (at, [low, high]) = placed(bits, position);
        let (rest, borrow) = self.0[at].overflowing_sub(low);
        self.0[at] = rest;
        let (rest, first) = self.0[at + 1].overflowing_sub(high);
        let (rest, second) = rest.overflowing_sub(u64::from(borrow));
        self.0[at + 1] = rest;
        let mut borrow = first | second;
        let mut next = at + 2;
        while borrow && next < N {
            (self.0[next], borrow) = self.0[next].overflowing_sub(1);
            next += 1;
        }
    }

    /// Adds another number of this width.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, added) in self.0.iter_mut().zip(other.0) {
            let (sum, first) = limb.overflowing_add(added);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = first | second;
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.0[N - 1] >> 63 == 1
    }

    /// The number without its sign.
    pub(super) fn magnitude(&self) -> Big {
        if !self.is_negative() {
            return Big::new(self.0.to_vec());
        }
        let mut carry = true;
        let negated = self.0.map(|limb| {
            let (value, next) = (!limb).overflowing_add(u64::from(carry));
            carry = next;
            value
        });
        Big::new(negated.to_vec())
    }

    /// Writes the number as few bytes: how many zero bytes it begins with, how many follow, and those, the least
    /// significant first and in two's complement. Each number has one form.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let bytes: Vec<u8> = self.0.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        let Some(low) = bytes.iter().position(|byte| *byte != 0) else {
            out.extend([0, 0]);
            return;
        };
        let fill = if self.is_negative() { 0xff } else { 0 };
        let mut end = bytes.len();
        while end > low + 1 && bytes[end - 1] == fill && bytes[end - 2] >> 7 == fill >> 7 {
            end -= 1;
        }
        // At most 272 bytes: what does not fit in a byte is a sum that nothing writes.
        out.extend([low as u8, (end - low) as u8]);
        out.extend(&bytes[low..end]);
    }

    /// Reads what [`Limbs::write`] wrote, and what is left of the bytes. `None` for anything else.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let [low, len, rest @ ..] = bytes else { return None };
        let (low, len) = (usize::from(*low), usize::from(*len));
        let (digits, rest) = rest.split_at_checked(len)?;
        if low + len > N * 8 {
            return None;
        }
        let fill = if digits.last().is_some_and(|last| last >> 7 == 1) { 0xff } else { 0 };
        let mut whole = vec![0; low];
        whole.extend(digits);
        whole.resize(N * 8, fill);
        let mut limbs = [0; N];
        for (limb, bytes) in limbs.iter_mut().zip(whole.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        let read = Self(limbs);
        let mut canonical = Vec::with_capacity(2 + len);
        read.write(&mut canonical);
        (canonical.get(2..) == Some(digits) && usize::from(canonical[0]) == low).then_some((read, rest))
    }
}

#[inline]
fn placed(bits: u64, position: u32) -> (usize, [u64; 2]) {
    let wide = u128::from(bits) << (position % 64);
    ((position / 64) as usize, [wide as u64, (wide >> 64) as u64])
}

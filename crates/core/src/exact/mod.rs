//! Sums that are exact: the same bytes for any order, any number of workers, and after any crash.
//!
//! Every finite `f32` is a whole multiple of 2⁻¹⁴⁹ and its square one of 2⁻²⁹⁸. So their sums are whole numbers of
//! bounded width, and adding those is commutative and associative, which adding floating-point numbers is not
//! (U. Kulisch, "Very fast and exact accumulation of products", Computing 91, 2011, calls it a complete register).
//! What was added can be subtracted again without a trace, partial sums merge in any order, and rounding happens once,
//! when someone asks.

mod big;
mod limbs;
mod moments;
mod round;
mod spread;

pub use moments::{InvalidSum, MAX_DIMENSIONS, Moments, NotSummed};
pub use spread::Spread;

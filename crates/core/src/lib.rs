//! The words and rules of Darkroom. No runtime, no database, no HTTP, no pixels: what is here is true everywhere.

pub mod operation;

pub use operation::Operation;

//! The stores: one in memory, one in a SQLite file. Both keep the contract of [`darkroom_core::store`] and pass its
//! conformance suite; random schedules on the second are compared with the first.

mod history;
mod memory;
mod moves;
mod notices;
mod pace;
mod sqlite;
mod totals;

pub use memory::Memory;
pub use sqlite::{Reading, Sqlite};

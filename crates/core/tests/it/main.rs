//! What core promises, as properties.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

mod architecture;
mod exact;
mod fairness;
mod names;
mod operations;
mod retry;
mod state;
mod users;

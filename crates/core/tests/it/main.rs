//! What core promises, as properties.

mod architecture;
mod fairness;
mod names;
mod operations;
mod retry;
mod state;

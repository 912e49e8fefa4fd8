//! What core promises, as properties.

mod fairness;
mod names;
mod operations;
mod retry;
mod state;

//! The service as a whole.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

mod http;
mod patience;
mod results;
mod sources;

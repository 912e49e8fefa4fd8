//! Tests of the whole crate through its public door: bytes in, renditions or a typed error out.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "tests that lack their data say so")]

mod animation;
mod corpus;
mod data;
mod fixture;
mod formats;
mod framing;
mod limits;
mod modes;
mod orientation;
mod picture;
mod quality;
mod reduction;
mod references;
mod streaming;
mod truncation;

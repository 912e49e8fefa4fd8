//! Tests of the whole crate through its public door: bytes in, renditions or a typed error out.
#![allow(clippy::print_stderr, reason = "tests that lack their data say so")]

mod animation;
mod corpus;
mod data;
mod fixture;
mod formats;
mod limits;
mod modes;
mod orientation;
mod picture;
mod reduction;
mod references;
mod streaming;
mod truncation;

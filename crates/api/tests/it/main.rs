//! The wire types, the problem table and the document.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

mod document;
mod generated;
mod time;

//! The binary as its users meet it: every test starts the real process and waits for what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

mod accounts;
mod binary;
mod command_line;
mod runs;
mod serving;

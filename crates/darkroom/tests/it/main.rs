//! The binary as its users meet it: every test starts the real process and waits for what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod accounts;
mod binary;
mod command_line;
mod cut;
mod faces;
mod isolation;
mod killed;
mod models;
mod photographs;
mod predictions;
mod queues;
mod run_commands;
mod run_crash;
mod run_once;
mod run_outages;
mod run_results;
mod run_server;
mod runs;
mod serving;

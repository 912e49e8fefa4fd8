//! The binary as its users meet it: every test starts the real process and waits for what it says.

mod binary;
mod command_line;
mod runs;
mod serving;

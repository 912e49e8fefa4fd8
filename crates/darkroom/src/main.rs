//! Darkroom: what happens to images after they arrive. One binary, roles by subcommand.

mod args;
mod doctor;
mod halt;
mod jobs;
mod parts;
mod run;
mod serve;
mod settings;
mod signals;
mod terminal;

// The allocator is the C library's. Measured with 160 mixed photographs of 1 to 24 megapixels (2 and 8 slots): mimalloc
// and jemalloc peak at the same or more memory for the same processor time, because nearly all of it is a few large
// buffers that are mapped and unmapped. What bounds memory is admission by bytes (`worker.memory`).
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match args.act() {
        Ok(code) => code,
        Err(halt) => halt.report(),
    }
}

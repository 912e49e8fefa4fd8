//! Darkroom: what happens to images after they arrive. One binary, roles by subcommand.

mod accounts;
mod args;
mod bar;
mod client;
mod doctor;
mod engine;
mod file;
mod fit;
mod halt;
mod jobs;
mod models;
mod parts;
mod predictions;
mod queues;
mod run;
mod runs;
mod serve;
mod settings;
mod signals;
mod terminal;
mod upload_bar;

// The allocator is the C library's. Measured with 32 mixed photographs of 1 to 24 megapixels, peak memory of the C
// library, mimalloc and jemalloc: 193, 192 and 239 MiB at 2 slots with the same processor time; 397, 360 and 417 MiB at
// 8 slots, where mimalloc took less processor time as well, on a busy machine. It does not grow with the number of
// images (135: 207 MiB); what bounds memory is admission by bytes (`worker.memory`).
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match args.act() {
        Ok(code) => code,
        Err(halt) => halt.report(),
    }
}

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

// The allocator is the C library's. Measured with mixed photographs of 1 to 24 megapixels at 2 and 8 slots: mimalloc and
// jemalloc take the same processor time and the same or more memory (32 photographs, 2 slots: 193 MiB against 192 and
// 239), because nearly all of it is a few large buffers, and it does not grow with the number of images (135: 207 MiB).
// What bounds memory is admission by bytes (`worker.memory`).
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match args.act() {
        Ok(code) => code,
        Err(halt) => halt.report(),
    }
}

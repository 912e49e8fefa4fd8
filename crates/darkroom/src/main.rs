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

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match args.act() {
        Ok(code) => code,
        Err(halt) => halt.report(),
    }
}

//! What can be typed.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    accounts::{KeysCommand, UsersCommand},
    doctor, engine,
    halt::Halt,
    jobs::{self, JobsCommand},
    models::{self, ModelsCommand},
    predictions::{self, PredictionsCommand},
    queues::{self, QueuesCommand},
    run::{self, RunArgs, RunCommand},
    runs::{self, RunsCommand},
    serve,
    settings::{self, Layers, Settings, reference},
    terminal,
};

/// What happens to images after they arrive: durable jobs, thumbnails at full speed, one binary.
#[derive(Debug, Parser)]
#[command(name = "darkroom", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every subcommand.
#[derive(Debug, ClapArgs)]
pub(crate) struct Global {
    /// The configuration file [default: darkroom.toml, if there is one]
    #[arg(long, global = true, env = "DARKROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where jobs, images and results are kept [default: darkroom-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Any setting, such as worker.slots=4; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What Darkroom does.
#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server: HTTP API, workers and upkeep in one process
    Serve {
        /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
    },
    /// Put files, folders and archives through an operation
    #[command(subcommand)]
    Run(RunCommand<RunArgs>),
    /// Say whether two images show one person
    Compare(run::CompareArgs),
    /// Look at the jobs of a server, and change their fate
    Jobs(JobsCommand),
    /// Have a server work through datasets, watch it, and fetch what came of them
    Runs(RunsCommand),
    /// Look at the queues of a server, hold them, and limit what runs of them
    Queues(QueuesCommand),
    /// Look at what models were asked on a server, and what came of it
    Predictions(PredictionsCommand),
    /// Fetch, list, check and import the models that look at images
    Models(ModelsCommand),
    /// Make, list, change and remove users
    Users(UsersCommand),
    /// Make, list and revoke keys for programs
    Keys(KeysCommand),
    /// Show, check or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check whether this machine is fit for Darkroom
    Doctor,
    /// Print the description of the HTTP API (`OpenAPI`)
    Openapi,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Run one model for the process that started this one
    #[command(hide = true)]
    Engine,
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting as it is in force; secrets are hidden
    Show,
    /// List everything that is wrong with the configuration
    Check,
    /// Print the reference of all settings
    Reference,
}

impl Args {
    /// Does what was typed.
    pub(crate) fn act(self) -> Result<ExitCode, Halt> {
        let json = self.global.json;
        match self.command {
            Command::Serve { listen } => serve::serve(&self.global.settings(listen)?),
            Command::Run(command) => run::run(command, &self.global.settings(None)?, json),
            Command::Compare(arguments) => run::compare(&arguments, &self.global.settings(None)?, json),
            Command::Jobs(command) => jobs::act(command, json),
            Command::Runs(command) => runs::act(command, json),
            Command::Queues(command) => queues::act(command, json),
            Command::Predictions(command) => predictions::act(command, json),
            Command::Models(command) => models::act(command, &self.global.settings(None)?, json),
            Command::Users(command) => command.act(&self.global.settings(None)?, json),
            Command::Keys(command) => command.act(&self.global.settings(None)?, json),
            Command::Config(command) => command.act(&self.global),
            Command::Doctor => Ok(doctor::examine(&self.global.settings(None)?, json)),
            Command::Openapi => print_json(&darkroom_api::openapi::document()),
            Command::Completions { shell } => complete(shell),
            Command::Engine => engine::run(),
            Command::Version if json => {
                print_json(&serde_json::json!({ "version": env!("CARGO_PKG_VERSION") }))
            }
            Command::Version => terminal::say(&format!("darkroom {}", env!("CARGO_PKG_VERSION"))),
        }
    }
}

impl ConfigCommand {
    fn act(&self, global: &Global) -> Result<ExitCode, Halt> {
        match self {
            Self::Show => terminal::say(&settings::show(&mut global.settings(None)?)),
            Self::Check => {
                global.settings(None)?;
                terminal::say("the configuration is in order")
            }
            Self::Reference => terminal::say(reference::page().trim_end()),
        }
    }
}

impl Global {
    /// The settings in force: defaults < file < environment < flags.
    fn settings(&self, listen: Option<String>) -> Result<Settings, Halt> {
        let mut flags: Vec<(String, String)> = Vec::new();
        for set in &self.set {
            let (key, value) = set.split_once('=').ok_or_else(|| {
                Halt::Usage(format!("--set {set}: write it as KEY=VALUE, for example --set worker.slots=4"))
            })?;
            flags.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        flags.extend(listen.map(|listen| ("http.listen".to_owned(), listen)));
        flags.extend(self.data_dir.as_ref().map(|dir| ("data.dir".to_owned(), dir.display().to_string())));
        let layers = Layers { file: self.config.clone(), environment: std::env::vars().collect(), flags };
        settings::load(&layers).map_err(Halt::Config)
    }
}

fn complete(shell: Shell) -> Result<ExitCode, Halt> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "darkroom", &mut script);
    terminal::say(String::from_utf8_lossy(&script).trim_end())
}

fn print_json(value: &serde_json::Value) -> Result<ExitCode, Halt> {
    terminal::say(&format!("{value:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}

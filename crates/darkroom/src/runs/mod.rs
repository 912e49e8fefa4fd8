//! `darkroom runs`: datasets that a server works through.

mod document;
mod show;
pub(crate) mod start;
pub(crate) mod watch;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum};
use darkroom_api::{Client, ClientError, Code, Run};

use crate::{
    client::{self, Server},
    halt::Halt,
    run::RunCommand,
    serve::runtime,
    terminal::{as_json, say},
};
use document::Document;
use start::StartArgs;

/// `darkroom runs …`.
#[derive(Debug, Args)]
pub(crate) struct RunsCommand {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Have a dataset worked through: a folder of the server, an archive, a list of addresses
    #[command(subcommand)]
    Start(RunCommand<StartArgs>),
    /// List runs, newest first
    List {
        /// Only these states, separated by commas: enumerating, running, paused, succeeded, failed, cancelled
        #[arg(long, value_delimiter = ',')]
        state: Vec<darkroom_core::run::RunState>,
        /// Where the list before ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one run
    Show(Which),
    /// Watch a run until it ends
    Watch(Which),
    /// Fetch every image of a run with what came of it
    Results {
        #[command(flatten)]
        which: Which,
        /// Lines of JSON with all of it, or a table
        #[arg(long, value_enum, default_value_t = Rows::Jsonl)]
        format: Rows,
        #[command(flatten)]
        out: Out,
    },
    /// Fetch what a run has gathered over all its images
    Aggregate {
        #[command(flatten)]
        which: Which,
        /// All of it, or one mean as `NumPy` reads it
        #[arg(long, value_enum, default_value_t = Gathered::Json)]
        format: Gathered,
        /// Which mean, from 0, for npy
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        place: u8,
        #[command(flatten)]
        out: Out,
    },
    /// Fetch the embeddings of all faces of a run as `NumPy` reads them, in the order of the results
    Embeddings {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        out: Out,
    },
    /// Fetch the report of a run: one page with a summary, charts and samples
    Report {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        out: Out,
    },
    /// Hold the images of a run; running ones finish
    Pause(Which),
    /// Go on with a paused run
    Resume(Which),
    /// End a run
    Cancel(Which),
    /// Queue what has failed once more
    RetryFailed(Which),
    /// Work on everything once more
    Redo(Which),
    /// Delete a run with its images and results
    Delete(Which),
}

/// One run.
#[derive(Debug, Args)]
struct Which {
    /// The run
    id: String,
}

/// Where a document goes.
#[derive(Debug, Args)]
struct Out {
    /// The file [default: standard output]
    #[arg(long = "out", value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rows {
    Jsonl,
    Csv,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Gathered {
    Json,
    Npy,
}

impl Rows {
    fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Asks the server.
pub(crate) fn act(command: RunsCommand, json: bool) -> Result<ExitCode, Halt> {
    let RunsCommand { server, verb } = command;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let client = server.connect().map_err(|error| refused(error, &server))?;
        Asking { client, server: &server, json }.act(verb).await
    });
    runtime.shutdown_background();
    code
}

/// A question to a server.
struct Asking<'a> {
    client: Client,
    server: &'a Server,
    json: bool,
}

impl Asking<'_> {
    async fn act(&self, verb: Verb) -> Result<ExitCode, Halt> {
        match verb {
            Verb::Start(command) => start::start(self, command).await,
            Verb::List { state, cursor } => {
                let states: Vec<&str> = state.iter().map(|state| state.as_str()).collect();
                let page = self.client.runs(&states, cursor.as_deref()).await;
                let page = page.map_err(|error| self.refused(error))?;
                say(&if self.json { as_json(&page) } else { show::table(&page) })
            }
            Verb::Show(Which { id }) => self.shown(self.client.run(&id).await),
            Verb::Watch(Which { id }) => watch::watch(self, &id).await,
            Verb::Results { which, format, out } => {
                let query = vec![("format", format.as_str().to_owned())];
                self.fetch(
                    Document { name: "results", query, text: matches!(format, Rows::Jsonl | Rows::Csv) },
                    which,
                    out,
                )
                .await
            }
            Verb::Aggregate { which, format: Gathered::Json, out, .. } => {
                self.fetch(Document { name: "aggregate", query: Vec::new(), text: true }, which, out).await
            }
            Verb::Aggregate { which, format: Gathered::Npy, place, out } => {
                let query = vec![("format", "npy".to_owned()), ("which", place.to_string())];
                self.fetch(Document { name: "aggregate", query, text: false }, which, out).await
            }
            Verb::Embeddings { which, out } => {
                self.fetch(Document { name: "embeddings", query: Vec::new(), text: false }, which, out).await
            }
            Verb::Report { which, out } => {
                self.fetch(Document { name: "report", query: Vec::new(), text: true }, which, out).await
            }
            Verb::Pause(which) => self.change(which, "pause").await,
            Verb::Resume(which) => self.change(which, "resume").await,
            Verb::Cancel(which) => self.change(which, "cancel").await,
            Verb::RetryFailed(which) => self.change(which, "retry-failed").await,
            Verb::Redo(which) => self.change(which, "redo").await,
            Verb::Delete(Which { id }) => {
                self.client.delete_run(&id).await.map_err(|error| self.refused(error))?;
                say(&if self.json { "{}".to_owned() } else { format!("the run {id} is gone") })
            }
        }
    }

    async fn change(&self, Which { id }: Which, what: &str) -> Result<ExitCode, Halt> {
        self.shown(self.client.change_run(&id, what).await)
    }

    /// Shows a run as it stands now.
    fn shown(&self, run: Result<Run, ClientError>) -> Result<ExitCode, Halt> {
        let run = run.map_err(|error| self.refused(error))?;
        say(&if self.json { as_json(&run) } else { show::one(&run) })
    }

    fn refused(&self, error: ClientError) -> Halt {
        refused(error, self.server)
    }
}

fn refused(error: ClientError, server: &Server) -> Halt {
    let advice = match error.code() {
        Some(Code::RunNotFound) => "`darkroom runs list` shows the runs that there are",
        Some(Code::RunState) => "`darkroom runs show` says where the run stands",
        Some(Code::SourceRefused) => {
            "folders and files of the server have to be inside of its sources.roots; private addresses need http.fetch_private"
        }
        _ => return client::refused(error, &server.url),
    };
    Halt::environment(anyhow::Error::new(error).context(server.url.clone()), advice)
}

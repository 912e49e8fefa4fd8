//! `darkroom predictions`: the inference log of a server.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum};
use darkroom_api::{ClientError, Prediction, PredictionFormat, PredictionPage, client::PredictionOptions};
use darkroom_core::prediction::{Ending, Surface};
use futures_util::StreamExt;

use crate::{
    client::Server,
    file,
    halt::Halt,
    serve::runtime,
    terminal::{as_json, say},
};

/// `darkroom predictions …`.
#[derive(Debug, Args)]
pub(crate) struct PredictionsCommand {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List predictions, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Where the list before ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Write every prediction that matches, newest first
    Export {
        #[command(flatten)]
        filter: Filter,
        /// A line of JSON for each, or comma-separated values
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        /// The file [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

impl From<Format> for PredictionFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
        }
    }
}

#[derive(Debug, Args)]
struct Filter {
    /// Only of this model
    #[arg(long)]
    model: Option<String>,
    /// Only of this version of it
    #[arg(long, value_name = "VERSION")]
    model_version: Option<String>,
    /// Only those asked here: job, predict, digit, infer
    #[arg(long)]
    surface: Option<Surface>,
    /// Only those that ended so: answered, failed
    #[arg(long)]
    outcome: Option<Ending>,
    /// Only those whose likeliest label is this one
    #[arg(long)]
    label: Option<String>,
    /// Only those of this user
    #[arg(long)]
    owner: Option<String>,
    /// Only those at or after this instant, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "INSTANT")]
    since: Option<String>,
    /// Only those before this instant
    #[arg(long, value_name = "INSTANT")]
    until: Option<String>,
}

impl Filter {
    fn options(self) -> PredictionOptions {
        PredictionOptions {
            model: self.model,
            version: self.model_version,
            surface: self.surface.map(|surface| surface.to_string()),
            outcome: self.outcome.map(|ending| ending.to_string()),
            label: self.label,
            owner: self.owner,
            since: self.since,
            until: self.until,
            limit: None,
            cursor: None,
        }
    }
}

/// Asks the server.
pub(crate) fn act(command: PredictionsCommand, json: bool) -> Result<ExitCode, Halt> {
    let PredictionsCommand { server, verb } = command;
    match verb {
        Verb::List { filter, limit, cursor } => {
            let options = PredictionOptions { limit: Some(limit), cursor, ..filter.options() };
            let page = runtime()?.block_on(list(&server, &options));
            let page = page.map_err(|error| server.refused(error))?;
            say(&if json { as_json(&page) } else { table(&page) })
        }
        Verb::Export { filter, format, out } => {
            let export = Export { options: filter.options(), format: format.into(), out };
            runtime()?.block_on(export.run(&server))
        }
    }
}

async fn list(server: &Server, options: &PredictionOptions) -> Result<PredictionPage, ClientError> {
    server.connect()?.predictions(options).await
}

fn table(page: &PredictionPage) -> String {
    let mut lines = vec![format!(
        "{:<26}{:<9}{:<20}{:<26}{:>9}  {}",
        "ANSWERED", "SURFACE", "MODEL", "ANSWER", "TOOK", "NAME"
    )];
    lines.extend(page.predictions.iter().map(line));
    lines.extend(page.next_cursor.iter().map(|cursor| format!("more: --cursor {cursor}")));
    lines.join("\n")
}

fn line(entry: &Prediction) -> String {
    let model = match (&entry.model, &entry.version) {
        (Some(name), Some(version)) => format!("{name}@{version}"),
        (Some(name), None) => name.clone(),
        _ => "-".to_owned(),
    };
    let class = || entry.class_id.map(|class| format!("class {class}"));
    let answer = match (&entry.code, entry.label.clone().or_else(class)) {
        (Some(code), _) => code.clone(),
        (None, Some(label)) => format!("{label} ({:.0} %)", 100.0 * entry.score.unwrap_or_default()),
        (None, None) => "tensors".to_owned(),
    };
    let took =
        if entry.cached { "cached".to_owned() } else { format!("{:.1} ms", entry.took_us as f64 / 1e3) };
    let surface = Surface::from(entry.surface).as_str();
    let name = entry.file_name.as_deref().unwrap_or("-");
    format!("{:<26}{surface:<9}{model:<20}{answer:<26}{took:>9}  {name}", entry.at.to_string())
}

struct Export {
    options: PredictionOptions,
    format: PredictionFormat,
    out: Option<PathBuf>,
}

impl Export {
    async fn run(self, server: &Server) -> Result<ExitCode, Halt> {
        let refused = |error| server.refused(error);
        let client = server.connect().map_err(refused)?;
        let chunks = client.export_predictions(&self.options, self.format).await.map_err(refused)?;
        file::save(chunks.map(|chunk| chunk.map_err(refused)), self.out.as_deref()).await
    }
}

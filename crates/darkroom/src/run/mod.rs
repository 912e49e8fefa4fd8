//! `darkroom run`: files, folders and archives through an operation, results into a folder that mirrors them.
//!
//! In this process every dataset is a run, as on a server (`work`), and what came of it is written while it goes on
//! (`follow`, `export`): a row an image into `results.jsonl` (`rows`). Against a server it is a run there (`remote`): what
//! is new is sent as one archive that is made on the way (`pack`), and what came of it is fetched at the end (`fetch`).

mod asked;
mod claims;
mod compare;
mod copies;
mod dataset;
mod export;
mod fetch;
mod finished;
mod follow;
mod local;
mod log;
mod names;
mod once;
mod pack;
mod pending;
mod progress;
mod remote;
mod rows;
mod shown;
mod sources;
mod summary;
mod work;

use std::{path::Path, process::ExitCode, time::Instant};

use darkroom_core::Operation;
use darkroom_server::disk;
use serde_json::json;

pub(crate) use asked::{RunArgs, RunCommand};
pub(crate) use compare::{CompareArgs, compare};

use crate::{halt::Halt, serve::runtime, settings::Settings};
use dataset::{datasets, images};
use follow::Done;
use log::Log;
use remote::{Errand, Given};
use sources::Typed;
use work::{After, Work};

/// Works through what was typed. Exit code 1 if images failed, 130 if interrupted before the end.
pub(crate) fn run(command: RunCommand<RunArgs>, settings: &Settings, json: bool) -> Result<ExitCode, Halt> {
    darkroom_server::telemetry::install(&quiet(settings));
    let (operation, args) = command.split()?;
    check(&operation, &args)?;
    let mut sources = images(&args, &operation)?;
    if let Some(out) = &args.out {
        make_folder(out)?;
        let place = out.canonicalize().ok();
        for typed in &mut sources {
            typed.without.clone_from(&place);
        }
    }
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        match &args.server.url {
            Some(url) => by_server(url, (operation, sources), &args, json).await,
            None => here((operation, sources), &args, settings, json).await,
        }
    });
    runtime.shutdown_background();
    code
}

/// What cannot be said by flags alone.
fn check(operation: &Operation, args: &RunArgs) -> Result<(), Halt> {
    let wrong = |what: &str| Err(Halt::Usage(what.to_owned()));
    if args.mean && !matches!(operation, Operation::Faces(faces) if faces.embeddings) {
        return wrong("only faces with embeddings have a mean: darkroom run faces … --mean");
    }
    if args.mean && args.sources.len() > 1 {
        return wrong("a mean is that of one folder or archive; name one");
    }
    if args.out.is_none() && !args.mean {
        return wrong("name the folder for the results with --out");
    }
    Ok(())
}

async fn by_server(
    url: &str,
    (operation, sources): (Operation, Vec<Typed>),
    args: &RunArgs,
    json: bool,
) -> Result<ExitCode, Halt> {
    let given = match &args.archive {
        Some(typed) => Given::archive(typed, args.md5.as_ref().or(args.checksum.as_ref()))?,
        None => Given::Images(sources),
    };
    let errand = Errand {
        url: url.to_owned(),
        given,
        operation,
        out: args.out.clone(),
        gathered: args.mean,
        log: log_of(args, json),
        after: if args.forget { After::Forgotten } else { After::Kept },
    };
    let began = Instant::now();
    told(errand.through().await?, args, began, json)
}

async fn here(
    (operation, sources): (Operation, Vec<Typed>),
    args: &RunArgs,
    settings: &Settings,
    json: bool,
) -> Result<ExitCode, Halt> {
    let after = if args.forget { After::Forgotten } else { After::Kept };
    let datasets = datasets(args, sources)?;
    let work = Work { datasets, operation, out: args.out.clone(), log: log_of(args, json), after };
    let began = Instant::now();
    told(work.through(settings).await?, args, began, json)
}

/// The log tells how the mean comes to be.
fn log_of(args: &RunArgs, json: bool) -> Log {
    if args.mean && !json { Log::Printed } else { Log::Silent }
}

/// Says what it came to, and gives the exit code.
fn told(done: Done, args: &RunArgs, began: Instant, json: bool) -> Result<ExitCode, Halt> {
    let Done { summary, mean } = done;
    let mean = mean.filter(|_| args.mean).and_then(|mean| serde_json::to_value(mean).ok());
    let more = || mean.map_or_else(|| json!({}), |mean| json!({ "mean": mean["mean"], "aggregate": mean }));
    summary.report(began.elapsed(), json.then(more))
}

/// Warnings would tear the progress bar and are in the rows anyway.
fn quiet(settings: &Settings) -> darkroom_server::telemetry::Config {
    let mut config = settings.service.log.clone();
    if config.filter == "info" {
        "error".clone_into(&mut config.filter);
    }
    config
}

fn make_folder(out: &Path) -> Result<(), Halt> {
    disk::make_folder(out).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot make {}", out.display()));
        Halt::environment(error, "name a folder that can be written to with --out")
    })
}

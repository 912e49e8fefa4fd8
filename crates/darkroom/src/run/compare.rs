//! `darkroom compare`: whether two images show one person.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::anyhow;
use clap::Args;
use darkroom_api::Comparison;
use darkroom_core::Operation;
use darkroom_server::predict::{compared, question};
use serde_json::{Value, json};

use super::{finished::Failed, local::Local, quiet};
use crate::{
    client::{self, OtherServer},
    halt::Halt,
    serve::runtime,
    settings::Settings,
    terminal::say,
};

/// They are not of one person.
const DIFFERENT: u8 = 1;

/// What to do about images that cannot be compared.
const LOOK: &str = "look at the images; `darkroom run faces` says what is found in each";

/// What is compared.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// One image
    first: PathBuf,
    /// The other image
    second: PathBuf,
    /// From which cosine on they are of one person, -1 to 1 [default: 0.363]
    #[arg(long, value_parser = cosine, allow_negative_numbers = true)]
    threshold: Option<f32>,
    #[command(flatten)]
    server: OtherServer,
}

fn cosine(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| (-1.0..=1.0).contains(number));
    number.ok_or_else(|| "a cosine is -1 to 1".to_owned())
}

/// Compares the largest faces of two images. Exit code 0 if they are of one person, 1 if not, 3 if that cannot be said.
pub(crate) fn compare(args: &CompareArgs, settings: &Settings, json: bool) -> Result<ExitCode, Halt> {
    darkroom_server::telemetry::install(&quiet(settings));
    let runtime = runtime()?;
    let comparison = runtime.block_on(async {
        match &args.server.url {
            Some(url) => by_server(url, args).await,
            None => here(args, settings).await,
        }
    });
    runtime.shutdown_background();
    let comparison = comparison?;
    let code = if comparison.same { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) };
    say(&told(&comparison, json)).map(|_| code)
}

fn told(comparison: &Comparison, json: bool) -> String {
    if json {
        return json!(comparison).to_string();
    }
    let verdict = if comparison.same { "the same person" } else { "different people" };
    format!("{verdict}: cosine {:.3}, threshold {:.3}", comparison.cosine, comparison.threshold)
}

async fn by_server(url: &str, args: &CompareArgs) -> Result<Comparison, Halt> {
    let client = client::connect(url).map_err(|error| Halt::Usage(error.to_string()))?;
    let (first, second) = (content(&args.first).await?, content(&args.second).await?);
    let compared = client.compare(first, second, args.threshold).await;
    compared.map_err(|error| client::refused(error, url))
}

async fn content(path: &Path) -> Result<Vec<u8>, Halt> {
    tokio::fs::read(path).await.map_err(|error| unreadable(error, path))
}

async fn here(args: &CompareArgs, settings: &Settings) -> Result<Comparison, Halt> {
    let local = Local::start(settings).await?;
    let documents =
        async { Ok((document(&local, &args.first).await?, document(&local, &args.second).await?)) };
    let documents = documents.await;
    local.stop().await;
    let (first, second) = documents?;
    compared(&first, &second, args.threshold).map_err(|why| {
        let names = format!("{} and {}", args.first.display(), args.second.display());
        Halt::environment(anyhow!("{why}").context(names), LOOK)
    })
}

/// What is found in an image.
async fn document(local: &Local, path: &Path) -> Result<Value, Halt> {
    std::fs::metadata(path).map_err(|error| unreadable(error, path))?;
    local.look(path, Operation::Faces(question())).await?.map_err(|Failed { message, .. }| {
        Halt::environment(anyhow!("{message}").context(path.display().to_string()), LOOK)
    })
}

fn unreadable(error: std::io::Error, path: &Path) -> Halt {
    let error = anyhow::Error::new(error).context(format!("cannot read {}", path.display()));
    Halt::environment(error, "name two images")
}

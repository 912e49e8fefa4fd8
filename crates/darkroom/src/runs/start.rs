//! Having a dataset worked through.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use darkroom_api::{
    ArchivePlace, Client, ClientError, FolderDepth, Run, RunRequest, RunSource, client::ArchiveUpload,
};
use darkroom_core::run::{AggregateSpec, OnError, Percent};
use darkroom_server::sources::Checksum;

use super::{Asking, watch};
use crate::{halt::Halt, run::RunCommand, upload_bar::UploadBar};

/// Bytes of a list of addresses at most, which is what the server takes.
const MAX_LIST: u64 = 16 << 20;

/// What is worked through, and how.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// Patterns of the paths in the folder that are meant, such as '**/*.jpg'; may be repeated
    #[arg(long, value_name = "PATTERN", requires = "folder")]
    include: Vec<String>,
    /// Patterns of the paths that are not
    #[arg(long, value_name = "PATTERN", requires = "folder")]
    exclude: Vec<String>,
    /// Leave out folders in the folder
    #[arg(long, requires = "folder")]
    flat: bool,
    /// What the archive must sum up to: md5:HEX, sha1:HEX or sha256:HEX; nothing is worked on before it does
    #[arg(long, value_name = "SUM", requires = "archive")]
    checksum: Option<Checksum>,
    /// What to call the run
    #[arg(long)]
    name: Option<String>,
    /// The queue in which its images wait
    #[arg(long)]
    queue: Option<String>,
    /// What failed images mean: continue, or stop after so many (5) or at a share (10%)
    #[arg(long, value_name = "continue|N|N%", default_value = "continue", value_parser = on_error)]
    on_error: OnError,
    /// What is gathered over all images, as a JSON list of aggregates [default: what the operation gives]
    #[arg(long, value_name = "JSON", value_parser = aggregates)]
    aggregates: Option<Aggregates>,
    /// Images that may wait at a time, 1 to 10000
    #[arg(long, value_name = "COUNT")]
    high_water: Option<u32>,
    /// Work on everything anew, whatever is remembered, and remember nothing of it
    #[arg(long)]
    no_cache: bool,
    /// Have the same command, typed again with the same key, give the run that there is instead of another one
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Watch the run until it ends
    #[arg(long)]
    watch: bool,
}

/// Where the images are. One of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct DatasetArgs {
    /// A folder of the server, inside of its `sources.roots`
    #[arg(long, value_name = "DIR")]
    folder: Option<String>,
    /// An archive: a file here, which is sent to the server, or an address
    #[arg(long, value_name = "FILE|URL")]
    archive: Option<String>,
    /// An archive of the server, inside of its `sources.roots`
    #[arg(long, value_name = "FILE")]
    server_archive: Option<String>,
    /// A file with an address a line; - is standard input
    #[arg(long, value_name = "FILE")]
    urls: Option<PathBuf>,
    /// All images of the server whose content address begins so; for operators
    #[arg(long, value_name = "HEX")]
    prefix: Option<String>,
}

/// A list of them, as one argument.
#[derive(Debug, Clone)]
struct Aggregates(Vec<AggregateSpec>);

fn aggregates(text: &str) -> Result<Aggregates, String> {
    serde_json::from_str(text).map(Aggregates).map_err(|error| error.to_string())
}

fn on_error(text: &str) -> Result<OnError, String> {
    let wrong = || format!("`{text}` is neither continue, a number such as 5, nor a share such as 10%");
    match (text, text.strip_suffix('%')) {
        ("continue", _) => Ok(OnError::Continue),
        (_, Some(share)) => {
            let share = share.parse::<u8>().ok().and_then(|share| Percent::try_from(share).ok());
            share.map(OnError::StopAtPercent).ok_or_else(wrong)
        }
        (count, None) => count.parse().map(OnError::StopAfter).map_err(|_| wrong()),
    }
}

/// Has the server begin; says which run it is, or watches it.
pub(super) async fn start(asking: &Asking<'_>, command: RunCommand<StartArgs>) -> Result<ExitCode, Halt> {
    let (operation, args) = command.split()?;
    let (source, upload) = source(&args)?;
    let request = RunRequest {
        name: args.name.or_else(|| upload.as_deref().and_then(name_of)),
        source,
        operations: vec![operation],
        aggregates: args.aggregates.map(|Aggregates(list)| list),
        on_error: args.on_error,
        queue: args.queue,
        high_water: args.high_water,
        cache: args.no_cache.then_some(false),
    };
    let made = match (&upload, args.idempotency_key.as_deref()) {
        (Some(archive), key) => send(&asking.client, &request, (archive, key)).await,
        (None, Some(key)) => asking.client.make_run_once(&request, key).await,
        (None, None) => asking.client.make_run(&request).await,
    };
    if !args.watch {
        return asking.shown(made);
    }
    let run = made.map_err(|error| asking.refused(error))?;
    watch::watch(asking, &run.id).await
}

/// Makes a run of an archive of this machine, under this idempotency key if there is one; with a bar where someone looks
/// at it.
pub(crate) async fn send(
    client: &Client,
    request: &RunRequest,
    (archive, key): (&Path, Option<&str>),
) -> Result<Run, ClientError> {
    let bar = UploadBar::start(archive.metadata()?.len());
    let told = bar.clone();
    let upload = ArchiveUpload::file(archive).telling(move |bytes| told.sent(bytes));
    let upload = key.into_iter().fold(upload, ArchiveUpload::once);
    let made = client.make_run_of(request, upload).await;
    bar.end();
    made
}

/// Whether what was typed is an address, and no file here.
pub(crate) fn is_url(typed: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| typed.starts_with(scheme))
}

/// The source, and the file that is to be sent along.
fn source(args: &StartArgs) -> Result<(RunSource, Option<PathBuf>), Halt> {
    let DatasetArgs { folder, archive, server_archive, urls, prefix } = &args.dataset;
    let checksum = args.checksum.as_ref().map(ToString::to_string);
    if let Some(typed) = archive {
        if is_url(typed) {
            return Ok((RunSource::Archive { at: ArchivePlace::Url(typed.clone()), checksum }, None));
        }
        let path = PathBuf::from(typed);
        if !path.is_file() {
            return Err(Halt::Usage(format!(
                "there is no file `{typed}` here; an archive of the server is named with --server-archive"
            )));
        }
        return Ok((RunSource::Archive { at: ArchivePlace::Upload, checksum }, Some(path)));
    }
    let source = match (folder, server_archive, urls, prefix) {
        (Some(path), ..) => RunSource::Folder {
            path: path.clone(),
            depth: if args.flat { FolderDepth::Flat } else { FolderDepth::All },
            include: args.include.clone(),
            exclude: args.exclude.clone(),
        },
        (_, Some(path), ..) => RunSource::Archive { at: ArchivePlace::File(path.clone()), checksum },
        (_, _, Some(list), _) => RunSource::Urls { urls: addresses(list)? },
        (_, _, _, Some(prefix)) => RunSource::Prefix { prefix: prefix.clone() },
        _ => return Err(Halt::Usage("name a dataset".to_owned())),
    };
    Ok((source, None))
}

/// The lines of a file that are neither empty nor begin with `#`.
fn addresses(list: &Path) -> Result<Vec<String>, Halt> {
    let mut text = String::new();
    let read = if list == Path::new("-") {
        std::io::stdin().take(MAX_LIST).read_to_string(&mut text)
    } else {
        std::fs::File::open(list).and_then(|file| file.take(MAX_LIST).read_to_string(&mut text))
    };
    read.map_err(|error| Halt::Usage(format!("cannot read {}: {error}", list.display())))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(ToOwned::to_owned).collect())
}

fn name_of(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_word_a_number_or_a_share() {
        assert_eq!(on_error("continue"), Ok(OnError::Continue));
        assert_eq!(on_error("5"), Ok(OnError::StopAfter(5)));
        assert_eq!(on_error("10%"), Percent::try_from(10).map(OnError::StopAtPercent).map_err(str::to_owned));
        for wrong in ["", "stop", "-1", "0%", "101%", "%", "1.5"] {
            assert!(on_error(wrong).is_err(), "{wrong}");
        }
    }
}

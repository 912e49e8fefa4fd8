//! `darkroom models import`: an ONNX model of the operator's own, with a manifest to go on from.

use std::{fs, io::Read as _, path::Path, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use darkroom_inference::manifest::{Batch, FILE_NAME, Manifest, ScoreKind, ScoreOutput, Task};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    DISK, Places,
    draft::Draft,
    skeleton::{self, Signature},
};
use crate::{halt::Halt, terminal::say};

/// A file of protocol buffers cannot be larger.
const MOST_BYTES: u64 = 2 << 30;

/// Bytes of a file of labels.
const MOST_LABEL_BYTES: u64 = 8 << 20;

/// Images a run, for a model that takes any number.
const BATCH: usize = 8;

/// `darkroom models import …`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The ONNX file; it is copied
    file: PathBuf,
    /// What the model is called: a-z, 0-9, `.`, `_` and `-`
    #[arg(long)]
    name: String,
    /// Its version, of the same letters
    #[arg(long, default_value = "1")]
    version: String,
    /// What it is for
    #[arg(long, value_enum, default_value = "tensors")]
    task: Wanted,
    /// A file with the label of each class, one a line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The output that holds the scores [default: the only one]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// The licence of the weights
    #[arg(long, default_value = "unknown")]
    licence: String,
    /// Take the place of a model of the same name and version
    #[arg(long)]
    replace: bool,
}

/// What an imported model can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Labels for images
    Classify,
    /// Tensors in, tensors out
    Tensors,
}

/// Copies the model and writes its manifest.
pub(super) fn import(arguments: &ImportArgs, places: &Places, json: bool) -> Result<ExitCode, Halt> {
    let place = places.models.join(&arguments.name).join(&arguments.version);
    if place.exists() && !arguments.replace {
        return Err(Halt::Usage(format!(
            "there is a model in {} already: choose another --version, or add --replace",
            place.display()
        )));
    }
    let file = read(&arguments.file, MOST_BYTES)
        .map_err(|error| Halt::environment(error, "name an ONNX file that can be read"))?;
    let labels = arguments.labels.as_deref().map(|path| read(path, MOST_LABEL_BYTES)).transpose();
    let labels = labels.map_err(|error| Halt::environment(error, "name a file with one label a line"))?;
    let described = describe(arguments, &file, labels.is_some());
    let text = described.map_err(|error| Halt::Usage(format!("{}: {error:#}", arguments.file.display())))?;
    let _alone = places.alone()?;
    let written = write(arguments, places, (&file, labels.as_deref(), &text));
    written.map_err(|error| Halt::environment(error, DISK))?;
    let manifest = place.join(FILE_NAME);
    if json {
        return say(&json!({ "name": arguments.name, "version": arguments.version, "manifest": manifest })
            .to_string());
    }
    say(&format!(
        "{} {} is imported. Look through {}: what could only be guessed is marked there.",
        arguments.name,
        arguments.version,
        manifest.display()
    ))
}

/// The text of the manifest.
fn describe(arguments: &ImportArgs, file: &[u8], labelled: bool) -> anyhow::Result<String> {
    let signature = Signature::read(file)?;
    let named = arguments.file.file_name().unwrap_or_default().to_string_lossy();
    let mut manifest = Manifest {
        name: arguments.name.clone(),
        version: arguments.version.clone(),
        task: Task::Tensors,
        file: "model.onnx".to_owned(),
        sha256: hex::encode(Sha256::digest(file)),
        licence: arguments.licence.clone(),
        source: format!("imported from {named}"),
        isolated: true,
        labels: labelled.then(|| "labels.txt".to_owned()),
        image: None,
        output: None,
        batch: Batch { most: if signature.takes_batches() { BATCH } else { 1 } },
        checks: Vec::new(),
    };
    if arguments.task == Wanted::Classify {
        manifest.task = Task::Classify;
        manifest.image = Some(signature.image()?);
        manifest.output = Some(output(arguments, &signature)?);
    }
    let text = skeleton::text(&manifest, &signature);
    if let Err(mistakes) = Manifest::parse(&text) {
        bail!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    Ok(text)
}

fn output(arguments: &ImportArgs, signature: &Signature) -> anyhow::Result<ScoreOutput> {
    let names: Vec<&str> = signature.outputs.iter().map(|output| output.name.as_str()).collect();
    let name = match (&arguments.output, names.as_slice()) {
        (Some(name), _) => {
            ensure!(names.contains(&name.as_str()), "there is no output `{name}`, only {}", names.join(", "));
            name.clone()
        }
        (None, [only]) => (*only).to_owned(),
        (None, _) => bail!("name one of the outputs with --output: {}", names.join(", ")),
    };
    let kind = if signature.is_softmax(&name) { ScoreKind::Probabilities } else { ScoreKind::Logits };
    Ok(ScoreOutput { name, kind })
}

fn write(
    arguments: &ImportArgs,
    places: &Places,
    (file, labels, text): (&[u8], Option<&[u8]>, &str),
) -> anyhow::Result<()> {
    let draft = Draft::begin(&places.models)?;
    draft.write("model.onnx", file)?;
    if let Some(labels) = labels {
        draft.write("labels.txt", labels)?;
    }
    draft.write(FILE_NAME, text.as_bytes())?;
    draft.publish(&arguments.name, &arguments.version)?;
    Ok(())
}

fn read(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let file = fs::File::open(path).with_context(name)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).with_context(name)?;
    ensure!(bytes.len() as u64 <= most, "{} is larger than {most} bytes", path.display());
    Ok(bytes)
}

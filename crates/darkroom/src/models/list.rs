//! `darkroom models list`: what there is, and whether it is what its manifests say.

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode};

use darkroom_inference::{Mistake, manifest::Description};
use serde_json::{Value, json};

use super::{
    Places,
    archive::digest_of_file,
    catalogue::{ITEMS, Item},
};
use crate::{halt::Halt, terminal::say};

/// A version of a model, as it lies in its folder.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) model: Result<Description, Vec<Mistake>>,
    bytes: u64,
    digest: Digest,
}

/// Whether the weights are those of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Digest {
    Matches,
    Differs(String),
    Unknown,
}

impl Digest {
    fn word(&self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Differs(_) => "differs",
            Self::Unknown => "unknown",
        }
    }
}

/// Prints the list.
pub(super) fn list(places: &Places, json: bool) -> Result<ExitCode, Halt> {
    let found = find(places);
    if json {
        let models: Vec<_> = found.iter().map(Found::as_json).collect();
        return say(&format!("{:#}", json!({ "models": models, "runtime": runtime_as_json(places) })));
    }
    let mut lines = vec![row(["NAME", "VERSION", "TASK", "SIZE", "LICENCE", "DIGEST", "SOURCE"])];
    for model in &found {
        lines.push(model.as_row());
        lines.extend(model.mistakes().iter().map(|mistake| format!("  {mistake}")));
    }
    if found.is_empty() {
        lines = vec![format!(
            "there are no models in {}; `darkroom models fetch` gets some",
            places.models.display()
        )];
    }
    lines.push(match places.library() {
        Some(library) => format!("ONNX Runtime: {}", library.display()),
        None => {
            format!("ONNX Runtime: none in {}; `darkroom models fetch` installs it", places.wanted.display())
        }
    });
    say(&lines.join("\n"))
}

/// All models, by name and version. Reads every byte of the weights.
pub(super) fn find(places: &Places) -> Vec<Found> {
    let mut found = Vec::new();
    for name in folders(&places.models) {
        let folder = places.models.join(&name);
        found.extend(folders(&folder).into_iter().map(|version| Found::look(&folder, &name, version)));
    }
    found
}

/// The folders in a folder whose names may be those of models or versions.
fn folders(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

impl Found {
    fn look(folder: &Path, name: &str, version: String) -> Self {
        let folder = folder.join(&version);
        let model = Description::read(&folder);
        let (bytes, digest) = match &model {
            Ok(description) => {
                let weights = folder.join(&description.manifest.file);
                let digest = match description.check_digest(&folder) {
                    Ok(()) => Digest::Matches,
                    Err(what) => Digest::Differs(what),
                };
                (fs::metadata(weights).map_or(0, |metadata| metadata.len()), digest)
            }
            Err(_) => (0, Digest::Unknown),
        };
        Self { name: name.to_owned(), version, model, bytes, digest }
    }

    /// Everything that is wrong with it.
    pub(super) fn mistakes(&self) -> Vec<String> {
        match (&self.model, &self.digest) {
            (Err(mistakes), _) => mistakes.iter().map(ToString::to_string).collect(),
            (Ok(_), Digest::Differs(what)) => vec![what.clone()],
            _ => Vec::new(),
        }
    }

    fn task(&self) -> String {
        let task = self.model.as_ref().ok().map(|model| json!(model.manifest.task));
        task.and_then(|task| Some(task.as_str()?.to_owned())).unwrap_or_else(|| "-".to_owned())
    }

    fn as_row(&self) -> String {
        let size =
            if self.bytes == 0 { "-".to_owned() } else { format!("{:.1} MB", self.bytes as f64 / 1e6) };
        let manifest = self.model.as_ref().ok().map(|model| &model.manifest);
        let licence = manifest.map_or("-", |manifest| &manifest.licence);
        let source = manifest.map_or("-", |manifest| &manifest.source);
        row([&self.name, &self.version, &self.task(), &size, licence, self.digest.word(), source])
    }

    fn as_json(&self) -> Value {
        let manifest = self.model.as_ref().ok().map(|model| &model.manifest);
        json!({
            "name": self.name,
            "version": self.version,
            "task": manifest.map(|manifest| manifest.task),
            "bytes": manifest.map(|_| self.bytes),
            "licence": manifest.map(|manifest| &manifest.licence),
            "source": manifest.map(|manifest| &manifest.source),
            "sha256": manifest.map(|manifest| &manifest.sha256),
            "digest": self.digest.word(),
            "mistakes": self.mistakes(),
        })
    }
}

fn row([name, version, task, size, licence, digest, source]: [&str; 7]) -> String {
    format!("{name:<22}{version:<9}{task:<13}{size:>10}  {licence:<12}{digest:<9}{source}")
}

fn runtime_as_json(places: &Places) -> Value {
    let library = places.library();
    let sha256 = library.as_deref().and_then(|path| digest_of_file(path).ok());
    // Known if it is one that this program fetches.
    let is_this = |item: &&Item| item.library().is_some_and(|known| Some(known.sha256) == sha256.as_deref());
    let version = ITEMS.into_iter().find(is_this).map(|item| item.version);
    json!({ "library": library, "version": version, "sha256": sha256 })
}

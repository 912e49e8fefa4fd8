//! A folder of models that is made for one test.

use std::{fs, path::Path, time::Duration};

use darkroom_inference::{Config, Models};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::runtime;

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Small queue, two sessions; a model that was stopped for a moment while it was tried is quick all the same.
    pub(crate) fn config(&self) -> Config {
        Config {
            runtime: runtime::place().unwrap_or_default(),
            sessions: 2,
            threads: 1,
            queue: 4,
            run_time: Duration::from_mins(1),
            quick: Duration::from_mins(1),
            ..Config::below(self.path())
        }
    }

    /// With the real engine, if it is there.
    pub(crate) fn models(&self) -> Option<Models> {
        runtime::place()?;
        Some(Models::open(&self.config()).unwrap())
    }

    /// Adds `<name>/<version>` with this file; `rest` is the manifest from the labels on.
    pub(crate) fn add(&self, id: &str, file: &[u8], rest: &str) {
        let (name, version) = id.split_once('/').unwrap();
        let folder = self.path().join("models").join(id);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("model.onnx"), file).unwrap();
        fs::write(folder.join("labels.txt"), "red\ngreen\nblue\n").unwrap();
        let manifest = format!(
            "name = \"{name}\"\nversion = \"{version}\"\nfile = \"model.onnx\"\nsha256 = \"{}\"\n\
             licence = \"MIT\"\nsource = \"a test\"\n{rest}",
            hex::encode(Sha256::digest(file)),
        );
        fs::write(folder.join("manifest.toml"), manifest).unwrap();
    }

    pub(crate) fn remove(&self, id: &str) {
        fs::remove_dir_all(self.path().join("models").join(id)).unwrap();
    }
}

/// The end of a manifest for tensors.
pub(crate) const TENSORS: &str = "task = \"tensors\"\n[batch]\nmost = 8\n";

/// The end of a manifest for [`crate::net::means`].
pub(crate) const MEANS: &str = r#"
task = "classify"
labels = "labels.txt"
[image]
input = "images"
colour = "rgb"
size = [4, 4]
resize = "exact"
std = [100.0, 100.0, 100.0]
[output]
name = "scores"
kind = "logits"
[batch]
most = 8
[[check]]
input = "grey"
at = [0, 2]
values = [0.33333334, 0.33333334]
tolerance = 0.0001
"#;

//! A model's folder: manifest, labels, and the digest of the weights.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{FILE_NAME, Manifest, validate};
use crate::Mistake;

/// Bytes of a manifest.
const MANIFEST_BYTES: u64 = 1 << 20;
/// Bytes of a file of labels.
const LABEL_BYTES: u64 = 8 << 20;
/// Bytes that are hashed at once.
const PIECE: usize = 1 << 20;

/// A manifest and what lies beside it, weights excepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The manifest.
    pub manifest: Manifest,
    /// The label of each class, in order; empty where the manifest names none.
    pub labels: Arc<[String]>,
}

impl Description {
    /// Reads `<folder>/manifest.toml` and the labels; the folder is `<name>/<version>`. Weights are not touched.
    pub fn read(folder: &Path) -> Result<Self, Vec<Mistake>> {
        let text =
            text(&folder.join(FILE_NAME), MANIFEST_BYTES).map_err(|e| vec![Mistake::new(FILE_NAME, e)])?;
        let manifest = Manifest::parse(&text)?;
        let mut mistakes = Vec::new();
        for (key, said, is) in [
            ("version", &manifest.version, folder.file_name()),
            ("name", &manifest.name, folder.parent().and_then(Path::file_name)),
        ] {
            if is.is_some_and(|is| is != said.as_str()) {
                mistakes.push(Mistake::new(key, format!("is `{said}`, but the folder has another name")));
            }
        }
        if !folder.join(&manifest.file).is_file() {
            mistakes.push(Mistake::new("file", format!("there is no `{}` in the folder", manifest.file)));
        }
        let labels = labels(folder, &manifest).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Vec::new()
        });
        if mistakes.is_empty() { Ok(Self { manifest, labels: labels.into() }) } else { Err(mistakes) }
    }

    /// A digest of the manifest (and with it, of the digest of the weights) and the labels.
    pub fn fingerprint(&self) -> [u8; 32] {
        // What is in memory can be written; nothing in it is a map with other keys than text.
        let said = serde_json::to_vec(&(&self.manifest, &self.labels[..])).unwrap_or_default();
        Sha256::digest(said).into()
    }

    /// Compares the weights with the digest in the manifest. Reads the whole file.
    pub fn check_digest(&self, folder: &Path) -> Result<(), String> {
        let is = digest(&folder.join(&self.manifest.file))
            .map_err(|error| format!("`{}` cannot be read: {error}", self.manifest.file))?;
        if is == self.manifest.sha256 {
            return Ok(());
        }
        Err(format!("the SHA-256 of `{}` is {is}, not {}", self.manifest.file, self.manifest.sha256))
    }
}

/// Whether a folder of that name can hold a model, or a version of one.
pub(crate) fn is_name(text: &str) -> bool {
    validate::is_name(text)
}

/// SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&piece[..count]);
    }
}

fn labels(folder: &Path, manifest: &Manifest) -> Result<Vec<String>, Mistake> {
    let Some(name) = &manifest.labels else { return Ok(Vec::new()) };
    let text = text(&folder.join(name), LABEL_BYTES).map_err(|what| Mistake::new("labels", what))?;
    let labels: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    match labels.iter().position(String::is_empty) {
        Some(line) => Err(Mistake::new("labels", format!("line {} of `{name}` is empty", line + 1))),
        None => Ok(labels),
    }
}

fn text(path: &Path, most: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > most {
        return Err(format!("is longer than {most} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

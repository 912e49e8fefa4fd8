//! What became of an image, and where its results go.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of one image.
#[derive(Debug)]
pub(super) struct Finished {
    /// The path within the source.
    pub(super) relative: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970; 0 if that is not known.
    pub(super) modified: u64,
    /// The content address of its bytes, if they were read here.
    pub(super) blob: Option<String>,
    /// The job, if one was made.
    pub(super) job: Option<String>,
    /// The result, or why there is none.
    pub(super) end: Result<Made, Failed>,
}

/// A result.
#[derive(Debug)]
pub(super) struct Made {
    /// What was written into the folder of results; nothing if the operation only says something.
    pub(super) files: Vec<Written>,
    /// What the operation said.
    pub(super) document: Value,
    /// Microseconds of work on the image, if there was any.
    pub(super) work_us: Option<u64>,
}

/// A file in the folder of results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Written {
    /// Its path within that folder.
    #[serde(with = "super::shown")]
    pub(super) path: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: u64,
}

/// Why an image has no result.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    /// The reason, from a closed set.
    pub(super) kind: String,
    /// One sentence for people.
    pub(super) message: String,
}

impl Failed {
    pub(super) fn new(kind: &str, message: &dyn ToString) -> Self {
        Self { kind: kind.to_owned(), message: message.to_string() }
    }
}

impl Finished {
    /// A file that cannot be looked at.
    pub(super) fn unreadable(path: PathBuf, error: &io::Error) -> Self {
        let end = Err(Failed::new("unreadable", error));
        Self { relative: path, bytes: 0, modified: 0, blob: None, job: None, end }
    }
}

/// Where a file of the results of an image goes: beside its source's path, under the same name if that has the right
/// extension, otherwise with the right one added (`a.png.jpg`), so that `a.png` and `a.jpg` never meet. Tensors
/// and faces have their whole name added (`a.png.scores.npy`, `a.png.face-1.jpg`): there may be several.
pub(super) fn result_path(relative: &Path, artifact: &str) -> PathBuf {
    let extension = Path::new(artifact).extension().and_then(|e| e.to_str()).unwrap_or_default();
    let own = relative.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let same = own == extension || (own == "jpeg" && extension == "jpg");
    let mut name = relative.as_os_str().to_owned();
    if !artifact.starts_with("thumbnail.") {
        name.push(".");
        name.push(artifact);
    } else if !same {
        name.push(".");
        name.push(extension);
    }
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_name_and_get_the_right_extension() {
        let named = |source: &str| result_path(Path::new(source), "thumbnail.jpg").display().to_string();
        assert_eq!(
            ["a/b.jpg", "a/b.JPEG", "a/b.png", "a/b"].map(named),
            ["a/b.jpg", "a/b.JPEG", "a/b.png.jpg", "a/b.jpg"]
        );
        let tensor = result_path(Path::new("a/b.png"), "depth-map.npy");
        assert_eq!(tensor.display().to_string(), "a/b.png.depth-map.npy");
        let face = result_path(Path::new("a/b.jpg"), "face-1.jpg");
        assert_eq!(face.display().to_string(), "a/b.jpg.face-1.jpg");
    }
}

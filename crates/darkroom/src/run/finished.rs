//! Where the work is done: in this process, or on a server.

use std::{
    io,
    path::{Path, PathBuf},
};

use darkroom_core::Operation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{embedded::Embedded, remote::Remote, sources::Image};
use crate::{halt::Halt, settings::Settings};

/// Where the work is done.
pub(super) enum Place {
    /// By workers of this process, on a store of its own.
    Embedded(Box<Embedded>),
    /// By a server.
    Remote(Remote),
}

/// What became of one image.
#[derive(Debug)]
pub(super) struct Finished {
    /// The path within the source.
    pub(super) relative: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub(super) modified: u64,
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
    /// Microseconds of work on the image.
    pub(super) work_us: u64,
    /// Whether the result was remembered.
    pub(super) cached: bool,
}

/// A file in the folder of results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Written {
    /// Its path within that folder.
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
        Self { relative: path, bytes: 0, modified: 0, job: None, end }
    }

    pub(super) fn of(image: Image, job: Option<String>, end: Result<Made, Failed>) -> Self {
        let Image { relative, bytes, modified, .. } = image;
        Self { relative, bytes, modified, job, end }
    }
}

impl Place {
    /// The server if one was named, otherwise this process.
    pub(super) async fn choose(server: Option<&str>, settings: &Settings) -> Result<Self, Halt> {
        match server {
            Some(url) => Remote::reach(url).await.map(Self::Remote),
            None => Embedded::start(settings).await.map(|embedded| Self::Embedded(Box::new(embedded))),
        }
    }

    /// Images that may be underway at once.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Embedded(embedded) => embedded.width(),
            Self::Remote(_) => Remote::width(),
        }
    }

    /// One image from its file to its result's file below `out`. An error is one that ends the run.
    pub(super) async fn process(
        &self,
        image: Image,
        operation: Operation,
        out: &Path,
    ) -> Result<Finished, Halt> {
        match self {
            Self::Embedded(embedded) => embedded.process(image, operation, out).await,
            Self::Remote(remote) => remote.process(image, operation, out).await,
        }
    }

    /// Ends what was started.
    pub(super) async fn leave(&self) {
        if let Self::Embedded(embedded) = self {
            embedded.stop().await;
        }
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

//! Where an input lies that was not copied.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

/// A file of the machine of the blobs: an absolute path. What lies there counts only while it has the content of its
/// input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(String);

impl Place {
    /// A path that leads from the root down and is UTF-8; others have no place.
    pub fn of(path: &Path) -> Option<Self> {
        let leads_down = |part| matches!(part, Component::RootDir | Component::Normal(_));
        let plain = path.is_absolute() && path.components().all(leads_down);
        path.to_str().filter(|_| plain).map(|text| Self(text.to_owned()))
    }

    /// The path.
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;

    #[test]
    fn a_place_is_a_whole_path_of_plain_text() {
        let place = Place::of(Path::new("/data/grün/a.jpg")).unwrap();
        assert_eq!((place.as_str(), place.path()), ("/data/grün/a.jpg", Path::new("/data/grün/a.jpg")));
        let odd = OsStr::from_bytes(b"/data/caf\xe9.jpg");
        for path in [Path::new("a.jpg"), Path::new("/data/../etc/passwd"), Path::new(odd)] {
            assert_eq!(Place::of(path), None, "{}", path.display());
        }
    }
}

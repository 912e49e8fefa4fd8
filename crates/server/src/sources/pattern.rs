//! Which paths of a folder are meant.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Folder, SourceError};

/// Patterns of one kind.
const MAX_PATTERNS: usize = 100;

/// Characters of one pattern.
const MAX_PATTERN: usize = 1_000;

/// What is meant and what is not.
pub(super) struct Patterns {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Patterns {
    /// Of a folder.
    pub(super) fn new(folder: &Folder) -> Result<Self, SourceError> {
        let include = (!folder.include.is_empty()).then(|| set(&folder.include)).transpose()?;
        Ok(Self { include, exclude: set(&folder.exclude)? })
    }

    /// Whether nothing speaks against it; of a folder, whether to look into it.
    pub(super) fn keep(&self, relative: &Path) -> bool {
        !self.exclude.is_match(relative)
    }

    /// Whether it is asked for.
    pub(super) fn mean(&self, relative: &Path) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(relative))
    }
}

fn set(patterns: &[String]) -> Result<GlobSet, SourceError> {
    let wrong =
        |pattern: &str, why: &str| SourceError::Pattern { pattern: pattern.to_owned(), why: why.to_owned() };
    if let Some(pattern) = patterns.get(MAX_PATTERNS) {
        return Err(wrong(pattern, &format!("there are more than {MAX_PATTERNS}")));
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if pattern.len() > MAX_PATTERN {
            return Err(wrong(pattern.get(..64).unwrap_or_default(), "it is too long"));
        }
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| wrong(pattern, &error.kind().to_string()))?);
    }
    set.build().map_err(|error| wrong(&patterns.join(", "), &error.kind().to_string()))
}

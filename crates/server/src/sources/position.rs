//! How far a source was worked through.

use serde::{Deserialize, Serialize};

use super::ItemPath;

/// How far a source was worked through: kept with the run, and handed to [`super::Sources::open`] to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The place of what comes next.
    pub next: u64,
    /// What came last. A folder is gone on with behind this name, whatever was added or removed meanwhile; an archive
    /// must still have it at that place.
    pub after: Option<ItemPath>,
}

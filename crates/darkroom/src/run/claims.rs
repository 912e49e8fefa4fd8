//! Which image has which name among the results. Two images of an archive may have one name, and `a.png` and `a.png.jpg`
//! both become `a.png.jpg`: the first has it, and for the second that is a failure that is told.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, Hash, RandomState},
    path::Path,
};

use super::finished::Failed;

/// Why an image whose name is taken has no result, as rows have it.
pub(super) const NAME_TAKEN: &str = "name_taken";

/// A few numbers a name, whatever its length. That two of a million names have one number is one chance in 37 million; then
/// the second would be said to be taken.
#[derive(Default)]
pub(super) struct Claims {
    hasher: RandomState,
    /// By name, whose it is.
    owners: HashMap<u64, u64>,
}

/// What an image has of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    All,
    /// All, and another job has given the result of the same image: it was named twice.
    Again,
    /// That of its row, and not those of all its files.
    Row,
    /// Not even that.
    Nothing,
}

impl Claims {
    /// Claims a row for an image of this content, and for the job that gave its result, if it gave one.
    pub(super) fn row(&mut self, source: &str, (blob, job): (&str, Option<&str>)) -> Claimed {
        let result = ("result", source);
        let is_first = |claims: &mut Self| match job {
            Some(job) => claims.take(&result, &job),
            None => !claims.owners.contains_key(&claims.hasher.hash_one(result)),
        };
        if !self.take(&("row", source), &blob) {
            Claimed::Nothing
        } else if is_first(self) {
            Claimed::Row
        } else {
            Claimed::Again
        }
    }

    /// Claims a file for the image of a row.
    pub(super) fn file(&mut self, file: &Path, source: &str) -> bool {
        self.take(&("file", file), &source)
    }

    fn take(&mut self, name: &impl Hash, owner: &impl Hash) -> bool {
        let owner = self.hasher.hash_one(owner);
        match self.owners.entry(self.hasher.hash_one(name)) {
            Entry::Occupied(taken) => *taken.get() == owner,
            Entry::Vacant(free) => {
                free.insert(owner);
                true
            }
        }
    }
}

/// Why there is no result of an image whose name is another's.
pub(super) fn name_taken() -> Failed {
    Failed::new(NAME_TAKEN, &"another image has given a result of this name")
}

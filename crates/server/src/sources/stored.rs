//! Images that are in the blob store already, in the order of their content addresses.
//!
//! The store is a folder of content addresses without names or owners, so a prefix is one of addresses: the images
//! whose SHA-256 begins so, spread evenly, whoever sent them. That is why only those may ask who see everybody's
//! images. What jobs have produced lies there too; whoever works through this leaves it out, by asking which blobs
//! are the input of a job, so that a run never meets what it has made itself.

use std::{fs::File, io};

use darkroom_core::{BlobId, run::SkipReason};

use super::{Fault, ItemPath, SourceError, feed::Feed, item::reason_of};
use crate::blobs::Blobs;

/// Digits of a content address.
const DIGITS: usize = 64;

/// Whether the prefix can begin a content address.
pub(super) fn check(prefix: &str) -> Result<(), SourceError> {
    let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if prefix.len() <= DIGITS && prefix.chars().all(digit) {
        return Ok(());
    }
    let why = format!("content addresses begin with up to {DIGITS} of 0-9 and a-f");
    Err(SourceError::Pattern { pattern: prefix.to_owned(), why })
}

/// Works through what is there behind `feed`'s position. One of the 256 folders is in memory at a time, as names.
pub(super) fn walk(blobs: &Blobs, prefix: &str, feed: &mut Feed) -> Result<(), SourceError> {
    check(prefix)?;
    let after = feed.take_position().and_then(|path| path.as_str().parse::<BlobId>().ok());
    for first in 0..=u8::MAX {
        let folder = hex::encode([first]);
        let means = folder.starts_with(prefix) || prefix.starts_with(&folder);
        if !means || after.is_some_and(|after| after.as_bytes()[0] > first) {
            continue;
        }
        for id in blobs.folder(first)? {
            if id.to_string().starts_with(prefix) && after.is_none_or(|after| id > after) {
                meet(blobs, id, feed)?;
            }
        }
    }
    Ok(())
}

fn meet(blobs: &Blobs, id: BlobId, feed: &mut Feed) -> Result<(), SourceError> {
    let path = ItemPath::below(id.to_string().as_bytes());
    let opened = File::open(blobs.local_path(id)).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((bytes, mut file)) => feed.offer(path, Some(bytes), &mut file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => feed.pass(path, SkipReason::Vanished),
        Err(error) => feed.pass(path, Fault::new(reason_of(&error), error.kind().to_string())),
    }
}

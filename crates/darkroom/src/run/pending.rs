//! Which run of a server the folder of results waits for: the same command goes on with it. The folder knows it before
//! the server does, so that no answer that gets lost makes a second run.

use std::{fs, io, path::Path};

use darkroom_server::disk;
use serde::{Deserialize, Serialize};

use super::export::unwritable;
use crate::halt::Halt;

/// The file's name within the folder of results.
const FILE: &str = "results.pending.json";

/// A run whose results are still to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The server that works on it.
    pub(super) server: String,
    /// The run, once the server has said which it is.
    pub(super) run: Option<String>,
    /// The key that it was asked for under.
    #[serde(default)]
    pub(super) key: String,
    /// What the keys of this folder have of their own, until its results are here.
    #[serde(default)]
    pub(super) salt: String,
    /// A digest of everything that was asked for.
    pub(super) asked: String,
    /// When its images began to be sent, in nanoseconds since 1970: what was changed later is not what was sent.
    pub(super) began: u64,
}

impl Pending {
    /// What the folder waits for, if it waits for what is asked now of this server.
    pub(super) fn of(out: &Path, server: &str, asked: &str) -> Option<Self> {
        let text = fs::read(out.join(FILE)).ok()?;
        let pending: Self = serde_json::from_slice(&text).ok()?;
        (pending.server == server && pending.asked == asked).then_some(pending)
    }

    /// Keeps it, whatever happens to this process or to this machine.
    pub(super) fn keep(&self, out: &Path) -> Result<(), Halt> {
        let path = out.join(FILE);
        self.write(&path).map_err(|error| unwritable(error, &path))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        disk::write(path, &serde_json::to_vec_pretty(self)?, 0o666)
    }

    /// Nothing is waited for any more.
    pub(super) fn forget(out: &Path) -> Result<(), Halt> {
        let path = out.join(FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(error, &path)),
            _ => Ok(()),
        }
    }
}

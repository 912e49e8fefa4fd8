//! Documents of runs, from the server to a file.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use futures_util::StreamExt;

use super::{Asking, Out, Which};
use crate::{file, halt::Halt};

/// A document of a run.
pub(super) struct Document {
    /// What it is called on the wire.
    pub(super) name: &'static str,
    /// Its parameters.
    pub(super) query: Vec<(&'static str, String)>,
    /// Whether people can read it.
    pub(super) text: bool,
}

impl Asking<'_> {
    /// Writes a document of a run to a file, or to standard output.
    pub(super) async fn fetch(&self, document: Document, which: Which, out: Out) -> Result<ExitCode, Halt> {
        if out.file.is_none() && !document.text && io::stdout().is_terminal() {
            return Err(Halt::Usage("a terminal does not show that; name a file with --out".to_owned()));
        }
        let query: Vec<(&str, &str)> =
            document.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pieces = self.client.run_document(&which.id, document.name, &query).await;
        let pieces = pieces.map_err(|error| self.refused(error))?;
        file::save(pieces.map(|piece| piece.map_err(|error| self.refused(error))), out.file.as_deref()).await
    }
}

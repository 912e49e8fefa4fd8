//! Asking a server for a run once: whoever asks again, because the answer got lost on its way, finds the run that there is.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use darkroom_api::{ClientError, Run};
use darkroom_core::BlobId;

use super::{pending::Pending, remote::Remote};
use crate::{
    halt::Halt,
    runs::watch::{PATIENCE, is_away, pause},
    terminal::tell,
};

/// A request for a run, under a key that follows from what is asked for and from what is sent.
pub(super) struct Once {
    pub(super) key: String,
    /// The folder for the results, and what it is to know of the run.
    kept: Option<(PathBuf, Pending)>,
}

impl Once {
    /// The key is that of `asked` and of `listed`, the digests of what is to be done and of the images that there are. A
    /// folder for results has its own: what it holds already is not sent.
    pub(super) fn new((asked, listed): (&str, &str), kept: Option<(&Path, Pending)>) -> Self {
        let salt = kept.as_ref().map_or("", |(_, pending)| &pending.salt);
        let key = digest(&format!("{asked} {listed} {salt}"));
        let kept = kept.map(|(out, pending)| (out.to_owned(), Pending { key: key.clone(), ..pending }));
        Self { key, kept }
    }

    /// The run of the same command that still goes on, where no folder tells of it. One that has ended is not meant:
    /// the models may be others by now, and for what is unchanged a run costs nothing. Its place is taken by the next
    /// key.
    pub(super) async fn going_on(&mut self, remote: &Remote) -> Result<Option<Run>, Halt> {
        if self.kept.is_some() {
            return Ok(None);
        }
        loop {
            let known = remote.client.run_of_key(&self.key).await.map_err(|error| remote.refused(error))?;
            match known {
                Some(run) if run.state.is_final() => self.key = digest(&format!("{} {}", self.key, run.id)),
                known => return Ok(known),
            }
        }
    }

    /// Has the folder know what is asked for, before it is.
    pub(super) fn keep(&self) -> Result<(), Halt> {
        self.kept.as_ref().map_or(Ok(()), |(out, pending)| pending.keep(out))
    }

    /// Nothing is asked for after all.
    pub(super) fn forget(&self) -> Result<(), Halt> {
        self.kept.as_ref().map_or(Ok(()), |(out, _)| Pending::forget(out))
    }

    /// The run, and the folder knows it: that of the answer or, where the connection broke before there was one, what the
    /// server has under the key.
    pub(super) async fn answered(
        mut self,
        remote: &Remote,
        made: Result<Run, ClientError>,
    ) -> Result<Run, Halt> {
        let run = match made {
            Ok(run) => run,
            Err(error) if is_away(&error) => self.found(remote, error).await?,
            Err(error) => {
                self.forget()?;
                return Err(remote.unsent(error));
            }
        };
        if let Some((_, pending)) = &mut self.kept {
            pending.run = Some(run.id.clone());
        }
        self.keep()?;
        Ok(run)
    }

    async fn found(&self, remote: &Remote, error: ClientError) -> Result<Run, Halt> {
        let mut in_vain = 0;
        loop {
            match remote.client.run_of_key(&self.key).await {
                Ok(Some(run)) => {
                    tell("the connection broke before the answer came; the run had begun");
                    return Ok(run);
                }
                Ok(None) => return Err(remote.unsent(error)),
                Err(error) if is_away(&error) && in_vain < PATIENCE => {}
                Err(error) => {
                    let error = anyhow!(error).context("whether the run has begun is not known");
                    return Err(Halt::environment(
                        error,
                        "the same command finds out, and goes on from there",
                    ));
                }
            }
            if in_vain == 0 {
                tell("the server is away; asking again");
            }
            in_vain += 1;
            tokio::time::sleep(pause(in_vain)).await;
        }
    }
}

fn digest(text: &str) -> String {
    BlobId::of(text.as_bytes()).to_string()
}

//! The work on a server: upload, wait, download.

use std::{path::Path, thread, time::Duration};

use darkroom_api::{
    Client, ClientError,
    client::{Options, Upload},
};
use darkroom_core::{BlobId, Operation};

use super::{
    finished::{Failed, Finished, Made, Written, result_path},
    sources::Image,
};
use crate::{client, halt::Halt};

/// How long one request waits for its job.
const WAIT: Duration = Duration::from_secs(30);

/// How often a server that is busy or restarting is asked again before the run is given up.
const PATIENCE: u32 = 60;

/// Waits between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A server that answers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Remote {
    client: Client,
    url: String,
}

impl Remote {
    /// Makes sure that there is a server.
    pub(super) async fn reach(url: &str) -> Result<Self, Halt> {
        let refused = |error| unreachable(error, url);
        let client = client::connect(url).map_err(|error| Halt::Usage(error.to_string()))?;
        client.version().await.map_err(refused)?;
        Ok(Self { client, url: url.to_owned() })
    }

    /// Enough to keep the network and the server busy, few enough to be no burden.
    pub(super) fn width() -> usize {
        thread::available_parallelism().map_or(4, |n| 4 * n.get()).clamp(8, 32)
    }

    /// One image from its file to its result's file below `out`. An error is one that ends the run.
    pub(super) async fn process(
        &self,
        image: Image,
        operation: Operation,
        out: &Path,
    ) -> Result<Finished, Halt> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(&image, operation.clone(), out).await {
                Ok((job, end)) => return Ok(Finished::of(image, Some(job), end)),
                Err(error) => match (error.retry_after(), &error) {
                    (Some(pause), _) if tries < PATIENCE => tokio::time::sleep(pause.min(LONGEST_WAIT)).await,
                    (None, ClientError::Io(io)) => {
                        let end = Err(Failed::new("unreadable", io));
                        return Ok(Finished::of(image, None, end));
                    }
                    // The server's word on whoever asks: every other image would fare the same.
                    (None, ClientError::Problem { problem, .. }) if matches!(problem.status, 401 | 403) => {
                        return Err(client::refused(error, &self.url));
                    }
                    // The server's word on this image: it would say the same again.
                    (None, ClientError::Problem { problem, .. }) if problem.status < 500 => {
                        let end = Err(Failed::new(problem.code.as_str(), &problem.detail));
                        return Ok(Finished::of(image, None, end));
                    }
                    _ => return Err(unreachable(error, &self.url)),
                },
            }
        }
    }

    async fn attempt(
        &self,
        image: &Image,
        operation: Operation,
        out: &Path,
    ) -> Result<(String, Result<Made, Failed>), ClientError> {
        let key = format!(
            "{}\n{}\n{}\n{}",
            image.path.display(),
            image.bytes,
            image.modified,
            super::rows::digest(&operation)
        );
        let options = Options {
            wait: Some(WAIT),
            idempotency_key: Some(format!("run-{}", BlobId::of(key.as_bytes()))),
            ..Options::default()
        };
        let upload = Upload::file(&image.path, vec![operation]);
        let mut job = self.client.submit(upload, &options).await?;
        if !job.summary.state.is_final() {
            job = self.client.wait(&job.summary.id).await?;
        }
        let id = job.summary.id.clone();
        let Some(result) = job.results.first() else {
            let failed = match job.summary.failure {
                Some(failure) => Failed::new(&word(&failure.kind), &failure.message),
                None => Failed::new(&job.summary.state.to_string(), &"the job was stopped"),
            };
            return Ok((id, Err(failed)));
        };
        let mut files = Vec::with_capacity(result.artifacts.len());
        for artifact in &result.artifacts {
            let path = result_path(&image.relative, &artifact.name);
            let to = out.join(&path);
            if let Some(folder) = to.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            self.client.download(&id, &artifact.name, &to).await?;
            files.push(Written { path, bytes: artifact.bytes });
        }
        let work_us = job.attempts.last().map_or(0, |attempt| attempt.timings.work_us);
        Ok((id, Ok(Made { files, document: result.document.clone(), work_us, cached: result.cached })))
    }
}

/// A word of the API as it is on the wire.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("internal").to_owned()
}

fn unreachable(error: ClientError, url: &str) -> Halt {
    Halt::environment(
        anyhow::Error::new(error).context(url.to_owned()),
        "is the server running there? start one with `darkroom serve`",
    )
}

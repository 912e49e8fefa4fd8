//! Runs: making, looking at and changing them, and what they have given.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use reqwest::{
    Method,
    multipart::{Form, Part},
};

use super::{Client, ClientError, run_path, sending::Sent};
use crate::{Run, RunAggregates, RunGroups, RunItem, RunPage, RunRequest};

/// What has a repeated request give the run of the first one.
const KEY: &str = "Idempotency-Key";

/// An archive on its way to a server.
#[derive(Debug)]
pub struct ArchiveUpload {
    content: Content,
    name: String,
    key: Option<String>,
    sent: Sent,
}

enum Content {
    Bytes(Bytes),
    File(PathBuf),
    Pieces(BoxStream<'static, io::Result<Bytes>>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pieces(_) => f.write_str("Pieces"),
        }
    }
}

impl ArchiveUpload {
    /// Bytes in memory, under this file name.
    pub fn bytes(content: impl Into<Bytes>, name: impl Into<String>) -> Self {
        Self { content: Content::Bytes(content.into()), name: name.into(), key: None, sent: Sent::default() }
    }

    /// A file, which is read while it is sent.
    pub fn file(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { content: Content::File(path.to_owned()), name, key: None, sent: Sent::default() }
    }

    /// An archive that is made while it is sent. An error among its pieces breaks the request off, so that the server
    /// takes none of it.
    pub fn pieces(
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        name: impl Into<String>,
    ) -> Self {
        Self { content: Content::Pieces(pieces.boxed()), name: name.into(), key: None, sent: Sent::default() }
    }

    /// The same, and `told` hears of every piece of a file or stream that leaves, in bytes.
    #[must_use]
    pub fn telling(self, told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { sent: Sent::telling(told), ..self }
    }

    /// The same, to be taken once under this idempotency key: 1 to 255 visible characters. Sent again, it gives the run that
    /// it made the first time.
    #[must_use]
    pub fn once(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    async fn into_part(self) -> Result<Part, ClientError> {
        let part = match self.content {
            Content::Bytes(bytes) => Part::stream(bytes),
            Content::File(path) => self.sent.file(&path).await?,
            Content::Pieces(pieces) => Part::stream(self.sent.body(pieces)),
        };
        Ok(part.file_name(self.name))
    }
}

impl Client {
    /// Makes a run.
    pub async fn make_run(&self, request: &RunRequest) -> Result<Run, ClientError> {
        self.json(self.request(Method::POST, "/v1/runs").json(request)).await
    }

    /// The same, once under this idempotency key, see [`ArchiveUpload::once`].
    pub async fn make_run_once(&self, request: &RunRequest, key: &str) -> Result<Run, ClientError> {
        self.json(self.request(Method::POST, "/v1/runs").header(KEY, key).json(request)).await
    }

    /// The caller's run that was asked for under this idempotency key.
    pub async fn run_of_key(&self, key: &str) -> Result<Option<Run>, ClientError> {
        let asked = self.request(Method::GET, "/v1/runs").query(&[("idempotency_key", key)]);
        Ok(self.json::<RunPage>(asked).await?.runs.pop())
    }

    /// Makes a run of an archive that is sent along: the source of `request` is an archive at
    /// [`crate::ArchivePlace::Upload`]. It is streamed, never in memory as a whole.
    pub async fn make_run_of(
        &self,
        request: &RunRequest,
        archive: ArchiveUpload,
    ) -> Result<Run, ClientError> {
        let run =
            serde_json::to_string(request).map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let (sent, key) = (archive.sent.clone(), archive.key.clone());
        let form = Form::new().text("run", run).part("archive", archive.into_part().await?);
        let request = self.request_by(&self.uploads, Method::POST, "/v1/runs").multipart(form);
        let request = key.into_iter().fold(request, |request, key| request.header(KEY, key));
        self.upload(request, &sent).await
    }

    /// One run.
    pub async fn run(&self, id: &str) -> Result<Run, ClientError> {
        self.json(self.request(Method::GET, &run_path(id, ""))).await
    }

    /// The run once it has ended.
    pub async fn wait_for_run(&self, id: &str) -> Result<Run, ClientError> {
        loop {
            let events = self.send(self.request(Method::GET, &run_path(id, "/events"))).await?;
            let mut events = events.bytes_stream();
            while let Some(Ok(_)) = events.next().await {}
            let run = self.run(id).await?;
            if run.state.is_final() {
                return Ok(run);
            }
        }
    }

    /// A part of the list of runs, newest first; `states` empty is any.
    pub async fn runs(&self, states: &[&str], cursor: Option<&str>) -> Result<RunPage, ClientError> {
        let states = Some(states.join(",")).filter(|states| !states.is_empty());
        let query = [("state", states), ("cursor", cursor.map(ToOwned::to_owned))];
        let given: Vec<_> =
            query.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        self.json(self.request(Method::GET, "/v1/runs").query(&given)).await
    }

    /// What to do with a run: `pause`, `resume`, `cancel`, `retry-failed` or `redo`.
    pub async fn change_run(&self, id: &str, what: &str) -> Result<Run, ClientError> {
        let path = run_path(id, &format!("/{}", super::escape_segment(what)));
        self.json(self.request(Method::POST, &path)).await
    }

    /// Deletes a run with everything in it.
    pub async fn delete_run(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &run_path(id, ""))).await.map(drop)
    }

    /// What a run has gathered so far.
    pub async fn aggregates(&self, id: &str) -> Result<RunAggregates, ClientError> {
        self.json(self.request(Method::GET, &run_path(id, "/aggregate"))).await
    }

    /// A part of the groups of the first aggregate of a run that has groups, by name.
    pub async fn run_groups(&self, id: &str, cursor: Option<&str>) -> Result<RunGroups, ClientError> {
        let given: Vec<_> = cursor.into_iter().map(|cursor| ("cursor", cursor)).collect();
        self.json(self.request(Method::GET, &run_path(id, "/groups")).query(&given)).await
    }

    /// The images of a run with what came of them, as lines of JSON, chunk by chunk.
    pub async fn run_results(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        self.stream(&run_path(id, "/results")).await
    }

    /// The images of a run with what came of them, in the order of the source, one by one.
    pub async fn run_items(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Result<RunItem, ClientError>> + use<>, ClientError> {
        Ok(super::lines::of(self.run_results(id).await?).map(|line| {
            serde_json::from_slice(&line?).map_err(|error| ClientError::Unexpected(error.to_string()))
        }))
    }

    /// The face embeddings of a run as a matrix in `NumPy`'s format, chunk by chunk.
    pub async fn run_embeddings(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        self.stream(&run_path(id, "/embeddings")).await
    }

    /// The report of a run as one page of HTML.
    pub async fn run_report(&self, id: &str) -> Result<Bytes, ClientError> {
        let response = self.send(self.request(Method::GET, &run_path(id, "/report"))).await?;
        response.bytes().await.map_err(ClientError::Transport)
    }

    async fn stream(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        Ok(response.bytes_stream().map(|chunk| chunk.map_err(ClientError::Transport)))
    }
}

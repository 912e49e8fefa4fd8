//! Runs: what goes beyond a question and its answer as JSON.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use reqwest::{
    Body, Method, Response,
    multipart::{Form, Part},
};
use tokio_util::io::ReaderStream;

use super::{Client, ClientError, run_path};
use crate::{Run, RunRequest};

/// Bytes that are read from an archive at a time.
const CHUNK: usize = 256 << 10;

/// Bytes of one event at most; what is longer is none of a run.
const MAX_EVENT: usize = 4 << 20;

impl Client {
    /// Makes a run of an archive on this machine, which is read while it is sent. The source of `request` says that it
    /// is an upload.
    pub async fn upload_run(&self, request: &RunRequest, archive: &Path) -> Result<Run, ClientError> {
        let file = tokio::fs::File::open(archive).await?;
        let bytes = file.metadata().await?.len();
        let name = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let content = Body::wrap_stream(ReaderStream::with_capacity(file, CHUNK));
        let run =
            serde_json::to_string(request).map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let run = Part::text(run).mime_str("application/json").map_err(ClientError::Transport)?;
        let archive = Part::stream_with_length(content, bytes).file_name(name);
        let form = Form::new().part("run", run).part("archive", archive);
        self.json(self.request(Method::POST, "/v1/runs").multipart(form)).await
    }

    /// The run again and again, as it changes, until it has ended or the connection breaks: then whoever wants to know
    /// more asks again.
    pub async fn follow_run(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Result<Run, ClientError>> + use<>, ClientError> {
        let response = self.send(self.request(Method::GET, &run_path(id, "/events"))).await?;
        Ok(events(response).map(|data| {
            let run = serde_json::from_slice(&data?);
            run.map_err(|error| ClientError::Unexpected(error.to_string()))
        }))
    }

    /// A document of a run, chunk by chunk: `results`, `aggregate`, `report` or `embeddings`, with its parameters.
    pub async fn run_document(
        &self,
        id: &str,
        document: &str,
        query: &[(&str, &str)],
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        let path = run_path(id, &format!("/{}", crate::job::escape_segment(document)));
        let response = self.send(self.request(Method::GET, &path).query(query)).await?;
        Ok(response.bytes_stream().map(|chunk| chunk.map_err(ClientError::Transport)))
    }
}

/// The data of server-sent events (HTML, 9.2.6), of those that have some.
fn events(response: Response) -> impl Stream<Item = Result<Vec<u8>, ClientError>> {
    let begun = (Box::pin(response.bytes_stream()), BytesMut::new());
    stream::try_unfold(begun, async |(mut chunks, mut text)| {
        loop {
            while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                let data = data(&text.split_to(end + 2));
                if !data.is_empty() {
                    return Ok(Some((data, (chunks, text))));
                }
            }
            if text.len() > MAX_EVENT {
                return Err(ClientError::Unexpected("an event is too long".to_owned()));
            }
            match chunks.next().await {
                Some(chunk) => text.extend_from_slice(&chunk.map_err(ClientError::Transport)?),
                None => return Ok(None),
            }
        }
    })
}

fn data(event: &[u8]) -> Vec<u8> {
    let lines = event.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    let lines: Vec<&[u8]> = lines.map(|line| line.strip_prefix(b" ").unwrap_or(line)).collect();
    lines.join(&b'\n')
}

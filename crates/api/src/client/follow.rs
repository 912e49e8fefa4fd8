//! Following a run, and its documents.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use reqwest::{Method, Response};

use super::{Client, ClientError, escape_segment, run_path};
use crate::Run;

/// Bytes of one event at most; what is longer is none of a run.
const MAX_EVENT: usize = 4 << 20;

impl Client {
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
        let path = run_path(id, &format!("/{}", escape_segment(document)));
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

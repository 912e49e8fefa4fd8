//! Sending files for as long as that takes, and knowing how far that is.

use std::{
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{Body, RequestBuilder, multipart::Part};
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;

use super::{Client, ClientError, SILENCE};

/// Bytes that are read from a file at a time.
const CHUNK: usize = 256 << 10;

/// What has left so far, and who is told.
#[derive(Clone, Default)]
pub(super) struct Sent {
    bytes: Arc<AtomicU64>,
    told: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sent").field(&self.bytes).finish()
    }
}

impl Sent {
    /// Tells of every piece that leaves, in bytes.
    pub(super) fn telling(told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), ..Self::default() }
    }

    /// A body whose pieces are counted when they leave.
    pub(super) fn body(&self, pieces: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Body {
        let sent = self.clone();
        Body::wrap_stream(pieces.inspect(move |piece| {
            let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
            sent.bytes.fetch_add(bytes, Ordering::Relaxed);
            if let Some(told) = &sent.told {
                told(bytes);
            }
        }))
    }

    /// A file as a part of a form, read while it is sent.
    pub(super) async fn file(&self, path: &Path) -> Result<Part, ClientError> {
        let file = tokio::fs::File::open(path).await?;
        let length = file.metadata().await?.len();
        Ok(Part::stream_with_length(self.body(ReaderStream::with_capacity(file, CHUNK)), length))
    }
}

impl Client {
    /// Sends something large. It may take hours, but must not stand still: the time-out of other requests is one of
    /// silence from their beginning, which an upload would meet in the middle.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        sent: &Sent,
    ) -> Result<T, ClientError> {
        let mut answer = pin!(self.json(request));
        loop {
            let before = sent.bytes.load(Ordering::Relaxed);
            match tokio::time::timeout(SILENCE, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) if sent.bytes.load(Ordering::Relaxed) == before => return Err(ClientError::Stalled),
                Err(_) => {}
            }
        }
    }
}

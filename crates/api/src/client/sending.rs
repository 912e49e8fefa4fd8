//! Sending files for as long as that takes, and knowing how far that is.

use std::{
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{Body, RequestBuilder, multipart::Part};
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;

use super::{Client, ClientError};

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
        watched(self.json(request), sent, self.silence).await
    }
}

/// The answer to an upload, unless nothing of it has left for this long.
async fn watched<T>(
    answer: impl Future<Output = Result<T, ClientError>>,
    sent: &Sent,
    silence: Duration,
) -> Result<T, ClientError> {
    let mut answer = pin!(answer);
    loop {
        let before = sent.bytes.load(Ordering::Relaxed);
        match tokio::time::timeout(silence, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) if sent.bytes.load(Ordering::Relaxed) == before => return Err(ClientError::Stalled),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future, task::Poll};

    use futures_util::stream;
    use tokio::net::TcpListener;

    use super::*;
    use crate::client::ArchiveUpload;

    /// Short, so that it is over again and again while something is sent.
    const SHORT: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn an_upload_may_take_any_time_while_something_leaves() {
        let sent = Sent::default();
        let mut looks = 0;
        let slow = future::poll_fn(|_| {
            sent.bytes.fetch_add(1, Ordering::Relaxed);
            looks += 1;
            if looks < 60 { Poll::Pending } else { Poll::Ready(Ok("taken")) }
        });
        assert_eq!(watched(slow, &sent, SHORT).await.unwrap(), "taken");
    }

    #[tokio::test]
    async fn an_upload_that_stands_still_is_given_up() {
        let sent = Sent::default();
        let mut looks = 0;
        let stands = future::poll_fn(|_| {
            looks += 1;
            if looks < 20 {
                sent.bytes.fetch_add(1, Ordering::Relaxed);
            }
            Poll::<Result<(), ClientError>>::Pending
        });
        assert!(matches!(watched(stands, &sent, SHORT).await, Err(ClientError::Stalled)));
        assert!(looks >= 20, "not while something left: {looks}");
    }

    /// It accepts the connection, and never reads.
    #[tokio::test]
    async fn a_server_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let deaf = tokio::spawn(async move {
            let _connection = listener.accept().await.unwrap();
            future::pending::<()>().await;
        });
        let client = Client { silence: Duration::from_millis(200), ..Client::new(&address).unwrap() };
        let endless = stream::repeat_with(|| Ok(Bytes::from(vec![0; 64 << 10])));
        let request = r#"{"source":{"kind":"archive","at":"upload"},"operations":[{"op":"digit"}]}"#;
        let request = serde_json::from_str(request).unwrap();
        let made = client.make_run_of(&request, ArchiveUpload::pieces(endless, "a.tar")).await;
        assert!(matches!(made, Err(ClientError::Stalled)), "{made:?}");
        deaf.abort();
    }
}

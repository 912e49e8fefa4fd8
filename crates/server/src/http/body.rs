//! Bodies that come in, bounded in pause, pace and size.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use darkroom_api::Code;
use futures_util::StreamExt;

use super::failure::Failure;

/// A body must come at this many bytes a second on the average, once it has taken longer than it may pause.
/// Otherwise a client that sends a byte now and then holds its place for days.
const SLOWEST: u64 = 1_024;

/// A body, chunk by chunk.
pub(super) struct Incoming {
    stream: BodyDataStream,
    pause: Duration,
    since: Instant,
    bytes: u64,
}

impl Incoming {
    pub(super) fn new(body: Body, pause: Duration) -> Self {
        Self { stream: body.into_data_stream(), pause, since: Instant::now(), bytes: 0 }
    }

    /// The next chunk; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let next = tokio::time::timeout(self.pause, self.stream.next()).await;
        match next.map_err(|_| Failure::plain(Code::RequestTimeout))? {
            None => Ok(None),
            Some(Err(_)) => Err(Failure::new(Code::MalformedBody, "The body ended before it was complete.")),
            Some(Ok(chunk)) => {
                self.bytes += chunk.len() as u64;
                self.check_pace()?;
                Ok(Some(chunk))
            }
        }
    }

    /// The whole body, for kinds that are read at once.
    pub(super) async fn read(&mut self, cap: usize) -> Result<Vec<u8>, Failure> {
        let mut read = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if read.len() + chunk.len() > cap {
                return Err(Failure::new(
                    Code::BodyTooLarge,
                    format!("The body is larger than {cap} bytes."),
                ));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read)
    }

    fn check_pace(&self) -> Result<(), Failure> {
        let taken = self.since.elapsed();
        let slow = taken > self.pause && self.bytes < taken.as_secs() * SLOWEST;
        if slow { Err(Failure::plain(Code::RequestTimeout)) } else { Ok(()) }
    }
}

//! The body of a question: read as a whole, inflated if it came compressed, and within its bounds at every step.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use darkroom_api::Code;
use tokio::sync::OwnedSemaphorePermit;

use super::compression::{Compression, Inflating};
use crate::http::{Http, body::Incoming, failure::Failure, intake::length};

/// A body as it came.
pub(super) struct Sent {
    bytes: Vec<u8>,
    compression: Option<Compression>,
    room: Room,
}

/// A body as it is meant. Its room in memory is given back with it.
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    _room: Room,
}

/// Room in memory that grows with what is held: a client that says much and sends little takes little.
struct Room {
    http: Http,
    held: Option<OwnedSemaphorePermit>,
}

/// Reads the body.
pub(super) async fn read(http: &Http, headers: &HeaderMap, body: Body) -> Result<Sent, Failure> {
    let compression = compression(headers)?;
    let cap = cap(http);
    let said = length(headers);
    if said.is_some_and(|said| said > cap) {
        return Err(too_large(cap));
    }
    let mut incoming = Incoming::new(body, http.config.body_timeout);
    let mut room = Room { http: http.clone(), held: None };
    let mut bytes = Vec::new();
    while let Some(chunk) = incoming.chunk().await? {
        if bytes.len() + chunk.len() > cap {
            return Err(too_large(cap));
        }
        room.take(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(Sent { bytes, compression, room })
}

impl Sent {
    /// Bytes that came.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Undoes the compression. What comes out counts against the bound of the body. Blocks.
    pub(super) fn inflated(self) -> Result<Read, Failure> {
        let Self { bytes, compression, mut room } = self;
        let Some(compression) = compression else { return Ok(Read { bytes, _room: room }) };
        let cap = cap(&room.http);
        let mut inflating = Inflating::new(compression, &bytes);
        let mut inflated = Vec::new();
        loop {
            let piece = inflating.piece().map_err(|error| {
                let words = format!("The body is not {}: {error}.", compression.name());
                Failure::new(Code::MalformedBody, words)
            })?;
            if piece.is_empty() {
                break;
            }
            if inflated.len() + piece.len() > cap {
                return Err(too_large(cap));
            }
            room.take(piece.len())?;
            inflated.extend_from_slice(piece);
        }
        Ok(Read { bytes: inflated, _room: room })
    }
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        let more = self.http.json_permit(bytes)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

fn cap(http: &Http) -> usize {
    usize::try_from(http.config.max_infer_body.bytes()).unwrap_or(usize::MAX)
}

fn too_large(cap: usize) -> Failure {
    Failure::new(Code::BodyTooLarge, format!("The body is larger than {cap} bytes."))
}

fn compression(headers: &HeaderMap) -> Result<Option<Compression>, Failure> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(None) };
    let name = encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "" | "identity" => Ok(None),
        name => Compression::named(name).map(Some).ok_or_else(|| {
            let words = format!("The Content-Encoding `{name}` is not taken here; gzip and deflate are.");
            Failure::new(Code::UnsupportedMediaType, words)
        }),
    }
}

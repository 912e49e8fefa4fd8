//! The classic services: the same jobs under the addresses and in the words that old clients know.

pub(super) mod average_face;
pub(super) mod classifier;
pub(super) mod digit;
pub(super) mod resize;
pub(super) mod thumbnail;

use axum::extract::Request;
use darkroom_core::job::{FileName, Input};

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::Failure,
    intake::{content_type, store_part},
    multipart::Multipart,
};
use crate::blobs::Stored;

/// Longest file name, in bytes, that is taken over into an artifact's name.
const MAX_STEM: usize = 80;

/// What came as the field `file`.
enum Upload {
    /// There is no such field, or no form at all.
    Absent,
    /// The field came with an empty name, as browsers send it when nobody chose a file.
    Unnamed,
    /// The field came with a name that is not to be taken.
    Refused,
    /// Stored.
    Taken(File),
}

/// A stored upload.
struct File {
    name: FileName,
    stored: Stored,
}

/// Takes the field `file` out of a form; `accepts` says by the name whether it is read at all.
async fn file(
    http: &Http,
    caller: &Caller,
    request: Request,
    accepts: fn(&FileName) -> bool,
) -> Result<Upload, Failure> {
    http.quotas.charge_bytes(caller, 0, http.now())?;
    let (head, body) = request.into_parts();
    let body = Incoming::new(body, http.config.body_timeout);
    let Ok(mut parts) = Multipart::new(&content_type(&head.headers), body) else { return Ok(Upload::Absent) };
    while let Some(part) = parts.next_part().await? {
        let ("file", Some(sent)) = (part.name.as_str(), part.file_name) else { continue };
        let Some(name) = FileName::clean(&sent) else { return Ok(Upload::Unnamed) };
        if !accepts(&name) {
            return Ok(Upload::Refused);
        }
        let stored = store_part(http, &mut parts).await?;
        http.charge_stored(caller, &stored).await?;
        // The rest is read so that the client can finish before it is answered.
        while parts.next_part().await?.is_some() {}
        return Ok(Upload::Taken(File { name, stored }));
    }
    Ok(Upload::Absent)
}

impl File {
    /// The upload as a job's input. The classic services take what is no image, too: its job fails.
    fn input(&self) -> Input {
        Input {
            blob: self.stored.id,
            bytes: self.stored.bytes,
            media_type: "application/octet-stream".to_owned(),
            name: Some(self.name.clone()),
            place: None,
        }
    }

    /// The name without its extension, as far as an artifact may be called so.
    fn artifact_stem(&self) -> String {
        let plain = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
        let mut stem = String::new();
        for c in self.name.stem().chars().map(plain) {
            if stem.len() + c.len_utf8() > MAX_STEM {
                break;
            }
            stem.push(c);
        }
        let trimmed = stem.trim_start_matches('.');
        if trimmed.is_empty() { "image".to_owned() } else { trimmed.to_owned() }
    }
}

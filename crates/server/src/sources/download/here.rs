//! What is there of an archive, and what a server's answer adds to it.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};

use super::{Break, blocking, retry};
use crate::sources::{SourceError, spool::Note};

/// What is there of an archive.
pub(super) struct Here {
    pub(super) bytes: u64,
    pub(super) note: Note,
    pub(super) file: Arc<File>,
}

/// What the server sends.
pub(super) enum Answer {
    /// What is missing.
    FromHere,
    /// Everything, again.
    FromStart,
    /// Nothing is missing.
    Whole,
}

impl Here {
    /// Headers that ask for what is missing, of the same archive.
    pub(super) fn conditions(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.bytes > 0 {
            if let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.bytes)) {
                headers.insert(header::RANGE, range);
            }
            if let Some(Ok(validator)) = self.note.validator.as_deref().map(HeaderValue::try_from) {
                headers.insert(header::IF_RANGE, validator);
            }
        }
        headers
    }

    /// What the answer brings; learns size and validator from the first one.
    pub(super) fn understand(&mut self, response: &Response) -> Result<Answer, Break> {
        let validator = validator(response.headers());
        match response.status() {
            StatusCode::OK => {
                let size = response.content_length();
                self.same(size, validator.as_deref())?;
                self.note.size = self.note.size.or(size);
                self.note.validator = self.note.validator.take().or(validator);
                Ok(if self.bytes == 0 { Answer::FromHere } else { Answer::FromStart })
            }
            StatusCode::PARTIAL_CONTENT => {
                let (start, size) = content_range(response.headers())
                    .ok_or_else(|| retry("it does not say which part it sends"))?;
                if start != Some(self.bytes) {
                    return Err(retry("it sends another part than it was asked for"));
                }
                self.same(size, validator.as_deref())?;
                self.note.size = self.note.size.or(size);
                Ok(Answer::FromHere)
            }
            StatusCode::RANGE_NOT_SATISFIABLE if self.bytes > 0 => match content_range(response.headers()) {
                Some((_, Some(size))) if size == self.bytes => Ok(Answer::Whole),
                Some((_, Some(_))) => Err(SourceError::Changed.into()),
                _ => Err(retry("it refuses to send the rest")),
            },
            status => {
                // The number, with its name where it has one.
                let why = format!(
                    "its server answers {}",
                    status.to_string().trim_end_matches(" <unknown status code>")
                );
                let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
                if passes {
                    Err(Break::Retry(why, retry_after(response.headers())))
                } else {
                    Err(SourceError::NotServed(why).into())
                }
            }
        }
    }

    /// Whether it is the archive that it was. Nothing is compared that either side does not tell.
    fn same(&self, size: Option<u64>, validator: Option<&str>) -> Result<(), SourceError> {
        let differ = self.note.size.zip(size).is_some_and(|(a, b)| a != b)
            || self.note.validator.as_deref().zip(validator).is_some_and(|(a, b)| a != b);
        if self.bytes > 0 && differ { Err(SourceError::Changed) } else { Ok(()) }
    }

    /// Compares what is sent again with what is there; what is left is new.
    pub(super) async fn compare(&self, compared: &mut u64, mut chunk: Bytes) -> Result<Bytes, Break> {
        let again = self.bytes.saturating_sub(*compared).min(chunk.len() as u64) as usize;
        if again > 0 {
            let (file, sent, at) = (Arc::clone(&self.file), chunk.split_to(again), *compared);
            let same = blocking(move || {
                let mut kept = vec![0; sent.len()];
                file.read_exact_at(&mut kept, at)?;
                Ok(kept == sent)
            });
            if !same.await? {
                return Err(SourceError::Changed.into());
            }
        }
        *compared += again as u64 + chunk.len() as u64;
        Ok(chunk)
    }

    /// Forgets what is there: the server has another archive now.
    pub(super) async fn empty(&mut self) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        blocking(move || file.set_len(0)).await?;
        self.bytes = 0;
        self.note = Note { url: std::mem::take(&mut self.note.url), ..Note::default() };
        Ok(())
    }

    pub(super) async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        self.bytes += chunk.len() as u64;
        let before = self.bytes - chunk.len() as u64;
        blocking(move || {
            (&*file).write_all(&chunk).inspect_err(|_| {
                // Half a chunk is worse than none.
                let _ = file.set_len(before);
            })
        })
        .await
        .inspect_err(|_| self.bytes = before)
    }
}

/// What tells whether an archive is still the same: a strong entity tag, else the time of its last change (RFC 9110,
/// 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    text(header::ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(header::LAST_MODIFIED))
}

/// Where a part begins, and the size of the whole: `bytes 5-9/10`, `bytes */10`, `bytes 5-9/*`.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim().strip_prefix("bytes")?.trim();
    let (range, size) = text.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    Some((start, size.trim().parse().ok()))
}

/// When to ask again: seconds, or a date (RFC 9110, 10.2.3), which counts by the server's own clock. One that is over is
/// now.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let date = |text| httpdate::parse_http_date(text).ok();
    let after = text(header::RETRY_AFTER)?;
    match after.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(date(after)?.duration_since(date(text(header::DATE)?)?).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_to_ask_again_in_seconds_or_by_a_date() {
        let cases = [
            ("7", Some(7)),
            ("Sun, 22 Nov 2026 01:00:30 GMT", Some(30)),
            ("Sun, 22 Nov 2026 00:59:00 GMT", Some(0)),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
            headers.insert(header::DATE, HeaderValue::from_static("Sun, 22 Nov 2026 01:00:00 GMT"));
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{text}");
        }
    }
}

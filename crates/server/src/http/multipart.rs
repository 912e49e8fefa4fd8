//! `multipart/form-data` (RFC 7578) as a stream: no part is ever in memory as a whole, and no head, name or number of
//! parts is without a bound.

use bytes::{Buf, Bytes, BytesMut};
use darkroom_api::Code;
use memchr::memmem;

use super::{body::Incoming, failure::Failure};

/// Bytes of the head of one part at most.
const MAX_HEAD: usize = 8 << 10;

/// Parts of one body at most.
const MAX_PARTS: usize = 32;

/// What a part says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PartHead {
    /// The field that it fills.
    pub(super) name: String,
    /// The name of the file, if it is one; may be empty.
    pub(super) file_name: Option<String>,
}

/// A body, part by part.
pub(super) struct Multipart {
    body: Incoming,
    /// What ends a part: a line break, two hyphens, the boundary.
    delimiter: memmem::Finder<'static>,
    buffer: BytesMut,
    place: Place,
    parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Inside of a part (or of what comes before the first): its end is still to come.
    Inside,
    /// Right after a delimiter.
    Between,
    /// After the last delimiter.
    End,
}

impl Multipart {
    /// Reads `body` as its Content-Type says.
    pub(super) fn new(content_type: &str, body: Incoming) -> Result<Self, Failure> {
        let boundary =
            boundary(content_type).ok_or_else(|| malformed("the Content-Type has no usable boundary"))?;
        // The body may begin with the first delimiter, whose line break is then missing.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = memmem::Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        Ok(Self { body, delimiter, buffer, place: Place::Inside, parts: 0 })
    }

    /// The head of the next part; what is left of the current one is skipped. `None` after the last.
    pub(super) async fn next_part(&mut self) -> Result<Option<PartHead>, Failure> {
        while self.place == Place::Inside {
            self.chunk().await?;
        }
        if self.place == Place::End || self.is_last().await? {
            self.place = Place::End;
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(malformed(format!("there are more than {MAX_PARTS} parts")));
        }
        let end = self.find_in_head(b"\r\n\r\n").await?;
        let head = self.buffer.split_to(end);
        self.buffer.advance(4);
        self.place = Place::Inside;
        part_head(&String::from_utf8_lossy(&head)).map(Some)
    }

    /// The next bytes of the current part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.place != Place::Inside {
            return Ok(None);
        }
        loop {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                let rest = self.buffer.split_to(at).freeze();
                if rest.is_empty() {
                    self.buffer.advance(self.delimiter.needle().len());
                    self.place = Place::Between;
                    return Ok(None);
                }
                return Ok(Some(rest));
            }
            // The last bytes may be the beginning of the delimiter.
            let sure = self.buffer.len().saturating_sub(self.delimiter.needle().len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.fill().await?;
        }
    }

    /// The whole of the current part as text.
    pub(super) async fn text(&mut self, cap: usize) -> Result<String, Failure> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > cap {
                return Err(Failure::new(Code::BodyTooLarge, format!("A field is larger than {cap} bytes.")));
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).map_err(|_| malformed("a field is not UTF-8"))
    }

    /// Whether the delimiter that was just read is the last one. Otherwise the buffer begins with a line break.
    async fn is_last(&mut self) -> Result<bool, Failure> {
        while self.buffer.len() < 2 {
            self.fill().await?;
        }
        if self.buffer.starts_with(b"--") {
            // What follows means nothing (RFC 2046, 5.1.1), but is read, so that the connection can be used again.
            while self.body.chunk().await?.is_some() {}
            return Ok(true);
        }
        let line = self.find_in_head(b"\r\n").await?;
        if !self.buffer[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(malformed("a boundary is followed by something else"));
        }
        self.buffer.advance(line);
        Ok(false)
    }

    async fn find_in_head(&mut self, what: &[u8]) -> Result<usize, Failure> {
        loop {
            if let Some(at) = memmem::find(&self.buffer[..self.buffer.len().min(MAX_HEAD)], what) {
                return Ok(at);
            }
            if self.buffer.len() >= MAX_HEAD {
                return Err(malformed("the head of a part is too long"));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        match self.body.chunk().await? {
            Some(chunk) => self.buffer.extend_from_slice(&chunk),
            None => return Err(malformed("the body ended before its last boundary")),
        }
        Ok(())
    }
}

fn malformed(what: impl std::fmt::Display) -> Failure {
    Failure::new(Code::MalformedBody, format!("This is not multipart/form-data: {what}."))
}

/// The boundary that a Content-Type names: 1 to 70 characters (RFC 2046, 5.1.1).
fn boundary(content_type: &str) -> Option<String> {
    let (_, parameters) = content_type.split_once(';')?;
    let boundary = parameter(parameters, "boundary")?;
    let usable = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    ((1..=70).contains(&boundary.len()) && boundary.chars().all(usable)).then_some(boundary)
}

fn part_head(head: &str) -> Result<PartHead, Failure> {
    let disposition = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .map(|(_, value)| value)
        .ok_or_else(|| malformed("a part has no Content-Disposition"))?;
    let (_, parameters) = disposition.split_once(';').unwrap_or_default();
    let name = parameter(parameters, "name").ok_or_else(|| malformed("a part has no name"))?;
    let extended = parameter(parameters, "filename*").and_then(|value| extended_value(&value));
    Ok(PartHead { name, file_name: extended.or_else(|| parameter(parameters, "filename")) })
}

/// The value of one of `parameters`, which are written `; key=value; key="value"`.
fn parameter(parameters: &str, key: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start());
        if name.trim().eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = after;
    }
}

/// A token or a quoted string, and what follows it. Browsers escape a quote as `%22`, others with a backslash; other
/// backslashes are kept, because some clients send whole Windows paths.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value.replace("%22", "\""), &quoted[at + 1..]),
            '\\' if matches!(chars.peek(), Some((_, '"'))) => {
                value.push('"');
                chars.next();
            }
            c => value.push(c),
        }
    }
    (value, "")
}

/// `UTF-8''percent-encoded` (RFC 8187).
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests;

//! Lines of a document that comes piece by piece.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use super::ClientError;

/// Bytes of one line at most: those of an image with the results of all its operations are far fewer.
const MAX_LINE: usize = 64 << 20;

/// The lines, without what ends them. A last one that nothing ends is part of a document that broke off.
pub(super) fn of(
    pieces: impl Stream<Item = Result<Bytes, ClientError>>,
) -> impl Stream<Item = Result<Bytes, ClientError>> {
    // So much of the text is known to hold no end of a line.
    let begun = (Box::pin(pieces), BytesMut::new(), 0);
    stream::try_unfold(begun, async |(mut pieces, mut text, mut searched)| {
        loop {
            if let Some(end) = text[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = text.split_to(searched + end + 1).freeze();
                line.truncate(searched + end);
                return Ok(Some((line, (pieces, text, 0))));
            }
            searched = text.len();
            if searched > MAX_LINE {
                return Err(ClientError::Unexpected("a line is too long".to_owned()));
            }
            match pieces.next().await {
                Some(piece) => text.extend_from_slice(&piece?),
                None if text.is_empty() => return Ok(None),
                None => return Err(ClientError::Unexpected("the results broke off".to_owned())),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(pieces: &[&'static str]) -> Vec<Result<String, String>> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let lines = of(stream::iter(pieces));
        let text = |line: Result<Bytes, ClientError>| {
            line.map(|line| String::from_utf8_lossy(&line).into_owned()).map_err(|error| error.to_string())
        };
        lines.map(text).collect().await
    }

    #[tokio::test]
    async fn lines_are_whole_however_they_come() {
        let whole = [Ok("one".to_owned()), Ok(String::new()), Ok("three".to_owned())];
        assert_eq!(lines(&["one\n\nthree\n"]).await, whole);
        assert_eq!(lines(&["o", "ne", "\n", "\nthr", "ee\n"]).await, whole);
        assert_eq!(lines(&[]).await, []);
        let broken = Err("unexpected answer: the results broke off".to_owned());
        assert_eq!(lines(&["one\ntw"]).await, [Ok("one".to_owned()), broken]);
    }
}

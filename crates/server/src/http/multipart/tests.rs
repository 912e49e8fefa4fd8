use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use proptest::prelude::*;

use super::*;

const BOUNDARY: &str = "multipart/form-data; boundary=X";

/// The parts of `body`, which arrives in pieces of `piece` bytes.
fn read(content_type: &str, body: &[u8], piece: usize) -> Result<Vec<(PartHead, Vec<u8>)>, Failure> {
    let pieces: Vec<_> =
        body.chunks(piece.max(1)).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect();
    let body = Incoming::new(Body::from_stream(stream::iter(pieces)), Duration::from_secs(5));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut multipart = Multipart::new(content_type, body)?;
        let mut parts = Vec::new();
        while let Some(head) = multipart.next_part().await? {
            let mut content = Vec::new();
            while let Some(chunk) = multipart.chunk().await? {
                content.extend_from_slice(&chunk);
            }
            parts.push((head, content));
        }
        Ok(parts)
    })
}

fn head(name: &str, file_name: Option<&str>) -> PartHead {
    PartHead { name: name.to_owned(), file_name: file_name.map(str::to_owned) }
}

#[test]
fn a_form_is_read_whatever_its_pieces() {
    let body = b"preamble\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X  \r\n\
        content-type: image/png\r\nContent-Disposition: form-data; name=file; filename=\"b \\\"c\\\".png\"\r\n\r\n\
        \r\n--\r\n-\r\n--X--\r\nepilogue";
    for piece in 1..body.len() {
        let parts = read(BOUNDARY, body, piece).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0], (head("a", None), b"1".to_vec()));
        assert_eq!(parts[1], (head("file", Some("b \"c\".png")), b"\r\n--\r\n-".to_vec()));
    }
}

#[test]
fn names_are_read_in_every_spelling() {
    let cases = [
        ("name=\"a\"", head("a", None)),
        ("name=a; filename=", head("a", Some(""))),
        ("name=\"a\"; filename=\"\"", head("a", Some(""))),
        ("name=\"a\"; filename=\"C:\\photos\\b.png\"", head("a", Some("C:\\photos\\b.png"))),
        ("name=\"a\"; filename=\"%22q%22.png\"", head("a", Some("\"q\".png"))),
        ("name=\"a\"; filename=\"x.png\"; filename*=UTF-8''Zo%C3%AB.png", head("a", Some("Zoë.png"))),
        ("name=\"a\"; filename=\"x;y=z.png\"", head("a", Some("x;y=z.png"))),
        ("NAME=\"a\"", head("a", None)),
    ];
    for (parameters, expected) in cases {
        let body = format!("--X\r\nContent-Disposition: form-data; {parameters}\r\n\r\n\r\n--X--");
        let parts = read(BOUNDARY, body.as_bytes(), 7).unwrap();
        assert_eq!(parts, [(expected, Vec::new())], "{parameters}");
    }
}

#[test]
fn what_is_no_form_is_refused() {
    let long = format!("--X\r\nA: {}\r\n\r\n\r\n--X--", "a".repeat(MAX_HEAD));
    let many = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(MAX_PARTS + 1) + "--X--";
    let bodies = [
        "",
        "--X",
        "--X\r\n",
        "--X\r\n\r\n\r\n--X--",
        "--X\r\nContent-Disposition: form-data\r\n\r\n\r\n--X--",
        "--Xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--X--",
        "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nno end",
        long.as_str(),
        many.as_str(),
    ];
    for body in bodies {
        let failure = read(BOUNDARY, body.as_bytes(), 5).unwrap_err();
        assert_eq!(failure.code(), Code::MalformedBody, "{body:.60}");
    }
    for kind in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a\u{1}\""]
    {
        assert!(read(kind, b"--X--", 5).is_err(), "{kind}");
    }
    assert!(read(&format!("multipart/form-data; boundary={}", "a".repeat(71)), b"", 5).is_err());
}

proptest! {
    #[test]
    fn any_content_comes_through_unchanged(
        contents in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'X'), any::<u8>()], 0..200), 0..5),
        piece in 1_usize..64,
    ) {
        let forbidden = b"\r\n--X";
        prop_assume!(!contents.iter().any(|content| content.windows(forbidden.len()).any(|window| window == forbidden)));
        let mut body = Vec::new();
        for content in &contents {
            body.extend_from_slice(b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--X--\r\n");
        let parts = read(BOUNDARY, &body, piece).unwrap();
        let read: Vec<Vec<u8>> = parts.into_iter().map(|(_, content)| content).collect();
        prop_assert_eq!(read, contents);
    }

    #[test]
    fn any_bytes_end_with_an_answer(body in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..64) {
        let _ = read(BOUNDARY, &body, piece);
    }
}

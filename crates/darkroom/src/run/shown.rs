//! Paths as text: bytes that are not UTF-8 are written `\xHH`, so that different paths look different unless one has such text in its name.

use std::{
    ffi::OsString,
    fmt::Write as _,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serializer};

/// The text of a path.
pub(super) fn text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The path of a text. A path that itself has such a text in it comes back as another: it is then not found, which costs
/// the work on one image.
fn path(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        let digits = rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (end, byte) = match digits.filter(|byte| !byte.is_ascii()) {
            Some(byte) => (at + 4, Some(byte)),
            None => (at + 2, None),
        };
        bytes.extend_from_slice(&rest.as_bytes()[..if byte.is_some() { at } else { end }]);
        bytes.extend(byte);
        rest = &rest[end..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    PathBuf::from(OsString::from_vec(bytes))
}

pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(path))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(path(&String::deserialize(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_not_utf_8_come_back() {
        let bytes = b"a\\b/caf\xe9 \xf0\x9f\x98\x80.png";
        let odd = PathBuf::from(OsString::from_vec(bytes.to_vec()));
        assert_eq!(text(&odd), "a\\b/caf\\xe9 \u{1f600}.png");
        for path_ in [odd, PathBuf::from("a/\u{e9}.png"), PathBuf::from("x\\x4.png"), PathBuf::from("\\x41")]
        {
            assert_eq!(path(&text(&path_)), path_);
        }
    }
}

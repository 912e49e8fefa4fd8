//! The name of an item within its source.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Fault, SkipReason};

/// The longest path, in bytes (as Linux has it for paths of its own, `PATH_MAX`).
const MAX_PATH: usize = 4_096;

/// A path within a source: relative, its parts separated by `/`, none of them empty, `.` or `..`. It is a name to
/// show, to search and to group by, never a path on this machine.
///
/// Nothing is lost: bytes that are not UTF-8 and control characters are written `\xHH`, a backslash is `\\`, so that
/// different names never look alike and [`ItemPath::bytes`] gives back what was there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemPath(String);

impl ItemPath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes of the name as the source has it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            let escaped = match (first, after) {
                (b'\\', [b'x', high, low, ..]) => {
                    nibble(*high).zip(nibble(*low)).map(|(h, l)| (h << 4 | l, 3))
                }
                (b'\\', [b'\\', ..]) => Some((b'\\', 1)),
                _ => None,
            };
            let (byte, used) = escaped.unwrap_or((*first, 0));
            bytes.push(byte);
            rest = &after[used..];
        }
        bytes
    }

    /// A path below a folder, as the operating system gave it.
    pub(super) fn below(relative: &[u8]) -> Self {
        Self(escape(relative))
    }

    /// An address.
    pub(super) fn address(url: &str) -> Self {
        Self(escape(url.as_bytes()))
    }

    /// A name that an archive gives to an entry. Refused is what would lead out of a folder that it was unpacked into.
    pub(super) fn of_entry(name: &[u8]) -> Result<Self, Fault> {
        let refuse = |why: &str| Err(Fault::new(SkipReason::UnsafePath, why));
        if name.len() > MAX_PATH {
            return refuse("the name is too long");
        }
        if name.contains(&0) {
            return refuse("there is a zero byte in the name");
        }
        if name.starts_with(b"/")
            || matches!(name, [drive, b':'] | [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
        {
            return refuse("the name is an absolute path");
        }
        let parts: Vec<&[u8]> =
            name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
        if parts.iter().any(|part| *part == b"..") {
            return refuse("the name leads out of the archive");
        }
        if parts.is_empty() {
            return refuse("the name is empty");
        }
        Ok(Self(escape(&parts.join(&b'/'))))
    }

    /// A stand-in for a name that is refused: as it is, to be shown only.
    pub(super) fn refused(name: &[u8]) -> Self {
        Self(escape(&name[..name.len().min(MAX_PATH)]))
    }
}

impl fmt::Display for ItemPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn escape(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    let hex = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            text.push_str("\\x");
            text.push_str(&hex::encode([*byte]));
        }
    };
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if c.is_control() => hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        hex(&mut text, chunk.invalid());
    }
    text
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn names_are_normalised_and_odd_bytes_are_shown() {
        let cases: [(&[u8], &str); 8] = [
            (b"a/b.jpg", "a/b.jpg"),
            (b"./a//b/./c.jpg", "a/b/c.jpg"),
            ("gr\u{fc}n/\u{1f600}.png".as_bytes(), "gr\u{fc}n/\u{1f600}.png"),
            (b"caf\xe9.jpg", "caf\\xe9.jpg"),
            (b"back\\slash", "back\\\\slash"),
            (b"line\nfeed\x1b[31m", "line\\x0afeed\\x1b[31m"),
            (b"a..b/...", "a..b/..."),
            (b"c:d/e", "c:d/e"),
        ];
        for (name, shown) in cases {
            assert_eq!(ItemPath::of_entry(name).unwrap().as_str(), shown);
        }
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let long = vec![b'a'; MAX_PATH + 1];
        let names: [&[u8]; 12] = [
            b"../a",
            b"a/../../b",
            b"a/..",
            b"..",
            b"/etc/passwd",
            b"//server/share",
            b"C:\\a",
            b"c:/a",
            b"c:",
            b"",
            b"./.",
            b"a\0b",
        ];
        for name in names.into_iter().chain([long.as_slice()]) {
            assert_eq!(
                ItemPath::of_entry(name).unwrap_err().reason,
                SkipReason::UnsafePath,
                "{}",
                name.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn no_name_is_lost_and_none_can_harm(name in vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(ItemPath::below(&name).bytes(), name.clone());
            if let Ok(path) = ItemPath::of_entry(&name) {
                prop_assert!(!path.as_str().contains(char::is_control));
                prop_assert!(path.as_str().split('/').all(|part| !["", ".", ".."].contains(&part)));
            }
        }
    }
}

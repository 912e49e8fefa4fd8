//! The Content-Disposition header (RFC 6266): a file name in two spellings.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What need not be escaped in an extended value (RFC 8187, 3.2.1).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What a browser is to do with an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Show it.
    Inline,
    /// Save it.
    Attachment,
}

impl Disposition {
    /// The header for a file of this name. Old clients read an ASCII likeness, others the name itself.
    pub(super) fn header(self, name: &str) -> HeaderValue {
        let kind = match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
        };
        let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
        let likeness: String = name.chars().map(plain).collect();
        let value = if likeness == name {
            format!("{kind}; filename=\"{likeness}\"")
        } else {
            let escaped = utf8_percent_encode(name, ESCAPED);
            format!("{kind}; filename=\"{likeness}\"; filename*=UTF-8''{escaped}")
        };
        HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_header() {
        let cases = [
            ("cat.jpg", r#"inline; filename="cat.jpg""#),
            ("my cat.jpg", r#"inline; filename="my cat.jpg""#),
            ("Zoë.jpg", r#"inline; filename="Zo_.jpg"; filename*=UTF-8''Zo%C3%AB.jpg"#),
            ("a\"b\r\nX: y", r#"inline; filename="a_b__X: y"; filename*=UTF-8''a%22b%0D%0AX%3A%20y"#),
        ];
        for (name, expected) in cases {
            assert_eq!(Disposition::Inline.header(name), expected);
        }
    }
}

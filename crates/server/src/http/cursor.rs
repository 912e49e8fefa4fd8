//! Where a listing goes on. Opaque to clients: a version and the sequence number or the name, in URL-safe base64.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::failure::Failure;

/// What tells this kind of cursor from later ones.
const VERSION: u8 = 1;

/// The same of cursors that hold a name.
const NAMED: u8 = 2;

/// The cursor of the part after the job with this sequence number.
pub(super) fn of(seq: u64) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&seq.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The sequence number in a cursor.
pub(super) fn read(text: &str) -> Result<u64, Failure> {
    let wrong = || Failure::parameter("cursor", "is not one that this server has given");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    match bytes.split_first() {
        Some((&VERSION, seq)) => Ok(u64::from_be_bytes(seq.try_into().map_err(|_| wrong())?)),
        _ => Err(wrong()),
    }
}

/// The cursor of the part after this name.
pub(super) fn of_name(name: &str) -> String {
    URL_SAFE_NO_PAD.encode([&[NAMED], name.as_bytes()].concat())
}

/// The name in a cursor.
pub(super) fn read_name(text: &str) -> Result<String, Failure> {
    let wrong = || Failure::parameter("cursor", "is not one that this server has given");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    match bytes.split_first() {
        Some((&NAMED, name)) => String::from_utf8(name.to_vec()).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        for seq in [0, 1, 1 << 40, u64::MAX] {
            assert_eq!(read(&of(seq)).unwrap(), seq);
        }
        for text in ["", "1", "AQ", "%%%", "AgAAAAAAAAAB", &"A".repeat(10_000)] {
            assert!(read(text).is_err(), "{text}");
        }
        for name in ["", "ann", "x/\u{e9}"] {
            assert_eq!(read_name(&of_name(name)).unwrap(), name);
            assert!(read(&of_name(name)).is_err());
        }
        assert!(read_name(&of(7)).is_err() && read_name("%").is_err());
    }
}

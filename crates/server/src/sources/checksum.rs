//! The sum over the bytes of an archive.

use std::{
    fmt,
    io::{self, Read},
    str::FromStr,
};

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256, digest::DynDigest};

use super::SourceError;

/// Bytes that are summed up at a time.
const CHUNK: usize = 1 << 20;

/// What the bytes of an archive must sum up to. MD5 and SHA-1 find accidents, not attacks; SHA-256 finds both.
///
/// As text it is hexadecimal digits, whose number says which sum it is; the name may stand before them (`md5:…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum {
    algorithm: Algorithm,
    sum: Vec<u8>,
}

/// The sums that are known, and how many bytes they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5 = 16,
    Sha1 = 20,
    Sha256 = 32,
}

/// The text is no checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checksum is 32 (MD5), 40 (SHA-1) or 64 (SHA-256) hexadecimal digits")]
pub struct InvalidChecksum;

impl Checksum {
    /// Reads everything, and compares.
    pub(super) fn verify(&self, content: &mut dyn Read) -> Result<(), SourceError> {
        let mut sum = self.summing();
        let mut chunk = vec![0; CHUNK];
        loop {
            match content.read(&mut chunk) {
                Ok(0) => return sum.finish(),
                Ok(count) => sum.update(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// For content that comes chunk by chunk.
    pub(crate) fn summing(&self) -> Summing {
        let sum: Box<dyn DynDigest + Send> = match self.algorithm {
            Algorithm::Md5 => Box::new(Md5::new()),
            Algorithm::Sha1 => Box::new(Sha1::new()),
            Algorithm::Sha256 => Box::new(Sha256::new()),
        };
        Summing { expected: self.clone(), sum }
    }
}

/// Content that is summed up while it comes.
pub(crate) struct Summing {
    expected: Checksum,
    sum: Box<dyn DynDigest + Send>,
}

impl Summing {
    /// Takes a chunk in.
    pub(crate) fn update(&mut self, chunk: &[u8]) {
        self.sum.update(chunk);
    }

    /// Compares. Errors: [`SourceError::WrongChecksum`].
    pub(crate) fn finish(self) -> Result<(), SourceError> {
        let found = Checksum { algorithm: self.expected.algorithm, sum: self.sum.finalize().into_vec() };
        if found == self.expected {
            return Ok(());
        }
        Err(SourceError::WrongChecksum { expected: self.expected, found })
    }
}

impl FromStr for Checksum {
    type Err = InvalidChecksum;
    fn from_str(text: &str) -> Result<Self, InvalidChecksum> {
        let (name, digits) = text.trim().split_once(':').map_or((None, text.trim()), |(n, d)| (Some(n), d));
        let sum = hex::decode(digits).map_err(|_| InvalidChecksum)?;
        let known = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256];
        let algorithm =
            known.into_iter().find(|known| *known as usize == sum.len()).ok_or(InvalidChecksum)?;
        let named = |name: &str| name.replace('-', "").eq_ignore_ascii_case(algorithm.name());
        if name.is_some_and(|name| !named(name)) {
            return Err(InvalidChecksum);
        }
        Ok(Self { algorithm, sum })
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), hex::encode(&self.sum))
    }
}

impl TryFrom<String> for Checksum {
    type Error = InvalidChecksum;
    fn try_from(text: String) -> Result<Self, InvalidChecksum> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`: RFC 1321, A.5; RFC 3174, 7.3; FIPS 180-4's example.
    const OF_ABC: [&str; 3] = [
        "900150983cd24fb0d6963f7d28e17f72",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ];

    #[test]
    fn the_number_of_digits_says_which_sum_is_meant() {
        for (digits, name) in OF_ABC.into_iter().zip(["md5", "sha1", "sha256"]) {
            let checksum: Checksum = digits.to_uppercase().parse().unwrap();
            assert_eq!(checksum.to_string(), format!("{name}:{digits}"));
            assert_eq!(checksum.to_string().parse(), Ok(checksum.clone()));
            assert!(checksum.verify(&mut b"abc".as_slice()).is_ok());
            let wrong = checksum.verify(&mut b"abd".as_slice()).unwrap_err();
            assert!(matches!(wrong, SourceError::WrongChecksum { expected, .. } if expected == checksum));
        }
        assert!("SHA-256:".parse::<Checksum>().is_err());
        assert!(format!("SHA-256:{}", OF_ABC[2]).parse::<Checksum>().is_ok());
        for text in ["", "abc", "zz", &OF_ABC[0][1..], &format!("sha1:{}", OF_ABC[0])] {
            assert_eq!(text.parse::<Checksum>(), Err(InvalidChecksum), "{text}");
        }
    }
}

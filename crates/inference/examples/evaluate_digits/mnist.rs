//! MNIST from a folder: `mnist_test.npz`, or the two well-known IDX files, not compressed.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::DeflateDecoder;

/// Width and height of a digit.
pub(crate) const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;

/// A digit as it is in the set, white on black, and what it is.
pub(crate) struct Labelled {
    /// 28 rows of 28.
    pub(crate) pixels: Vec<u8>,
    /// 0 to 9.
    pub(crate) digit: usize,
}

/// The 10,000 test digits.
pub(crate) fn test_digits(folder: &Path) -> Result<Vec<Labelled>> {
    let packed = folder.join("mnist_test.npz");
    let (images, labels) = if packed.exists() {
        let archive = fs::read(&packed)?;
        let images = npy(&entry(&archive, "x.npy")?)?;
        // Labels may be integers of any width, little-endian.
        let labels = npy(&entry(&archive, "y.npy")?)?;
        let bytes = labels.len() * PIXELS / images.len();
        (images, labels.into_iter().step_by(bytes).collect())
    } else {
        let idx = |name: &str, header: usize| -> Result<Vec<u8>> {
            let path = folder.join(name);
            Ok(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?.split_off(header))
        };
        (idx("t10k-images-idx3-ubyte", 16)?, idx("t10k-labels-idx1-ubyte", 8)?)
    };
    ensure!(images.len() == labels.len() * PIXELS, "as many labels as digits");
    let digits = images.chunks_exact(PIXELS).zip(labels);
    Ok(digits
        .map(|(pixels, label)| Labelled { pixels: pixels.to_vec(), digit: usize::from(label) })
        .collect())
}

/// What `name` holds in a zip archive. Reads the local headers one after the other, as numpy writes them: with sizes,
/// those of 64 bits in the first extra field.
fn entry(archive: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut at = 0;
    while archive[at..].starts_with(b"PK\x03\x04") {
        let number = |from: usize, bytes: usize| -> usize {
            archive[from..from + bytes].iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
        };
        let name_end = at + 30 + number(at + 26, 2);
        let start = name_end + number(at + 28, 2);
        let length = match number(at + 18, 4) {
            0xFFFF_FFFF => number(name_end + 12, 8),
            length => length,
        };
        if &archive[at + 30..name_end] == name.as_bytes() {
            let stored = &archive[start..start + length];
            let mut content = Vec::new();
            match number(at + 8, 2) {
                0 => content.extend_from_slice(stored),
                8 => _ = DeflateDecoder::new(stored).read_to_end(&mut content)?,
                method => bail!("{name} is compressed by method {method}"),
            }
            return Ok(content);
        }
        at = start + length;
    }
    bail!("no {name} in the archive")
}

/// The bytes of a `.npy` file after its header.
fn npy(file: &[u8]) -> Result<Vec<u8>> {
    ensure!(file.starts_with(b"\x93NUMPY\x01"), "not a .npy file of version 1");
    Ok(file[10 + usize::from(file[8]) + (usize::from(file[9]) << 8)..].to_vec())
}

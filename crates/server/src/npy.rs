//! `NumPy`'s file format, version 1.0 (NEP 1): a header, then the values in C order, little endian.

/// What comes before the header's text: magic, version and the text's length.
const BEFORE: usize = 10;

/// The header of an array: `kind` is its type in `NumPy`'s words (`<f4`). It ends on a multiple of 64 bytes, as readers
/// like it, and has at least `least`, so that another one may be written over it. `None` if the shape is too long.
pub(crate) fn header(kind: &str, shape: &[usize], least: usize) -> Option<Vec<u8>> {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // A tuple of one has a comma in Python.
    let sides = if let [one] = &sides[..] { format!("{one},") } else { sides.join(", ") };
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sides}), }}");
    // A line feed is the last byte.
    let whole = (BEFORE + text.len() + 1).next_multiple_of(64).max(least);
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(u16::try_from(whole - BEFORE).ok()?.to_le_bytes());
    header.extend(text.as_bytes());
    header.resize(whole - 1, b' ');
    header.push(b'\n');
    Some(header)
}

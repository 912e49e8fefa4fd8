//! Leaves out the scans of a progressive JPEG that a reduced decode cannot show.
//!
//! At 1/8 only luma's DC coefficients become pixels, and of colour at half resolution the lowest AC ones: without the
//! other scans a picture costs a quarter. At 2/8 the lowest bit of luma's AC coefficients is the largest scan of all and,
//! where the quantisation is fine, averages out (12 megapixels at quality 90 to 512 px: 47.2 instead of 47.3 dB).

use memchr::memchr;

const START_OF_FRAME: u8 = 0xc2;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;
const QUANTISATION: u8 = 0xdb;
/// A quantisation is fine up to this step of its four lowest AC coefficients: quality 88 and above in libjpeg's scale.
/// At quality 75 the lowest bit is worth 2 dB.
const FINE_STEP: u8 = 3;

/// Which scans are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Every scan of AC coefficients but the first of a colour difference: where that has half the resolution, an eighth
    /// of the picture is a quarter of its blocks.
    Ac,
    /// The scan that refines the lowest bit of the first component's AC coefficients, if its quantisation is fine.
    LowestBit,
}

/// What the segments before the scans say about the first component.
#[derive(Debug, Default)]
struct Luma {
    id: Option<u8>,
    quantisation: usize,
    fine: [bool; 4],
}

impl Luma {
    /// Takes a segment from its marker on.
    fn take(&mut self, segment: &[u8]) {
        match segment {
            [0xff, START_OF_FRAME, _, _, _, _, _, _, _, _, id, _, table, ..] => {
                (self.id, self.quantisation) = (Some(*id), usize::from(*table));
            }
            [0xff, QUANTISATION, _, _, tables @ ..] => {
                for table in tables.chunks_exact(65) {
                    if let Some(fine) = self.fine.get_mut(usize::from(table[0])) {
                        *fine = table[2..6].iter().all(|step| *step <= FINE_STEP);
                    }
                }
            }
            _ => {}
        }
    }

    fn is_fine(&self) -> bool {
        self.fine.get(self.quantisation).is_some_and(|fine| *fine)
    }
}

impl Leave {
    /// Whether it covers a scan, given its header from the marker on: `ff da`, length, components, spectral selection.
    fn covers(self, header: &[u8], luma: &Luma) -> bool {
        let Some(&count) = header.get(4) else { return false };
        let after = 5 + 2 * usize::from(count);
        let Some(&[first, _, approximation]) = header.get(after..after + 3) else { return false };
        first > 0
            && match self {
                Self::Ac => approximation >> 4 > 0 || header.get(5).copied() == luma.id,
                Self::LowestBit => {
                    approximation == 0x10 && luma.is_fine() && header.get(5).copied() == luma.id
                }
            }
    }
}

/// Passes a file on in pieces of any size, without some of its scans. Whatever it does not understand, it passes.
pub(super) struct ScanFilter {
    leave: Leave,
    place: Place,
    /// The marker segment that is being gathered.
    segment: Vec<u8>,
    luma: Luma,
}

#[derive(Clone, Copy)]
enum Place {
    Segment,
    /// In entropy-coded bytes.
    Coded(Fate),
    /// Behind an `ff` in them: the next byte says whether they go on.
    CodedAfterFf(Fate),
    /// Behind the end of the image.
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Left,
}

impl ScanFilter {
    /// For a file from its first byte.
    pub(super) fn new(leave: Leave) -> Self {
        Self { leave, place: Place::Segment, segment: Vec::new(), luma: Luma::default() }
    }

    /// Appends to `out` what stays of the next `bytes`.
    pub(super) fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Segment => self.gather(bytes, out),
                Place::Coded(fate) => self.coded(bytes, fate, out),
                Place::CodedAfterFf(fate) => self.after_ff(bytes, fate, out),
                Place::Ended => {
                    out.extend_from_slice(bytes);
                    &[]
                }
            };
        }
    }

    /// Appends what was held back when the file ends inside a segment.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.segment);
    }

    fn gather<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (now, later) = bytes.split_at(self.missing().min(bytes.len()));
        self.segment.extend_from_slice(now);
        if self.missing() == 0 {
            self.end_segment(out);
        }
        later
    }

    /// Bytes until more can be said about the segment; 0 when it is whole.
    fn missing(&self) -> usize {
        let whole = match self.segment.as_slice() {
            [] | [0xff] => 2,
            [0xff, 0x01 | 0xd0..=END_OF_IMAGE | 0xff | 0x00, ..] | [0..=0xfe, ..] => self.segment.len(),
            [_, _] | [_, _, _] => 4,
            [_, _, high, low, ..] => 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2),
        };
        whole - self.segment.len()
    }

    fn end_segment(&mut self, out: &mut Vec<u8>) {
        self.luma.take(&self.segment);
        let fate = match self.segment.as_slice() {
            [0xff, START_OF_SCAN, ..] if self.leave.covers(&self.segment, &self.luma) => Fate::Left,
            _ => Fate::Kept,
        };
        self.place = match self.segment.as_slice() {
            [0xff, START_OF_SCAN, ..] => Place::Coded(fate),
            [0xff, END_OF_IMAGE] => Place::Ended,
            [0xff, 0xff] => Place::CodedAfterFf(Fate::Kept),
            // Garbage between segments is passed to libjpeg, which looks for the next marker in it too.
            [0xff, 0x00] | [0..=0xfe, ..] => Place::Coded(Fate::Kept),
            _ => Place::Segment,
        };
        if let Place::CodedAfterFf(_) = self.place {
            self.segment.pop();
        }
        match fate {
            Fate::Kept => out.append(&mut self.segment),
            Fate::Left => self.segment.clear(),
        }
    }

    fn coded<'a>(&mut self, bytes: &'a [u8], fate: Fate, out: &mut Vec<u8>) -> &'a [u8] {
        let end = memchr(0xff, bytes).unwrap_or(bytes.len());
        if fate == Fate::Kept {
            out.extend_from_slice(&bytes[..end]);
        }
        if end == bytes.len() {
            return &[];
        }
        self.place = Place::CodedAfterFf(fate);
        &bytes[end + 1..]
    }

    fn after_ff<'a>(&mut self, bytes: &'a [u8], fate: Fate, out: &mut Vec<u8>) -> &'a [u8] {
        let Some((&next, later)) = bytes.split_first() else { return bytes };
        match next {
            // A stuffed zero or a restart marker: the scan goes on.
            0x00 | 0xd0..=0xd7 => {
                if fate == Fate::Kept {
                    out.extend([0xff, next]);
                }
                self.place = Place::Coded(fate);
            }
            // A fill byte before a marker.
            0xff => {}
            _ => {
                self.segment.extend([0xff, next]);
                self.place = Place::Segment;
                if self.missing() == 0 {
                    self.end_segment(out);
                }
            }
        }
        later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start, quantisation of step `step`, frame, DC, AC first, AC refinement of component 1 and of 2, DC refinement, end.
    fn file(step: u8) -> Vec<(&'static str, Vec<u8>)> {
        let scan = |components: &[u8], first: u8, last: u8, approximation: u8, coded: &[u8]| {
            let mut bytes =
                vec![0xff, START_OF_SCAN, 0, 6 + 2 * components.len() as u8, components.len() as u8];
            for id in components {
                bytes.extend([*id, 0]);
            }
            bytes.extend([first, last, approximation]);
            bytes.extend(coded);
            bytes
        };
        vec![
            ("start", vec![0xff, 0xd8, 0xff, 0xe0, 0, 5, 0xff, 0xda, 7]),
            ("quantisation", [&[0xff, 0xdb, 0, 67, 0][..], &[step; 64]].concat()),
            ("frame", vec![0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
            ("dc", scan(&[1, 2, 3], 0, 0, 0x01, &[1, 0xff, 0x00, 2, 0xff, 0xd0, 3])),
            ("ac", scan(&[1], 1, 63, 0x01, &[4, 0xff, 0x00, 0xff, 0xd7, 5])),
            ("colour", scan(&[2], 1, 63, 0x01, &[5])),
            ("lowest bit of 1", scan(&[1], 1, 63, 0x10, &[6, 0xff, 0x00])),
            ("lowest bit of 2", scan(&[2], 1, 63, 0x10, &[7])),
            ("dc bit", scan(&[1, 2, 3], 0, 0, 0x10, &[8])),
            ("end", vec![0xff, 0xd9, 0xff, 0xda, 9]),
        ]
    }

    fn without(names: &[&str]) -> Vec<u8> {
        file(3).into_iter().filter(|(name, _)| !names.contains(name)).flat_map(|(_, bytes)| bytes).collect()
    }

    fn filtered(leave: Leave, bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut filter, mut out) = (ScanFilter::new(leave), Vec::new());
        bytes.chunks(piece).for_each(|bytes| filter.pass(bytes, &mut out));
        filter.finish(&mut out);
        out
    }

    #[test]
    fn leaves_out_what_it_is_told_in_pieces_of_any_size() {
        let whole = without(&[]);
        for piece in 1..=whole.len() {
            let ac = filtered(Leave::Ac, &whole, piece);
            assert_eq!(ac, without(&["ac", "lowest bit of 1", "lowest bit of 2"]), "pieces of {piece}");
            let bit = filtered(Leave::LowestBit, &whole, piece);
            assert_eq!(bit, without(&["lowest bit of 1"]), "pieces of {piece}");
        }
    }

    #[test]
    fn keeps_the_lowest_bit_of_a_coarse_quantisation() {
        let coarse: Vec<u8> = file(4).into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(filtered(Leave::LowestBit, &coarse, 10), coarse);
    }

    #[test]
    fn passes_what_it_does_not_understand() {
        for bytes in [
            &b""[..],
            b"\xff",
            b"no marker",
            b"\xff\xd8\xff\xda",
            b"\xff\xd8\xff\xe0\0\0rest",
            b"\xff\x00\xff\x00",
        ] {
            assert_eq!(filtered(Leave::Ac, bytes, 3), bytes);
        }
    }

    #[test]
    fn a_file_that_is_cut_keeps_its_beginning() {
        let (whole, kept) = (without(&[]), without(&["ac", "lowest bit of 1", "lowest bit of 2"]));
        for end in 0..whole.len() {
            let out = filtered(Leave::Ac, &whole[..end], 7);
            // The header of a scan that is cut short is no longer than 10 bytes; nobody can say yet what it begins.
            let sure = out.len().saturating_sub(10);
            assert!(out.len() <= end && kept.starts_with(&out[..sure]), "cut at {end}");
        }
    }
}

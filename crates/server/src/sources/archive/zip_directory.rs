//! The directory at the end of a zip archive, read record by record: an archive of a million entries takes no more
//! memory than one of ten. Offsets and fields are those of APPNOTE.TXT 6.3.10.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
};

/// Bytes of the fixed part of the record that ends the archive (4.3.16).
const END: usize = 22;

/// The record may be followed by a comment of this many bytes.
const MAX_COMMENT: usize = 65_535;

/// Bytes of the fixed part of an entry's record (4.3.12).
const RECORD: usize = 46;

/// Bytes of the fixed part of an entry's own header (4.3.7).
const HEADER: u64 = 30;

/// A value that is found in the zip64 field instead.
const ELSEWHERE: u32 = u32::MAX;

/// A part of a file.
pub(super) struct Section<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl<'a> Section<'a> {
    pub(super) fn new(file: &'a File, at: u64, length: u64) -> Self {
        Self { file, at, left: length }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.left.min(buffer.len() as u64) as usize;
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Where the directory is.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: u64,
    entries: u64,
    /// Bytes before the archive proper, such as the program of a self-extracting one: every offset is short by them.
    before: u64,
}

/// The directory's records, one after another.
pub(super) struct Directory<'a> {
    records: BufReader<Section<'a>>,
    place: Place,
    met: u64,
    /// Bytes of the directory behind the records met so far.
    left: u64,
    /// Bytes that the entries met so far take, their own headers included.
    taken: u64,
}

/// An entry as the directory has it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// The file's type and permissions as Unix has them (`st_mode`); 0 if they are not told.
    pub(super) mode: u32,
    /// Where its own header is.
    pub(super) at: u64,
}

impl<'a> Directory<'a> {
    /// Finds the directory; `None` if there is none that makes sense: the archive was cut off.
    pub(super) fn find(file: &'a File, length: u64) -> io::Result<Option<Self>> {
        let tail = length.min((END + MAX_COMMENT) as u64);
        let mut bytes = vec![0; tail as usize];
        file.read_exact_at(&mut bytes, length - tail)?;
        let mut at = bytes.len().saturating_sub(END);
        loop {
            if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x05\x06") && rest.len() >= END) {
                let end = length - tail + at as u64;
                if let Some(place) = place(file, end, &bytes[at..at + END])? {
                    let records =
                        BufReader::with_capacity(64 << 10, Section::new(file, place.at, place.length));
                    return Ok(Some(Self { records, place, met: 0, left: place.length, taken: 0 }));
                }
            }
            match at.checked_sub(1) {
                Some(before) => at = before,
                None => return Ok(None),
            }
        }
    }

    /// How many entries there are to be.
    pub(super) fn entries(&self) -> u64 {
        self.place.entries
    }

    /// How many there were so far.
    pub(super) fn met(&self) -> u64 {
        self.met
    }

    /// What is wrong if there were more than there are to be. Programs that know no zip64 count modulo 65,536.
    pub(super) fn disagrees(&self) -> Option<String> {
        let more = self.met.saturating_sub(self.place.entries);
        (!more.is_multiple_of(1 << 16)).then(|| {
            format!(
                "the archive's directory is damaged: it has {} entries and says {}",
                self.met, self.place.entries
            )
        })
    }

    /// The next record: as many as the directory says, and what follows them in it.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let is_more = self.met >= self.place.entries;
        if is_more && self.left < RECORD as u64 {
            return Ok(None);
        }
        let mut fixed = [0; RECORD];
        self.records.read_exact(&mut fixed)?;
        if !fixed.starts_with(b"PK\x01\x02") {
            // A signature (4.3.13), or what else some program keeps there.
            if is_more {
                return Ok(None);
            }
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record of the directory is none"));
        }
        self.met += 1;
        let variable = |at: usize| usize::from(u16_at(&fixed, at));
        let length = RECORD + variable(28) + variable(30) + variable(32);
        self.left = self.left.saturating_sub(length as u64);
        let (mut name, mut extra) = (vec![0; variable(28)], vec![0; variable(30)]);
        self.records.read_exact(&mut name)?;
        self.records.read_exact(&mut extra)?;
        io::copy(&mut (&mut self.records).take(variable(32) as u64), &mut io::sink())?;

        let mut wide = Wide::of(&extra);
        let (unpacked, packed) = (wide.value(u32_at(&fixed, 24)), wide.value(u32_at(&fixed, 20)));
        let at = wide.value(u32_at(&fixed, 42)).saturating_add(self.place.before);
        // Each entry has bytes of its own: what overlaps is counted twice, and unpacks to more than there is.
        self.taken = self.taken.saturating_add(HEADER).saturating_add(packed);
        if self.taken > self.place.at {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its entries overlap"));
        }
        let unix = fixed[5] == 3;
        Ok(Some(Record {
            name,
            flags: u16_at(&fixed, 8),
            method: u16_at(&fixed, 10),
            crc: u32_at(&fixed, 16),
            packed,
            unpacked,
            mode: if unix { u32_at(&fixed, 38) >> 16 } else { 0 },
            at,
        }))
    }
}

impl Record {
    /// The packed bytes: behind the entry's own header, which may be longer than its record.
    pub(super) fn content<'a>(&self, file: &'a File) -> io::Result<Section<'a>> {
        let mut header = [0; 30];
        file.read_exact_at(&mut header, self.at)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its header is not where the directory says",
            ));
        }
        let length = 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        Ok(Section::new(file, self.at.saturating_add(length), self.packed))
    }
}

/// What the record at `end` says, if the directory can be where it says.
fn place(file: &File, end: u64, record: &[u8]) -> io::Result<Option<Place>> {
    let (mut entries, mut length, mut at) =
        (u64::from(u16_at(record, 10)), u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    let mut limit = end;
    if let Some((place, values)) = zip64(file, end)? {
        (limit, [entries, length, at]) = (place, values);
    }
    let Some(before) = limit.checked_sub(length).and_then(|start| start.checked_sub(at)) else {
        return Ok(None);
    };
    // Each record takes its bytes: a directory cannot claim more entries than fit in it.
    if entries > length / RECORD as u64 {
        return Ok(None);
    }
    Ok(Some(Place { at: at + before, length, entries, before }))
}

/// The zip64 record before the one at `end` (4.3.14, 4.3.15): where it is, and entries, length and place of the
/// directory.
fn zip64(file: &File, end: u64) -> io::Result<Option<(u64, [u64; 3])>> {
    let mut locator = [0; 20];
    let Some(before) = end.checked_sub(20) else { return Ok(None) };
    file.read_exact_at(&mut locator, before)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // Where it says, or right before the locator if something stands before the archive.
    for at in [u64_at(&locator, 8), before.saturating_sub(56)] {
        let mut record = [0; 56];
        let read = file.read_exact_at(&mut record, at).is_ok();
        if read && record.starts_with(b"PK\x06\x06") {
            return Ok(Some((at, [u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48)])));
        }
    }
    Ok(None)
}

/// The zip64 field of an entry (4.5.3): the values that did not fit, in their order.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while let [id_low, id_high, size_low, size_high, rest @ ..] = extra {
            let size = usize::from(u16::from_le_bytes([*size_low, *size_high])).min(rest.len());
            if u16::from_le_bytes([*id_low, *id_high]) == 1 {
                return Self(&rest[..size]);
            }
            extra = &rest[size..];
        }
        Self(&[])
    }

    fn value(&mut self, narrow: u32) -> u64 {
        match self.0.split_first_chunk::<8>() {
            Some((value, rest)) if narrow == ELSEWHERE => {
                self.0 = rest;
                u64::from_le_bytes(*value)
            }
            _ => u64::from(narrow),
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

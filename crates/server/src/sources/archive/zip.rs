//! Zip, in the order of its directory.
//!
//! The directory decides what there is: headers that it does not name were deleted. The `zip` crate is not used: it
//! takes the whole directory into memory.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use flate2::{Crc, bufread::DeflateDecoder};

use super::{
    super::{Config, Fault, ItemPath, SkipReason, SourceError, feed::Feed, item::reason_of},
    bounds::Budget,
    compression::{BUFFER, Zstd},
    zip_directory::{Directory, Record, Section},
};

/// Compression methods (APPNOTE.TXT 6.3.10, 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ZSTANDARD: u16 = 93;

/// The bit that says that an entry is encrypted (4.4.4).
const ENCRYPTED: u16 = 1;

/// Hands over the entries of an archive.
pub(super) fn read(file: &File, config: &Config, feed: &mut Feed) -> Result<(), SourceError> {
    let length = file.metadata()?.len();
    feed.gauge().size(length);
    let Some(mut directory) = Directory::find(file, length)? else {
        feed.note_damage("the archive ends early: its directory is missing");
        return Ok(());
    };
    let too_many = SourceError::Limit { limit: "archive_entries", allowed: config.archive_entries };
    if directory.entries() > config.archive_entries {
        return Err(too_many);
    }
    feed.gauge().most(directory.entries());
    let mut budget = Budget::new(config);
    loop {
        match directory.next() {
            Ok(Some(_)) if directory.met() > config.archive_entries => {
                return Err(too_many);
            }
            Ok(Some(record)) => {
                let entry = Entry { file, length, record, window: config.zstd_window.bytes() };
                entry.meet(&mut budget, feed)?;
            }
            Ok(None) => {
                if let Some(what) = directory.disagrees() {
                    feed.note_damage(what);
                }
                return Ok(());
            }
            Err(error) => {
                feed.note_damage(format!("the archive's directory is damaged: {error}"));
                return Ok(());
            }
        }
    }
}

struct Entry<'a> {
    file: &'a File,
    length: u64,
    record: Record,
    window: u64,
}

impl Entry<'_> {
    fn meet(&self, budget: &mut Budget, feed: &mut Feed) -> Result<(), SourceError> {
        // Programs of a certain system separate by backslashes, against 4.4.17.
        let name: Vec<u8> =
            self.record.name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
        if name.ends_with(b"/") {
            return Ok(());
        }
        let path = ItemPath::of_entry(&name);
        let shown = path.clone().unwrap_or_else(|_| ItemPath::refused(&name));
        if feed.is_past(&shown)? {
            return Ok(());
        }
        match path.and_then(|_| self.refuse()).and_then(|()| self.open()) {
            Err(fault) => feed.pass(shown, fault),
            Ok(content) => {
                let record = &self.record;
                let mut content = Checked {
                    content,
                    budget,
                    packed: self.length,
                    left: record.unpacked,
                    crc: Crc::new(),
                    expected: record.crc,
                };
                feed.gauge().add_read(record.packed);
                feed.offer(shown, Some(record.unpacked), &mut content)
            }
        }
    }

    fn refuse(&self) -> Result<(), Fault> {
        match self.record.mode & 0o170_000 {
            0 | 0o100_000 => {}
            0o120_000 => return Err(SkipReason::Link.into()),
            _ => return Err(SkipReason::Special.into()),
        }
        if self.record.flags & ENCRYPTED != 0 {
            return Err(SkipReason::Encrypted.into());
        }
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Read + '_>, Fault> {
        let packed: Section<'_> = self
            .record
            .content(self.file)
            .map_err(|error| Fault::new(reason_of(&error), error.to_string()))?;
        let buffered =
            |packed| BufReader::with_capacity(BUFFER.min(self.record.packed as usize).max(64), packed);
        Ok(match self.record.method {
            STORED => Box::new(packed),
            DEFLATED => Box::new(DeflateDecoder::new(buffered(packed))),
            ZSTANDARD => Box::new(Zstd::new(buffered(packed), self.window)),
            method => {
                let detail = format!("the compression method {method} is not known here");
                return Err(Fault::new(SkipReason::UnsupportedCompression, detail));
            }
        })
    }
}

/// The content of an entry, which is to have the size and the checksum that the directory says.
struct Checked<'a> {
    content: Box<dyn Read + 'a>,
    budget: &'a mut Budget,
    packed: u64,
    left: u64,
    crc: Crc,
    expected: u32,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        // One byte more than there may be tells what is too long.
        let most = self.left.saturating_add(1).min(buffer.len() as u64) as usize;
        let count = match self.content.read(&mut buffer[..most]) {
            // What the decoder says of broken data.
            Err(error) if error.kind() == io::ErrorKind::Other && !SourceError::is_inside(&error) => {
                return damaged("its content is damaged");
            }
            read => read?,
        };
        self.budget.take(count, self.packed).map_err(SourceError::into_io)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            return damaged("it is longer than the directory says");
        };
        self.left = left;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.crc.sum() != self.expected {
                return damaged("its checksum is wrong");
            }
        }
        Ok(count)
    }
}

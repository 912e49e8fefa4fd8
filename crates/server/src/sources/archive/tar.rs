//! Tar: POSIX ustar and pax, GNU, and what came before them.
//!
//! The headers' fields are read by the `tar` crate. Its iterator is not used: it takes a long name or a pax header of
//! any size into memory.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::super::{
    Config, ItemPath, SkipReason, SourceError,
    feed::{Feed, fill},
};

/// Everything in a tar archive is a multiple of this.
pub(super) const BLOCK: usize = 512;

/// Bytes of a long name or of a pax header.
const MAX_EXTENSION: u64 = 1 << 20;

/// Bytes after the end of the archive that are read for the checksum that follows: tar pads to 10 KiB, at most to
/// some hundred.
const MAX_PADDING: u64 = 1 << 20;

/// Hands over the entries of an archive.
pub(super) fn read(unpacked: impl Read, config: &Config, feed: &mut Feed) -> Result<(), SourceError> {
    let mut archive = Archive { unpacked, left: 0 };
    let mut headers = 0;
    let mut told = Told::default();
    loop {
        let header = match archive.next() {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(()),
            Err(Stop::Source(error)) => return Err(error),
            Err(Stop::Damage(what)) => {
                feed.note_damage(what);
                return Ok(());
            }
        };
        headers += 1;
        if headers > config.archive_entries {
            return Err(SourceError::Limit { limit: "archive_entries", allowed: config.archive_entries });
        }
        match archive.entry(&header, &mut told, feed) {
            Ok(()) => {}
            Err(Stop::Source(error)) => return Err(error),
            Err(Stop::Damage(what)) => {
                feed.note_damage(what);
                return Ok(());
            }
        }
    }
}

/// Why an archive is read no further.
enum Stop {
    /// What came before is sound.
    Damage(String),
    Source(SourceError),
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            _ if SourceError::is_inside(&error) => Self::Source(error.into()),
            io::ErrorKind::UnexpectedEof => Self::Damage("the archive ends early".to_owned()),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::Damage(format!("the archive is damaged: {error}"))
            }
            _ => Self::Source(error.into()),
        }
    }
}

/// What extended headers say about the entry after them.
#[derive(Default)]
struct Told {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

struct Archive<R> {
    unpacked: R,
    /// Bytes of the entry, with its padding, that were not read.
    left: u64,
}

impl<R: Read> Archive<R> {
    /// The next header; `None` after the last entry.
    fn next(&mut self) -> Result<Option<Header>, Stop> {
        self.skip()?;
        let mut header = Header::new_old();
        match fill(&mut self.unpacked, header.as_mut_bytes())? {
            0 => return Err(Stop::Damage("the archive ends early: its end mark is missing".to_owned())),
            BLOCK => {}
            _ => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            // Padding, and the checksum of what it was compressed with.
            match io::copy(&mut (&mut self.unpacked).take(MAX_PADDING), &mut io::sink()) {
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(None),
            }
        }
        if !has_right_sum(&header) {
            return Err(Stop::Damage("the archive is damaged: a header has a wrong checksum".to_owned()));
        }
        Ok(Some(header))
    }

    /// Handles what the header announces.
    fn entry(&mut self, header: &Header, told: &mut Told, feed: &mut Feed) -> Result<(), Stop> {
        let kind = header.entry_type();
        let size = match told.size {
            Some(size) if !is_extension(kind) => size,
            _ => header
                .entry_size()
                .map_err(|_| Stop::Damage("the archive is damaged: a size is no number".to_owned()))?,
        };
        // Links, devices and folders have no content, whatever size they are said to have.
        let has_content = !matches!(kind.as_byte(), b'1'..=b'6');
        self.left =
            if has_content { size.saturating_add(BLOCK as u64 - 1) / BLOCK as u64 * BLOCK as u64 } else { 0 };
        match kind {
            EntryType::XHeader => {
                let extension = self.extension(size)?;
                told.take_pax(&extension);
                Ok(())
            }
            EntryType::GNULongName => {
                let mut name = self.extension(size)?;
                name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
                told.path = Some(name);
                Ok(())
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => Ok(()),
            kind => {
                let told = std::mem::take(told);
                let name = told.path.unwrap_or_else(|| header.path_bytes().into_owned());
                let sparse = told.sparse || kind == EntryType::GNUSparse;
                if kind == EntryType::GNUSparse {
                    self.skip_map(header)?;
                }
                self.file(&name, size, if sparse { EntryType::GNUSparse } else { kind }, feed)
            }
        }
    }

    fn file(&mut self, name: &[u8], size: u64, kind: EntryType, feed: &mut Feed) -> Result<(), Stop> {
        let path = ItemPath::of_entry(name);
        let shown = path.clone().unwrap_or_else(|_| ItemPath::refused(name));
        let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous) && !name.ends_with(b"/");
        if kind == EntryType::Directory || (kind == EntryType::Regular && !is_file) {
            return Ok(());
        }
        if feed.is_past(&shown)? {
            return Ok(());
        }
        let path = match path {
            Err(fault) => return Ok(feed.pass(shown, fault)?),
            Ok(path) => path,
        };
        match kind {
            _ if is_file => {
                let mut content = Entry { archive: self, left: size };
                Ok(feed.offer(path, Some(size), &mut content)?)
            }
            EntryType::Link | EntryType::Symlink => Ok(feed.pass(path, SkipReason::Link)?),
            _ => Ok(feed.pass(path, SkipReason::Special)?),
        }
    }

    /// The content of an extended header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > MAX_EXTENSION {
            return Err(Stop::Damage("the archive is damaged: an extended header is too long".to_owned()));
        }
        let mut content = vec![0; size as usize];
        let count = fill(&mut Entry { archive: self, left: size }, &mut content)?;
        content.truncate(count);
        Ok(content)
    }

    /// The map of a sparse file goes on in blocks between the header and the content (GNU tar, `struct sparse_header`).
    fn skip_map(&mut self, header: &Header) -> Result<(), Stop> {
        let mut block = *header.as_bytes();
        let mut more = block[482];
        while more == 1 {
            if fill(&mut self.unpacked, &mut block)? < BLOCK {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            more = block[504];
        }
        Ok(())
    }

    /// Passes over what was not read of the entry.
    fn skip(&mut self) -> Result<(), Stop> {
        let skipped = io::copy(&mut (&mut self.unpacked).take(self.left), &mut io::sink())?;
        if skipped < self.left {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.left = 0;
        Ok(())
    }
}

/// The content of one entry.
struct Entry<'a, R> {
    archive: &'a mut Archive<R>,
    left: u64,
}

impl<R: Read> Read for Entry<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.left.min(buffer.len() as u64) as usize;
        if most == 0 {
            return Ok(0);
        }
        let count = self.archive.unpacked.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        self.archive.left -= count as u64;
        Ok(count)
    }
}

impl Told {
    /// Records of a pax header: `length key=value\n` (POSIX pax, "Extended Header").
    fn take_pax(&mut self, mut records: &[u8]) {
        while let Some((key, value, rest)) = pax_record(records) {
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok()),
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
            records = rest;
        }
    }
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
        || kind.is_gnu_longname()
        || kind.is_gnu_longlink()
}

/// The header's checksum: the sum of its bytes, its own field taken as spaces (POSIX ustar, `chksum`).
pub(super) fn has_right_sum(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let sum =
        bytes[..148].iter().chain(&[b' '; 8]).chain(&bytes[156..]).map(|byte| u32::from(*byte)).sum::<u32>();
    header.cksum().is_ok_and(|stored| stored == sum)
}

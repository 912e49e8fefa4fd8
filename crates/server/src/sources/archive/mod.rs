//! Archives: tar, as it is or compressed by gzip or Zstandard, and zip. Known by content, never by name.

mod bounds;
mod compression;
mod kind;
mod tar;
mod zip;
mod zip_directory;

use std::{
    fs::File,
    io::{self, Cursor, Read},
};

use super::{
    Config, SourceError,
    feed::{Feed, fill},
};
use bounds::Metered;
use compression::Zstd;
use kind::{Kind, START};

/// The bytes of an archive.
pub(super) trait Packed: Read + Send {
    /// The whole archive as a file, once all of it is there: a zip archive begins at its end.
    fn whole(&mut self) -> Result<File, SourceError>;
}

impl Packed for File {
    fn whole(&mut self) -> Result<File, SourceError> {
        Ok(self.try_clone()?)
    }
}

/// Works through an archive of which everything up to `feed`'s position was met before.
pub(super) fn read(mut packed: Box<dyn Packed>, config: &Config, feed: &mut Feed) -> Result<(), SourceError> {
    let mut start = vec![0; START];
    let count = fill(&mut *packed, &mut start)?;
    start.truncate(count);
    match Kind::of(&start)? {
        Kind::Zip => zip::read(&packed.whole()?, config, feed)?,
        Kind::Tar => tar_of(whole_again(start, packed, feed), config, feed)?,
        Kind::Gzip => {
            let packed = io::BufReader::with_capacity(compression::BUFFER, whole_again(start, packed, feed));
            tar_of(flate2::bufread::MultiGzDecoder::new(packed), config, feed)?;
        }
        Kind::Zstd => {
            let packed = io::BufReader::with_capacity(compression::BUFFER, whole_again(start, packed, feed));
            tar_of(Zstd::new(packed, config.zstd_window.bytes()), config, feed)?;
        }
    }
    feed.end()
}

fn tar_of(unpacked: impl Read, config: &Config, feed: &mut Feed) -> Result<(), SourceError> {
    let gauge = feed.gauge().clone();
    tar::read(Metered::new(unpacked, config, move || gauge.read()), config, feed)
}

/// The archive from its start, counted as it is read.
fn whole_again(start: Vec<u8>, packed: Box<dyn Packed>, feed: &Feed) -> impl Read + use<> {
    let gauge = feed.gauge().clone();
    Counted { inner: Cursor::new(start).chain(packed), gauge }
}

struct Counted<R> {
    inner: R,
    gauge: super::progress::Gauge,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.gauge.add_read(count as u64);
        Ok(count)
    }
}

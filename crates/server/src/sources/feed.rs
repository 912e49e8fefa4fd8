//! From the thread that reads a source to the task that makes jobs of it, through a channel that holds little.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use bytes::Bytes;
use darkroom_core::{BlobId, job::Place};
use darkroom_imaging::{Format, recognise};
use sha2::{Digest, Sha256};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Broken, Chunks, Config, Content, Fault, Item, ItemPath, Met, Passed, Phase, Placed, Position, Progress,
    SkipReason, SourceError,
    item::{Piece, reason_of},
    progress::Gauge,
};

/// Bytes of a chunk. Most images of most datasets are one.
const CHUNK: usize = 256 << 10;

/// What is met ahead of the jobs: at most this many chunks are in memory.
const AHEAD: usize = 16;

/// Chunks of one item ahead of who takes them.
const CHUNKS_AHEAD: usize = 2;

/// What is in a source, one after another.
#[derive(Debug)]
pub struct Items {
    met: mpsc::Receiver<Met>,
    reader: Option<JoinHandle<Result<Summary, SourceError>>>,
    summary: Summary,
    gauge: Gauge,
    /// Stops what runs beside the reader.
    _stop: DropGuard,
}

/// How a source ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// If an archive ends before its end or is damaged from somewhere on: what is wrong. What came before was met.
    pub damage: Option<String>,
}

impl Items {
    /// What comes next; `None` at the end. What was not taken of the content of the item before is passed over.
    ///
    /// After an error the source can be opened again at the [`Position`] of what was recorded last, if the error
    /// [`may_pass`](SourceError::may_pass). Dropping `Items` stops the reading.
    pub async fn next(&mut self) -> Result<Option<Met>, SourceError> {
        if let Some(met) = self.met.recv().await {
            return Ok(Some(met));
        }
        if let Some(reader) = self.reader.take() {
            let ended = reader.await.unwrap_or_else(|panic| Err(SourceError::Io(io::Error::other(panic))));
            self.summary = ended?;
            self.gauge.enter(Phase::Done);
        }
        Ok(None)
    }

    /// How far the reading is.
    pub fn progress(&self) -> Progress {
        self.gauge.progress()
    }

    /// How the source ended; meaningful once [`Items::next`] has given `None`.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// Starts `read` on a thread that may block. `stop` is cancelled once nobody wants more.
pub(super) fn start(
    mut feed: Feed,
    receiver: mpsc::Receiver<Met>,
    stop: CancellationToken,
    read: impl FnOnce(&mut Feed) -> Result<(), SourceError> + Send + 'static,
) -> Items {
    let gauge = feed.gauge.clone();
    let ended = stop.clone();
    let reader = tokio::task::spawn_blocking(move || {
        let read = read(&mut feed);
        // What would still be fetched is not wanted any more.
        ended.cancel();
        read.map(|()| Summary { damage: feed.damage.take() })
    });
    Items {
        met: receiver,
        reader: Some(reader),
        summary: Summary::default(),
        gauge,
        _stop: stop.drop_guard(),
    }
}

/// A file of this machine that was opened.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: File,
    /// Its size when it was.
    pub(super) bytes: u64,
    /// Where it lies, with no link on the way.
    pub(super) path: PathBuf,
}

/// What a reader hands over what it meets to.
#[derive(Debug)]
pub(super) struct Feed {
    sender: mpsc::Sender<Met>,
    gauge: Gauge,
    from: Position,
    /// The place of what is met next.
    next: u64,
    item_bytes: u64,
    buffer: Vec<u8>,
    damage: Option<String>,
}

/// Nobody wants to meet more.
const UNWANTED: &str = "nobody takes the items";

impl Feed {
    /// A feed of which everything before `from` is passed over; items are at most `item_bytes` long.
    pub(super) fn new(from: Position, item_bytes: u64, gauge: Gauge) -> (Self, mpsc::Receiver<Met>) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let feed = Self { sender, gauge, from, next: 0, item_bytes, buffer: vec![0; CHUNK], damage: None };
        (feed, receiver)
    }

    /// For readers that find their place by themselves: what was met last, from which on they count.
    pub(super) fn take_position(&mut self) -> Option<ItemPath> {
        let from = std::mem::take(&mut self.from);
        self.next = from.next;
        self.gauge.met(self.next);
        from.after
    }

    pub(super) fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// What there is to say about an archive that is not whole.
    pub(super) fn note_damage(&mut self, what: impl Into<String>) {
        self.damage = Some(what.into());
    }

    /// Whether something that is met now was met before the interruption; then it is not to be read. To be asked
    /// once for each thing that is met, before it is handed over.
    pub(super) fn is_past(&mut self, path: &ItemPath) -> Result<bool, SourceError> {
        if self.next >= self.from.next {
            return Ok(false);
        }
        let last = self.next + 1 == self.from.next;
        if last && self.from.after.as_ref().is_some_and(|after| after != path) {
            return Err(SourceError::Changed);
        }
        self.count();
        Ok(true)
    }

    /// Everything was met. A source that is shorter than it was is another one.
    pub(super) fn end(&self) -> Result<(), SourceError> {
        if self.next < self.from.next { Err(SourceError::Changed) } else { Ok(()) }
    }

    /// Hands over that something gives no job.
    pub(super) fn pass(&mut self, path: ItemPath, fault: impl Into<Fault>) -> Result<(), SourceError> {
        let passed = Passed { index: self.next, path, fault: fault.into() };
        self.send(Met::Passed(passed))
    }

    /// Hands over a file: as an image if it is one, and not too large. `declared` is the size that the source says.
    /// Errors of `content` that are a [`SourceError`] inside are given back; others are the item's.
    pub(super) fn offer(
        &mut self,
        path: ItemPath,
        declared: Option<u64>,
        content: &mut dyn Read,
    ) -> Result<(), SourceError> {
        if declared.is_some_and(|bytes| bytes > self.item_bytes) {
            return self.pass(path, self.too_large());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let offered = self.offer_chunks(path, declared, content, &mut buffer);
        self.buffer = buffer;
        offered
    }

    /// Hands over a file of this machine. Unless it is to be copied, or its path is no plain text, it is read here to its
    /// end, to know what it holds, and stays where it is.
    pub(super) fn offer_file(
        &mut self,
        path: ItemPath,
        found: Found,
        config: &Config,
    ) -> Result<(), SourceError> {
        let Found { mut file, bytes, path: lies } = found;
        let Some(place) = Place::of(&lies).filter(|_| config.in_place) else {
            return self.offer(path, Some(bytes), &mut file);
        };
        if bytes > self.item_bytes {
            return self.pass(path, self.too_large());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.know(&mut file, &mut buffer);
        self.buffer = buffer;
        match read {
            Ok((format, blob, bytes)) => {
                let content = Content::Placed(Placed { blob, bytes, place });
                self.send(Met::Image(Item { index: self.next, path, format, bytes: Some(bytes), content }))
            }
            Err(fault) => self.pass(path, fault),
        }
    }

    /// What kind of image a file holds, its address and its size.
    fn know(&self, file: &mut File, buffer: &mut [u8]) -> Result<(Format, BlobId, u64), Fault> {
        let told = |error: io::Error| fault(&error);
        let (mut hash, mut bytes, mut known) = (Sha256::new(), 0, None);
        loop {
            let count = fill(file, buffer).map_err(told)?;
            let part = &buffer[..count];
            if bytes == 0 {
                if part.is_empty() {
                    return Err(SkipReason::Empty.into());
                }
                known = recognise(&part[..count.min(darkroom_imaging::RECOGNISABLE)]);
            }
            let Some(format) = known else { return Err(SkipReason::NotAnImage.into()) };
            bytes += count as u64;
            if bytes > self.item_bytes {
                return Err(self.too_large());
            }
            hash.update(part);
            if count < buffer.len() {
                return Ok((format, BlobId::from_bytes(hash.finalize().into()), bytes));
            }
        }
    }

    fn offer_chunks(
        &mut self,
        path: ItemPath,
        declared: Option<u64>,
        content: &mut dyn Read,
        buffer: &mut [u8],
    ) -> Result<(), SourceError> {
        let (count, ended) = match fill(content, buffer) {
            Ok(count) => (count, count < buffer.len()),
            Err(error) if SourceError::is_inside(&error) => return Err(error.into()),
            Err(error) => return self.pass(path, fault(&error)),
        };
        let first = &buffer[..count];
        if first.is_empty() {
            return self.pass(path, SkipReason::Empty);
        }
        let Some(format) = recognise(&first[..first.len().min(darkroom_imaging::RECOGNISABLE)]) else {
            return self.pass(path, SkipReason::NotAnImage);
        };
        if count as u64 > self.item_bytes {
            return self.pass(path, self.too_large());
        }
        let (sender, rest) = mpsc::channel(CHUNKS_AHEAD);
        let chunks = Chunks { first: Some(Bytes::copy_from_slice(first)), rest: (!ended).then_some(rest) };
        let content_of = Content::Chunks(chunks);
        let bytes = if ended { Some(count as u64) } else { declared };
        self.send(Met::Image(Item { index: self.next, path, format, bytes, content: content_of }))?;
        if ended { Ok(()) } else { self.follow(&sender, content, buffer) }
    }

    /// The chunks after the first. A taker that went away ends the item, not the source.
    fn follow(
        &self,
        sender: &mpsc::Sender<Piece>,
        content: &mut dyn Read,
        buffer: &mut [u8],
    ) -> Result<(), SourceError> {
        let mut bytes = CHUNK as u64;
        loop {
            let piece = match fill(content, buffer) {
                Ok(0) => Piece::End,
                Ok(count) if bytes + count as u64 > self.item_bytes => {
                    Piece::Broken(Broken::Item(self.too_large()))
                }
                Ok(count) => {
                    bytes += count as u64;
                    Piece::Chunk(Bytes::copy_from_slice(&buffer[..count]))
                }
                Err(error) if SourceError::is_inside(&error) => {
                    let _ = sender.blocking_send(Piece::Broken(Broken::Source));
                    return Err(error.into());
                }
                Err(error) => Piece::Broken(Broken::Item(fault(&error))),
            };
            let more = matches!(piece, Piece::Chunk(_));
            if sender.blocking_send(piece).is_err() || !more {
                return Ok(());
            }
        }
    }

    fn too_large(&self) -> Fault {
        Fault::new(
            SkipReason::TooLarge,
            format!("it is larger than limits.input_bytes ({})", self.item_bytes),
        )
    }

    fn send(&mut self, met: Met) -> Result<(), SourceError> {
        self.count();
        self.sender.blocking_send(met).map_err(|_| SourceError::Io(io::Error::other(UNWANTED)))
    }

    fn count(&mut self) {
        self.next += 1;
        self.gauge.met(self.next);
    }
}

fn fault(error: &io::Error) -> Fault {
    Fault::new(reason_of(error), error.to_string())
}

/// Fills the buffer as far as the content goes.
pub(super) fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

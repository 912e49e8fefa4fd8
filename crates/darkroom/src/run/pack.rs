//! Images of this machine as one tar stream. It is made while it is sent and is nowhere as a whole, neither in memory
//! nor on a disk.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read, Write},
    mem,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use darkroom_api::client::ArchiveUpload;
use futures_util::stream;
use tar::{Builder, Header};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    finished::{Failed, Finished},
    rows::{Row, Rows},
    sources::{Found, Image, Typed},
    summary::Summary,
};
use crate::{halt::Halt, upload_bar::UploadBar};

/// Bytes that are handed over at a time.
const CHUNK: usize = 256 << 10;

/// Chunks that wait to be sent at most.
const AHEAD: usize = 4;

/// A file of up to so many bytes is read before it is announced, so that what is sent is what was there at one moment.
const WHOLE: u64 = 8 << 20;

/// What is to be packed.
pub(super) struct Packing {
    pub(super) sources: Vec<Typed>,
    /// The folder for the results and its rows: what has a row that still holds is not sent.
    pub(super) kept: Option<(PathBuf, Rows)>,
    pub(super) bar: UploadBar,
}

/// What was packed.
pub(super) struct Packed {
    /// What needed no sending, and what cannot be sent.
    pub(super) summary: Summary,
    pub(super) rows: Option<Rows>,
}

/// An archive on its way.
pub(super) struct Stream {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    packed: JoinHandle<Result<Packed, Halt>>,
}

impl Packing {
    /// Begins to pack, a little ahead of whoever sends.
    pub(super) fn begin(self) -> Stream {
        let (sender, chunks) = mpsc::channel(AHEAD);
        let packed = tokio::task::spawn_blocking(move || self.through(&sender));
        Stream { chunks, packed }
    }

    fn through(self, chunks: &mpsc::Sender<io::Result<Vec<u8>>>) -> Result<Packed, Halt> {
        let Self { sources, kept, bar } = self;
        let mut archive = Builder::new(Chunks { sender: chunks.clone(), buffer: Vec::new() });
        let mut packed = Packed { summary: Summary::default(), rows: None };
        let (out, mut rows) = kept.map_or((None, None), |(out, rows)| (Some(out), Some(rows)));
        let mut count = 0_u64;
        for found in sources.iter().flat_map(Typed::found) {
            let failed = match found {
                Found::PassedOver(why) => {
                    *packed.summary.passed_over.entry(why.as_str().to_owned()).or_default() += 1;
                    continue;
                }
                Found::Image(image) if is_held(rows.as_mut(), out.as_deref(), &image) => {
                    packed.summary.succeeded += 1;
                    packed.summary.remembered += 1;
                    bar.less(image.bytes);
                    continue;
                }
                Found::Image(image) => match append(&mut archive, &image) {
                    Ok(()) => {
                        count += 1;
                        continue;
                    }
                    Err(Broken::Image(error)) => {
                        bar.less(image.bytes);
                        Finished::unreadable(image.relative, &error)
                    }
                    // Whoever sends has had enough, and knows why.
                    Err(Broken::Stream) => break,
                    Err(Broken::Changed(why)) => {
                        let _ = chunks.blocking_send(Err(io::Error::other(why.clone())));
                        let advice = "nothing was begun; call again once nobody writes to the file";
                        return Err(Halt::environment(anyhow!(why), advice));
                    }
                },
                Found::Unreadable(path, error) => Finished::unreadable(path, &error),
            };
            packed.unreadable(&failed, rows.as_mut(), &bar)?;
        }
        // Without an image there is no archive.
        if count > 0 {
            // Whoever does not take the end knows why.
            let _ = archive.into_inner().and_then(|mut chunks| chunks.flush());
        }
        Ok(Packed { rows, ..packed })
    }
}

fn is_held(rows: Option<&mut Rows>, out: Option<&Path>, image: &Image) -> bool {
    rows.zip(out).is_some_and(|(rows, out)| rows.hold(image, out))
}

impl Packed {
    fn unreadable(
        &mut self,
        failed: &Finished,
        rows: Option<&mut Rows>,
        bar: &UploadBar,
    ) -> Result<(), Halt> {
        let Err(Failed { kind, message }) = &failed.end else { return Ok(()) };
        *self.summary.failures.entry(kind.clone()).or_default() += 1;
        bar.note(&format!("{}: {message}", failed.relative.display()));
        rows.map_or(Ok(()), |rows| rows.add(&Row::of(failed)))
    }
}

impl Stream {
    /// Waits for the first image, and gives the archive that is to be sent; `None` if there is nothing to send.
    pub(super) async fn upload(&mut self) -> Option<ArchiveUpload> {
        let first = self.chunks.recv().await?;
        let (_, none) = mpsc::channel(1);
        let rest = mem::replace(&mut self.chunks, none);
        let pieces = stream::unfold((Some(first), rest), async |(first, mut rest)| {
            let piece = match first {
                Some(piece) => piece,
                None => rest.recv().await?,
            };
            Some((piece.map(Into::into), (None, rest)))
        });
        Some(ArchiveUpload::pieces(pieces, "images.tar"))
    }

    /// What was packed, once it was.
    pub(super) async fn packed(self) -> Result<Packed, Halt> {
        drop(self.chunks);
        self.packed.await.map_err(|error| Halt::environment(error, "please report this"))?
    }
}

/// Why an image is not in the archive.
enum Broken {
    /// It cannot be read.
    Image(io::Error),
    /// It has become shorter than was announced, which cannot be taken back.
    Changed(String),
    /// Nobody takes more.
    Stream,
}

fn append(archive: &mut Builder<Chunks>, image: &Image) -> Result<(), Broken> {
    let mut file = File::open(&image.path).map_err(Broken::Image)?;
    let mut begin = Vec::with_capacity(image.bytes.min(WHOLE) as usize);
    (&mut file).take(WHOLE).read_to_end(&mut begin).map_err(Broken::Image)?;
    let mut size = begin.len() as u64;
    if size == WHOLE {
        // Links were followed to get here, and are once more.
        size = size.max(fs::metadata(&image.path).map_err(Broken::Image)?.len());
    }
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(size);
    let content = Announced { content: Cursor::new(begin).chain(file).take(size), left: size };
    archive.append_data(&mut header, &image.relative, content).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Broken::Stream,
        io::ErrorKind::UnexpectedEof => {
            Broken::Changed(format!("{} became shorter while it was sent", image.path.display()))
        }
        _ => Broken::Changed(format!("{} cannot be read to its end: {error}", image.path.display())),
    })
}

/// As many bytes as were announced, or an error.
struct Announced<R> {
    content: R,
    left: u64,
}

impl<R: Read> Read for Announced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.left -= count as u64;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(count)
    }
}

/// Hands over what is written, in chunks.
struct Chunks {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = mem::take(&mut self.buffer);
        if chunk.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder as Runtime;

    use super::*;
    use crate::run::sources;

    /// What is packed of a folder, as names and contents.
    fn packed(folder: &Path) -> (Vec<(String, usize)>, Summary) {
        let runtime = Runtime::new_current_thread().build().unwrap();
        let sources = sources::parse(&[folder.display().to_string()]).unwrap();
        let packing = Packing { sources, kept: None, bar: UploadBar::start(0) };
        let _entered = runtime.enter();
        let mut stream = packing.begin();
        runtime.block_on(async {
            let mut bytes = Vec::new();
            while let Some(chunk) = stream.chunks.recv().await {
                bytes.extend(chunk.unwrap());
            }
            let packed = stream.packed().await.unwrap();
            let mut archive = tar::Archive::new(&bytes[..]);
            let entries = archive.entries().unwrap().map(|entry| {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                (entry.path().unwrap().display().to_string(), content.len())
            });
            (if bytes.is_empty() { Vec::new() } else { entries.collect() }, packed.summary)
        })
    }

    #[test]
    fn images_of_every_size_are_packed_under_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("{}/z.jpg", "folder".repeat(30));
        let sizes = [
            ("a.jpg", 0),
            ("b.jpg", 512),
            ("c.jpg", WHOLE as usize),
            ("d.jpg", WHOLE as usize + 7),
            (&long, 3),
        ];
        for (name, size) in sizes {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![7; size]).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "no image").unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        for (name, target) in
            [("e.jpg", Path::new("b.jpg")), ("f.jpg", outside.path()), ("g.jpg", Path::new("gone"))]
        {
            std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
        }
        let (entries, summary) = packed(folder.path());
        let mut expected: Vec<_> = sizes.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
        expected.insert(4, ("e.jpg".to_owned(), 512));
        assert_eq!(summary.passed_over["link"], 2);
        assert_eq!((entries, summary.passed_over["not_an_image"]), (expected, 1));
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(packed(nothing.path()).0, []);
    }

    fn image(path: PathBuf) -> Image {
        Image { relative: path.file_name().unwrap().into(), path, bytes: 1, modified: 1 }
    }

    #[test]
    fn a_file_that_vanishes_is_left_out_and_nobody_is_told_of_it() {
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        let mut archive = Builder::new(Chunks { sender, buffer: Vec::new() });
        let gone = append(&mut archive, &image(PathBuf::from("/nowhere/gone.jpg")));
        assert!(matches!(gone, Err(Broken::Image(error)) if error.kind() == io::ErrorKind::NotFound));
        archive.into_inner().unwrap().flush().unwrap();
        assert_eq!(receiver.blocking_recv().unwrap().unwrap().len(), 1_024, "only the end");
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error_and_no_image_full_of_nothing() {
        let mut content = Announced { content: Cursor::new(vec![1; 10]).take(20), left: 20 };
        let error = io::copy(&mut content, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let mut whole = Announced { content: Cursor::new(vec![1; 10]).take(10), left: 10 };
        assert_eq!(io::copy(&mut whole, &mut io::sink()).unwrap(), 10);
    }

    #[test]
    fn nobody_packs_for_whom_nobody_sends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, vec![0; 2 * CHUNK]).unwrap();
        let (sender, receiver) = mpsc::channel(AHEAD);
        drop(receiver);
        let mut archive = Builder::new(Chunks { sender, buffer: Vec::new() });
        assert!(matches!(append(&mut archive, &image(path)), Err(Broken::Stream)));
    }
}

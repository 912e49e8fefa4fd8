//! The journal of small blobs: one sync for all that become durable together, where files and folders take two for each.
//!
//! A disk takes as long to sync a thumbnail and its folder as a film. So the content of small blobs is appended to a
//! journal, which is synced once for all of them; their files are written, too, and the kernel brings them to the disk
//! when it likes to.
//!
//! - A blob gets its name after its record is on the disk: whoever finds one can rely on it.
//! - [`restore`], when the store is opened, makes again what a loss of power took.
//! - A journal goes once the file system has written all that was there when the journal was closed, see [`empty`].
//!
//! A record is an address, the length and the content; the address is the checksum. The first that is not whole is the
//! end: nobody was answered for it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    mem,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use darkroom_core::BlobId;

use super::{Inner, sync_folder, writer::Temporary};
use crate::disk::WriteBack;

/// Blobs up to this size in bytes are small: to write them twice costs less than two syncs.
const SMALL: usize = 256 << 10;

/// Up to so many blobs, to sync each costs less than to wait for all that the file system has to write.
const FEW: usize = 32;

/// Where small blobs are recorded.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// Bytes after which it is to be emptied. 0: nothing is recorded.
    cap: u64,
    /// The folder of the store, open since before the first write: what could not be written since then is told here,
    /// once.
    root: Mutex<Option<WriteBack>>,
    /// Whether that was told. Nothing is recorded then, since no record would go.
    failed: AtomicBool,
    pub(super) files: Mutex<Files>,
    /// Held by whoever records blobs until they have their names.
    naming: RwLock<()>,
}

#[derive(Debug, Default)]
pub(super) struct Files {
    /// The one that is appended to, and its bytes.
    pub(super) open: Option<(File, u64)>,
    /// All that are there, the open one, too.
    paths: Vec<PathBuf>,
    /// How many were begun.
    begun: u64,
}

impl Journal {
    /// The journal of the store in `root`, with nothing in it.
    pub(super) fn new(root: &Path, cap: u64) -> io::Result<Self> {
        let folder = root.join("journal");
        fs::create_dir_all(&folder)?;
        let root = WriteBack::of(root)?;
        let cap = if root.is_some() { cap } else { 0 };
        let (root, files) = (Mutex::new(root), Mutex::default());
        Ok(Self { folder, cap, root, failed: false.into(), files, naming: RwLock::default() })
    }

    /// Whether content of this size is recorded.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        self.cap > 0 && bytes <= SMALL && !self.failed.load(Ordering::Relaxed)
    }

    /// Until this is dropped no record goes. Take it before recording, and keep it until the blobs have their names.
    pub(super) fn naming(&self) -> RwLockReadGuard<'_, ()> {
        self.naming.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the contents on the disk.
    pub(super) fn record<'a>(&self, blobs: impl Iterator<Item = (BlobId, &'a [u8])>) -> io::Result<()> {
        let mut blobs = blobs.peekable();
        if blobs.peek().is_none() {
            return Ok(());
        }
        let mut files = self.lock();
        let recorded = files.open(&self.folder).and_then(|(file, bytes)| {
            let mut writer = BufWriter::with_capacity(SMALL, &*file);
            for (id, content) in blobs {
                *bytes += write_record(&mut writer, id, content)?;
            }
            writer.flush()?;
            drop(writer);
            file.sync_data()
        });
        // Behind half a record none is found, and a file that could not be synced may lose what is appended to it.
        recorded.inspect_err(|_| files.open = None)
    }

    /// Whether it is time to empty it.
    pub(super) fn is_full(&self) -> bool {
        self.lock().open.as_ref().is_some_and(|(_, bytes)| *bytes >= self.cap)
    }

    /// Whether somebody waits for the file system to write everything.
    pub(super) fn is_being_emptied(&self) -> bool {
        self.root.try_lock().is_err()
    }

    /// Ends the journals there are, once all blobs in them have their names; their paths.
    fn close(&self) -> Vec<PathBuf> {
        let _named = self.naming.write().unwrap_or_else(PoisonError::into_inner);
        let mut files = self.lock();
        files.open = None;
        mem::take(&mut files.paths)
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// The file to append to, whose name is on the disk, and its bytes so far.
    fn open(&mut self, folder: &Path) -> io::Result<&mut (File, u64)> {
        if self.open.is_none() {
            let path = folder.join(format!("{:08}", self.begun));
            self.begun += 1;
            let file = File::create_new(&path)?;
            self.paths.push(path);
            sync_folder(folder)?;
            self.open = Some((file, 0));
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("no journal is open"))
    }
}

/// Writes one record; its bytes.
fn write_record(to: &mut impl Write, id: BlobId, content: &[u8]) -> io::Result<u64> {
    to.write_all(id.as_bytes())?;
    to.write_all(&(content.len() as u32).to_le_bytes())?;
    to.write_all(content)?;
    Ok((id.as_bytes().len() + size_of::<u32>() + content.len()) as u64)
}

/// The next record; `None` at the end, and at one that is not whole.
fn read_record(from: &mut impl Read) -> io::Result<Option<(BlobId, Vec<u8>)>> {
    let mut read = || -> io::Result<_> {
        let (mut id, mut length) = ([0; 32], [0; size_of::<u32>()]);
        from.read_exact(&mut id)?;
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > SMALL {
            return Ok(None);
        }
        let mut content = vec![0; length];
        from.read_exact(&mut content)?;
        let id = BlobId::from_bytes(id);
        Ok((BlobId::of(&content) == id).then_some((id, content)))
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

/// Removes the records of all blobs that have their names, once these are on the disk. Blocks. After an error all records
/// stay until the store is opened again: the kernel does not say which blobs it could not write.
pub(super) fn empty(inner: &Inner) -> io::Result<()> {
    let journal = &inner.journal;
    let root = journal.root.lock().unwrap_or_else(PoisonError::into_inner);
    let closed = if journal.failed.load(Ordering::Relaxed) { Vec::new() } else { journal.close() };
    let mut blobs = Vec::new();
    let read = closed.iter().try_for_each(|path| {
        read_records(path, |id, _| {
            blobs.push(id);
            Ok(blobs.len() <= FEW)
        })
    });
    if read.is_err() {
        journal.lock().paths.extend(closed);
        return read;
    }
    sync(inner, root.as_ref(), &blobs).inspect_err(|_| journal.failed.store(true, Ordering::Relaxed))?;
    // One that comes back is restored once more.
    closed.iter().try_for_each(fs::remove_file)
}

/// Makes all blobs again that the journals of an earlier process hold, and removes these. Blocks.
pub(super) fn restore(inner: &Inner) -> io::Result<()> {
    let mut journals: Vec<PathBuf> =
        fs::read_dir(&inner.journal.folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    if journals.is_empty() {
        return Ok(());
    }
    journals.sort_unstable();
    let system = WriteBack::of(&inner.root)?;
    let mut blobs = Vec::new();
    for journal in &journals {
        read_records(journal, |id, content| {
            // Also if it looks right: what the kernel could not write it may still show.
            Temporary::holding(inner, &content)?.become_blob(inner, id)?;
            blobs.push(id);
            Ok(true)
        })?;
    }
    sync(inner, system.as_ref(), &blobs)?;
    journals.iter().try_for_each(fs::remove_file)?;
    tracing::info!(blobs = blobs.len(), "the journal of small blobs was read");
    Ok(())
}

/// Hands over each record of a journal, until one is not whole or no more are wanted.
fn read_records(journal: &Path, mut take: impl FnMut(BlobId, Vec<u8>) -> io::Result<bool>) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(SMALL, File::open(journal)?);
    while let Some((id, content)) = read_record(&mut reader)? {
        if !take(id, content)? {
            break;
        }
    }
    Ok(())
}

/// Puts blobs on the disk, those of them that are still there.
fn sync(inner: &Inner, system: Option<&WriteBack>, blobs: &[BlobId]) -> io::Result<()> {
    if let Some(system) = system.filter(|_| blobs.len() > FEW) {
        return system.write_all();
    }
    let mut folders = BTreeSet::new();
    for id in blobs {
        match File::open(inner.path(*id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?.sync_data()?,
        }
        folders.insert(id.as_bytes()[0]);
    }
    folders.into_iter().try_for_each(|first| sync_folder(&inner.folder(first)))
}

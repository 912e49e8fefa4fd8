//! From written to durable, for many blobs at a time: fsync, rename, fsync of the folder; for small blobs a record in the
//! journal instead of either fsync.
//!
//! Whoever comes while the disk is busy waits for the next round, and shares it: the disk is told of all files before the
//! first is waited for, and a folder that gets several names is synced once. Nothing waits for company.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use darkroom_core::BlobId;
use tokio::sync::oneshot;

use super::{
    BlobError, Blobs, Inner, Stored, journal, sync_folder,
    writer::{Temporary, Written},
};
use crate::{disk, failpoint};

/// Files of one round, except that nobody's files are divided.
const FILES_A_ROUND: usize = 64;

/// Rounds at the same time: while one waits for the disk the next is under way.
const ROUNDS: usize = 2;

/// Who waits for the disk.
#[derive(Debug, Default)]
pub(super) struct Durable(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Request>,
    /// Threads that go through rounds.
    at_work: usize,
}

#[derive(Debug)]
struct Request {
    files: Vec<Coming>,
    answer: oneshot::Sender<io::Result<()>>,
}

/// A blob that is to be one.
#[derive(Debug)]
struct Coming {
    id: BlobId,
    /// `None` if it is there already.
    file: Option<Temporary>,
    /// What the journal records.
    content: Option<Bytes>,
}

impl Blobs {
    /// Makes blobs of what was written. All of it survives a loss of power then, or there is an error and whatever
    /// became a blob all the same is garbage.
    pub async fn make_durable(&self, written: Vec<Written>) -> Result<Vec<Stored>, BlobError> {
        if written.is_empty() {
            return Ok(Vec::new());
        }
        let coming = |Written { stored, file, content }| {
            let coming = Coming { id: stored.id, file, content };
            (stored, coming)
        };
        let (stored, files): (Vec<_>, Vec<_>) = written.into_iter().map(coming).unzip();
        let (answer, answered) = oneshot::channel();
        if let Some(thread) = Thread::needed(&self.inner, Request { files, answer }) {
            drop(tokio::task::spawn_blocking(move || thread.work()));
        }
        let ended = answered.await;
        ended.unwrap_or_else(|_| Err(io::Error::other("the blob store is shutting down")))?;
        Ok(stored)
    }

    pub(super) async fn make_durable_one(&self, written: Written) -> Result<Stored, BlobError> {
        let stored = self.make_durable(vec![written]).await?.pop();
        stored.ok_or_else(|| BlobError::Io(io::Error::other("one blob gave none")))
    }
}

/// Goes through rounds until nobody waits.
struct Thread {
    inner: Arc<Inner>,
    retired: bool,
}

impl Thread {
    /// Takes the request in; a thread if one more is needed.
    fn needed(inner: &Arc<Inner>, request: Request) -> Option<Self> {
        let mut state = inner.durable.lock();
        state.waiting.push_back(request);
        if state.at_work >= ROUNDS {
            return None;
        }
        state.at_work += 1;
        Some(Self { inner: Arc::clone(inner), retired: false })
    }

    fn work(mut self) {
        while let Some(requests) = self.next() {
            round(&self.inner, requests);
        }
    }

    /// Who takes part in the next round. If there is nobody, this thread counts no more from the same moment on.
    fn next(&mut self) -> Option<Vec<Request>> {
        let mut state = self.inner.durable.lock();
        let (mut requests, mut files) = (Vec::new(), 0);
        while files < FILES_A_ROUND
            && let Some(request) = state.waiting.pop_front()
        {
            files += request.files.len();
            requests.push(request);
        }
        if requests.is_empty() {
            state.at_work -= 1;
            self.retired = true;
            return None;
        }
        Some(requests)
    }
}

impl Drop for Thread {
    /// A thread that panicked, or never ran because the runtime ended.
    fn drop(&mut self) {
        if self.retired {
            return;
        }
        let mut state = self.inner.durable.lock();
        state.at_work -= 1;
        if state.at_work == 0 {
            // Nobody is left who would answer. Closed channels are an answer, too.
            state.waiting.clear();
        }
    }
}

impl Durable {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One round: every step for all files before the next step for any.
fn round(inner: &Inner, mut requests: Vec<Request>) {
    failpoint::reached("blobs.written");
    let mut fates: Vec<io::Result<()>> = requests.iter().map(|_| Ok(())).collect();
    for file in requests.iter().flat_map(Request::to_sync) {
        disk::start_writing(&file.handle);
    }
    for (request, fate) in requests.iter().zip(&mut fates) {
        *fate = request.to_sync().try_for_each(|file| file.handle.sync_data());
    }
    let naming = inner.journal.naming();
    if let Err(error) = inner.journal.record(requests.iter().flat_map(Request::to_record)) {
        let recorded = |request: &Request| request.to_record().next().is_some();
        for (_, fate) in requests.iter().zip(&mut fates).filter(|(request, _)| recorded(request)) {
            *fate = Err(same(&error));
        }
    }
    failpoint::reached("blobs.synced");
    // By the first byte, which is the folder: who has a name there.
    let mut folders: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (place, (request, fate)) in requests.iter_mut().zip(&mut fates).enumerate() {
        if fate.is_ok() {
            *fate = request.rename(inner);
        }
        // Content that was there already, too: whoever wrote it may have crashed before this.
        for coming in request.files.iter().filter(|coming| coming.content.is_none()) {
            folders.entry(coming.id.as_bytes()[0]).or_default().push(place);
        }
    }
    drop(naming);
    failpoint::reached("blobs.renamed");
    for (first, places) in folders {
        let Err(error) = sync_folder(&inner.folder(first)) else { continue };
        for place in places {
            if fates[place].is_ok() {
                fates[place] = Err(same(&error));
            }
        }
    }
    for (request, fate) in requests.into_iter().zip(fates) {
        // Whoever asked may have gone away.
        let _ = request.answer.send(fate);
    }
    if inner.journal.is_full() && !inner.journal.is_being_emptied() {
        inner.empty_journal();
    }
}

impl Request {
    /// The files of small blobs.
    fn to_record(&self) -> impl Iterator<Item = (BlobId, &[u8])> {
        self.files.iter().filter_map(|coming| Some((coming.id, coming.content.as_deref()?)))
    }

    /// The new files of all others.
    fn to_sync(&self) -> impl Iterator<Item = &Temporary> {
        let others = self.files.iter().filter(|coming| coming.content.is_none());
        others.filter_map(|coming| coming.file.as_ref())
    }

    /// Gives the files the names of their blobs.
    fn rename(&mut self, inner: &Inner) -> io::Result<()> {
        for coming in &mut self.files {
            if let Some(file) = coming.file.take() {
                let bytes = file.become_blob(inner, coming.id)?;
                inner.sizes.added(coming.id, bytes);
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Makes an end of the records whose blobs are on the disk. Blocks.
    pub(super) fn empty_journal(&self) {
        if let Err(error) = journal::empty(self) {
            tracing::error!(
                %error,
                "the disk did not take all blobs; the journal of small ones is kept until the next start"
            );
        }
    }
}

/// The same error for somebody else.
fn same(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn request(blobs: &Blobs, content: &[u8]) -> (Request, oneshot::Receiver<io::Result<()>>) {
        let Written { stored, file, content } = blobs.write(content.to_vec().into()).unwrap();
        let (answer, answered) = oneshot::channel();
        (Request { files: vec![Coming { id: stored.id, file, content }], answer }, answered)
    }

    /// As many threads as there may be, none of which has begun.
    fn threads(blobs: &Blobs) -> Vec<(Thread, oneshot::Receiver<io::Result<()>>)> {
        let contents = (0..ROUNDS as u8).map(|n| vec![n]);
        let asked = contents.map(|content| {
            let (request, answered) = request(blobs, &content);
            (Thread::needed(&blobs.inner, request).unwrap(), answered)
        });
        asked.collect()
    }

    #[test]
    fn who_comes_while_the_disk_is_busy_shares_the_next_round_and_only_his_own_fault() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let mut threads = threads(&blobs);
        let mut waiting: Vec<_> = (10..20_u8)
            .map(|n| {
                let (request, answered) = request(&blobs, &[n]);
                assert!(Thread::needed(&blobs.inner, request).is_none(), "there are enough");
                answered
            })
            .collect();
        // One of them has nowhere to go.
        let lost = BlobId::of(&[15]);
        fs::remove_dir(blobs.local_path(lost).parent().unwrap()).unwrap();
        let (mut thread, mut first) = threads.pop().unwrap();
        let requests = thread.next().unwrap();
        assert_eq!(requests.len(), 10 + ROUNDS);
        round(&blobs.inner, requests);
        assert!(thread.next().is_none());
        assert!(first.try_recv().unwrap().is_ok());
        for (n, answered) in (10..20_u8).zip(&mut waiting) {
            let (fate, id) = (answered.try_recv().unwrap(), BlobId::of(&[n]));
            assert_eq!((fate.is_ok(), blobs.local_path(id).exists()), (id != lost, id != lost));
        }
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_thread_that_never_ran_leaves_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (threads, answers): (Vec<_>, Vec<_>) = threads(&blobs).into_iter().unzip();
        drop(threads);
        for mut answered in answers {
            assert_eq!(answered.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        }
        let (request, _answered) = request(&blobs, b"next");
        assert!(Thread::needed(&blobs.inner, request).is_some());
    }
}

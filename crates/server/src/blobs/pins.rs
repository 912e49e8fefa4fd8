//! What keeps a blob alive between its writing and its row, and how a collector and a writer of the same content
//! never cross.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use darkroom_core::BlobId;

/// Keeps one blob from being collected by this process. Several may hold the same blob.
#[derive(Debug)]
pub struct Pin {
    pins: Arc<Pins>,
    id: BlobId,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.pins.lock();
        if let Some(count) = state.held.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&self.id);
            }
        }
    }
}

/// Who is pinned, and who is condemned unless somebody pins it.
#[derive(Debug, Default)]
pub(super) struct Pins(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: HashMap<BlobId, u32>,
    condemned: HashSet<BlobId>,
    /// Asked for while they were held: to be asked for again.
    postponed: HashSet<BlobId>,
}

impl Pins {
    /// Holds `id`, and reprieves it if a collector has condemned it.
    pub(super) fn pin(pins: &Arc<Self>, id: BlobId) -> Pin {
        let mut state = pins.lock();
        *state.held.entry(id).or_default() += 1;
        state.condemned.remove(&id);
        Pin { pins: Arc::clone(pins), id }
    }

    /// Condemns those of `ids` that nobody holds. Only then is the store asked which of them no row names: a row
    /// that is recorded after the question was pinned after the sentence, and a pin reprieves.
    pub(super) fn condemn(&self, ids: &[BlobId]) -> Vec<BlobId> {
        let mut state = self.lock();
        let (held, free): (Vec<_>, Vec<_>) = ids.iter().partition(|id| state.held.contains_key(id));
        state.condemned.extend(&free);
        state.postponed.extend(held);
        free
    }

    /// Blobs that could not be collected because they were held, and are free now.
    pub(super) fn take_postponed(&self) -> Vec<BlobId> {
        let mut state = self.lock();
        let State { held, postponed, .. } = &mut *state;
        postponed.extract_if(|id| !held.contains_key(id)).collect()
    }

    /// Runs `remove` if `id` is still condemned, while nobody can pin it. `remove` is to be quick.
    pub(super) fn execute<T>(&self, id: BlobId, remove: impl FnOnce() -> T) -> Option<T> {
        let mut state = self.lock();
        state.condemned.remove(&id).then(remove)
    }

    /// Takes the sentence from `ids`.
    pub(super) fn reprieve(&self, ids: &[BlobId]) {
        let mut state = self.lock();
        for id in ids {
            state.condemned.remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How many models are in memory at once: the one that was used longest ago makes room.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

use crate::batcher::Batcher;

/// Where a model has its batcher while it is loaded.
#[derive(Default)]
pub(crate) struct Slot {
    batcher: Mutex<Option<Arc<Batcher>>>,
    /// The tick of its last use.
    used: AtomicU64,
}

impl Slot {
    /// What is there.
    pub(crate) fn get(&self) -> Option<Arc<Batcher>> {
        self.batcher.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Empties it. What waits is still done.
    pub(crate) fn clear(&self) {
        // Dropped after the lock is free: it wakes threads.
        let _ends = self.batcher.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What is there if it is worth keeping, else what `start` makes.
    fn fill(
        &self,
        keep: impl FnOnce(&Arc<Batcher>) -> bool,
        start: impl FnOnce() -> Batcher,
    ) -> Arc<Batcher> {
        let mut batcher = self.batcher.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = batcher.take().filter(keep).unwrap_or_else(|| Arc::new(start()));
        Arc::clone(batcher.insert(kept))
    }
}

/// Counts the models in memory.
pub(crate) struct Keeper {
    most: usize,
    tick: AtomicU64,
    slots: Mutex<Vec<Weak<Slot>>>,
}

impl Keeper {
    /// At most so many at once.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, tick: AtomicU64::new(0), slots: Mutex::default() }
    }

    /// The batcher of a slot, which is used now; others make room if there are too many.
    pub(crate) fn fill(
        &self,
        slot: &Arc<Slot>,
        keep: impl FnOnce(&Arc<Batcher>) -> bool,
        start: impl FnOnce() -> Batcher,
    ) -> Arc<Batcher> {
        slot.used.store(self.tick.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let batcher = slot.fill(keep, start);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.iter().any(|known| known.as_ptr() == Arc::as_ptr(slot)) {
            slots.push(Arc::downgrade(slot));
            self.make_room(&mut slots);
        }
        batcher
    }

    fn make_room(&self, slots: &mut Vec<Weak<Slot>>) {
        slots.retain(|slot| slot.upgrade().is_some_and(|slot| slot.get().is_some()));
        while slots.len() > self.most {
            let used = |slot: &Weak<Slot>| slot.upgrade().map_or(0, |slot| slot.used.load(Ordering::Relaxed));
            let Some(oldest) = (0..slots.len()).min_by_key(|at| used(&slots[*at])) else { return };
            if let Some(slot) = slots.swap_remove(oldest).upgrade() {
                slot.clear();
            }
        }
    }
}

//! Places: held jobs whose images are not worked through yet. What only waits for the disk or the store has left its place
//! to the next, so that no processor waits for them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use tokio::sync::Notify;

/// How many places are taken.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: AtomicU32,
    /// Since somebody asked.
    left: AtomicU32,
    told: Notify,
}

/// One place, left when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Places>);

impl Places {
    pub(super) fn take(places: &Arc<Self>) -> Place {
        places.taken.fetch_add(1, Relaxed);
        Place(Arc::clone(places))
    }

    pub(super) fn taken(&self) -> u32 {
        self.taken.load(Relaxed)
    }

    /// Returns once places were left since the last time; how many.
    pub(super) async fn left(&self) -> u32 {
        loop {
            match self.left.swap(0, Relaxed) {
                0 => self.told.notified().await,
                count => return count,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
        self.0.left.fetch_add(1, Relaxed);
        self.0.told.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn places_that_were_left_are_told_once() {
        let places = Arc::new(Places::default());
        let taken: Vec<Place> = (0..3).map(|_| Places::take(&places)).collect();
        assert_eq!((places.taken(), places.left().now_or_never()), (3, None));
        drop(taken);
        assert_eq!((places.taken(), places.left().await), (0, 3));
        assert_eq!(places.left().now_or_never(), None);
    }
}

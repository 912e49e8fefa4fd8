//! The store in a file keeps the contract.

use std::{cell::RefCell, path::PathBuf, sync::Arc, time::Duration};

use darkroom_core::{
    ManualClock,
    store::{Store, StoreLimits, conformance::NOON},
};
use darkroom_store::{Reading, Sqlite};
use tempfile::TempDir;

/// Questions may take as long as a busy machine needs.
pub(crate) const PATIENT: Reading = Reading { threads: 2, cap: Duration::from_mins(30) };

thread_local! {
    /// The folders of this thread's test, removed with the thread: after the stores in them are dropped.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

/// A path at which this test can make a file.
pub(crate) fn fresh_path() -> PathBuf {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    path
}

fn open(limits: StoreLimits) -> (Arc<dyn Store>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOON));
    let store = Sqlite::open_reading(fresh_path(), limits, clock.clone(), PATIENT);
    (Arc::new(store.expect("open")), clock)
}

darkroom_core::store_conformance!(crate::block_on, open);

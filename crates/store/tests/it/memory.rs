//! The store in memory keeps the contract.

use std::sync::Arc;

use darkroom_core::{
    ManualClock,
    store::{Store, StoreLimits, conformance::NOON},
};
use darkroom_store::Memory;

fn open(limits: StoreLimits) -> (Arc<dyn Store>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOON));
    (Arc::new(Memory::new(limits, clock.clone())), clock)
}

darkroom_core::store_conformance!(crate::block_on, open);

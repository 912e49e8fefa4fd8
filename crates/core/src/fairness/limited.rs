//! Queues of which only so many jobs run at a time.

use std::collections::BTreeSet;

use super::{LaneKey, Turns};
use crate::job::QueueName;

/// A queue with a limit. Its lanes take turns among themselves; as long as it has room, the first of them stands in the
/// order of all. So each turn costs the same, however many lanes wait behind a full queue.
#[derive(Debug, Clone)]
pub(super) struct Limited {
    max: u64,
    running: u64,
    lanes: BTreeSet<(u64, LaneKey)>,
    /// Lanes further in front stand here: what a queue could not take while it was full it does not catch up on.
    floor: u64,
    /// What of it stands in the order of all.
    front: Option<(u64, LaneKey)>,
}

impl Limited {
    fn has_room(&self) -> bool {
        self.running < self.max
    }

    fn next(&self) -> Option<(u64, LaneKey)> {
        let (pass, key) = self.lanes.first().filter(|_| self.has_room())?;
        Some((self.floor.max(*pass), key.clone()))
    }
}

impl Turns {
    /// At most `max` jobs of this queue run at a time from now on, any number if `None`; so many do now. Those that are
    /// above it go on to their end. Its lanes join where the others are.
    pub fn limit(&mut self, queue: &QueueName, max: Option<u64>, running: u64) {
        let open = self.withdraw(queue);
        match max {
            Some(max) => {
                let limited = Limited { max, running, lanes: BTreeSet::new(), floor: self.now, front: None };
                self.limited.insert(queue.clone(), limited);
            }
            None => drop(self.limited.remove(queue)),
        }
        self.join(open);
    }

    /// A running job of this queue runs no more. Whether that gives a turn to one that waited for it.
    pub fn ended(&mut self, queue: &QueueName) -> bool {
        let Some(limited) = self.limited.get_mut(queue) else { return false };
        let was_full = !limited.has_room();
        limited.running = limited.running.saturating_sub(1);
        if !was_full || !limited.has_room() {
            return false;
        }
        limited.floor = self.now;
        self.show_front(queue);
        self.limited.get(queue).is_some_and(|limited| limited.front.is_some())
    }

    /// Gives one turn to the lane that stands in front for its queue, if that is limited.
    pub(super) fn take_limited(&mut self, pass: u64, key: &LaneKey) -> bool {
        let Some(limited) = self.limited.get_mut(&key.queue) else { return false };
        let Some(state) = self.lanes.get_mut(key) else { return false };
        limited.lanes.remove(&(state.pass, key.clone()));
        (limited.front, limited.running) = (None, limited.running + 1);
        (state.pass, state.ready) = (pass + 1, state.ready - 1);
        if state.ready == 0 {
            self.lanes.remove(key);
        } else {
            limited.lanes.insert((pass + 1, key.clone()));
        }
        self.show_front(&key.queue);
        true
    }

    /// A lane takes turns from here on.
    pub(super) fn enter(&mut self, pass: u64, key: &LaneKey) {
        match self.limited.get_mut(&key.queue) {
            Some(limited) => {
                limited.lanes.insert((pass, key.clone()));
                self.show_front(&key.queue);
            }
            None => drop(self.order.insert((pass, key.clone()))),
        }
    }

    /// A lane takes no turns any more.
    pub(super) fn leave(&mut self, pass: u64, key: &LaneKey) {
        match self.limited.get_mut(&key.queue) {
            Some(limited) => {
                limited.lanes.remove(&(pass, key.clone()));
                self.show_front(&key.queue);
            }
            None => drop(self.order.remove(&(pass, key.clone()))),
        }
    }

    /// Those lanes of a queue that take turns do so no more; returns them.
    pub(super) fn withdraw(&mut self, queue: &QueueName) -> Vec<LaneKey> {
        if let Some(limited) = self.limited.get_mut(queue) {
            let lanes = std::mem::take(&mut limited.lanes);
            self.show_front(queue);
            return lanes.into_iter().map(|(_, key)| key).collect();
        }
        let of_queue: Vec<_> = self.order.iter().filter(|(_, key)| key.queue == *queue).cloned().collect();
        for place in &of_queue {
            self.order.remove(place);
        }
        of_queue.into_iter().map(|(_, key)| key).collect()
    }

    /// These lanes take turns again, where the others are.
    pub(super) fn join(&mut self, lanes: impl IntoIterator<Item = LaneKey>) {
        for key in lanes {
            let Some(state) = self.lanes.get_mut(&key) else { continue };
            state.pass = state.pass.max(self.now);
            let pass = state.pass;
            self.enter(pass, &key);
        }
    }

    /// Brings the order of all in line with who is first in a limited queue.
    fn show_front(&mut self, queue: &QueueName) {
        let Some(limited) = self.limited.get_mut(queue) else { return };
        let next = limited.next();
        if next == limited.front {
            return;
        }
        if let Some(gone) = limited.front.take() {
            self.order.remove(&gone);
        }
        if let Some(next) = &next {
            self.order.insert(next.clone());
        }
        limited.front = next;
    }
}

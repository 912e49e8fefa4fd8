//! Who is next: weighted round robin over lanes, so that a run of a million jobs never starves one upload.

mod limited;

use std::collections::{BTreeMap, BTreeSet};

use crate::job::{Lane, QueueName};
use limited::Limited;

/// What takes turns: a lane within a queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    /// The queue.
    pub queue: QueueName,
    /// The lane within it.
    pub lane: Lane,
}

/// Queued jobs a lane, and whose turn it is. Pure and deterministic; every store keeps one or does as it does.
///
/// Stride scheduling (Waldspurger and Weihl, 1995) with equal strides: each job that a lane is given moves the lane
/// one step back, and the lane furthest in front is next; ties go by name. A lane that was empty joins where the
/// others are, so that it neither waits for them nor catches up on turns that it did not need.
#[derive(Debug, Default, Clone)]
pub struct Turns {
    lanes: BTreeMap<LaneKey, LaneState>,
    order: BTreeSet<(u64, LaneKey)>,
    paused: BTreeSet<QueueName>,
    held: BTreeSet<LaneKey>,
    limited: BTreeMap<QueueName, Limited>,
    now: u64,
}

#[derive(Debug, Clone, Copy)]
struct LaneState {
    pass: u64,
    ready: u64,
}

impl Turns {
    /// `count` jobs of this lane became queued.
    pub fn add(&mut self, key: &LaneKey, count: u64) {
        if count == 0 {
            return;
        }
        if let Some(state) = self.lanes.get_mut(key) {
            state.ready += count;
            return;
        }
        self.lanes.insert(key.clone(), LaneState { pass: self.now, ready: count });
        if self.is_open(key) {
            self.enter(self.now, key);
        }
    }

    /// `count` queued jobs of this lane left the queue other than by a turn (cancelled, deleted).
    pub fn remove(&mut self, key: &LaneKey, count: u64) {
        let Some(state) = self.lanes.get_mut(key) else { return };
        state.ready = state.ready.saturating_sub(count);
        if state.ready == 0 {
            let pass = state.pass;
            self.lanes.remove(key);
            self.leave(pass, key);
        }
    }

    /// Gives out up to `slots` turns: how many jobs to take from which lane. Those jobs count as taken, and as running
    /// where their queue is limited (see [`Turns::limit`]).
    pub fn take(&mut self, slots: u64) -> Vec<(LaneKey, u64)> {
        let mut given: BTreeMap<LaneKey, u64> = BTreeMap::new();
        let mut left = slots;
        while left > 0 {
            let Some((pass, key)) = self.order.pop_first() else { break };
            if self.take_limited(pass, &key) {
                self.now = pass;
                left -= 1;
                *given.entry(key).or_default() += 1;
                continue;
            }
            let Some(state) = self.lanes.get_mut(&key) else { continue };
            // A lane that is alone may be given everything at once: nobody waits for the turns in between.
            let alone = self.order.is_empty();
            let turns = if alone { left.min(state.ready) } else { 1 };
            self.now = if alone { pass + turns } else { pass };
            state.ready -= turns;
            state.pass = pass + turns;
            left -= turns;
            if state.ready == 0 {
                self.lanes.remove(&key);
            } else {
                self.order.insert((pass + turns, key.clone()));
            }
            *given.entry(key).or_default() += turns;
        }
        given.into_iter().collect()
    }

    /// No turns for this queue until [`Turns::resume`].
    pub fn pause(&mut self, queue: &QueueName) {
        self.paused.insert(queue.clone());
        self.withdraw(queue);
    }

    /// Turns for this queue again; its lanes join where the others are.
    pub fn resume(&mut self, queue: &QueueName) {
        if !self.paused.remove(queue) {
            return;
        }
        let open = |key: &&LaneKey| key.queue == *queue && !self.held.contains(key);
        let open: Vec<LaneKey> = self.lanes.keys().filter(open).cloned().collect();
        self.join(open);
    }

    /// No turns for this lane until [`Turns::release`].
    pub fn hold(&mut self, key: &LaneKey) {
        if self.held.insert(key.clone())
            && let Some(state) = self.lanes.get(key)
        {
            self.leave(state.pass, key);
        }
    }

    /// Turns for this lane again, unless its queue is paused; it joins where the others are.
    pub fn release(&mut self, key: &LaneKey) {
        if self.held.remove(key) && self.is_open(key) {
            self.join([key.clone()]);
        }
    }

    fn is_open(&self, key: &LaneKey) -> bool {
        !self.paused.contains(&key.queue) && !self.held.contains(key)
    }

    /// Queued jobs of this lane.
    pub fn ready(&self, key: &LaneKey) -> u64 {
        self.lanes.get(key).map_or(0, |state| state.ready)
    }

    /// Whether any lane of a queue that is not paused has a queued job.
    pub fn has_work(&self) -> bool {
        !self.order.is_empty()
    }
}

//! What may happen to a store, drawn by chance.

use std::{path::Path, time::Duration};

use darkroom_core::{
    Clock as _, JobId, ManualClock, RunId,
    job::{AttemptLimits, FileName, Idempotency, Input, NewJob, Place},
    run::{Entry, HighWater, NewItem, NewRun, OnError, SkipReason},
    store::{
        Order,
        conformance::{dataset, image, job},
    },
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Submit(Vec<Wish>),
    OpenSession,
    Claim { session: usize, slots: u32 },
    Beat { session: usize },
    Settle { leases: Vec<(usize, u8)> },
    CloseSession { session: usize },
    Sweep,
    Cancel { job: usize },
    Retry { job: usize },
    Delete { job: usize },
    Act { action: usize, state: usize, limit: u32, order: Order },
    Pause { queue: u8 },
    Resume { queue: u8 },
    Limit { queue: u8, max: Option<u8> },
    Wait { ms: u32 },
    Reopen,
    CreateRun { strict: bool, owner: u8, key: Option<(u8, u8)> },
    Append { run: usize, from: u64, count: u64 },
    ChangeRun { run: usize, kind: u8 },
    Redo { run: usize, job: usize },
    DeleteRun { run: usize },
}

#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) name: u8,
    pub(super) owner: u8,
    pub(super) queue: u8,
    pub(super) lane: u8,
    pub(super) priority: i8,
    pub(super) delay: Option<u16>,
    pub(super) key: Option<(u8, u8)>,
    pub(super) alias: Option<u8>,
    pub(super) max_open: Option<u8>,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let index = || any::<u16>().prop_map(usize::from);
    prop_oneof![
        5 => prop::collection::vec(wish(), 1..5).prop_map(Step::Submit),
        2 => Just(Step::OpenSession),
        6 => (index(), 0..6_u32).prop_map(|(session, slots)| Step::Claim { session, slots }),
        2 => index().prop_map(|session| Step::Beat { session }),
        6 => prop::collection::vec((index(), 0..6_u8), 1..4).prop_map(|leases| Step::Settle { leases }),
        1 => index().prop_map(|session| Step::CloseSession { session }),
        4 => Just(Step::Sweep),
        2 => index().prop_map(|job| Step::Cancel { job }),
        2 => index().prop_map(|job| Step::Retry { job }),
        2 => index().prop_map(|job| Step::Delete { job }),
        2 => (0..3_usize, 0..8_usize, 1..5_u32, prop_oneof![Just(Order::Newest), Just(Order::Oldest)])
            .prop_map(|(action, state, limit, order)| Step::Act { action, state, limit, order }),
        1 => (0..2_u8).prop_map(|queue| Step::Pause { queue }),
        2 => (0..2_u8).prop_map(|queue| Step::Resume { queue }),
        2 => (0..2_u8, prop::option::of(1..4_u8)).prop_map(|(queue, max)| Step::Limit { queue, max }),
        4 => (1..30_000_u32).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Reopen),
        2 => (any::<bool>(), 0..2_u8, prop::option::weighted(0.6, (0..2_u8, 0..2_u8)))
            .prop_map(|(strict, owner, key)| Step::CreateRun { strict, owner, key }),
        5 => (index(), 0..8_u64, 1..6_u64).prop_map(|(run, from, count)| Step::Append { run, from, count }),
        4 => (index(), 0..6_u8).prop_map(|(run, kind)| Step::ChangeRun { run, kind }),
        2 => (index(), index()).prop_map(|(run, job)| Step::Redo { run, job }),
        1 => index().prop_map(|run| Step::DeleteRun { run }),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    (
        (0..6_u8, 0..2_u8, 0..2_u8, 0..3_u8),
        -1..2_i8,
        prop::option::weighted(0.3, 0..20_000_u16),
        prop::option::weighted(0.3, (0..3_u8, 0..2_u8)),
        prop::option::weighted(0.5, 0..3_u8),
        prop::option::weighted(0.3, 0..5_u8),
    )
        .prop_map(|((name, owner, queue, lane), priority, delay, key, alias, max_open)| Wish {
            name,
            owner,
            queue,
            lane,
            priority,
            delay,
            key,
            alias,
            max_open,
        })
}

/// What a step makes, with names that both sides use.
#[derive(Default)]
pub(super) struct New {
    pub(super) jobs: Vec<NewJob>,
    pub(super) run: Option<NewRun>,
    pub(super) items: Vec<NewItem>,
}

/// What was made so far.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) jobs: Vec<JobId>,
    pub(super) runs: Vec<RunId>,
}

impl New {
    pub(super) fn of(step: &Step, clock: &ManualClock) -> Self {
        match step {
            Step::Submit(wishes) => Self { jobs: wanted(wishes, clock), ..Self::default() },
            Step::CreateRun { strict, owner, key } => {
                let on_error = if *strict { OnError::StopAfter(2) } else { OnError::Continue };
                let high_water = HighWater::try_from(4).expect("a mark");
                let limits = AttemptLimits { attempts: 2, crashes: 2 };
                let owner = format!("o{owner}").parse().expect("owner");
                let idempotency = key.map(idempotency);
                let run = NewRun { on_error, high_water, limits, owner, idempotency, ..dataset("run") };
                Self { run: Some(run), ..Self::default() }
            }
            Step::Append { run, from, count } => {
                let items = (*from..from + count).map(|index| item(index, run % 3)).collect();
                Self { items, ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    pub(super) fn note(&self, ids: &mut Ids) {
        ids.jobs.extend(self.jobs.iter().map(|job| job.id));
        ids.jobs.extend(self.items.iter().filter_map(|item| match item.entry {
            Entry::Image(id, _) => Some(id),
            Entry::Skipped(_) => None,
        }));
        ids.runs.extend(self.run.iter().map(|run| run.id));
    }
}

fn wanted(wishes: &[Wish], clock: &ManualClock) -> Vec<NewJob> {
    let one = |wish: &Wish| NewJob {
        owner: format!("o{}", wish.owner).parse().expect("owner"),
        queue: format!("q{}", wish.queue).parse().expect("queue"),
        lane: format!("l{}", wish.lane).parse().expect("lane"),
        alias: wish.alias.map(|n| format!("a{n}")),
        max_open: wish.max_open.map(u64::from),
        priority: wish.priority,
        run_at: wish.delay.map(|ms| clock.now() + Duration::from_millis(ms.into())),
        limits: AttemptLimits { attempts: 2, crashes: 2 },
        idempotency: wish.key.map(idempotency),
        ..job(&format!("f{}", wish.name))
    };
    wishes.iter().map(one).collect()
}

fn idempotency((key, print): (u8, u8)) -> Idempotency {
    Idempotency { key: format!("k{key}"), fingerprint: [print; 32] }
}

/// Every fifth is no image; of the others every second lies in a file, which each dataset calls something else.
fn item(index: u64, dataset: usize) -> NewItem {
    let made = image(index, &item_key(index));
    let entry = match made.entry {
        _ if index % 5 == 4 => Entry::Skipped(SkipReason::NotAnImage),
        Entry::Image(id, input) if index.is_multiple_of(2) => {
            let place = Place::of(Path::new(&format!("/photos/{dataset}/{index}.png")));
            let name = FileName::clean(&format!("{dataset}.png"));
            Entry::Image(id, Input { name, place, ..input })
        }
        entry => entry,
    };
    NewItem { entry, ..made }
}

/// What the item at this place of every dataset is called; its content follows from that.
pub(super) fn item_key(index: u64) -> String {
    format!("f{}/{index}", index % 2)
}

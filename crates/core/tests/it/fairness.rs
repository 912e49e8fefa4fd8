use std::collections::BTreeMap;

use darkroom_core::{
    fairness::{LaneKey, Turns},
    job::QueueName,
};
use proptest::prelude::*;

fn lane(name: &str) -> LaneKey {
    LaneKey { queue: QueueName::default(), lane: name.parse().unwrap() }
}

/// Takes one turn at a time, so that the order shows.
fn sequence(turns: &mut Turns, count: usize) -> Vec<String> {
    (0..count).flat_map(|_| turns.take(1)).map(|(key, _)| key.lane.to_string()).collect()
}

#[test]
fn lanes_take_turns() {
    let mut turns = Turns::default();
    turns.add(&lane("a"), 3);
    turns.add(&lane("b"), 2);
    assert_eq!(sequence(&mut turns, 9), ["a", "b", "a", "b", "a"]);
    assert!(!turns.has_work());
}

#[test]
fn one_upload_is_next_in_the_middle_of_a_run_of_a_million() {
    let mut turns = Turns::default();
    turns.add(&lane("run"), 1_000_000);
    assert_eq!(turns.take(5_000), [(lane("run"), 5_000)]);
    turns.add(&lane("upload"), 1);
    assert!(sequence(&mut turns, 2).contains(&"upload".to_owned()));
}

#[test]
fn a_lane_that_had_all_turns_alone_owes_nothing() {
    let mut turns = Turns::default();
    turns.add(&lane("early"), 20_000);
    turns.take(10_000);
    turns.add(&lane("late"), 10_000);
    let given: BTreeMap<_, _> = turns.take(1_000).into_iter().collect();
    assert!(given[&lane("early")].abs_diff(given[&lane("late")]) <= 1, "{given:?}");
}

#[test]
fn a_lane_that_comes_back_does_not_catch_up() {
    let mut turns = Turns::default();
    turns.add(&lane("steady"), 10_000);
    turns.add(&lane("visitor"), 1);
    turns.take(1_000);
    turns.add(&lane("visitor"), 1_000);
    let given: BTreeMap<_, _> = turns.take(100).into_iter().collect();
    assert!(given[&lane("steady")] >= 49, "{given:?}");
}

#[test]
fn a_paused_queue_gets_no_turns_and_loses_none() {
    let mut turns = Turns::default();
    let slow = LaneKey { queue: "slow".parse().unwrap(), lane: "x".parse().unwrap() };
    turns.add(&slow, 5);
    turns.add(&lane("a"), 5);
    turns.pause(&slow.queue);
    turns.add(&slow, 1);
    assert_eq!(turns.take(100), [(lane("a"), 5)]);
    turns.resume(&slow.queue);
    assert_eq!(turns.take(100), [(slow, 6)]);
}

fn of(queue: &str, lane: &str) -> LaneKey {
    LaneKey { queue: queue.parse().unwrap(), lane: lane.parse().unwrap() }
}

#[test]
fn a_queue_at_its_limit_gets_no_turns_until_a_job_of_it_ends() {
    let mut turns = Turns::default();
    let slow = of("slow", "x");
    turns.add(&slow, 9);
    turns.limit(&slow.queue, Some(3), 1);
    assert_eq!(turns.take(100), [(slow.clone(), 2)]);
    assert!(!turns.has_work());
    turns.add(&lane("a"), 5);
    assert_eq!(turns.take(100), [(lane("a"), 5)]);
    assert!(turns.ended(&slow.queue));
    assert!(!turns.ended(&slow.queue), "there was room already");
    assert_eq!(turns.take(100), [(slow.clone(), 2)]);
    turns.limit(&slow.queue, None, 3);
    assert!(!turns.ended(&slow.queue), "it waits for nothing");
    assert_eq!(turns.take(100), [(slow, 5)]);
}

#[test]
fn lanes_of_a_limited_queue_take_turns_with_all_others() {
    let mut turns = Turns::default();
    let (x, y) = (of("slow", "x"), of("slow", "y"));
    turns.limit(&x.queue, Some(1_000), 0);
    for key in [&x, &y, &lane("a")] {
        turns.add(key, 300);
    }
    let given: BTreeMap<_, _> = turns.take(300).into_iter().collect();
    assert!(given.values().all(|count| *count == 100), "{given:?}");
}

#[test]
fn a_hundred_thousand_lanes_behind_a_full_queue_cost_what_one_does() {
    let mut turns = Turns::default();
    turns.limit(&of("slow", "x").queue, Some(1), 0);
    for n in 0..100_000 {
        turns.add(&of("slow", &format!("l{n}")), 2);
    }
    // Each turn walks down a tree; a walk over all lanes would take minutes here.
    for _ in 0..100_000 {
        assert_eq!(turns.take(100).len(), 1);
        assert!(turns.ended(&of("slow", "x").queue));
    }
    assert!(turns.take(1_000)[0].1 == 1);
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize, u64),
    Remove(usize, u64),
    Take(u64),
    Pause(usize),
    Resume(usize),
    Hold(usize),
    Release(usize),
    Limit(usize, Option<u64>),
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6_usize, 0..20_u64).prop_map(|(lane, n)| Step::Add(lane, n)),
        (0..6_usize, 0..5_u64).prop_map(|(lane, n)| Step::Remove(lane, n)),
        (0..30_u64).prop_map(Step::Take),
        (0..2_usize).prop_map(Step::Pause),
        (0..2_usize).prop_map(Step::Resume),
        (0..6_usize).prop_map(Step::Hold),
        (0..6_usize).prop_map(Step::Release),
        (0..2_usize, prop::option::of(1..9_u64)).prop_map(|(queue, max)| Step::Limit(queue, max)),
        (0..2_usize).prop_map(Step::End),
    ]
}

/// How many jobs can be taken of lanes that are dealt to two queues.
fn open(
    ready: &[u64; 6],
    paused: [bool; 2],
    held: [bool; 6],
    max: &[Option<u64>; 2],
    running: &[u64; 2],
) -> u64 {
    let of_queue = |queue: usize| {
        let waiting: u64 = (queue..6).step_by(2).filter(|lane| !held[*lane]).map(|lane| ready[lane]).sum();
        let room = max[queue].map_or(u64::MAX, |max| max.saturating_sub(running[queue]));
        if paused[queue] { 0 } else { waiting.min(room) }
    };
    of_queue(0) + of_queue(1)
}

proptest! {
    /// Against plain counters: nothing is given twice, nothing is forgotten, no slot stays empty while work waits that
    /// may run.
    #[test]
    fn every_job_gets_exactly_one_turn(steps in prop::collection::vec(step(), 0..100)) {
        let queues: [QueueName; 2] = ["q0".parse().unwrap(), "q1".parse().unwrap()];
        let keys: Vec<LaneKey> = (0..6)
            .map(|i| LaneKey { queue: queues[i % 2].clone(), lane: format!("l{i}").parse().unwrap() })
            .collect();
        let (mut turns, mut ready, mut paused) = (Turns::default(), [0_u64; 6], [false; 2]);
        let (mut held, mut max, mut running) = ([false; 6], [None; 2], [0_u64; 2]);
        for step in steps {
            match step {
                Step::Add(lane, n) => { turns.add(&keys[lane], n); ready[lane] += n; }
                Step::Remove(lane, n) => {
                    let n = n.min(ready[lane]);
                    turns.remove(&keys[lane], n);
                    ready[lane] -= n;
                }
                Step::Pause(queue) => { turns.pause(&queues[queue]); paused[queue] = true; }
                Step::Resume(queue) => { turns.resume(&queues[queue]); paused[queue] = false; }
                Step::Hold(lane) => { turns.hold(&keys[lane]); held[lane] = true; }
                Step::Release(lane) => { turns.release(&keys[lane]); held[lane] = false; }
                Step::Limit(queue, limit) => {
                    turns.limit(&queues[queue], limit, running[queue]);
                    max[queue] = limit;
                }
                Step::End(queue) => if running[queue] > 0 {
                    let was_full = max[queue].is_some_and(|max| running[queue] == max);
                    running[queue] -= 1;
                    let waits = (0..6).any(|i| i % 2 == queue && !paused[queue] && !held[i] && ready[i] > 0);
                    prop_assert_eq!(turns.ended(&queues[queue]), was_full && waits);
                },
                Step::Take(slots) => {
                    let open = open(&ready, paused, held, &max, &running);
                    let given = turns.take(slots);
                    prop_assert_eq!(given.iter().map(|(_, n)| n).sum::<u64>(), slots.min(open));
                    for (key, n) in given {
                        let lane = keys.iter().position(|k| *k == key).unwrap();
                        prop_assert!(!paused[lane % 2] && !held[lane]);
                        ready[lane] -= n;
                        running[lane % 2] += n;
                        prop_assert!(max[lane % 2].is_none_or(|max| running[lane % 2] <= max));
                    }
                }
            }
            for (key, count) in keys.iter().zip(ready) {
                prop_assert_eq!(turns.ready(key), count);
            }
            prop_assert_eq!(turns.has_work(), open(&ready, paused, held, &max, &running) > 0);
        }
    }
}

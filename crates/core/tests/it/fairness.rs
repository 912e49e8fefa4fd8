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

#[derive(Debug, Clone)]
enum Step {
    Add(usize, u64),
    Remove(usize, u64),
    Take(u64),
    Pause(usize),
    Resume(usize),
    Hold(usize),
    Release(usize),
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
    ]
}

proptest! {
    /// Against plain counters: nothing is given twice, nothing is forgotten, no slot stays empty while work waits.
    #[test]
    fn every_job_gets_exactly_one_turn(steps in prop::collection::vec(step(), 0..100)) {
        let queues: [QueueName; 2] = ["q0".parse().unwrap(), "q1".parse().unwrap()];
        let keys: Vec<LaneKey> = (0..6)
            .map(|i| LaneKey { queue: queues[i % 2].clone(), lane: format!("l{i}").parse().unwrap() })
            .collect();
        let (mut turns, mut ready, mut paused) = (Turns::default(), [0_u64; 6], [false; 2]);
        let mut held = [false; 6];
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
                Step::Take(slots) => {
                    let open: u64 = (0..6).filter(|i| !paused[i % 2] && !held[*i]).map(|i| ready[i]).sum();
                    let given = turns.take(slots);
                    prop_assert_eq!(given.iter().map(|(_, n)| n).sum::<u64>(), slots.min(open));
                    for (key, n) in given {
                        let lane = keys.iter().position(|k| *k == key).unwrap();
                        prop_assert!(!paused[lane % 2] && !held[lane]);
                        ready[lane] -= n;
                    }
                }
            }
            for (key, count) in keys.iter().zip(ready) {
                prop_assert_eq!(turns.ready(key), count);
            }
            let open = (0..6).any(|i| !paused[i % 2] && !held[i] && ready[i] > 0);
            prop_assert_eq!(turns.has_work(), open);
        }
    }
}

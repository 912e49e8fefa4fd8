use darkroom_core::job::{AttemptLimits, Event, State, Status};
use proptest::prelude::*;

const EVENTS: [Event; 10] = [
    Event::Due,
    Event::Claim,
    Event::Succeed,
    Event::FailPermanently,
    Event::FailTransiently,
    Event::Interrupt,
    Event::ObserveCancel,
    Event::Lose,
    Event::Cancel,
    Event::Retry,
];

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..200)
}

fn limits() -> impl Strategy<Value = AttemptLimits> {
    (1..6_u32, 1..4_u32).prop_map(|(attempts, crashes)| AttemptLimits { attempts, crashes })
}

fn check(before: Status, event: Event, after: Status, limits: AttemptLimits) {
    let claims = u32::from(event == Event::Claim);
    assert_eq!(after.lease_seq, before.lease_seq + claims, "only a claim moves the fencing token");
    assert!(after.used <= limits.attempts, "no attempt beyond the budget: {after:?}");
    assert!(after.crashes <= limits.crashes, "no crash beyond the limit: {after:?}");
    if !after.state.is_final() {
        assert!(after.crashes < limits.crashes, "a poison pill does not come back: {after:?}");
    }
    if before.state == State::Succeeded {
        assert_eq!(after, before, "a success is for ever");
    }
    if before.state.is_final() && before.state != after.state {
        assert_eq!(event, Event::Retry, "only a person revives a job");
        assert_eq!(
            after,
            Status { state: State::Queued, lease_seq: before.lease_seq, ..Status::new(State::Queued) }
        );
    }
    if before.cancel_requested && before.state == State::Running && after.state != State::Running {
        assert!(after.state.is_final(), "a cancelled job is not worked on again: {after:?}");
    }
    if after.cancel_requested {
        assert!(after.state == State::Running || after.state.is_final(), "{after:?}");
    }
    if after.state == State::Running {
        assert!(after.used >= 1 && after.lease_seq >= 1, "running means claimed: {after:?}");
    }
}

proptest! {
    #[test]
    fn no_sequence_of_events_breaks_an_invariant(
        delayed: bool,
        limits in limits(),
        events in events(),
    ) {
        let mut status = Status::new(if delayed { State::Scheduled } else { State::Queued });
        for event in events {
            if let Ok(after) = status.after(event, limits) {
                check(status, event, after, limits);
                status = after;
            }
        }
    }

    #[test]
    fn cancel_and_retry_are_idempotent(limits in limits(), events in events()) {
        let mut status = Status::new(State::Queued);
        for event in events {
            status = status.after(event, limits).unwrap_or(status);
            for twice in [Event::Cancel, Event::Retry] {
                if let Ok(once) = status.after(twice, limits) {
                    prop_assert_eq!(once.after(twice, limits), Ok(once));
                }
            }
        }
    }

    #[test]
    fn every_unfinished_job_can_still_finish(limits in limits(), events in events()) {
        let mut status = Status::new(State::Queued);
        for event in events {
            status = status.after(event, limits).unwrap_or(status);
            let mut probe = status;
            for step in [Event::Due, Event::Claim, Event::Succeed] {
                probe = probe.after(step, limits).unwrap_or(probe);
            }
            prop_assert!(probe.state.is_final(), "stuck: {:?}", status);
        }
    }
}

#[test]
fn transient_failures_use_up_the_attempts() {
    let limits = AttemptLimits { attempts: 2, crashes: 3 };
    let after = |status: Status, event| status.after(event, limits).unwrap();
    let first = after(after(Status::new(State::Queued), Event::Claim), Event::FailTransiently);
    assert_eq!(first.state, State::Scheduled);
    let second = after(after(after(first, Event::Due), Event::Claim), Event::FailTransiently);
    assert_eq!((second.state, second.used), (State::Failed, 2));
}

#[test]
fn an_interruption_costs_no_attempt_however_often() {
    let limits = AttemptLimits { attempts: 1, crashes: 1 };
    let mut status = Status::new(State::Queued);
    for round in 1..50 {
        status = status.after(Event::Claim, limits).unwrap().after(Event::Interrupt, limits).unwrap();
        assert_eq!((status.state, status.used, status.lease_seq), (State::Queued, 0, round));
    }
}

#[test]
fn the_third_crash_is_the_last() {
    let limits = AttemptLimits::default();
    let mut status = Status::new(State::Queued);
    let mut seen = Vec::new();
    for _ in 0..3 {
        status = status.after(Event::Claim, limits).unwrap().after(Event::Lose, limits).unwrap();
        seen.push(status.state);
    }
    assert_eq!(seen, [State::Queued, State::Queued, State::Failed]);
}

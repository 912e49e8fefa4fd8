use std::time::Duration;

use darkroom_core::RetryPolicy;
use rand::{SeedableRng, rngs::StdRng};

#[test]
fn the_bound_doubles_up_to_the_cap() {
    let policy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(15) };
    let bounds: Vec<_> = (1..=6).map(|used| policy.bound(used).as_secs()).collect();
    assert_eq!(bounds, [2, 4, 8, 15, 15, 15]);
    assert_eq!(policy.bound(u32::MAX), policy.cap);
}

#[test]
fn delays_fill_the_whole_range() {
    let policy = RetryPolicy::default();
    let mut rng = StdRng::seed_from_u64(7);
    let delays: Vec<_> = (0..1_000).map(|_| policy.delay(4, &mut rng)).collect();
    let bound = policy.bound(4);
    assert!(delays.iter().all(|delay| *delay <= bound));
    assert!(delays.iter().any(|delay| *delay < bound / 10));
    assert!(delays.iter().any(|delay| *delay > bound * 9 / 10));
}

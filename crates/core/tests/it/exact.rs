//! Exact sums against arithmetic of fractions.

use darkroom_core::exact::{InvalidSum, MAX_DIMENSIONS, Moments, NotSummed, Spread};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

fn exactly(value: f64) -> BigRational {
    BigRational::from_float(value).expect("a finite number")
}

fn whole(value: usize) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

fn distance(a: &BigRational, b: &BigRational) -> BigRational {
    let difference = a - b;
    if difference < whole(0) { -difference } else { difference }
}

/// Whether `found` is the `f64` nearest to `exact`, of two the even one.
fn is_nearest(found: f64, exact: &BigRational) -> bool {
    let off = distance(&exactly(found), exact);
    [found.next_up(), found.next_down()].into_iter().filter(|other| other.is_finite()).all(|other| {
        let further = distance(&exactly(other), exact);
        off < further || (off == further && found.to_bits() & 1 == 0)
    })
}

fn is_nearest_single(found: f32, exact: &BigRational) -> bool {
    let off = distance(&exactly(found.into()), exact);
    [found.next_up(), found.next_down()].into_iter().filter(|other| other.is_finite()).all(|other| {
        let further = distance(&exactly(other.into()), exact);
        off < further || (off == further && found.to_bits() & 1 == 0)
    })
}

/// Any finite number: every exponent is as likely as any other, subnormal ones and zeros of both signs included.
fn single() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |value| value.is_finite())
}

fn vectors(dimensions: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
    let close = -1.0_f32..1.0;
    let number = prop_oneof![3 => single(), 3 => close, 1 => Just(f32::MAX), 1 => Just(f32::MIN)];
    prop::collection::vec(prop::collection::vec(number, dimensions), 1..40)
}

fn add_all(moments: &mut Moments, vectors: &[Vec<f32>]) {
    for vector in vectors {
        moments.add(vector).unwrap();
    }
}

fn sum(vectors: &[Vec<f32>]) -> Moments {
    let mut moments = Moments::new(vectors.first().map_or(0, Vec::len));
    add_all(&mut moments, vectors);
    moments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mean_and_variance_are_those_of_fractions_rounded_once(vectors in vectors(3)) {
        let moments = sum(&vectors);
        let (mean, single) = (moments.mean().unwrap(), moments.mean_f32().unwrap());
        let variance = moments.variance().unwrap();
        let n = whole(vectors.len());
        let mut squared_norm = whole(0);
        for at in 0..3 {
            let values: Vec<BigRational> = vectors.iter().map(|v| exactly(v[at].into())).collect();
            let exact = values.iter().sum::<BigRational>() / &n;
            prop_assert!(is_nearest(mean[at], &exact), "{} for {exact}", mean[at]);
            prop_assert!(is_nearest_single(single[at], &exact), "{} for {exact}", single[at]);
            let spread = values.iter().map(|v| (v - &exact) * (v - &exact)).sum::<BigRational>() / &n;
            prop_assert!(is_nearest(variance[at], &spread), "{} for {spread}", variance[at]);
            squared_norm += &exact * &exact;
        }
        let norm = exactly(moments.norm().unwrap());
        let error = distance(&(&norm * &norm), &squared_norm);
        prop_assert!(error <= squared_norm * exactly(f64::EPSILON) * whole(4));
    }

    #[test]
    fn no_order_and_no_partition_changes_a_bit(
        vectors in vectors(4), order in any::<u64>(), parts in 1..6_usize
    ) {
        let expected = sum(&vectors).to_bytes();
        let mut shuffled = vectors.clone();
        shuffled.sort_by_key(|vector| {
            vector.iter().fold(order, |h, v| h.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ u64::from(v.to_bits()))
        });
        prop_assert_eq!(&sum(&shuffled).to_bytes(), &expected);
        let mut merged = Moments::new(4);
        for part in shuffled.chunks(shuffled.len().div_ceil(parts)).rev() {
            merged.merge(&Moments::from_bytes(&sum(part).to_bytes()).unwrap()).unwrap();
        }
        prop_assert_eq!(&merged.to_bytes(), &expected);
        prop_assert_eq!(Moments::from_bytes(&expected).unwrap(), merged);
    }

    #[test]
    fn what_is_subtracted_leaves_no_trace(kept in vectors(2), gone in vectors(2)) {
        let mut moments = Moments::new(2);
        add_all(&mut moments, &gone);
        add_all(&mut moments, &kept);
        for vector in gone.iter().rev() {
            moments.subtract(vector).unwrap();
        }
        prop_assert_eq!(moments.to_bytes(), sum(&kept).to_bytes());
    }

    #[test]
    fn a_partial_sum_may_take_back_before_it_gives(kept in vectors(2), gone in vectors(2)) {
        let mut delta = Moments::new(2);
        for vector in &gone {
            delta.subtract(vector).unwrap();
        }
        let mut moments = sum(&kept);
        add_all(&mut moments, &gone);
        moments.merge(&Moments::from_bytes(&delta.to_bytes()).unwrap()).unwrap();
        prop_assert_eq!(moments.to_bytes(), sum(&kept).to_bytes());
    }

    #[test]
    fn a_mean_of_means_is_rounded_once(means in prop::collection::vec(
        any::<f64>().prop_filter("its mean is finite", |v| v.is_finite() && v.abs() < 1e300), 1..30)
    ) {
        let mut spread = Spread::new(1);
        for mean in &means {
            spread.add(&[*mean]).unwrap();
        }
        let exact = means.iter().map(|m| exactly(*m)).sum::<BigRational>() / whole(means.len());
        let found = spread.mean().unwrap()[0];
        prop_assert!(is_nearest(found, &exact), "{found}");
    }

    #[test]
    fn bytes_that_were_never_written_are_refused_or_are_their_own_only_form(
        bytes in prop::collection::vec(any::<u8>(), 0..64), vectors in vectors(2), at in any::<usize>(), to in any::<u8>()
    ) {
        let mut written = sum(&vectors).to_bytes();
        let place = at % written.len();
        written[place] = to;
        for bytes in [bytes, written] {
            if let Ok(read) = Moments::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn numbers_that_are_not_finite_change_nothing() {
    let mut moments = sum(&[vec![1.0, 2.0]]);
    let before = moments.clone();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(moments.add(&[1.0, bad]), Err(NotSummed::NotFinite(1)));
        assert_eq!(moments.subtract(&[bad, 1.0]), Err(NotSummed::NotFinite(0)));
    }
    assert_eq!(moments.add(&[1.0]), Err(NotSummed::OtherLength { wanted: 2, found: 1 }));
    assert_eq!(moments.merge(&Moments::new(3)), Err(NotSummed::OtherLength { wanted: 2, found: 3 }));
    assert_eq!(moments, before);
}

#[test]
fn nothing_has_no_mean() {
    let empty = Moments::new(2);
    assert_eq!((empty.mean(), empty.mean_f32(), empty.variance(), empty.norm()), (None, None, None, None));
    assert_eq!(Spread::new(2).mean(), None);
    assert_eq!(Moments::new(MAX_DIMENSIONS + 1).dimensions(), MAX_DIMENSIONS);
}

#[test]
fn what_a_plain_sum_loses_is_kept() {
    let tiny = f32::from_bits(1);
    let moments = sum(&[vec![f32::MAX], vec![tiny], vec![-f32::MAX], vec![1.0]]);
    let exact = (exactly(1.0) + exactly(tiny.into())) / whole(4);
    assert!(is_nearest(moments.mean().unwrap()[0], &exact));
    let ties = sum(&[vec![tiny], vec![0.0]]);
    assert_eq!(ties.mean_f32().unwrap(), [0.0], "half of the smallest number is a tie, and zero is even");
    let above = sum(&[vec![tiny], vec![tiny], vec![tiny], vec![0.0]]);
    assert_eq!(above.mean_f32().unwrap(), [tiny]);
}

#[test]
fn the_bytes_are_the_same_in_every_version_of_this_program() {
    let bytes = sum(&[vec![1.0, -0.5], vec![0.25, -0.0]]).to_bytes();
    // Form 1, two dimensions, two vectors; 1.25 is 0x28 in byte 18, its squares 0x0440 in bytes 36 and 37.
    assert_eq!(hex::encode(&bytes), "01020000000200000000000000120128240240041201f0250101");
    assert_eq!(Moments::from_bytes(&bytes[..bytes.len() - 1]), Err(InvalidSum));
}

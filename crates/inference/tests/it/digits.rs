//! Frames prepared as MNIST's digits: whatever is sent, the same drawing gives the same 28×28.

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::digit::{Digit, LONGEST_SIDE, NothingDrawn, SIDE, normalise};
use proptest::{collection::vec, prelude::*};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::drawing::{Drawing, Line, digits};

fn grey(width: u32, height: u32, pixels: Vec<u8>) -> Frame {
    Frame { width, height, layout: Layout::Gray, pixels }
}

fn negative(frame: &Frame) -> Frame {
    Frame { pixels: frame.pixels.iter().map(|value| 255 - value).collect(), ..frame.clone() }
}

/// Mean distance of the pixels, as a part of the ink that the first has. Digits are placed and scaled by whole pixels,
/// so a hair more or less of ink can move a stroke by one: the means of 3×3 pixels are compared, at the nearest place.
fn difference(one: &Digit, other: &Digit) -> f32 {
    let around = || (-1..=1).flat_map(|down| (-1..=1).map(move |across| down * SIDE as isize + across));
    let smooth = |digit: &Digit, at: isize| -> f32 {
        let value = |at: isize| usize::try_from(at).ok().and_then(|at| digit.get(at));
        around().filter_map(|step| value(at + step)).sum::<f32>() / 9.0
    };
    let apart = |shift: isize| -> f32 {
        let pixels = 0..(SIDE * SIDE) as isize;
        pixels.map(|at| (smooth(one, at) - smooth(other, at + shift)).abs()).sum()
    };
    around().map(apart).fold(f32::MAX, f32::min) / one.iter().sum::<f32>()
}

/// First and last column (or row) with ink, and the centre of mass; pixel 0 has its middle at 0.5.
fn extent(digit: &Digit, axis: impl Fn(usize) -> usize) -> (usize, usize, f32) {
    let inked = || digit.iter().enumerate().filter(|(_, value)| **value > 0.0);
    let first = inked().map(|(at, _)| axis(at)).min().unwrap();
    let last = inked().map(|(at, _)| axis(at)).max().unwrap();
    let mass: f32 = inked().map(|(_, value)| value).sum();
    (first, last, inked().map(|(at, value)| (axis(at) as f32 + 0.5) * value).sum::<f32>() / mass)
}

fn strokes() -> impl Strategy<Value = Vec<Line>> {
    // Connected, as a digit is: each line begins at the middle.
    let point = || (0.0..1.0_f32, 0.0..1.0_f32);
    vec(vec(point(), 1..4), 1..4).prop_map(|lines| {
        lines.into_iter().map(|line| std::iter::once((0.5, 0.5)).chain(line).collect()).collect()
    })
}

fn drawings() -> impl Strategy<Value = Drawing> {
    (strokes(), 60..200_u32, 60..200_u32, 0.06..0.14_f32, 0.0..1.0_f32).prop_map(
        |(lines, width, height, pen, off)| {
            let side = 0.5 * width.min(height) as f32;
            let free = |of: u32| 0.15 * side + off * (of as f32 - 1.3 * side);
            Drawing { lines, size: (width, height), place: (free(width), free(height), side), pen }
        },
    )
}

fn is_large(drawing: &Drawing) -> bool {
    let of = |axis: fn(&(f32, f32)) -> f32| {
        let values = || drawing.lines.iter().flatten().map(axis);
        values().fold(0.0, f32::max) - values().fold(1.0, f32::min)
    };
    of(|point| point.0).max(of(|point| point.1)) > 0.4
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_centre_of_mass_is_at_the_centre(drawing in drawings().prop_filter("large", is_large)) {
        let digit = normalise(&drawing.frame(230, 20)).unwrap();
        let (across, down) = (extent(&digit, |at| at % SIDE), extent(&digit, |at| at / SIDE));
        let longer = (across.1 - across.0).max(down.1 - down.0) + 1;
        prop_assert!((19..=21).contains(&longer), "{longer} pixels long");
        for (first, last, centre) in [across, down] {
            // A lopsided digit stops at the side of the frame.
            let stopped = first == 0 || last == SIDE - 1;
            prop_assert!(stopped || (centre - 14.5).abs() < 0.51, "centre of mass at {centre}");
        }
    }

    #[test]
    fn the_negative_gives_the_same(drawing in drawings().prop_filter("large", is_large)) {
        let frame = drawing.toned(|x, y, ink| (230.0 - 40.0 * x * y) * (1.0 - 0.8 * ink));
        let one = normalise(&frame).unwrap();
        let other = normalise(&negative(&frame)).unwrap();
        prop_assert!(difference(&one, &other) < 0.01, "{}", difference(&one, &other));
    }

    #[test]
    fn any_bytes_give_a_digit_or_nothing(
        width in 1..40_u32, height in 1..40_u32, layout in 0..4_usize, seed in any::<u64>(),
    ) {
        let layout = [Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba][layout];
        let mut random = StdRng::seed_from_u64(seed);
        let samples = width as usize * height as usize * layout.channels();
        let pixels = (0..samples).map(|_| random.random()).collect();
        if let Ok(digit) = normalise(&Frame { width, height, layout, pixels }) {
            prop_assert!(digit.iter().all(|value| (0.0..=1.0).contains(value)));
            prop_assert!(digit.iter().any(|value| *value > 0.5));
        }
    }
}

#[test]
fn every_size_gives_the_same() {
    for (digit, lines) in digits().iter().enumerate() {
        let middle = normalise(&Drawing::new(lines, 200).frame(255, 0)).unwrap();
        // At 40 pixels, one of them is more than half of one in the box. 320 are looked at as 160, where the 8 is just
        // thin enough to be made thicker.
        for (side, most) in [(40, 0.35), (90, 0.15), (320, 0.25), (700, 0.15)] {
            let other = normalise(&Drawing::new(lines, side).frame(255, 0)).unwrap();
            let difference = difference(&middle, &other);
            assert!(difference < most, "{digit} at {side} pixels is off by {difference}");
        }
    }
}

#[test]
fn the_place_in_the_frame_does_not_matter() {
    for lines in digits() {
        let at =
            |left, top| Drawing { size: (240, 200), place: (left, top, 80.0), ..Drawing::new(&lines, 100) };
        let middle = normalise(&at(90.0, 60.0).frame(255, 0)).unwrap();
        let corner = normalise(&at(151.0, 9.0).frame(255, 0)).unwrap();
        assert!(difference(&middle, &corner) < 0.05, "{}", difference(&middle, &corner));
    }
}

#[test]
fn light_from_one_side_and_rough_paper_do_not_matter() {
    let mut random = StdRng::seed_from_u64(1);
    let grain: Vec<f32> = (0..1 << 16).map(|_| random.random_range(-6.0..6.0)).collect();
    for (digit, lines) in digits().iter().enumerate() {
        let drawing = Drawing::new(lines, 240);
        let plain = normalise(&drawing.frame(200, 40)).unwrap();
        let photo = drawing.toned(|x, y, ink| {
            let light = 1.0 - 0.6 * x - 0.1 * y * y;
            let noise = grain[((x * 240.0) as usize * 251 + (y * 240.0) as usize * 17) & 0xFFFF];
            light * (220.0 - 180.0 * ink) + noise
        });
        let difference = difference(&plain, &normalise(&photo).unwrap());
        assert!(difference < 0.25, "{digit} is off by {difference}");
    }
}

#[test]
fn specks_and_the_edge_of_a_table_do_not_matter() {
    for lines in digits() {
        let drawing = Drawing::new(&lines, 200);
        let plain = normalise(&drawing.frame(220, 30)).unwrap();
        let dirty = drawing.toned(|x, y, ink| {
            let speck = (x - 0.03).abs() < 0.006 && (y - 0.9).abs() < 0.006;
            let table = x < 0.03;
            if speck || table { 20.0 } else { 220.0 - 190.0 * ink }
        });
        let difference = difference(&plain, &normalise(&dirty).unwrap());
        assert!(difference < 0.1, "off by {difference}");
    }
}

#[test]
fn a_sheet_on_a_dark_table_is_read() {
    for (digit, lines) in digits().iter().enumerate() {
        let drawing = Drawing { size: (400, 300), place: (150.0, 80.0, 120.0), ..Drawing::new(lines, 100) };
        let plain = normalise(&drawing.frame(220, 30)).unwrap();
        let photo = drawing.toned(|x, y, ink| {
            let sheet = (0.2..0.8).contains(&x) && (0.15..0.85).contains(&y);
            if sheet { 220.0 - 190.0 * ink } else { 50.0 }
        });
        let difference = difference(&plain, &normalise(&photo).unwrap());
        assert!(difference < 0.2, "{digit} is off by {difference}");
    }
}

#[test]
fn a_hairline_is_not_lost() {
    for (digit, lines) in digits().iter().enumerate() {
        let thin = Drawing { pen: 0.003, ..Drawing::new(lines, 500) };
        let ink: f32 = normalise(&thin.frame(255, 0)).unwrap().iter().sum();
        assert!(ink > 20.0, "{digit} has only {ink} pixels of ink");
    }
}

#[test]
fn what_is_drawn_on_nothing_is_seen_in_every_colour() {
    let drawing = Drawing::new(&digits()[4], 120);
    let on_nothing = |colour: [u8; 3]| {
        let pixels = drawing.ink().into_iter().flat_map(|ink| {
            let [red, green, blue] = colour;
            [red, green, blue, (ink * 255.0).round() as u8]
        });
        Frame { width: 120, height: 120, layout: Layout::Rgba, pixels: pixels.collect() }
    };
    let plain = normalise(&drawing.frame(255, 0)).unwrap();
    for colour in [[0, 0, 0], [255, 255, 255], [200, 0, 0], [250, 240, 0], [0, 0, 140]] {
        let difference = difference(&plain, &normalise(&on_nothing(colour)).unwrap());
        assert!(difference < 0.02, "{colour:?} is off by {difference}");
    }
}

#[test]
fn yellow_on_white_is_seen() {
    let drawing = Drawing::new(&digits()[3], 100);
    let pixels = drawing.ink().into_iter().flat_map(|ink| [255, 255, (255.0 * (1.0 - ink)).round() as u8]);
    let frame = Frame { width: 100, height: 100, layout: Layout::Rgb, pixels: pixels.collect() };
    let difference = difference(&normalise(&drawing.frame(255, 0)).unwrap(), &normalise(&frame).unwrap());
    assert!(difference < 0.02, "off by {difference}");
}

#[test]
fn on_a_blank_frame_nothing_is_drawn() {
    for (width, height) in [(0, 0), (0, 5), (1, 1), (1, 300), (300, 1), (2, 2), (28, 28), (640, 480)] {
        for value in [0, 7, 128, 255] {
            let blank = grey(width, height, vec![value; width as usize * height as usize]);
            assert_eq!(normalise(&blank), Err(NothingDrawn), "{width}×{height} of {value}");
        }
    }
    let clear = Frame { width: 9, height: 9, layout: Layout::Rgba, pixels: vec![0; 9 * 9 * 4] };
    assert_eq!(normalise(&clear), Err(NothingDrawn));
}

#[test]
fn on_noise_and_on_mere_light_nothing_is_drawn() {
    let mut random = StdRng::seed_from_u64(7);
    let noise = (0..200 * 200).map(|_| random.random_range(90..160)).collect();
    assert_eq!(normalise(&grey(200, 200, noise)), Err(NothingDrawn));
    let specks = (0..200 * 200).map(|_| if random.random_bool(0.01) { 0 } else { 255 }).collect();
    assert_eq!(normalise(&grey(200, 200, specks)), Err(NothingDrawn));
    let slope = (0..200 * 200).map(|at| (50 + at % 200 / 2 + at / 400) as u8).collect();
    assert_eq!(normalise(&grey(200, 200, slope)), Err(NothingDrawn));
}

#[test]
fn a_long_strip_is_bounded() {
    let long = 40 * LONGEST_SIDE as u32;
    let mut pixels = vec![255; long as usize * 3];
    pixels[long as usize + 5000..long as usize + 9000].fill(0);
    let digit = normalise(&grey(long, 3, pixels)).unwrap();
    assert!(extent(&digit, |at| at % SIDE).1 - extent(&digit, |at| at % SIDE).0 >= 18);
}

//! How long the exact sum takes for 512 numbers: `cargo run --release -p darkroom-core --example exact_speed`.

use std::{hint::black_box, time::Instant};

use darkroom_core::exact::Moments;
use rand::{Rng as _, SeedableRng as _};

/// Vectors a measurement.
const VECTORS: usize = 20_000;

#[allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, run by hand")]
fn main() {
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    let vectors: Vec<Vec<f32>> =
        (0..64).map(|_| (0..512).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let mut moments = Moments::new(512);
    for vector in &vectors {
        moments.add(black_box(vector)).unwrap();
    }
    let started = Instant::now();
    for vector in vectors.iter().cycle().take(VECTORS) {
        moments.add(black_box(vector)).unwrap();
    }
    let added = started.elapsed().as_secs_f64() * 1e6 / VECTORS as f64;
    let started = Instant::now();
    let bytes = black_box(moments.to_bytes());
    let written = started.elapsed().as_secs_f64() * 1e6;
    let started = Instant::now();
    black_box((moments.mean(), moments.variance(), moments.norm()));
    let asked = started.elapsed().as_secs_f64() * 1e6;
    println!("sum and sum of squares of 512 numbers: {added:.2} us a vector");
    println!("to {} bytes: {written:.0} us; mean, variance and norm: {asked:.0} us", bytes.len());
}

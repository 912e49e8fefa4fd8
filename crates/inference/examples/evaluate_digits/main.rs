//! How many of MNIST's test digits the digits model recognises: as they are, and sent as people send them.
//!
//! `cargo run --release -p darkroom-inference --example evaluate_digits -- FOLDER [EVERY]`
//!
//! `FOLDER` holds MNIST (see `models/digits/README.md`). Of the digits that are changed, every `EVERY`th is taken
//! (default 10, 1 takes all). ONNX Runtime is looked for at `DARKROOM_ONNX_RUNTIME`, else in `.x/runtime`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod degrade;
mod jpeg;
mod mnist;
mod pen;

use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use darkroom_imaging::Frame;
use darkroom_inference::{
    Data, OnnxRuntime, Provider, Tensor,
    digit::SIDE,
    engine::{Engine, LoadOptions, Session},
    image,
    manifest::{Colour, Filter, ImageInput, Layout, Resize},
};
use degrade::{DEGRADATIONS, Degradation};
use mnist::Labelled;
use rand::{SeedableRng, rngs::StdRng};

/// Digits of one run of the model.
const BATCH: usize = 100;

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let folder = PathBuf::from(words.next().context("evaluate_digits FOLDER [EVERY]")?);
    let every = words.next().map_or(Ok(10), |word| word.parse::<usize>())?.max(1);
    let digits = mnist::test_digits(&folder)?;
    let mut model = load()?;

    println!("{:<28} {:>6} {:>9} {:>9} {:>9}", "", "digits", "resized", "prepared", "ms each");
    for (index, degradation) in DEGRADATIONS.iter().enumerate() {
        // As they are, all of them are quickly done.
        let every = if index == 0 { 1 } else { every };
        report(degradation.name, &compare(model.as_mut(), &digits, every, degradation)?);
    }
    Ok(())
}

fn load() -> Result<Box<dyn Session>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = env::var_os("DARKROOM_ONNX_RUNTIME").map_or_else(|| root.join(".x/runtime"), PathBuf::from);
    let engine = OnnxRuntime::open(&library, Provider::Cpu, None)?;
    let options = LoadOptions { threads: 1, digest: String::new() };
    Ok(engine.load(&root.join("models/digits/digits.onnx"), &options)?)
}

/// What became of one set of digits.
#[derive(Default)]
struct Outcome {
    digits: usize,
    resized: usize,
    prepared: usize,
    preparing: Duration,
}

/// The same frames plainly resized to 28×28, as a service does that knows nothing of digits, and prepared as digits.
fn compare(
    model: &mut dyn Session,
    digits: &[Labelled],
    every: usize,
    degradation: &Degradation,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let chosen: Vec<(usize, &Labelled)> = digits.iter().enumerate().step_by(every).collect();
    for batch in chosen.chunks(BATCH) {
        let (mut resized, mut prepared, mut truth) = (Vec::new(), Vec::new(), Vec::new());
        for (index, labelled) in batch {
            let frame = degradation.frame(labelled, &mut StdRng::seed_from_u64(*index as u64))?;
            resized.extend(values(&frame, &as_model_takes(Resize::Exact)));
            let began = Instant::now();
            prepared.extend(values(&frame, &as_model_takes(Resize::Digit)));
            outcome.preparing += began.elapsed();
            truth.push(labelled.digit);
        }
        outcome.resized += right(model, resized, &truth)?;
        outcome.prepared += right(model, prepared, &truth)?;
        outcome.digits += batch.len();
    }
    Ok(outcome)
}

fn as_model_takes(resize: Resize) -> ImageInput {
    ImageInput {
        input: "images".to_owned(),
        layout: Layout::Nchw,
        colour: Colour::Grey,
        size: [SIDE as u32; 2],
        step: None,
        resize,
        resize_to: None,
        filter: Filter::Bilinear,
        pad: 0,
        mean: vec![0.0],
        std: vec![255.0],
    }
}

/// A digit that is not found is one that is not recognised.
fn values(frame: &Frame, input: &ImageInput) -> Vec<f32> {
    let tensor = image::prepare(frame, input).ok();
    tensor.and_then(|tensor| tensor.to_f32()).unwrap_or_else(|| vec![0.0; SIDE * SIDE])
}

fn right(model: &mut dyn Session, values: Vec<f32>, truth: &[usize]) -> Result<usize> {
    let images = Tensor::new([truth.len(), 1, SIDE, SIDE], Data::F32(values)).context("28×28 a digit")?;
    let outputs = model.run(&[("images", &images)])?;
    let scores = outputs[0].1.to_f32().context("scores are numbers")?;
    let best = |scores: &[f32]| (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    Ok(scores.chunks(10).zip(truth).filter(|(scores, truth)| best(scores) == Some(**truth)).count())
}

fn report(name: &str, outcome: &Outcome) {
    let share = |right: usize| 100.0 * right as f64 / outcome.digits as f64;
    let each = outcome.preparing.as_secs_f64() * 1e3 / outcome.digits as f64;
    let (resized, prepared) = (share(outcome.resized), share(outcome.prepared));
    println!("{name:<28} {:>6} {resized:>7.2} % {prepared:>7.2} % {each:>9.2}", outcome.digits);
}

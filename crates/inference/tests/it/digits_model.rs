//! The committed digits model, with the real engine.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::{
    Config, Data, Model, Models, OnnxRuntime, Provider, Tensor,
    engine::{Engine, LoadOptions},
    manifest::Manifest,
};
use sha2::{Digest, Sha256};

use crate::{
    drawing::{Drawing, digits},
    mnist::{self, SIDE},
    runtime,
};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits")
}

/// The folder with MNIST, or nothing: then the test is skipped, loudly.
fn test_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = env::var_os("DARKROOM_TEST_DATA").map_or_else(beside, PathBuf::from);
    if folder.join("mnist_test.npz").exists() || folder.join("t10k-images-idx3-ubyte").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no MNIST in {} (set DARKROOM_TEST_DATA)", folder.display());
    None
}

fn served() -> Option<(tempfile::TempDir, Models)> {
    let runtime = runtime::place()?;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("models/digits/1");
    fs::create_dir_all(&folder).unwrap();
    for name in ["manifest.toml", "digits.onnx"] {
        fs::copy(committed().join(name), folder.join(name)).unwrap();
    }
    let models = Models::open(&Config { runtime, ..Config::below(data.path()) }).unwrap();
    Some((data, models))
}

#[test]
fn the_manifest_names_the_file_that_is_there() {
    let manifest = Manifest::parse(&fs::read_to_string(committed().join("manifest.toml")).unwrap()).unwrap();
    let file = fs::read(committed().join(&manifest.file)).unwrap();
    assert_eq!(manifest.sha256, hex::encode(Sha256::digest(&file)));
    assert!(file.len() < 1_000_000, "{} bytes", file.len());
}

fn assert_recognised(model: &Model, frame: &Frame, digit: usize) {
    let scores = model.predict_image(frame).unwrap().wait().unwrap();
    let best = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
    assert_eq!(best, digit, "{}×{}: {scores:?}", frame.width, frame.height);
}

#[test]
fn drawn_digits_are_recognised_in_any_size_and_tone() {
    let Some((_data, models)) = served() else { return };
    let model = models.get("digits", None).unwrap();
    for (digit, lines) in digits().iter().enumerate() {
        for (side, pen, paper, ink) in
            [(28, 0.1, 0, 255), (60, 0.12, 255, 0), (300, 0.03, 200, 60), (500, 0.14, 40, 220)]
        {
            let drawing = Drawing { pen, ..Drawing::new(lines, side) };
            assert_recognised(&model, &drawing.frame(paper, ink), digit);
        }
    }
}

#[test]
fn drawn_digits_are_recognised_on_ruled_and_squared_paper() {
    let Some((_data, models)) = served() else { return };
    let model = models.get("digits", None).unwrap();
    for (digit, lines) in digits().iter().enumerate() {
        let drawing = Drawing { pen: 0.07, ..Drawing::new(lines, 300) };
        let written = |line: bool, ink: f32| (if line { 150.0 } else { 230.0_f32 }).min(230.0 - 190.0 * ink);
        let ruled = drawing.toned(|x, y, ink| written(((y + 0.02 * x) * 9.0).fract() < 0.06, ink));
        assert_recognised(&model, &ruled, digit);
        let squared =
            drawing.toned(|x, y, ink| written((y * 7.0).fract().min((x * 7.0).fract()) < 0.04, ink));
        assert_recognised(&model, &squared, digit);
    }
}

#[test]
fn the_model_passes_its_own_checks() {
    let Some((_data, models)) = served() else { return };
    let model = models.get("digits", None).unwrap();
    assert!(!model.manifest().checks.is_empty());
    assert_eq!(model.check().unwrap(), []);
}

#[test]
fn an_image_without_a_digit_is_bad_input() {
    let Some((_data, models)) = served() else { return };
    let blank = Frame { width: 30, height: 30, layout: Layout::Gray, pixels: vec![255; 900] };
    let refused = models.get("digits", None).unwrap().predict_image(&blank).unwrap_err();
    assert!(refused.to_string().contains("nothing is drawn"), "{refused}");
}

#[test]
fn the_test_digits_are_recognised() {
    let (Some(runtime), Some(folder)) = (runtime::place(), test_data()) else { return };
    let engine = OnnxRuntime::open(&runtime, Provider::Cpu, None).unwrap();
    let options = LoadOptions { threads: 1, digest: String::new() };
    let mut session = engine.load(&committed().join("digits.onnx"), &options).unwrap();
    let mut right = 0;
    for batch in mnist::test_digits(&folder).unwrap().chunks(500) {
        let values = batch.iter().flat_map(|digit| &digit.pixels).map(|&value| f32::from(value) / 255.0);
        let images = Tensor::new([batch.len(), 1, SIDE, SIDE], Data::F32(values.collect())).unwrap();
        let scores = session.run(&[("images", &images)]).unwrap()[0].1.to_f32().unwrap();
        let best = |scores: &[f32]| (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        right += scores.chunks(10).zip(batch).filter(|(scores, digit)| best(scores) == digit.digit).count();
    }
    assert!(right >= 9950, "{right} of 10,000");
}

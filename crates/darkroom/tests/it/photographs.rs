//! Fetched models on labelled photographs, decoded and scaled as everything that comes in is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use darkroom_imaging::{FrameRequest, Guard, Inspected, Limits, Source};
use darkroom_inference::{Config, Model, Models};

/// The models, and how many of 100 photographs they label right at first and among the first five. It is what the other
/// conversion of the same weights reaches, with Pillow's decoding and scaling and torchvision's sizes.
const REACHED: [(&str, usize, usize); 8] = [
    ("resnet50", 90, 100),
    ("efficientnet-lite0", 89, 98),
    ("efficientnet-lite1", 87, 98),
    ("efficientnet-lite2", 93, 100),
    ("resnet50-int8", 90, 100),
    ("efficientnet-lite0-int8", 89, 98),
    ("efficientnet-lite1-int8", 85, 98),
    ("efficientnet-lite2-int8", 93, 100),
];

/// A float model and its int8 variant name the same class first for at least so many of 100 photographs, and their
/// probabilities for a photograph are at most so far apart, on average over the photographs.
const SAME_FIRST: usize = 96;
const APART: f32 = 0.025;

/// A photograph at one of the borders may fall on either side.
const EITHER_WAY: usize = 1;

/// Whether there is something, or else it is said loudly.
fn there(what: &str, variable: &str, beside: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join(beside);
    let place = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    if place.exists() {
        return Some(place);
    }
    eprintln!("SKIPPED: there is no {what} at {} (set {variable})", place.display());
    None
}

/// The runtime, where the other tests have it.
pub(crate) fn runtime() -> Option<PathBuf> {
    there("ONNX Runtime", "DARKROOM_ONNX_RUNTIME", "../../.x/runtime")
}

/// Tests every model of this folder that is known; gives how many those were.
pub(crate) fn are_recognised_by_the_models_in(folder: &Path) -> usize {
    let runtime = runtime();
    let data = there("test data", "DARKROOM_TEST_DATA", "../../../shared/data");
    let (Some(runtime), Some(photographs)) = (runtime, data.map(|data| data.join("imagenet100"))) else {
        return 0;
    };
    if !photographs.is_dir() {
        eprintln!("SKIPPED: there is no {}", photographs.display());
        return 0;
    }
    let config = Config { dir: folder.to_owned(), runtime, kept: None, ..Config::below(folder) };
    let models = Models::open(&config).unwrap();
    let found = REACHED.iter().filter_map(|known| Some((known, models.get(known.0, None).ok()?)));
    let said = found.map(|(known, model)| (known.0, recognises(&model, &photographs, *known)));
    let said: BTreeMap<&str, Vec<Vec<f32>>> = said.collect();
    for (name, float) in &said {
        if let Some(bytes) = said.get(format!("{name}-int8").as_str()) {
            say_the_same(name, float, bytes);
        }
    }
    said.len()
}

/// How far a float model and its int8 variant are apart, photograph by photograph.
fn say_the_same(name: &str, float: &[Vec<f32>], bytes: &[Vec<f32>]) {
    let first = |values: &[f32]| (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
    let apart = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        let divergence = a.iter().zip(b).map(|(a, b)| a * ((a + 1e-12) / (b + 1e-12)).ln()).sum::<f32>();
        (differences.fold(0.0, f32::max), divergence)
    };
    let pairs = || float.iter().zip(bytes);
    let same = pairs().filter(|(a, b)| first(a) == first(b)).count();
    let (apart, divergence): (Vec<f32>, Vec<f32>) = pairs().map(apart).unzip();
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (most, mean, divergence) =
        (apart.iter().copied().fold(0.0, f32::max), mean(&apart), mean(&divergence));
    eprintln!(
        "{name}: int8 says the same first for {same}; the largest difference of a photograph is {mean:.4} on \
         average, {most:.4} at most; Kullback-Leibler divergence {divergence:.4}"
    );
    assert!(same >= SAME_FIRST && mean <= APART, "{name}: {same} {mean}");
}

/// The probabilities of each photograph, in the order of their names.
fn recognises(
    model: &Arc<Model>,
    photographs: &Path,
    (name, first, five): (&str, usize, usize),
) -> Vec<Vec<f32>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(photographs).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut said = Vec::with_capacity(paths.len());
    let (mut seen, mut at_first, mut among_five) = (0, 0, 0);
    for path in paths {
        // n01440764_tench.JPEG
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (_, label) = stem.split_once('_').unwrap();
        let inspected = Inspected::new(Source::bytes(fs::read(&path).unwrap()), Limits::default()).unwrap();
        let request = FrameRequest { shorter_side: Some(model.wanted_side()), ..FrameRequest::default() };
        let frame = inspected.frame(&request, &guard()).unwrap();
        let probabilities = model.predict_image(&frame).unwrap().wait().unwrap();
        let best = model.top(&probabilities, 5, 0.0);
        let is_right = |at: usize| best[at].label.as_deref() == Some(label);
        seen += 1;
        at_first += usize::from(is_right(0));
        among_five += usize::from((0..5).any(is_right));
        said.push(probabilities);
    }
    eprintln!("{name}: {at_first} of {seen} right at first, {among_five} among the first five");
    assert_eq!(seen, 100);
    assert!(at_first.abs_diff(first) <= EITHER_WAY, "{name}: {at_first} instead of {first}");
    assert!(among_five.abs_diff(five) <= EITHER_WAY, "{name}: {among_five} instead of {five}");
    model.unload();
    said
}

fn guard() -> Guard {
    Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)))
}

/// With the models that `darkroom models fetch` has put into the folder that the variable names.
#[test]
fn labelled_photographs_are_recognised_by_all_fetched_models() {
    let Some(folder) = there("model folder", "DARKROOM_TEST_MODELS", "../../darkroom-data/models") else {
        return;
    };
    are_recognised_by_the_models_in(&folder);
}

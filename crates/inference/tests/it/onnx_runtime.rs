//! The real engine: every kind of tensor, bad files, kept graphs.

use std::{fs, time::Duration};

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::{Config, Data, ElementType, InferenceError, Models, Named, Tensor, onnx::DataType};
use half::f16;

use crate::{
    folder::{Folder, MEANS, TENSORS},
    net, runtime,
};

fn colour(red: u8, green: u8, blue: u8) -> Frame {
    Frame { width: 5, height: 7, layout: Layout::Rgb, pixels: [red, green, blue].repeat(35) }
}

pub(crate) fn row(name: &str, values: [f32; 2]) -> Named {
    (name.to_owned(), Tensor::new([1, 2], Data::F32(values.to_vec())).unwrap())
}

#[test]
fn an_image_becomes_scores_with_labels() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    folder.add("halves/1", &net::half_means(), &MEANS.replace("\"images\"", "\"halves\""));
    folder.add("one/1", &net::means_of_one(), MEANS);
    let Some(models) = folder.models() else { return };
    for name in ["means", "halves", "one"] {
        let model = models.get(name, None).unwrap();
        assert!(!model.is_loaded(), "listing loads nothing");
        let scores = model.predict_image(&colour(0, 200, 100)).unwrap().wait().unwrap();
        assert!(model.is_loaded());
        // Softmax of 0, 2, 1.
        for (score, want) in scores.iter().zip([0.090_031, 0.665_241, 0.244_728]) {
            assert!((score - want).abs() < 1e-5, "{name}: {scores:?}");
        }
        let best = model.top(&scores, 2, 0.0);
        assert_eq!(best[0].label.as_deref(), Some("green"));
        assert_eq!(best.len(), 2);
    }
}

#[test]
fn named_tensors_go_in_and_come_out_in_any_order() {
    let folder = Folder::new();
    folder.add("arithmetic/1", &net::arithmetic(), TENSORS);
    let Some(models) = folder.models() else { return };
    let model = models.get("arithmetic", Some("1")).unwrap();
    let outputs = model.infer(vec![row("b", [3.0, 4.0]), row("a", [5.0, 6.0])]).unwrap().wait().unwrap();
    assert_eq!(outputs, [row("sum", [8.0, 10.0]), row("product", [15.0, 24.0])]);
    let signature = model.ready().unwrap().wait().unwrap();
    assert_eq!(
        (signature.inputs.len(), signature.outputs[1].name.as_str(), signature.batch),
        (2, "product", 8)
    );
    assert_eq!(signature.inputs[0].shape, Some(vec![None, Some(2)]));
    for (inputs, said) in [
        (vec![row("a", [1.0, 1.0])], "input `b` is missing"),
        (vec![row("a", [1.0, 1.0]), row("b", [1.0, 1.0]), row("c", [1.0, 1.0])], "there is no input `c`"),
        (vec![row("a", [1.0, 1.0]), row("b", [1.0, 1.0]), row("a", [1.0, 1.0])], "input `a` is given twice"),
    ] {
        let error = model.infer(inputs).unwrap().wait().unwrap_err();
        assert_eq!(error, InferenceError::BadInput(said.to_owned()));
    }
    let wide = Tensor::new([1, 3], Data::F32(vec![0.0; 3])).unwrap();
    let error = model.infer(vec![row("a", [1.0, 1.0]), ("b".to_owned(), wide)]).unwrap().wait().unwrap_err();
    assert_eq!(error.to_string(), "input `b` takes the shape [?, 2], not [1, 3]");
}

#[test]
fn pixels_that_are_no_numbers_are_refused() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    folder.add("same/1", &net::same(DataType::Float), TENSORS);
    let Some(models) = folder.models() else { return };
    let nan =
        |shape: &[usize]| Tensor::new(shape, Data::F32(vec![f32::NAN; shape.iter().product()])).unwrap();
    let error = models.get("means", None).unwrap().infer(vec![("images".to_owned(), nan(&[1, 3, 4, 4]))]);
    let said = "input `images` has values that are no numbers".to_owned();
    assert_eq!(error.unwrap().wait().unwrap_err(), InferenceError::BadInput(said));
    let outputs = models.get("same", None).unwrap().infer(vec![("x".to_owned(), nan(&[2]))]).unwrap().wait();
    assert!(outputs.unwrap()[0].1.to_f32().unwrap()[0].is_nan(), "here it may mean something");
}

#[test]
fn every_kind_of_number_survives_the_way() {
    let folder = Folder::new();
    let all = [
        (DataType::Bool, Data::Bool(vec![true, false])),
        (DataType::Uint8, Data::U8(vec![0, 255])),
        (DataType::Uint16, Data::U16(vec![0, 65_535])),
        (DataType::Uint32, Data::U32(vec![0, u32::MAX])),
        (DataType::Uint64, Data::U64(vec![0, u64::MAX])),
        (DataType::Int8, Data::I8(vec![-128, 127])),
        (DataType::Int16, Data::I16(vec![-32_768, 1])),
        (DataType::Int32, Data::I32(vec![i32::MIN, 1])),
        (DataType::Int64, Data::I64(vec![i64::MIN, 1])),
        (DataType::Float16, Data::F16(vec![f16::from_f32(0.5), f16::NEG_INFINITY])),
        (DataType::Float, Data::F32(vec![0.1, f32::MIN])),
        (DataType::Double, Data::F64(vec![0.1, f64::MAX])),
        (DataType::String, Data::Bytes(vec![b"cat".to_vec(), "größe".as_bytes().to_vec()])),
    ];
    for (at, (kind, _)) in all.iter().enumerate() {
        folder.add(&format!("same{at}/1"), &net::same(*kind), TENSORS);
    }
    let Some(models) = folder.models() else { return };
    for (at, (_, data)) in all.into_iter().enumerate() {
        let model = models.get(&format!("same{at}"), None).unwrap();
        let tensor = Tensor::new([2], data).unwrap();
        let outputs = model.infer(vec![("x".to_owned(), tensor.clone())]).unwrap().wait().unwrap();
        assert_eq!(outputs, [("y".to_owned(), tensor.clone())]);
        let none = Tensor::zeros([0], tensor.element_type()).unwrap();
        let outputs = model.infer(vec![("x".to_owned(), none.clone())]).unwrap().wait().unwrap();
        assert_eq!(outputs, [("y".to_owned(), none)], "nothing is something too");
    }
    let text = Tensor::new([1], Data::Bytes(vec![vec![0xff, 0xfe]])).unwrap();
    let error = models.get("same12", None).unwrap().infer(vec![("x".to_owned(), text)]).unwrap().wait();
    assert!(error.unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn bad_files_are_the_trouble_of_their_own_model() {
    let folder = Folder::new();
    folder.add("good/1", &net::means(), MEANS);
    folder.add("garbage/1", b"\x08\x09this is no model", MEANS);
    folder.add("empty/1", b"", MEANS);
    let whole = net::means();
    folder.add("cut/1", &whole[..whole.len() / 2], MEANS);
    folder.add("larger/1", &net::means(), &MEANS.replace("[4, 4]", "[5, 4]"));
    folder.add("renamed/1", &net::means(), &MEANS.replace("input = \"images\"", "input = \"pictures\""));
    folder.add("silent/1", &net::means(), &MEANS.replace("name = \"scores\"", "name = \"answers\""));
    folder.add("strange/1", &net::arithmetic(), MEANS);
    folder.add("labels/1", &net::means(), MEANS);
    fs::write(folder.path().join("models/labels/1/labels.txt"), "one\ntwo\n").unwrap();
    folder.add("swapped/1", &net::means(), MEANS);
    fs::write(folder.path().join("models/swapped/1/model.onnx"), net::half_means()).unwrap();
    let Some(models) = folder.models() else { return };
    for name in ["garbage", "empty", "cut", "larger", "renamed", "silent", "strange", "labels", "swapped"] {
        let model = models.get(name, None).unwrap();
        let error = model.predict_image(&colour(1, 2, 3)).unwrap().wait().unwrap_err();
        assert!(
            matches!(&error, InferenceError::BadModel { model, .. } if *model == format!("{name}/1")),
            "{error}"
        );
        let again = model.predict_image(&colour(1, 2, 3)).unwrap_err();
        assert_eq!(again, error, "it is not tried again");
        assert_eq!(model.failure(), Some(error));
    }
    let good = models.get("good", None).unwrap();
    assert!(good.predict_image(&colour(1, 2, 3)).unwrap().wait().is_ok());
}

#[test]
fn an_optimised_graph_is_kept_used_and_forgotten() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    let Some(models) = folder.models() else { return };
    let graphs = folder.path().join("graphs");
    let kept = || fs::read_dir(&graphs).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let scores = |models: &Models| {
        models.get("means", None).unwrap().predict_image(&colour(0, 200, 100)).unwrap().wait().unwrap()
    };
    let first = scores(&models);
    assert_eq!(kept().len(), 1);
    // The kept graph is what is loaded: another one in its place is noticed, and made again.
    fs::write(&kept()[0], "rubbish").unwrap();
    assert_eq!(scores(&Models::open(&folder.config()).unwrap()), first);
    assert!(kept().is_empty(), "what cannot be loaded is removed");
    assert_eq!(scores(&Models::open(&folder.config()).unwrap()), first);
    assert_eq!(kept().len(), 1);
    folder.remove("means/1");
    models.refresh();
    assert!(kept().is_empty(), "the graph goes with its model");
}

#[test]
fn a_run_that_takes_too_long_is_stopped() {
    let folder = Folder::new();
    folder.add("endless/1", &net::doubling(i64::MAX), TENSORS);
    folder.add("short/1", &net::doubling(3), TENSORS);
    if runtime::place().is_none() {
        return;
    }
    let config = Config { run_time: Duration::from_secs(2), ..folder.config() };
    let models = Models::open(&config).unwrap();
    let one = || vec![("x".to_owned(), Tensor::new([1], Data::F32(vec![1.0])).unwrap())];
    let endless = models.get("endless", None).unwrap();
    let short = models.get("short", None).unwrap();
    // Once more if the machine stood still for longer than a run may take.
    let beside = (0..5).find_map(|_| {
        let late = endless.infer(one()).unwrap();
        let outputs = short.infer(one()).unwrap().wait();
        assert_eq!(
            late.wait().unwrap_err(),
            InferenceError::TimedOut { model: "endless/1".to_owned(), after: config.run_time }
        );
        outputs.ok()
    });
    let outputs = beside.expect("others are not held up");
    assert_eq!(outputs[0].1.to_f32(), Some(vec![8.0]));
    // Its session is free again: the next one is stopped, too, instead of waiting for ever.
    assert!(matches!(endless.infer(one()).unwrap().wait(), Err(InferenceError::TimedOut { .. })));
}

#[test]
fn without_the_runtime_the_error_names_the_command() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    let config = Config { runtime: folder.path().join("nowhere"), ..folder.config() };
    let models = Models::open(&config).unwrap();
    let model = models.get("means", None).unwrap();
    for _ in 0..2 {
        let error = model.predict_image(&colour(1, 2, 3)).unwrap().wait().unwrap_err();
        assert_eq!(error, InferenceError::RuntimeMissing(config.runtime.clone()));
        assert!(error.to_string().contains("darkroom models fetch"));
    }
    fs::write(folder.path().join("nowhere"), "no library").unwrap();
    let error = model.predict_image(&colour(1, 2, 3)).unwrap().wait().unwrap_err();
    assert!(matches!(error, InferenceError::RuntimeUnusable(_)), "it is looked for again: {error}");
}

#[test]
fn the_engine_says_what_it_is() {
    let Some(models) = Folder::new().models() else { return };
    assert_eq!(models.engine().unwrap(), "ONNX Runtime 1.31.1");
    assert_eq!(ElementType::Bytes.name(), "BYTES");
}

#[test]
fn checks_compare_with_what_the_manifest_says() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    folder.add("off/1", &net::means(), &MEANS.replace("[0.33333334, 0.33333334]", "[0.33333334, 0.5]"));
    folder.add("beyond/1", &net::means(), &MEANS.replace("at = [0, 2]", "at = [0, 3]"));
    let tensors =
        "task = \"tensors\"\n[[check]]\ninput = \"gradient\"\nat = [1]\nvalues = [1.0]\ntolerance = 0.01\n";
    folder.add("sum/1", &net::arithmetic(), tensors);
    let Some(models) = folder.models() else { return };
    let deviations = |name: &str| models.get(name, None).unwrap().check().unwrap();
    assert_eq!(deviations("means"), []);
    assert_eq!(deviations("sum"), [], "(0, ½) + (0, ½)");
    let [off] = deviations("off").try_into().unwrap();
    assert_eq!((off.check, off.at, off.expected), (0, 2, 0.5));
    assert!((off.got.unwrap() - 1.0 / 3.0).abs() < 1e-6);
    assert_eq!(deviations("beyond")[0].got, None);
}

use darkroom_core::{
    Operation,
    operation::{
        Background, Crops, Digit, Faces, Filter, Gravity, Mode, OutputFormat, TensorFormat, Thumbnail, Which,
    },
};
use serde_json::json;

fn operation(value: serde_json::Value) -> Result<Operation, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn parse(value: serde_json::Value) -> Result<Thumbnail, String> {
    match operation(value)? {
        Operation::Thumbnail(thumbnail) => Ok(thumbnail),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn a_thumbnail_needs_no_more_than_a_side() {
    let thumbnail = parse(json!({"op": "thumbnail", "width": 300})).unwrap();
    assert_eq!(thumbnail.target(), (Some(300), None));
    assert_eq!((thumbnail.mode, thumbnail.filter), (Mode::Fit, Filter::Lanczos3));
}

#[test]
fn dpr_multiplies_the_box() {
    let thumbnail = parse(json!({"op": "thumbnail", "width": 3, "height": 100, "dpr": 1.5})).unwrap();
    assert_eq!(thumbnail.target(), (Some(5), Some(150)));
    let tiny = parse(json!({"op": "thumbnail", "width": 1, "dpr": 0.1})).unwrap();
    assert_eq!(tiny.target(), (Some(1), None));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let cases = [
        (json!({"op": "thumbnail"}), "width, height or both"),
        (json!({"op": "thumbnail", "width": 0}), "at least 1"),
        (json!({"op": "thumbnail", "width": 10, "mode": "fill"}), "mode `fill` needs both"),
        (json!({"op": "thumbnail", "width": 10, "quality": 0}), "quality is 1 to 100"),
        (json!({"op": "thumbnail", "width": 10, "dpr": 9}), "dpr is 0.1 to 8"),
        (json!({"op": "thumbnail", "width": 10, "background": "red"}), "#rgb or #rrggbb"),
        (json!({"op": "thumbnail", "width": 10, "name": "../x"}), "name is 1 to 100"),
        (json!({"op": "thumbnail", "width": 10, "wdith": 10}), "unknown field `wdith`"),
        (json!({"op": "thumbnail", "width": -1}), "-1"),
        (json!({"op": "sharpen"}), "unknown variant `sharpen`"),
    ];
    for (value, reason) in cases {
        let error = parse(value.clone()).unwrap_err();
        assert!(error.contains(reason), "{value}: {error}");
    }
}

#[test]
fn the_wire_form_reads_back_as_itself() {
    let written = Thumbnail {
        mode: Mode::Fill,
        gravity: Gravity::NorthWest,
        filter: Filter::CatmullRom,
        format: OutputFormat::Webp,
        background: Some(Background([1, 2, 255])),
        name: Some("square".to_owned()),
        ..Thumbnail::fit(64, 64)
    };
    let value = serde_json::to_value(Operation::Thumbnail(written.clone())).unwrap();
    assert_eq!(value["gravity"], "north-west");
    assert_eq!(value["background"], "#0102ff");
    assert_eq!(parse(value).unwrap(), written);
}

#[test]
fn every_word_is_spelled_the_same_in_text_and_on_the_wire() {
    fn check<T: serde::Serialize + std::fmt::Display>(all: &[T]) {
        for word in all {
            assert_eq!(serde_json::to_value(word).unwrap(), word.to_string());
        }
    }
    check(Mode::ALL);
    check(Gravity::ALL);
    check(Filter::ALL);
    check(OutputFormat::ALL);
    check(Which::ALL);
    check(Crops::ALL);
}

#[test]
fn a_question_to_a_model_needs_as_little_as_it_can() {
    let Operation::Classify(classify) = operation(json!({"op": "classify"})).unwrap() else { panic!() };
    assert_eq!((classify.model, classify.top.get(), classify.threshold.get()), (None, 5, 0.0));
    assert_eq!(operation(json!({"op": "digit"})).unwrap(), Operation::Digit(Digit::default()));
    let Operation::Model(any) = operation(json!({"op": "model", "model": "depth@2.1"})).unwrap() else {
        panic!()
    };
    assert_eq!((any.model.name(), any.model.version()), ("depth", Some("2.1")));
    assert_eq!(any.tensors, TensorFormat::Json);
    let Operation::Faces(faces) = operation(json!({"op": "faces"})).unwrap() else { panic!() };
    assert_eq!(faces, Faces::default());
    assert_eq!((faces.which, faces.min_score.get(), faces.min_size), (Which::All, 0.7, 0));
    assert_eq!((faces.max.get(), faces.side.get(), faces.embeddings), (100, 1024, true));
}

#[test]
fn a_question_that_makes_no_sense_is_refused_with_a_reason() {
    let cases = [
        (json!({"op": "classify", "top": 0}), "top is 1 to 1000"),
        (json!({"op": "classify", "top": 1001}), "top is 1 to 1000"),
        (json!({"op": "classify", "threshold": 1.5}), "threshold is 0 to 1"),
        (json!({"op": "classify", "model": "../x"}), "a model is written name or name@version"),
        (json!({"op": "classify", "model": "a@"}), "a model is written name or name@version"),
        (json!({"op": "digit", "model": "Upper"}), "a model is written name or name@version"),
        (json!({"op": "digit", "modle": "x"}), "unknown field `modle`"),
        (json!({"op": "faces", "which": "best"}), "unknown variant `best`"),
        (json!({"op": "faces", "min_score": -0.1}), "threshold is 0 to 1"),
        (json!({"op": "faces", "min_size": -1}), "-1"),
        (json!({"op": "faces", "max": 0}), "max is 1 to 1000"),
        (json!({"op": "faces", "max": 1001}), "max is 1 to 1000"),
        (json!({"op": "faces", "side": 159}), "side is 160 to 4096"),
        (json!({"op": "faces", "side": 4097}), "side is 160 to 4096"),
        (json!({"op": "faces", "crops": "gif"}), "unknown variant `gif`"),
        (json!({"op": "faces", "embedder": "Sface"}), "a model is written name or name@version"),
        (json!({"op": "faces", "face": 1}), "unknown field `face`"),
        (json!({"op": "model"}), "missing field `model`"),
        (json!({"op": "model", "model": "m", "tensors": "csv"}), "unknown variant `csv`"),
        (json!({"op": "model", "model": "m", "name": ".x"}), "name is 1 to 100"),
    ];
    for (value, reason) in cases {
        let error = operation(value.clone()).unwrap_err();
        assert!(error.contains(reason), "{value}: {error}");
    }
}

#[test]
fn questions_read_back_as_themselves() {
    for value in [
        json!({"op": "classify", "model": "resnet50", "top": 3, "threshold": 0.25}),
        json!({"op": "digit", "model": "digits@1"}),
        json!({
            "op": "faces", "model": "yunet@2", "embedder": "sface", "which": "largest", "min_score": 0.5, "min_size": 20,
            "max": 3, "side": 640, "embeddings": false, "crops": "png", "name": "me",
        }),
        json!({"op": "model", "model": "any", "tensors": "npy", "name": "out"}),
    ] {
        let read = operation(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), value);
    }
}

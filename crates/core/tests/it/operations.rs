use darkroom_core::{
    Operation,
    operation::{Background, Filter, Gravity, Mode, OutputFormat, Thumbnail},
};
use serde_json::json;

fn parse(value: serde_json::Value) -> Result<Thumbnail, String> {
    serde_json::from_value(value).map(|Operation::Thumbnail(t)| t).map_err(|e| e.to_string())
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
}

//! Questions to models, with the real runtime: as jobs, and at once on the classic surfaces. The model is the digits
//! model, which comes with the binary.

use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use darkroom_api::{Code, client::Upload, job::FailureKind};
use darkroom_core::{
    Operation,
    operation::{AnyModel, Classify, Digit, TensorFormat, Thumbnail},
    user::Role,
};
use darkroom_server::Config;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{
    app::{App, problem, wait},
    images,
};

/// `DARKROOM_ONNX_RUNTIME`, else `.x/runtime` of the workspace. Without it a test is skipped; in CI it fails.
pub(super) fn runtime() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.x/runtime");
    let place = std::env::var_os("DARKROOM_ONNX_RUNTIME").map_or_else(beside, PathBuf::from);
    let there = place.is_file() || place.join("libonnxruntime.so.1.31.1").is_file();
    assert!(there || std::env::var_os("CI").is_none(), "CI needs ONNX Runtime at {}", place.display());
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    if !there {
        eprintln!("SKIPPED: there is no ONNX Runtime at {} (set DARKROOM_ONNX_RUNTIME)", place.display());
    }
    there.then_some(place)
}

/// The digits model also stands in for the classifier: what is tested here is the way, not what a model knows.
pub(super) fn with(runtime: PathBuf) -> impl FnOnce(&mut Config) {
    |config| {
        config.models.runtime = Some(runtime);
        "digits@1".clone_into(&mut config.models.classify);
    }
}

/// A one, dark on light, as somebody draws it with a thick pen: an upright stroke.
pub(super) fn one() -> Vec<u8> {
    let inked = |x: u32, y: u32| (96..112).contains(&x) && (30..170).contains(&y);
    let pixels: Vec<u8> =
        (0..200).flat_map(|y| (0..180).map(move |x| if inked(x, y) { 20 } else { 240 })).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 180, 200);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

pub(super) fn any(tensors: TensorFormat) -> Operation {
    Operation::Model(AnyModel { model: "digits".parse().unwrap(), tensors, name: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_at_an_image_serves_a_thumbnail_and_every_model() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let operations = vec![
        Operation::Digit(Digit::default()),
        Operation::Thumbnail(Thumbnail::fit(50, 50)),
        Operation::Classify(Classify::default()),
        any(TensorFormat::Json),
        any(TensorFormat::Npy),
    ];
    let job = app.client.submit(Upload::bytes(one(), "one.png", operations), &wait()).await.unwrap();
    assert_eq!(job.summary.failure, None);
    let times = job.attempts[0].timings;
    let parts = [times.decode_us, times.infer_us, times.encode_us];
    assert!(parts.iter().all(|part| *part > 0) && parts.iter().sum::<u64>() <= times.work_us, "{times:?}");
    let [digit, thumbnail, labels, values, file] = &job.results[..] else { panic!("{:?}", job.results) };
    assert_eq!((&digit.document["digit"], &digit.document["model"]), (&json!(1), &json!("digits")));
    assert!(digit.document["score"].as_f64().unwrap() > 0.9, "{}", digit.document);
    assert_eq!(digit.document["digest"].as_str().unwrap().len(), 64);
    assert_eq!((&thumbnail.document["width"], thumbnail.artifacts.len()), (&json!(45), 1));
    let found = labels.document["labels"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]["class_id"]), (5, &json!(1)));
    let output = &values.document["outputs"][0];
    assert_eq!((&output["shape"], &output["datatype"]), (&json!([1, 10]), &json!("FP32")));
    assert_eq!(output["data"].as_array().unwrap().len(), 10);
    let name = file.document["outputs"][0]["artifact"].as_str().unwrap();
    assert_eq!((name, file.artifacts[0].name.as_str()), ("digits-logits.npy", "digits-logits.npy"));
    let tensor = app.artifact(&job, name).await;
    assert!(tensor.starts_with(b"\x93NUMPY") && tensor.len() == 128 + 40, "{} bytes", tensor.len());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_there_is_refused_before_there_is_a_job() {
    let app = App::start().await;
    for query in ["op=classify&model=nobody", "op=digit&model=digits@9", "op=model&model=nobody"] {
        let refused = app.post(&format!("/v1/jobs?{query}")).body(one()).send().await.unwrap();
        assert_eq!(problem(refused).await.code, Code::UnknownModel, "{query}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_runtime_a_job_says_what_to_do() {
    let app = App::start().await;
    let upload = Upload::bytes(one(), "one.png", vec![Operation::Digit(Digit::default())]);
    let failure = app.client.submit(upload, &wait()).await.unwrap().summary.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::ModelMissing);
    assert!(failure.message.contains("darkroom models fetch"), "{}", failure.message);
    let classic = app.post("/mnist/").json(&json!({ "base64": BASE64_STANDARD.encode(one()) }));
    assert_eq!(problem(classic.send().await.unwrap()).await.code, Code::ModelUnavailable);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_with_their_digests() {
    let app = App::start().await;
    let listed: Value = app.get("/v1/models").await.json().await.unwrap();
    let digits = &listed["models"][0];
    assert_eq!((&digits["name"], &digits["task"]), (&json!("digits"), &json!("digit")));
    assert_eq!((&digits["state"], &digits["image"]["shape"]), (&json!("unloaded"), &json!([1, 1, 28, 28])));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digit_service_answers_as_it_did() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let encoded = BASE64_STANDARD.encode(one());
    for text in [encoded.clone(), format!("data:image/png;base64,{encoded}")] {
        for path in ["/mnist/", "/mnist"] {
            let answer = app.post(path).json(&json!({ "base64": text })).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let answer: Value = answer.json().await.unwrap();
            assert_eq!((&answer["pred"], &answer["digit"]), (&json!(1), &json!(1)));
            let scores: Vec<f64> = serde_json::from_value(answer["scores"].clone()).unwrap();
            assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{scores:?}");
            assert_eq!((scores.len(), Some(scores[1])), (10, answer["score"].as_f64()));
        }
    }
    let bad = [
        (json!({ "base64": "???" }), 400),
        (json!({ "base64": "" }), 400),
        (json!({ "base64": BASE64_STANDARD.encode("no picture") }), 400),
        (json!({ "base64": BASE64_STANDARD.encode(images::png_claiming(60_000, 60_000)) }), 422),
        (json!({ "base64": 7 }), 422),
        (json!({ "image": encoded }), 422),
        (json!([]), 422),
    ];
    for (body, status) in bad {
        let answer = app.post("/mnist/").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["detail"].is_string() || answer["detail"].is_array(), "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classifier_answers_as_it_did() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let greeting: Value = app.get("/").await.json().await.unwrap();
    assert_eq!(greeting, json!({ "message": "Da warudo" }));

    let form =
        |content: Vec<u8>| Form::new().part("file", Part::bytes(content).file_name("photo.of.one.PNG"));
    let nobody = app.post("/predict").multipart(form(one())).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(nobody.json::<Value>().await.unwrap(), json!({ "detail": "Not authenticated" }));
    let stranger = app.post("/predict").bearer_auth("dk_none").multipart(form(one())).send().await.unwrap();
    assert_eq!(stranger.json::<Value>().await.unwrap(), json!({ "detail": "Invalid token" }));

    let key = app.key("rose", Role::User).await;
    let ask = |form: Form| app.post("/predict").bearer_auth(&key).multipart(form).send();
    let answer = ask(form(one())).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut answer: Value = answer.json().await.unwrap();
    let date = answer["date"].take();
    // As Python's `datetime.now().isoformat()` writes it.
    assert_eq!((date.as_str().unwrap().len(), &date.as_str().unwrap()[10..11]), (26, "T"));
    let score = answer["score"].take();
    assert!((90..=100).contains(&score.as_u64().unwrap()), "{score}");
    let expected = json!({
        "username": "rose", "filename": "photo.of.one.PNG", "extension": "png", "date": null, "class_id": 1,
        "category_name": null, "score": null, "success": true,
    });
    assert_eq!(answer, expected);

    let refused = ask(form(b"no picture".to_vec())).await.unwrap();
    assert_eq!(refused.status(), 406);
    let detail = refused.json::<Value>().await.unwrap()["detail"].as_str().unwrap().to_owned();
    let begins =
        "something went wrong, please check the extension or the validity of the image. More details: ";
    assert!(detail.starts_with(begins), "{detail}");
    assert_eq!(ask(Form::new().text("other", "x")).await.unwrap().status(), 422);
    app.finish().await;
}

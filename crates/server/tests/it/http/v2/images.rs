//! Encoded images instead of numbers.

use base64::{Engine, prelude::BASE64_STANDARD};
use darkroom_inference::Data;
use serde_json::{Value, json};

use super::{Served, refused, taken_apart};
use crate::http::{images, models::one};

/// A picture of one colour.
fn plain(colour: [u8; 3]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 6, 5);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = std::iter::repeat_n(colour, 30).flatten().collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

fn input(shape: &[usize], size: usize) -> Value {
    json!({ "name": "images", "shape": shape, "datatype": "BYTES", "parameters": { "binary_data_size": size } })
}

fn best(scores: &Value) -> usize {
    let scores: Vec<f64> = serde_json::from_value(scores.clone()).unwrap();
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_prepared_as_the_manifest_says() {
    let Some(app) = Served::start().await else { return };
    let text = BASE64_STANDARD.encode(one());
    for text in [text.clone(), format!("data:image/png;base64,{text}")] {
        for shape in [json!([1]), json!([1, 1])] {
            let input = json!({ "name": "images", "shape": shape, "datatype": "BYTES", "data": [text] });
            let answer = app.answer("digits", &json!({ "inputs": [input] })).await;
            let output = &answer["outputs"][0];
            assert_eq!((&output["name"], &output["shape"]), (&json!("logits"), &json!([1, 10])));
            assert_eq!(best(&output["data"]), 1);
        }
    }
    // The body may be the image itself, too; and bytes without pixels' dimensions are one.
    let bare = app.post("/v2/models/digits/infer").header("inference-header-content-length", 0).body(one());
    let bare: Value = bare.send().await.unwrap().json().await.unwrap();
    assert_eq!(best(&bare["outputs"][0]["data"]), 1);
    let file = one();
    let size = json!({ "binary_data_size": file.len() });
    let input =
        json!({ "name": "images", "shape": [1, file.len()], "datatype": "UINT8", "parameters": size });
    let answer = app.binary("digits", &json!({ "inputs": [input] }), &file).await;
    assert_eq!(best(&answer.json::<Value>().await.unwrap()["outputs"][0]["data"]), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_images_are_a_batch_in_their_order() {
    let Some(app) = Served::start().await else { return };
    let colours: Vec<[u8; 3]> = (0..9).map(|i| [i * 20, 255 - i, 7]).collect();
    let files = Data::Bytes(colours.iter().copied().map(plain).collect()).to_bytes();
    let ask =
        json!({ "inputs": [input(&[9, 1], files.len())], "parameters": { "binary_data_output": true } });
    let (answer, tensors) = taken_apart(app.binary("means", &ask, &files).await).await;
    assert_eq!(answer["outputs"][0]["shape"], json!([9, 3]));
    let wanted = Data::F32(colours.iter().flatten().copied().map(f32::from).collect()).to_bytes();
    assert_eq!(tensors, wanted);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_come_with_value_place_and_label() {
    let Some(app) = Served::start().await else { return };
    let files = Data::Bytes(vec![plain([1, 200, 3]), plain([9, 5, 7])]).to_bytes();
    let outputs = json!([{ "name": "scores", "parameters": { "classification": 2 } }]);
    let ask = json!({ "inputs": [input(&[2], files.len())], "outputs": outputs });
    let answer: Value = app.binary("means", &ask, &files).await.json().await.unwrap();
    let wanted = json!({
        "name": "scores", "datatype": "BYTES", "shape": [2, 2],
        "data": ["200:1:green", "3:2:blue", "9:0:red", "7:2:blue"],
    });
    assert_eq!(answer["outputs"][0], wanted);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_image_is_refused_and_named() {
    let Some(app) = Served::with(|config| config.http.max_infer_images = 3).await else { return };
    let good = plain([1, 2, 3]);
    let cases: [(Vec<Vec<u8>>, &str); 6] = [
        (vec![b"no picture".to_vec()], "Image 0: "),
        (vec![good.clone(), good[..40].to_vec()], "Image 1: "),
        (vec![good.clone(), Vec::new()], "Image 1 is empty"),
        (vec![images::png_claiming(60_000, 60_000)], "Image 0: "),
        (vec![good.clone(); 4], "has 4 images; 3 may be in one request"),
        (Vec::new(), "has no image"),
    ];
    for (files, words) in cases {
        let count = files.len();
        let bytes = Data::Bytes(files).to_bytes();
        let answer = app.binary("means", &json!({ "inputs": [input(&[count], bytes.len())] }), &bytes).await;
        let (status, error) = refused(answer).await;
        assert_eq!(status, 400, "{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
    let texts = [(json!(["???"]), "not base64"), (json!([""]), "is empty"), (json!([7]), "7 is no BYTES")];
    for (data, words) in texts {
        let input = json!({ "name": "images", "shape": [1], "datatype": "BYTES", "data": data });
        let (status, error) = refused(app.ask("means", &json!({ "inputs": [input] })).await).await;
        assert_eq!((status, error.contains(words)), (400, true), "{error}");
    }
    for shape in [json!([1, 2]), json!([1, 1, 1]), json!([])] {
        let input =
            json!({ "name": "images", "shape": shape, "datatype": "BYTES", "data": ["eA==", "eA=="] });
        let (status, error) = refused(app.ask("means", &json!({ "inputs": [input] })).await).await;
        assert_eq!((status, error.contains("[n] or [n, 1]")), (400, true), "{error}");
    }
    let bare =
        app.post("/v2/models/arithmetic/infer").header("inference-header-content-length", 0).body(good);
    let (status, error) = refused(bare.send().await.unwrap()).await;
    assert_eq!((status, error.contains("takes no images")), (400, true), "{error}");
    app.finish().await;
}

//! What the server says of itself and its models.

use serde_json::{Value, json};

use super::{Served, refused};
use crate::http::images;

async fn json(app: &Served, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_it_speaks() {
    let Some(app) = Served::start().await else { return };
    // A worker is alive once it has done something.
    app.thumbnail(images::png(9, 9), 5).await;
    let server = json(&app, "/v2").await;
    assert_eq!(
        (&server["name"], &server["version"]),
        (&json!("darkroom"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(server["extensions"].as_array().unwrap().contains(&json!("binary_tensor_data")));
    assert_eq!(json(&app, "/v2/health/live").await, json!({ "live": true }));
    assert_eq!(json(&app, "/v2/health/ready").await, json!({ "ready": true }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_says_what_it_takes_and_gives() {
    let Some(app) = Served::start().await else { return };
    let row = |name: &str| json!({ "name": name, "datatype": "FP32", "shape": [-1, 2] });
    let model = json(&app, "/v2/models/arithmetic").await;
    assert_eq!((&model["name"], &model["versions"]), (&json!("arithmetic"), &json!(["1", "2"])));
    assert_eq!(model["platform"], "onnxruntime_onnx");
    assert_eq!(model["inputs"], json!([row("a"), row("b")]));
    assert_eq!(model["outputs"], json!([row("sum"), row("product")]));
    let first = json(&app, "/v2/models/arithmetic/versions/1").await;
    assert_eq!(first["versions"], json!(["1"]));

    let digits = json(&app, "/v2/models/digits").await;
    let images = json!([{
        "name": "images", "datatype": "FP32", "shape": [-1, 1, 28, 28],
        "parameters": { "encoded_images": "BYTES", "max_images": 64 },
    }]);
    assert_eq!((&digits["inputs"], &digits["parameters"]["task"]), (&images, &json!("digit")));
    let config = json(&app, "/v2/models/digits/config").await;
    let input =
        json!({ "name": "images", "data_type": "TYPE_FP32", "format": "FORMAT_NCHW", "dims": [1, 28, 28] });
    assert_eq!((&config["max_batch_size"], &config["input"]), (&json!(8), &json!([input])));
    let fixed = json(&app, "/v2/models/slow/versions/1/config").await;
    assert_eq!((&fixed["max_batch_size"], &fixed["input"][1]["dims"]), (&json!(0), &json!([1])));
    let texts = json(&app, "/v2/models/bytes/config").await;
    assert_eq!(texts["output"][0], json!({ "name": "y", "data_type": "TYPE_STRING", "dims": [] }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_not_ready() {
    let Some(app) = Served::start().await else { return };
    assert_eq!(json(&app, "/v2/models/means/ready").await, json!({ "name": "means", "ready": true }));
    for path in ["garbage/ready", "garbage/versions/1/ready", "garbage", "garbage/config", "liar/ready"] {
        let (status, error) = refused(app.get(&format!("/v2/models/{path}")).await).await;
        assert_eq!(status, 503, "{path}: {error}");
        assert!(error.contains("cannot be used"), "{path}: {error}");
    }
    for path in ["nobody", "nobody/ready", "nobody/config", "digits/versions/9", "digits/versions/9/ready"] {
        let (status, error) = refused(app.get(&format!("/v2/models/{path}")).await).await;
        assert_eq!(status, 404, "{path}");
        assert!(error.starts_with("There is no model"), "{path}: {error}");
    }
    let index: Vec<Value> = app.post("/v2/repository/index").send().await.unwrap().json().await.unwrap();
    let state = |name: &str| index.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!((&state("means")["state"], &state("means")["reason"]), (&json!("READY"), &json!("")));
    assert_eq!(state("garbage")["state"], "UNAVAILABLE");
    assert!(state("liar")["reason"].as_str().unwrap().contains("2 inputs"));
    app.finish().await;
}

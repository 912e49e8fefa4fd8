//! Tensors in and out, as JSON and as bytes.

use darkroom_inference::{Data, ElementType};
use half::f16;
use serde_json::{Value, json};

use super::{Served, taken_apart};

fn row(name: &str, data: &Value) -> Value {
    json!({ "name": name, "shape": [2, 2], "datatype": "FP32", "data": data })
}

fn outputs(answer: &Value) -> Vec<(&str, &Value)> {
    let all = answer["outputs"].as_array().unwrap();
    all.iter().map(|output| (output["name"].as_str().unwrap(), &output["data"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn json_goes_in_flat_or_nested_and_comes_out_flat() {
    let Some(app) = Served::start().await else { return };
    let b = json!([10, 20, 30, 40.5]);
    for a in [json!([1, 2, 3, 4]), json!([[1.0, 2.0], [3.0, 4.0]])] {
        // The order of the inputs is the client's.
        let ask = json!({ "id": "q-7", "inputs": [row("b", &b), row("a", &a)], "unknown": 1 });
        let answer = app.answer("arithmetic/versions/1", &ask).await;
        let named = (&answer["model_name"], &answer["model_version"], &answer["id"]);
        assert_eq!(named, (&json!("arithmetic"), &json!("1"), &json!("q-7")));
        let (sum, product) = (json!([11.0, 22.0, 33.0, 44.5]), json!([10.0, 40.0, 90.0, 162.0]));
        assert_eq!(outputs(&answer), [("sum", &sum), ("product", &product)]);
        assert_eq!(answer["outputs"][0]["shape"], json!([2, 2]));
        assert_eq!(answer["outputs"][0]["datatype"], "FP32");
    }
    let ask = json!({ "inputs": [row("a", &b), row("b", &b)], "outputs": [{ "name": "product" }] });
    let answer = app.answer("arithmetic", &ask).await;
    assert_eq!((&answer["model_version"], answer.get("id")), (&json!("2"), None));
    assert_eq!(outputs(&answer), [("product", &json!([100.0, 400.0, 900.0, 1640.25]))]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_datatype_passes_unchanged() {
    let Some(app) = Served::start().await else { return };
    let cases = [
        (Data::Bool(vec![true, false]), json!([true, false])),
        (Data::U8(vec![0, 255]), json!([0, 255])),
        (Data::U16(vec![0, u16::MAX]), json!([0, u16::MAX])),
        (Data::U32(vec![1, u32::MAX]), json!([1, u32::MAX])),
        (Data::U64(vec![1, u64::MAX]), json!([1, u64::MAX])),
        (Data::I8(vec![-128, 127]), json!([-128, 127])),
        (Data::I16(vec![i16::MIN, 7]), json!([i16::MIN, 7])),
        (Data::I32(vec![i32::MIN, 7]), json!([i32::MIN, 7])),
        (Data::I64(vec![i64::MIN, 7]), json!([i64::MIN, 7])),
        (Data::F16(vec![f16::from_f32(0.5), f16::from_f32(-2.0)]), json!([0.5, -2.0])),
        (Data::F32(vec![0.1, -2.5]), json!([0.1, -2.5])),
        (Data::F64(vec![1e300, 0.1]), json!([1e300, 0.1])),
        (Data::Bytes(vec!["grün".into(), Vec::new()]), json!(["grün", ""])),
    ];
    assert_eq!(cases.len(), ElementType::ALL.len());
    for (data, values) in cases {
        let (kind, bytes) = (data.element_type().name(), data.to_bytes());
        let model = kind.to_lowercase();
        let input = json!({ "name": "x", "shape": [2], "datatype": kind, "data": values });
        let answer = app.answer(&model, &json!({ "inputs": [input] })).await;
        let output = &answer["outputs"][0];
        assert_eq!((&output["data"], &output["datatype"]), (&values, &json!(kind)));

        let input = json!({ "name": "x", "shape": [2], "datatype": kind, "parameters": { "binary_data_size": bytes.len() } });
        let ask = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
        let (answer, tensors) = taken_apart(app.binary(&model, &ask, &bytes).await).await;
        assert_eq!(tensors, bytes, "{kind}");
        let output = &answer["outputs"][0];
        assert_eq!(output["parameters"]["binary_data_size"], bytes.len());
        assert_eq!((output.get("data"), &output["shape"]), (None, &json!([2])));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_bytes_mix_both_ways() {
    let Some(app) = Served::start().await else { return };
    let b = Data::F32(vec![1.0, 2.0, 3.0, 4.0]).to_bytes();
    let binary =
        json!({ "name": "b", "shape": [2, 2], "datatype": "FP32", "parameters": { "binary_data_size": 16 } });
    let mut ask = json!({
        "inputs": [row("a", &json!([1, 1, 1, 1])), binary],
        "outputs": [
            { "name": "product", "parameters": { "binary_data": true } },
            { "name": "sum", "parameters": { "binary_data": false } },
        ],
    });
    let (answer, tensors) = taken_apart(app.binary("arithmetic", &ask, &b).await).await;
    assert_eq!(tensors, b);
    assert_eq!(outputs(&answer)[1], ("sum", &json!([2.0, 3.0, 4.0, 5.0])));
    // What an output says counts more than what the request says.
    ask["parameters"] = json!({ "binary_data_output": true });
    ask["outputs"] = json!([{ "name": "sum", "parameters": { "binary_data": false } }]);
    let answer = app.binary("arithmetic", &ask, &b).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(!answer.headers().contains_key("inference-header-content-length"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_json_has_no_number_for_is_null() {
    let Some(app) = Served::start().await else { return };
    let values = Data::F32(vec![f32::NAN, f32::INFINITY]).to_bytes();
    let input =
        json!({ "name": "x", "shape": [2], "datatype": "FP32", "parameters": { "binary_data_size": 8 } });
    let answer = app.binary("fp32", &json!({ "inputs": [input] }), &values).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["outputs"][0]["data"], json!([null, null]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_images_as_tensors_may_be_larger_than_a_run() {
    let Some(app) = Served::start().await else { return };
    // Five images of which each channel has the number of the image; a run takes two.
    let data: Vec<f32> = (0..5u8).flat_map(|image| vec![f32::from(image); 48]).collect();
    let input = json!({ "name": "images", "shape": [5, 3, 4, 4], "datatype": "FP32", "data": data });
    let answer = app.answer("means", &json!({ "inputs": [input] })).await;
    let wanted: Vec<f32> = (0..5u8).flat_map(|image| [f32::from(image); 3]).collect();
    assert_eq!(
        (&answer["outputs"][0]["shape"], &answer["outputs"][0]["data"]),
        (&json!([5, 3]), &json!(wanted))
    );
    app.finish().await;
}

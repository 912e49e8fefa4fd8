//! Questions that are none: each is told what is wrong with it, and the model answers the next.

use darkroom_inference::Data;
use darkroom_server::config::ByteSize;
use serde_json::{Value, json};

use super::{Served, refused};

/// Whether a refusal says so; it may begin with that.
fn said(error: &str, words: &str) -> bool {
    error.to_lowercase().contains(&words.to_lowercase())
}

fn a(shape: &Value, data: &Value) -> Value {
    json!({ "name": "a", "shape": shape, "datatype": "FP32", "data": data })
}

fn b() -> Value {
    json!({ "name": "b", "shape": [1, 2], "datatype": "FP32", "data": [1, 2] })
}

/// What `a` may be in place of a row of two numbers, and the words of the refusal.
fn inputs() -> Vec<(Value, &'static str)> {
    let a_with = |key: &str, value: Value| {
        let mut input = a(&json!([1, 2]), &json!([1, 2]));
        input[key] = value;
        input
    };
    vec![
        (a(&json!([2, 1]), &json!([1, 2])), "shape [?, 2], not [2, 1]"),
        (a(&json!([2]), &json!([1, 2])), "shape [?, 2], not [2]"),
        (a(&json!([1, 3]), &json!([1, 2])), "has 2 values, its shape has 3"),
        (a(&json!([1, 1]), &json!([1, 2])), "more values than the 1"),
        (a(&json!([1, -2]), &json!([1, 2])), "cannot have the shape [1, -2]"),
        (a(&json!([i64::MAX, i64::MAX]), &json!([1])), "more values than can be counted"),
        (a(&json!([4_000_000_000u64, 2]), &json!([])), "fewer values"),
        (a(&json!([i64::MAX]), &json!([])), "fewer values"),
        (a(&json!(vec![1; 33]), &json!([1])), "more than 32 dimensions"),
        (a(&json!([1, 2]), &json!([1, "x"])), "a text is no FP32"),
        (a(&json!([1, 2]), &json!([1, null])), "null"),
        (a(&json!([1, 2]), &json!({})), "no array"),
        (a(&json!([1, 2]), &json!([1, 1e39])), "no FP32"),
        (a(&json!("x"), &json!([1, 2])), "invalid type"),
        (a_with("datatype", json!("INT32")), "takes FP32, not INT32"),
        (a_with("datatype", json!("BF16")), "`BF16`, which is not supported"),
        (a_with("datatype", json!("float")), "not supported"),
        (a_with("name", json!("c")), "is missing"),
        (a_with("name", json!("b")), "is missing"),
        (a_with("data", Value::Null), "neither `data` nor binary data"),
        (a_with("parameters", json!({ "binary_data_size": 8 })), "one of them is enough"),
        (a_with("parameters", json!({ "binary_data_size": -8 })), "invalid value"),
        (a_with("parameters", json!({ "shared_memory_region": "r" })), "shared memory"),
        (json!({}), "missing field"),
        (json!(7), "invalid type"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_does_not_fit_is_refused() {
    let Some(app) = Served::start().await else { return };
    for (input, words) in inputs() {
        let ask = json!({ "inputs": [input, b()] });
        let (status, error) = refused(app.ask("arithmetic", &ask).await).await;
        assert_eq!(status, 400, "{ask}: {error}");
        assert!(said(&error, words), "{ask}: {error}");
    }
    // The shapes fit one by one, but not together: only the engine knows.
    let ask = json!({ "inputs": [a(&json!([3, 2]), &json!([1, 2, 3, 4, 5, 6])), { "name": "b", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4] }] });
    let (status, error) = refused(app.ask("arithmetic", &ask).await).await;
    assert_eq!((status, error.contains("failed on this input")), (500, true), "{error}");
    let answer =
        app.answer("arithmetic", &json!({ "inputs": [a(&json!([1, 2]), &json!([1, 2])), b()] })).await;
    assert_eq!(answer["outputs"][0]["data"], json!([2.0, 4.0]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_none_is_refused() {
    let Some(app) = Served::start().await else { return };
    let good = a(&json!([1, 2]), &json!([1, 2]));
    let outputs = |outputs: Value| json!({ "inputs": [good.clone(), b()], "outputs": outputs }).to_string();
    let deep = format!("{{\"inputs\":{}", "[".repeat(100_000));
    let cases = [
        (String::new(), "the body is empty"),
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "JSON object"),
        ("\u{0}".to_owned(), "expected value"),
        ("{}".to_owned(), "missing field `inputs`"),
        (json!({ "inputs": [] }).to_string(), "no inputs"),
        (json!({ "inputs": {} }).to_string(), "invalid type"),
        (json!({ "inputs": [good] }).to_string(), "`b` is missing"),
        (json!({ "inputs": [good, b(), b()] }).to_string(), "given twice"),
        (json!({ "inputs": [good, b()], "parameters": { "sequence_id": 1 } }).to_string(), "sequence"),
        (outputs(json!([{ "name": "nothing" }])), "no output `nothing`"),
        (outputs(json!([{ "name": "sum" }, { "name": "sum" }])), "twice"),
        (outputs(json!([{ "name": "sum", "parameters": { "classification": 0 } }])), "at least 1"),
        (outputs(json!([{ "name": "sum", "parameters": { "classification": -3 } }])), "at least 1"),
        (outputs(json!([{ "name": "sum", "parameters": { "shared_memory_region": "r" } }])), "shared memory"),
        (deep, "invalid type"),
    ];
    for (body, words) in cases {
        let sent = app.post("/v2/models/arithmetic/infer").body(body.clone()).send().await.unwrap();
        let (status, error) = refused(sent).await;
        let shown: String = body.chars().take(200).collect();
        assert_eq!(status, 400, "{shown}: {error}");
        assert!(said(&error, words), "{shown}: {error}");
    }
    let text = json!({ "name": "x", "shape": [1], "datatype": "BYTES", "data": ["a"] });
    let ask =
        json!({ "inputs": [text], "outputs": [{ "name": "y", "parameters": { "classification": 1 } }] });
    let (status, error) = refused(app.ask("bytes", &ask).await).await;
    assert_eq!((status, error.contains("not to be classified")), (400, true), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_data_that_lies_about_its_size_is_refused() {
    let Some(app) = Served::start().await else { return };
    let input = |shape: Value, kind: &str, size: u64| json!({ "inputs": [{ "name": "x", "shape": shape, "datatype": kind, "parameters": { "binary_data_size": size } }] });
    let cases: [(Value, &[u8], &str); 8] = [
        (input(json!([1]), "FP32", 4), &[0; 3], "says 4 bytes of binary data, but 3 are left"),
        (input(json!([1]), "FP32", u64::MAX), &[0; 4], "are left"),
        (input(json!([1]), "FP32", 4), &[0; 5], "1 bytes of binary data belong to no input"),
        (input(json!([2]), "FP32", 4), &[0; 4], "not its shape's 2 values"),
        (input(json!([1]), "FP32", 3), &[0; 3], "not its shape's 1 values"),
        (input(json!([i64::MAX]), "FP32", 4), &[0; 4], "not its shape's"),
        (input(json!([1_000_000_000]), "BYTES", 4), &[0; 4], "no 1000000000 byte strings"),
        (input(json!([1]), "BYTES", 4), &[9, 0, 0, 0], "9 bytes, but 0 are left"),
    ];
    for (ask, tensors, words) in cases {
        let model = ask["inputs"][0]["datatype"].as_str().unwrap().to_lowercase();
        let (status, error) = refused(app.binary(&model, &ask, tensors).await).await;
        assert_eq!(status, 400, "{ask}: {error}");
        assert!(said(&error, words), "{ask}: {error}");
    }
    let many = [0; 12];
    let (_, error) = refused(app.binary("bytes", &input(json!([1]), "BYTES", 12), &many).await).await;
    assert!(error.contains("more than the 1 byte strings"), "{error}");
    for (length, status) in [("99999", 400), ("-1", 400), ("x", 400), ("18446744073709551616", 400)] {
        let sent =
            app.post("/v2/models/fp32/infer").header("inference-header-content-length", length).body("{}");
        assert_eq!(refused(sent.send().await.unwrap()).await.0, status, "{length}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pixels_are_numbers_and_there_are_some() {
    let Some(app) = Served::start().await else { return };
    let input = |shape: Value, size: usize| json!({ "inputs": [{ "name": "images", "shape": shape, "datatype": "FP32", "parameters": { "binary_data_size": size } }] });
    for rows in [1, 5] {
        let mut values = vec![0.5f32; rows * 48];
        values[7] = f32::NAN;
        let bytes = Data::F32(values).to_bytes();
        let answer = app.binary("means", &input(json!([rows, 3, 4, 4]), bytes.len()), &bytes).await;
        let (status, error) = refused(answer).await;
        assert_eq!((status, error.contains("no numbers")), (400, true), "{error}");
    }
    let (status, error) = refused(app.binary("means", &input(json!([0, 3, 4, 4]), 0), &[]).await).await;
    assert_eq!((status, error.contains("no image")), (400, true), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_answers_have_a_largest_size() {
    let Some(app) = Served::with(|config| config.http.max_infer_answer = ByteSize(100)).await else { return };
    let input =
        |count: usize| json!({ "name": "x", "shape": [count], "datatype": "INT8", "data": vec![1; count] });
    assert_eq!(app.answer("int8", &json!({ "inputs": [input(4)] })).await["outputs"][0]["shape"], json!([4]));
    for (count, binary) in [(5, false), (101, true)] {
        let ask = json!({ "inputs": [input(count)], "parameters": { "binary_data_output": binary } });
        let (status, error) = refused(app.ask("int8", &ask).await).await;
        assert_eq!((status, said(&error, "larger than 100 bytes")), (400, true), "{error}");
    }
    // The body may be larger than its JSON may.
    let spaces = app.post("/v2/models/int8/infer").body(vec![b' '; (24 << 20) + 1]).send().await.unwrap();
    let (status, error) = refused(spaces).await;
    assert_eq!((status, said(&error, "send tensors as binary")), (413, true), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_cannot_be_asked_say_why() {
    let Some(app) = Served::start().await else { return };
    let ask = json!({ "inputs": [b()] });
    for (model, status, words) in [
        ("nobody", 404, "There is no model `nobody`"),
        ("arithmetic/versions/9", 404, "There is no model `arithmetic/9`"),
        ("garbage", 503, "cannot be used"),
        ("liar", 503, "cannot be used"),
    ] {
        let (is, error) = refused(app.ask(model, &ask).await).await;
        assert_eq!(is, status, "{model}: {error}");
        assert!(said(&error, words), "{model}: {error}");
    }
    app.finish().await;
}

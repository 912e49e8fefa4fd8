//! Bodies that come or are wanted compressed.

use std::io::{Read, Write};

use flate2::{Compression, read, write};
use serde_json::{Value, json};

use super::{Served, refused};

fn ask() -> Vec<u8> {
    let data: Vec<u32> = (0..5_000).collect();
    json!({ "inputs": [{ "name": "x", "shape": [5_000], "datatype": "UINT32", "data": data }] })
        .to_string()
        .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_answers_may_be_compressed() {
    let Some(app) = Served::start().await else { return };
    for (coding, body) in [("gzip", gzip(&ask())), ("deflate", deflate(&ask())), ("identity", ask())] {
        let sent = app.post("/v2/models/uint32/infer").header("content-encoding", coding).body(body);
        let answer = sent.header("accept-encoding", format!("{coding}, br")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{coding}");
        let said = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        let body = answer.bytes().await.unwrap();
        let mut plain = Vec::new();
        match said.as_deref() {
            Some("gzip") => read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap(),
            Some("deflate") => read::ZlibDecoder::new(&body[..]).read_to_end(&mut plain).unwrap(),
            _ => (&body[..]).read_to_end(&mut plain).unwrap(),
        };
        assert_eq!(said.as_deref(), Some(coding).filter(|coding| *coding != "identity"));
        let answer: Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(answer["outputs"][0]["data"][4_999], 4_999, "{coding}");
    }
    // Whoever reads an error does not expect it compressed.
    let wrong = app.post("/v2/models/uint32/infer").header("accept-encoding", "gzip").body("{}");
    assert_eq!(refused(wrong.send().await.unwrap()).await.0, 400);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_too_large_and_nonsense_is_no_gzip() {
    let change = |config: &mut darkroom_server::Config| {
        config.http.max_infer_body = darkroom_server::config::ByteSize(100 << 10);
    };
    let Some(app) = Served::with(change).await else { return };
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let small = gzip(&vec![b' '; 10 << 20]);
    assert!(small.len() < 100 << 10, "{}", small.len());
    let send = async |coding: &'static str, body: Vec<u8>| {
        let sent = app.post("/v2/models/uint32/infer").header("content-encoding", coding).body(body);
        refused(sent.send().await.unwrap()).await
    };
    assert_eq!(send("gzip", bomb).await.0, 413);
    assert_eq!(send("gzip", small).await.0, 413);
    assert_eq!(send("deflate", deflate(&vec![b' '; 10 << 20])).await.0, 413);
    assert_eq!(send("identity", vec![b' '; 101 << 10]).await.0, 413);
    for body in [b"no gzip".to_vec(), gzip(&ask())[..200].to_vec()] {
        let (status, error) = send("gzip", body).await;
        assert_eq!((status, error.contains("not gzip")), (400, true), "{error}");
    }
    let (status, error) = send("br", ask()).await;
    assert_eq!((status, error.contains("`br`")), (415, true), "{error}");
    assert_eq!(send("gzip, gzip", ask()).await.0, 415);
    let fits = app.post("/v2/models/uint32/infer").header("content-encoding", "gzip").body(gzip(&ask()));
    assert_eq!(fits.send().await.unwrap().status(), 200);
    app.finish().await;
}

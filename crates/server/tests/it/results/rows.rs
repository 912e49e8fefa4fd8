//! Rows of all sorts.

use darkroom_core::job::{Shown, Timings};
use darkroom_server::results::{Row, RowFailure, RowResult};
use serde_json::{Value, json};

/// The operations that the rows are of.
pub(super) const OPERATIONS: [&str; 4] = ["classify", "thumbnail", "thumbnail", "digit"];

/// A row with a result of each.
pub(super) fn succeeded(index: u64, path: &str) -> Row {
    let labels = json!([{ "label": "tabby, cat", "class_id": 281, "score": 0.5 }, { "label": "fox", "class_id": 1, "score": 0.25 }]);
    let thumbnail = |width: u32| json!({ "format": "jpeg", "width": width, "height": 7, "frames": 1, "bytes": 99, "artifact": "thumbnail.jpg" });
    let documents = [
        ("classify", json!({ "labels": labels, "model": "resnet50" })),
        ("thumbnail", thumbnail(9)),
        ("thumbnail", thumbnail(5)),
        ("digit", json!({ "digit": 7, "score": 0.99 })),
    ];
    Row {
        cached: true,
        results: documents.map(|(name, document)| result(name, document)).into(),
        ..blank(index, path)
    }
}

/// A row without a result.
pub(super) fn failed(index: u64, path: &str, detail: &str) -> Row {
    let failure = Some(RowFailure { code: "undecodable".to_owned(), detail: detail.to_owned() });
    Row { state: Shown::Failed, failure, ..blank(index, path) }
}

/// A row with faces, each with this embedding.
pub(super) fn with_faces(index: u64, path: &str, embeddings: &[Vec<f32>]) -> Row {
    let area = json!({ "x": 1.5, "y": 2.0, "width": 30.0, "height": 40.0 });
    let face = |embedding: &Vec<f32>| json!({ "box": area, "score": 0.75, "embedding": embedding });
    let faces: Vec<Value> = embeddings.iter().map(face).collect();
    let document = json!({ "count": faces.len(), "faces": faces, "model": "yunet" });
    Row { results: vec![result("faces", document)], ..blank(index, path) }
}

fn result(operation: &str, document: Value) -> RowResult {
    RowResult { operation: operation.to_owned(), document }
}

fn blank(index: u64, path: &str) -> Row {
    Row {
        index,
        path: path.to_owned(),
        state: Shown::Succeeded,
        job: Some(format!("job-{index}")),
        bytes: Some(1_234),
        attempts: 1,
        cached: false,
        failure: None,
        results: Vec::new(),
        timings: Some(Timings { read_us: 1, wait_us: 2, work_us: 3, write_us: 4, ..Timings::default() }),
    }
}

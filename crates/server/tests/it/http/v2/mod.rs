//! The Open Inference Protocol, spoken over a socket to the whole service, with the real runtime.

mod access;
mod bad;
mod compressed;
mod images;
mod metadata;
mod nets;
mod tensors;

use std::{fs, path::Path};

use darkroom_server::Config;
use reqwest::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{app::App, models::runtime};

/// A service with the digits model and those of [`nets`], and the folder that they are in.
struct Served {
    app: App,
    _models: TempDir,
}

impl std::ops::Deref for Served {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

impl Served {
    /// `None` without ONNX Runtime.
    async fn start() -> Option<Self> {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Option<Self> {
        let runtime = runtime()?;
        let models = TempDir::new().unwrap();
        install(models.path(), "arithmetic/1", &nets::arithmetic(), TENSORS);
        install(models.path(), "arithmetic/2", &nets::arithmetic(), TENSORS);
        install(models.path(), "slow/1", &nets::doubling(), TENSORS);
        install(models.path(), "means/1", &nets::means(), MEANS);
        install(models.path(), "garbage/1", b"no model", TENSORS);
        install(models.path(), "liar/1", &nets::arithmetic(), MEANS);
        for kind in nets::KINDS {
            let id = format!("{}/1", kind.0.to_lowercase());
            install(models.path(), &id, &nets::same(kind.1), TENSORS);
        }
        let dir = models.path().to_owned();
        let app = App::with(|config| {
            config.models.runtime = Some(runtime);
            config.models.dir = Some(dir);
            change(config);
        })
        .await;
        Some(Self { app, _models: models })
    }

    async fn ask(&self, model: &str, body: &Value) -> Response {
        self.post(&format!("/v2/models/{model}/infer")).json(body).send().await.unwrap()
    }

    /// The answer to a question in JSON that goes well.
    async fn answer(&self, model: &str, body: &Value) -> Value {
        let answer = self.ask(model, body).await;
        let status = answer.status();
        let json: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{json}");
        json
    }

    /// JSON and what follows it.
    async fn binary(&self, model: &str, json: &Value, tensors: &[u8]) -> Response {
        let json = json.to_string();
        let length = json.len();
        let body = [json.as_bytes(), tensors].concat();
        let ask = self.post(&format!("/v2/models/{model}/infer"));
        ask.header("inference-header-content-length", length).body(body).send().await.unwrap()
    }

    async fn finish(self) {
        self.app.finish().await;
    }
}

/// The status and words of a failure, whose form is checked on the way.
async fn refused(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert!(status >= 400, "{status}");
    assert_eq!(answer.headers()["content-type"], "application/json", "{status}");
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(answer.headers().contains_key("retry-after"), matches!(status, 429 | 503), "{status}");
    let body: serde_json::Map<String, Value> = answer.json().await.unwrap();
    assert_eq!(body.len(), 1, "{body:?}");
    (status, body["error"].as_str().unwrap().to_owned())
}

/// An answer with binary tensors: its JSON, and what follows.
async fn taken_apart(answer: Response) -> (Value, Vec<u8>) {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    let length: usize =
        answer.headers()["inference-header-content-length"].to_str().unwrap().parse().unwrap();
    let body = answer.bytes().await.unwrap();
    (serde_json::from_slice(&body[..length]).unwrap(), body[length..].to_vec())
}

const TENSORS: &str = "task = \"tensors\"\n[batch]\nmost = 8\n";

const MEANS: &str = r#"
task = "classify"
labels = "labels.txt"
[image]
input = "images"
colour = "rgb"
size = [4, 4]
resize = "exact"
[output]
name = "scores"
kind = "logits"
[batch]
most = 2
"#;

fn install(models: &Path, id: &str, file: &[u8], rest: &str) {
    let (name, version) = id.split_once('/').unwrap();
    let folder = models.join(id);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.onnx"), file).unwrap();
    fs::write(folder.join("labels.txt"), "red\ngreen\nblue\n").unwrap();
    let sum = hex::encode(Sha256::digest(file));
    let manifest = format!(
        "name = \"{name}\"\nversion = \"{version}\"\nfile = \"model.onnx\"\nsha256 = \"{sum}\"\n\
         licence = \"CC0-1.0\"\nsource = \"a test\"\n{rest}"
    );
    fs::write(folder.join("manifest.toml"), manifest).unwrap();
}

//! Models in processes of their own, under a real server.

use std::{fs, path::Path, process::Command};

use darkroom_api::{
    Client,
    client::{Options, Upload},
    job::State,
};
use darkroom_core::{Operation, operation::Digit};

use crate::{
    binary::{Server, folder, until},
    photographs,
};

/// A black bar on white: a 1.
fn bar() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 64);
    encoder.set_color(png::ColorType::Grayscale);
    let ink = |x: usize, y: usize| (29..35).contains(&x) && (10..54).contains(&y);
    let pixels: Vec<u8> = (0..64 * 64).map(|at| if ink(at % 64, at / 64) { 0 } else { 255 }).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// The children of a process.
fn children(parent: u32) -> Vec<String> {
    let tasks = fs::read_dir(Path::new("/proc").join(parent.to_string()).join("task")).unwrap();
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let all: String = tasks.filter_map(Result::ok).map(of).collect();
    all.split_whitespace().map(str::to_owned).collect()
}

async fn digit(client: &Client) -> serde_json::Value {
    let upload = Upload::bytes(bar(), "bar.png", vec![Operation::Digit(Digit::default())]);
    let id = client.submit(upload, &Options::default()).await.unwrap().summary.id;
    let job = client.wait(&id).await.unwrap();
    assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.failure);
    job.results[0].document["digit"].clone()
}

#[tokio::test]
async fn a_model_whose_process_is_killed_takes_nothing_along() {
    let Some(runtime) = photographs::runtime() else { return };
    let folder = folder();
    let runtime = runtime.canonicalize().unwrap();
    let server = Server::start(
        folder.path(),
        &[
            ("DARKROOM__MODELS__RUNTIME", runtime.to_str().unwrap()),
            ("DARKROOM__MODELS__ISOLATION", "all"),
            ("DARKROOM__MODELS__SESSIONS", "1"),
        ],
    );
    let client = Client::new(&server.url).unwrap();
    assert_eq!(digit(&client).await, 1);
    for _ in 0..2 {
        let [process] = &children(server.child.id())[..] else { panic!("not one process for one model") };
        assert!(Command::new("kill").args(["-KILL", process]).status().unwrap().success());
        // The attempt that meets the corpse fails, and the next one succeeds.
        assert_eq!(digit(&client).await, 1);
    }
    let processes = children(server.child.id());
    server.kill();
    for process in processes {
        let status = Path::new("/proc").join(&process).join("status");
        let alive = || fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ"));
        until("the end of a process whose server is gone", || !alive());
    }
}

//! Faces of many photographs: every sort of photo, and the embeddings of all. With the fetched models where they are.

use std::{collections::BTreeMap, fs, path::Path};

use darkroom_api::{Run, RunItem, RunRequest, RunState, client::ArchiveUpload};
use darkroom_core::{Operation, operation::Faces, run::OnError};
use darkroom_imaging::{Frame, Layout};
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};

use super::{
    app::App,
    faces::{Stage, half_turned, jpeg, stage, turned},
    images,
    run_archives::upload,
    runs::items,
};
use crate::sources::pack::Tar;

async fn run_of(app: &App, photos: &[(&str, Vec<u8>)]) -> (Run, Vec<RunItem>) {
    let archive = photos.iter().fold(Tar::default(), |tar, (name, photo)| tar.file(name, photo)).end();
    let asked = RunRequest {
        operations: vec![Operation::Faces(Faces::default())],
        aggregates: None,
        on_error: OnError::Continue,
        ..upload(None)
    };
    let made = app.client.make_run_of(&asked, ArchiveUpload::bytes(archive, "photos.tar")).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    let items = items(app, &run.id).await;
    (run, items)
}

/// A part of a frame.
fn part(frame: &Frame, (left, top): (u32, u32), (width, height): (u32, u32)) -> Frame {
    let row = |y: u32| {
        let start = ((y * frame.width + left) * 3) as usize;
        &frame.pixels[start..start + (width * 3) as usize]
    };
    let pixels = (top..top + height).flat_map(row).copied().collect();
    Frame { width, height, layout: Layout::Rgb, pixels }
}

fn grey(frame: &Frame) -> Vec<u8> {
    let pixels = frame.pixels.as_chunks::<3>().0.iter().map(|pixel| pixel[1]).collect();
    jpeg(&Frame { layout: Layout::Gray, pixels, ..frame.clone() })
}

/// In four inks, without black; the encoder writes them inverted, as Adobe's programs do.
fn in_four_inks(frame: &Frame) -> Vec<u8> {
    let inks = frame.pixels.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [255 - r, 255 - g, 255 - b, 0]);
    let (inks, mut file) = (inks.collect::<Vec<u8>>(), Vec::new());
    let (width, height) = (frame.width as u16, frame.height as u16);
    Encoder::new(&mut file, 95).encode(&inks, width, height, ColorType::Cmyk).unwrap();
    file
}

fn count(items: &[RunItem], path: &str) -> u64 {
    let item = items.iter().find(|item| item.path == path).unwrap();
    assert!(item.failure.is_none(), "{path}: {:?}", item.failure);
    item.results[0].document["count"].as_u64().unwrap()
}

fn embedding(items: &[RunItem], path: &str) -> Vec<f32> {
    let item = items.iter().find(|item| item.path == path).unwrap();
    serde_json::from_value(item.results[0].document["faces"][0]["embedding"].clone()).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn photographs_of_every_sort_are_worked_through() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    let astronaut = stage.astronaut();
    // Her face is 90 wide from 178 on: of this part, the left half of it is outside.
    let cut = part(&astronaut, (222, 20), (250, 300));
    let photos = [
        ("plain.jpg", jpeg(&astronaut)),
        ("grey.jpg", grey(&astronaut)),
        ("inks.jpg", in_four_inks(&astronaut)),
        ("turned.jpg", turned(jpeg(&half_turned(&astronaut)), 3)),
        ("cut.jpg", jpeg(&cut)),
        ("none.png", images::png(300, 200)),
    ];
    let (run, items) = run_of(&app, &photos).await;
    assert_eq!((run.state, run.counts.succeeded, run.counts.failed), (RunState::Succeeded, 6, 0));
    let plain = embedding(&items, "plain.jpg");
    for path in ["plain.jpg", "grey.jpg", "inks.jpg", "turned.jpg"] {
        assert_eq!(count(&items, path), 1, "{path}");
        let same = cosine(&embedding(&items, path), &plain);
        assert!(same > 0.8, "{path} is hers: {same}");
    }
    assert_eq!(count(&items, "none.png"), 0);
    for face in items.iter().flat_map(|item| item.results[0].document["faces"].as_array().unwrap()) {
        let number = |key: &str| face["box"][key].as_f64().unwrap();
        assert!(number("width") > 0.0 && number("height") > 0.0 && number("x").is_finite(), "{face}");
    }
    let gathered = app.client.aggregates(&run.id).await.unwrap().aggregates;
    let counted = 4 + count(&items, "cut.jpg").min(1);
    assert_eq!((gathered[0].count, gathered[0].missing), (counted, 6 - counted));
    app.finish().await;
}

/// The matrix, its list and the results are of one order; the mean is that of the first face of each photo.
#[tokio::test(flavor = "multi_thread")]
async fn the_embeddings_of_a_run_are_those_of_its_results() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    let astronaut = stage.astronaut();
    let two = part(&astronaut, (100, 0), (300, 300));
    let rows = two.pixels.chunks_exact(900);
    let beside: Vec<u8> = rows.flat_map(|row| [row, row].concat()).collect();
    let beside = Frame { width: 600, height: 300, layout: Layout::Rgb, pixels: beside };
    let photos =
        [("a.jpg", jpeg(&astronaut)), ("b/none.png", images::png(99, 99)), ("b/two.jpg", jpeg(&beside))];
    let (run, items) = run_of(&app, &photos).await;
    assert_eq!((count(&items, "a.jpg"), count(&items, "b/two.jpg")), (1, 2));
    let answer = app.get(&format!("/v1/runs/{}/embeddings", run.id)).await;
    let length = answer.headers()["content-length"].to_str().unwrap().parse::<usize>().unwrap();
    let matrix = answer.bytes().await.unwrap();
    assert_eq!((matrix.len(), length), (128 + 3 * 512, 128 + 3 * 512));
    assert!(
        String::from_utf8_lossy(&matrix[..128])
            .contains("'descr': '<f4', 'fortran_order': False, 'shape': (3, 128)")
    );
    let faces = items.iter().flat_map(|item| item.results[0].document["faces"].as_array().unwrap());
    let expected: Vec<f32> = faces
        .flat_map(|face| serde_json::from_value::<Vec<f32>>(face["embedding"].clone()).unwrap())
        .collect();
    let found: Vec<f32> =
        matrix[128..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(found, expected);
    let list = app.get(&format!("/v1/runs/{}/embeddings?format=jsonl", run.id)).await.text().await.unwrap();
    let whose: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<Value> =
        whose.iter().map(|one| json!([one["row"], one["path"], one["face"], one["index"]])).collect();
    assert_eq!(
        told,
        [json!([0, "a.jpg", 0, 0]), json!([1, "b/two.jpg", 0, 2]), json!([2, "b/two.jpg", 1, 2])]
    );
    let groups = app.client.run_groups(&run.id, None).await.unwrap().groups;
    let groups: BTreeMap<String, (u64, Vec<f64>)> =
        groups.into_iter().map(|group| (group.group, (group.count, group.mean.unwrap()))).collect();
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["", "b"]);
    let alone: Vec<f64> = embedding(&items, "a.jpg").into_iter().map(f64::from).collect();
    assert_eq!(groups[""], (1, alone), "the mean of one is that one, to the last bit");
    let page = String::from_utf8(app.client.run_report(&run.id).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("Mean embedding") && page.contains("2 faces") && page.contains("1 face"));
    app.finish().await;
}

/// A picture in portable grey (Netpbm's P5), as the AT&T faces are: some with a line of comment.
fn pgm(path: &Path) -> (usize, usize, Vec<u8>) {
    let file = fs::read(path).unwrap();
    let head = String::from_utf8_lossy(&file[..64]).into_owned();
    let lines = head.lines().filter(|line| !line.starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    assert_eq!(words.next(), Some("P5"));
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (width, height) = (number(), number());
    (width, height, file[file.len() - width * height..].to_vec())
}

/// How many times larger each portrait is shown.
const TIMES: usize = 4;

/// Fifty people, ten beside each other.
fn fifty(folder: &Path) -> Frame {
    let people = (1..=40).map(|person| (person, 1)).chain((1..=10).map(|person| (person, 2)));
    let portraits: Vec<_> =
        people.map(|(person, photo)| pgm(&folder.join(format!("s{person}/{photo}.pgm")))).collect();
    let (width, height) = (portraits[0].0 * TIMES, portraits[0].1 * TIMES);
    let mut pixels = Vec::new();
    for line in portraits.chunks(10) {
        for y in 0..height {
            let row = line.iter().flat_map(|portrait| (0..width).map(move |x| between(portrait, x, y)));
            pixels.extend(row.flat_map(|grey| [grey; 3]));
        }
    }
    let (width, height) = ((10 * width) as u32, (5 * height) as u32);
    Frame { width, height, layout: Layout::Rgb, pixels }
}

/// The grey at a place of the enlarged portrait, between its four neighbours.
fn between((width, height, portrait): &(usize, usize, Vec<u8>), x: usize, y: usize) -> u8 {
    let place = |at: usize, side: usize| {
        let exact = ((at as f32 + 0.5) / TIMES as f32 - 0.5).clamp(0.0, side as f32 - 1.0);
        let first = (exact as usize).min(side - 2);
        (first, exact - first as f32)
    };
    let ((left, across), (top, down)) = (place(x, *width), place(y, *height));
    let grey = |x: usize, y: usize| f32::from(portrait[y * width + x]);
    let row = |y: usize| grey(left, y) * (1.0 - across) + grey(left + 1, y) * across;
    (row(top) * (1.0 - down) + row(top + 1) * down).round() as u8
}

fn portraits() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("DARKROOM_TEST_DATA").map(|data| Path::new(&data).join("att_faces"));
    let there = folder.filter(|folder| folder.join("s1/1.pgm").exists());
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    if there.is_none() {
        eprintln!("SKIPPED: there is no att_faces in DARKROOM_TEST_DATA");
    }
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_faces_are_found_on_one_photograph() {
    let (Some(stage), Some(portraits)): (Option<Stage>, _) = (stage(), portraits()) else { return };
    let app = stage.app().await;
    let group = fifty(&portraits);
    let (run, items) = run_of(&app, &[("group.jpg", jpeg(&group))]).await;
    assert_eq!(run.counts.succeeded, 1);
    assert_eq!(count(&items, "group.jpg"), 50);
    app.finish().await;
}

use std::{fs, path::Path};

use serde_json::Value;

use crate::binary::{Server, answer, darkroom, err, folder, out, png, until, write};

pub(crate) fn rows(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["source"].as_str().unwrap().to_owned());
    rows
}

/// Files in the blob store.
fn blobs(folder: &Path) -> usize {
    let fans = fs::read_dir(folder.join("darkroom-data/blobs")).unwrap();
    fans.map(|fan| fs::read_dir(fan.unwrap().path()).unwrap().count()).sum()
}

/// Five good photographs, two broken ones, and files that are none.
pub(crate) fn photos(folder: &Path) {
    for (number, name) in ["a.png", "b.png", "deep/c.png", "deep/er/d.png", "unnamed"].into_iter().enumerate()
    {
        write(folder, &format!("photos/{name}"), &png(320, 200, number as u32));
    }
    write(folder, "photos/broken.jpg", b"These are not pixels.");
    write(folder, "photos/cut.png", &png(300, 300, 9)[..2_000]);
    write(folder, "photos/notes.txt", b"Nothing to see.");
    write(folder, "photos/.hidden.png", &png(10, 10, 1));
}

pub(crate) const RUN: [&str; 7] = ["run", "thumbnail", "--width", "64", "--out", "results", "--json"];

pub(crate) fn run(folder: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let output = answer(folder, &[&RUN[..], more].concat());
    let summary =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}{}", out(&output), err(&output)));
    (output.status.code(), summary)
}

#[test]
fn a_folder_is_mirrored_and_broken_images_are_rows_not_the_end() {
    let folder = folder();
    photos(folder.path());
    let (code, summary) = run(folder.path(), &["photos"]);
    assert_eq!(code, Some(1));
    let tally = ["succeeded", "failed", "remembered"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(tally, [5, 1, 0]);
    let reasons = (&summary["failures"]["undecodable"], &summary["passed_over"]["not_an_image"]);
    assert_eq!(reasons, (&Value::from(1), &Value::from(2)), "a file is what its content says: {summary}");
    let rows = rows(&folder.path().join("results"));
    let states: Vec<_> =
        rows.iter().map(|row| (row["source"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
    let expected = [
        ("a.png", "succeeded"),
        ("b.png", "succeeded"),
        ("cut.png", "failed"),
        ("deep/c.png", "succeeded"),
        ("deep/er/d.png", "succeeded"),
        ("unnamed", "succeeded"),
    ];
    assert_eq!(states, expected);
    assert_eq!(rows[2]["failure"]["kind"], "undecodable");
    assert_eq!(rows[3]["outputs"][0]["path"], "deep/c.png.jpg");
    let result = fs::read(folder.path().join("results/deep/c.png.jpg")).unwrap();
    assert!(result.starts_with(&[0xff, 0xd8]) && result.ends_with(&[0xff, 0xd9]), "not a whole JPEG");
    assert_eq!(
        (rows[3]["result"]["width"].as_u64(), rows[3]["result"]["height"].as_u64()),
        (Some(64), Some(40))
    );
    assert!(rows[3]["work_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(blobs(folder.path()), 5, "what is in the data folder are results, not copies of the images");
}

#[test]
fn nothing_stays_in_the_data_folder_if_it_is_to_be_forgotten() {
    let folder = folder();
    photos(folder.path());
    run(folder.path(), &["photos", "--forget"]);
    assert_eq!(blobs(folder.path()), 0);
    let (code, again) = run(folder.path(), &["photos", "--forget"]);
    assert_eq!(
        (code, &again["succeeded"], &again["remembered"]),
        (Some(1), &Value::from(5), &Value::from(0))
    );
}

#[test]
fn a_second_call_remembers_what_is_unchanged_and_says_so() {
    let folder = folder();
    photos(folder.path());
    let (_, first) = run(folder.path(), &["photos"]);
    let before = rows(&folder.path().join("results"));
    let (_, same) = run(folder.path(), &["photos"]);
    assert_eq!((&same["succeeded"], &same["remembered"]), (&Value::from(5), &Value::from(5)));
    assert_ne!(first["runs"], same["runs"]);
    assert_eq!(rows(&folder.path().join("results")), before, "what holds is not written again");

    fs::remove_file(folder.path().join("results/a.png.jpg")).unwrap();
    write(folder.path(), "photos/b.png", &png(333, 222, 77));
    write(folder.path(), "photos/broken.jpg", &png(100, 100, 5));
    let (code, summary) = run(folder.path(), &["photos"]);
    let tally = ["succeeded", "failed", "remembered"].map(|key| summary[key].as_u64().unwrap());
    // The changed and the mended one are new; the removed one is remembered, and there again.
    assert_eq!((code, tally), (Some(1), [6, 1, 4]));
    assert!(folder.path().join("results/a.png.jpg").exists());
    assert_eq!(rows(&folder.path().join("results")).len(), 7);
    let text = answer(folder.path(), &[&RUN[..6], &["photos"]].concat());
    assert!(out(&text).contains("6 of 6 were remembered"), "{}", out(&text));
}

#[test]
fn other_parameters_make_new_results() {
    let folder = folder();
    write(folder.path(), "photos/a.png", &png(320, 200, 1));
    run(folder.path(), &["photos"]);
    assert_eq!(run(folder.path(), &["photos"]).1["remembered"], 1);
    let (_, other) = run(folder.path(), &["photos", "--quality", "40"]);
    assert_eq!((&other["succeeded"], &other["remembered"]), (&Value::from(1), &Value::from(0)));
}

#[test]
fn a_row_that_a_power_cut_tore_is_written_again() {
    let folder = folder();
    write(folder.path(), "photos/a.png", &png(320, 200, 1));
    write(folder.path(), "photos/b.png", &png(320, 200, 2));
    run(folder.path(), &["photos"]);
    let path = folder.path().join("results/results.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    let (code, summary) = run(folder.path(), &["photos"]);
    assert_eq!((code, &summary["succeeded"]), (Some(0), &Value::from(2)));
    assert_eq!(rows(&folder.path().join("results")).len(), 2);
}

#[test]
fn an_archive_is_a_source_if_its_sum_is_right() {
    let folder = folder();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, image) in [("ann/1.png", png(320, 200, 1)), ("bob/2.png", png(200, 320, 2))] {
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &image[..]).unwrap();
    }
    write(folder.path(), "photos.tar", &archive.into_inner().unwrap());
    let wrong = "0".repeat(32);
    let refused = answer(folder.path(), &[&RUN[..], &["--archive", "photos.tar", "--md5", &wrong]].concat());
    assert_eq!(refused.status.code(), Some(3));
    assert!(err(&refused).contains("checksum"), "{}", err(&refused));
    assert!(rows(&folder.path().join("results")).is_empty(), "nothing is visible");
    let (code, summary) = run(folder.path(), &["--archive", "photos.tar"]);
    assert_eq!((code, &summary["succeeded"]), (Some(0), &Value::from(2)));
    assert!(folder.path().join("results/bob/2.png.jpg").is_file());
    let nonsense = answer(folder.path(), &[&RUN[..], &["--archive", "photos.tar", "--md5", "abc"]].concat());
    assert_eq!(nonsense.status.code(), Some(2));
}

#[test]
fn an_archive_that_is_not_whole_is_told_and_is_no_success() {
    let folder = folder();
    let mut archive = tar::Builder::new(Vec::new());
    for n in 0..3 {
        let image = png(200, 100, n);
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        archive.append_data(&mut header, format!("{n}.png"), &image[..]).unwrap();
    }
    let bytes = archive.into_inner().unwrap();
    write(folder.path(), "whole.tar", &bytes);
    // All images are there: only the mark of the end is missing.
    write(folder.path(), "cut.tar", &bytes[..bytes.len() - 1_024]);
    let typed = |archive| ["run", "thumbnail", "--width", "32", "--archive", archive, "--out", "out"];
    let whole = answer(folder.path(), &typed("whole.tar"));
    assert_eq!((whole.status.code(), err(&whole)), (Some(0), String::new()));
    let cut = answer(folder.path(), &typed("cut.tar"));
    assert_eq!(cut.status.code(), Some(1), "{}", err(&cut));
    assert!(err(&cut).contains("warning: the archive ends early"), "{}", err(&cut));

    let (code, summary) = run(folder.path(), &["--archive", "cut.tar"]);
    assert_eq!((code, summary["succeeded"].as_u64()), (Some(1), Some(3)), "{summary}");
    assert!(summary["damage"][0].as_str().unwrap().contains("ends early"), "{summary}");
}

#[test]
fn it_is_said_why_there_is_no_image() {
    let folder = folder();
    write(folder.path(), "notes/a.txt", b"Nothing to see.");
    let none =
        answer(folder.path(), &["run", "thumbnail", "--width", "32", "notes", "--out", "out", "--json"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        err(&none).contains("no image in the given sources: 1 passed over (1 not_an_image)"),
        "{}",
        err(&none)
    );
    let ftp =
        answer(folder.path(), &["run", "thumbnail", "--archive", "ftp://a.example/b.tar", "--out", "out"]);
    assert_eq!(ftp.status.code(), Some(2));
    assert!(err(&ftp).contains("only http and https"), "{}", err(&ftp));
}

#[test]
fn patterns_and_single_files_are_sources_too() {
    let folder = folder();
    photos(folder.path());
    let (code, summary) = run(folder.path(), &["photos/deep/**/*.png", "photos/a.png"]);
    assert_eq!((code, summary["succeeded"].as_u64()), (Some(0), Some(3)));
    assert!(folder.path().join("results/deep/er/d.png.jpg").exists());
}

#[test]
fn what_makes_no_sense_is_exit_code_2() {
    let folder = folder();
    let missing = answer(folder.path(), &[&RUN[..], &["nowhere"]].concat());
    assert_eq!(missing.status.code(), Some(2));
    assert!(err(&missing).contains("there is no file or folder `nowhere`"), "{}", err(&missing));
    let one_side = answer(folder.path(), &[&RUN[..], &["--mode", "fill", "."]].concat());
    assert_eq!(one_side.status.code(), Some(2));
    assert!(err(&one_side).contains("needs both width and height"), "{}", err(&one_side));
}

#[test]
fn a_data_folder_that_a_server_holds_is_reached_through_the_server() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[]);
    let refused = answer(folder.path(), &[&RUN[..], &["photos"]].concat());
    assert_eq!(refused.status.code(), Some(3));
    assert!(err(&refused).contains("--server"), "{}", err(&refused));
    let (code, summary) = run(folder.path(), &["photos", "--server", &server.url]);
    let tally = ["succeeded", "failed", "remembered"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!((code, tally), (Some(1), [5, 1, 0]));
    assert!(folder.path().join("results/deep/er/d.png.jpg").exists());
    let (_, again) = run(folder.path(), &["photos", "--server", &server.url]);
    assert_eq!((&again["succeeded"], &again["remembered"]), (&Value::from(5), &Value::from(5)));
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let folder = folder();
    for number in 0..60 {
        write(folder.path(), &format!("photos/{number:02}.png"), &png(800, 600, number));
    }
    let mut first = darkroom(folder.path()).args(RUN).arg("photos").spawn().unwrap();
    let path = folder.path().join("results/results.jsonl");
    // Some are done; then the power goes.
    let lines = || fs::read_to_string(&path).unwrap_or_default().lines().count();
    until("five rows", || lines() >= 5 || first.try_wait().unwrap().is_some());
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, summary) = run(folder.path(), &["photos"]);
    let done = ["succeeded", "failed"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!((code, done), (Some(0), [60, 0]), "{summary}");
    assert_eq!(rows(&folder.path().join("results")).len(), 60);
}

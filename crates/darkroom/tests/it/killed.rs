//! The power goes in the middle of a run, of a server's and of the command line's own. What it comes to is what an
//! undisturbed run comes to, to the last bit.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    binary::{Server, answer, darkroom, err, folder, out, until, write},
    faces::{Stage, stage},
};

/// Photos of a dataset with a face, and others.
const WITH_A_FACE: usize = 20;
const OTHERS: usize = 4;

/// When the power goes: once so many images are done, but by this one at the latest, should nobody have looked in time.
/// A job that is lost three times fails: it may be what kills its workers.
const CUTS: [(usize, &str); 2] = [(7, "worker.execute:02.png"), (14, "worker.execute:20.png")];

/// Photos with a face and without, all of different bytes (what follows the end of a PNG is no part of the picture),
/// and one that is torn.
fn photos(stage: &Stage, folder: &Path) {
    let (face, other) =
        (fs::read(stage.photo("astronaut.png")).unwrap(), fs::read(stage.photo("coffee.png")).unwrap());
    for n in 0..WITH_A_FACE + OTHERS {
        let content = if n % 6 == 5 { &other } else { &face };
        write(folder, &format!("photos/{}/{n:02}.png", n % 3), &[&content[..], &[n as u8]].concat());
    }
    write(folder, "photos/torn.png", &face[..9_000]);
}

/// Names the place at which a process dies.
const ABORT_AT: &str = "DARKROOM_ABORT_AT";

fn json(folder: &Path, typed: &[&str]) -> Value {
    let answer = answer(folder, typed);
    serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{}{}", out(&answer), err(&answer)))
}

/// A server for `folder` whose runs may read it and that has the models. It dies where it is told to.
fn serve(stage: &Stage, folder: &Path, end: &str) -> Server {
    let root = folder.canonicalize().unwrap();
    let settings = stage.settings();
    let mut more = vec![
        ("DARKROOM__SOURCES__ROOTS", root.to_str().unwrap()),
        ("DARKROOM__WORKER__SLOTS", "1"),
        (ABORT_AT, end),
    ];
    more.extend(settings.iter().map(|(key, value)| (*key, value.as_str())));
    Server::start(folder, &more)
}

fn start(server: &Server, folder: &Path) -> String {
    let photos = folder.canonicalize().unwrap().join("photos");
    let typed =
        ["runs", "start", "faces", "--folder", photos.to_str().unwrap(), "--server", &server.url, "--json"];
    json(folder, &typed)["id"].as_str().unwrap().to_owned()
}

/// The run and what it has gathered, once it has ended.
fn end(server: &Server, folder: &Path, id: &str) -> (Value, Value) {
    let watched = answer(folder, &["runs", "watch", id, "--server", &server.url, "--json"]);
    assert_eq!(watched.status.code(), Some(1), "a photo is torn: {}", err(&watched));
    let shown = json(folder, &["runs", "show", id, "--server", &server.url, "--json"]);
    (shown, json(folder, &["runs", "aggregate", id, "--server", &server.url]))
}

fn ended(run: &Value) -> u64 {
    run["counts"]["succeeded"].as_u64().unwrap() + run["counts"]["failed"].as_u64().unwrap()
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_a_run_comes_to_the_same_counts_and_the_same_sum() {
    let Some(stage) = stage() else { return };
    let (calm, rough) = (folder(), folder());
    photos(&stage, calm.path());
    photos(&stage, rough.path());
    let server = serve(&stage, calm.path(), "");
    let id = start(&server, calm.path());
    let (undisturbed, sum) = end(&server, calm.path(), &id);
    assert_eq!(sum["aggregates"][0]["count"], WITH_A_FACE, "{undisturbed}");
    assert_eq!(sum["aggregates"][0]["missing"], OTHERS);

    let mut server = serve(&stage, rough.path(), CUTS[0].1);
    let id = start(&server, rough.path());
    for (done, next) in [(CUTS[0].0, CUTS[1].1), (CUTS[1].0, "")] {
        until("images that are done", || {
            let show = answer(rough.path(), &["runs", "show", &id, "--server", &server.url, "--json"]);
            // A server that is dead already shows nothing.
            serde_json::from_slice(&show.stdout).map_or(true, |run| ended(&run) >= done as u64)
        });
        server.kill();
        server = serve(&stage, rough.path(), next);
    }
    let (run, gathered) = end(&server, rough.path(), &id);
    for key in ["state", "total", "counts", "failures", "skipped", "bytes"] {
        assert_eq!(run[key], undisturbed[key], "{key}");
    }
    assert_eq!(gathered, sum, "mean, variance and digest are the same to the last bit");
}

#[test]
fn a_command_that_is_killed_in_the_middle_of_a_run_comes_to_the_same_counts_and_the_same_sum() {
    let Some(stage) = stage() else { return };
    let (calm, rough) = (folder(), folder());
    photos(&stage, calm.path());
    photos(&stage, rough.path());
    let typed = ["run", "faces", "photos", "--out", "faces", "--mean", "--json", "--set", "worker.slots=1"];
    let typed = stage.arguments(&typed);
    let undisturbed = json(calm.path(), &typed);
    assert_eq!(undisturbed["aggregate"]["count"], WITH_A_FACE, "{undisturbed}");

    let lines = || {
        let rows = fs::read_to_string(rough.path().join("faces/results.jsonl")).unwrap_or_default();
        rows.lines().count()
    };
    for (done, end) in CUTS {
        let mut command = darkroom(rough.path()).args(&typed).env(ABORT_AT, end).spawn().unwrap();
        until("images that are done", || lines() >= done || command.try_wait().unwrap().is_some());
        command.kill().unwrap();
        assert_eq!(command.wait().unwrap().code(), None, "it was to die in the middle");
    }
    let again = json(rough.path(), &typed);
    for key in ["succeeded", "failed", "failures", "passed_over", "aggregate", "mean", "interrupted"] {
        assert_eq!(again[key], undisturbed[key], "{key}");
    }
    assert_eq!(lines(), WITH_A_FACE + OTHERS + 1);
}

//! `darkroom run --server`: images of this machine as a run of a server.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    binary::{Server, answer, darkroom, err, folder, out, png, until, write},
    faces::stage,
};

pub(crate) const RUN: [&str; 7] = ["run", "thumbnail", "--width", "32", "--out", "results", "--json"];

/// What the folder of results waits for.
pub(crate) const PENDING: &str = "results/results.pending.json";

/// Photographs in many folders, one of them broken, some with names that few expect, and files that are none.
fn photos(folder: &Path) {
    for n in 0..150 {
        write(folder, &format!("photos/{}/{n}/of a day.png", n % 7), &png(40 + n, 30, n));
    }
    let long = "a long name/".repeat(20);
    write(folder, &format!("photos/{long}last.png"), &png(50, 50, 1));
    write(folder, "photos/cut.png", &png(300, 300, 9)[..2_000]);
    write(folder, "photos/named.jpg", b"These are not pixels.");
    write(folder, "photos/notes.txt", b"Nothing to see.");
    let odd =
        [b"photos/caf\xe9.png".to_vec(), b"photos/caf\xe8.png".to_vec(), b"photos/back\\slash.png".to_vec()];
    for (name, width) in odd.into_iter().zip(200..) {
        fs::write(folder.join(OsString::from_vec(name)), png(width, 44, 5)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere.png", folder.join("photos/dangling.png")).unwrap();
}

fn rows(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("results/results.jsonl")).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["source"].as_str().unwrap().to_owned());
    rows
}

/// The command against a server: its exit code, its summary, and what it says beside.
fn run(folder: &Path, server: &Server, more: &[&str]) -> (Option<i32>, Value, String) {
    let output = answer(folder, &[&RUN[..], more, &["--server", &server.url]].concat());
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), summary, err(&output))
}

pub(crate) fn counts(summary: &Value) -> [u64; 3] {
    ["succeeded", "failed", "remembered"]
        .map(|key| summary[key].as_u64().unwrap_or_else(|| panic!("{summary}")))
}

/// The runs of the server, newest first.
pub(crate) fn runs(folder: &Path, server: &Server) -> Vec<Value> {
    let listed = answer(folder, &["runs", "list", "--json", "--server", &server.url]);
    let page: Value = serde_json::from_slice(&listed.stdout).unwrap();
    page["runs"].as_array().unwrap().clone()
}

/// A command that has sent its images and waits for a server that holds them.
fn waiting(folder: &Path, server: &Server) -> Child {
    pause(folder, server, "pause");
    let typed = [&RUN[..], &["photos", "--server", &server.url]].concat();
    let mut command =
        darkroom(folder).args(typed).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    until("a command that waits for its run", || {
        assert!(command.try_wait().unwrap().is_none(), "it has ended before");
        fs::read_to_string(folder.join(PENDING)).is_ok_and(|text| text.contains("\"run\": \""))
    });
    command
}

pub(crate) fn pause(folder: &Path, server: &Server, what: &str) {
    let queues = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = darkroom_api::Client::new(&server.url).unwrap();
    assert!(folder.exists());
    queues.block_on(async {
        match what {
            "pause" => client.pause("default").await.unwrap(),
            _ => client.resume("default").await.unwrap(),
        }
    });
}

#[test]
fn a_folder_gives_by_a_server_what_it_gives_here() {
    let (here, there) = (folder(), folder());
    for place in [&here, &there] {
        photos(place.path());
    }
    let mine = answer(here.path(), &[&RUN[..], &["photos"]].concat());
    let mine: Value = serde_json::from_slice(&mine.stdout).unwrap();
    let server = Server::start(there.path(), &[]);
    let (code, theirs, said) = run(there.path(), &server, &["photos"]);
    assert_eq!((code, counts(&theirs)), (Some(1), [154, 1, 0]), "{theirs} {said}");
    assert_eq!(counts(&mine), counts(&theirs));
    assert_eq!((&mine["failures"], &mine["passed_over"]), (&theirs["failures"], &theirs["passed_over"]));
    assert!(said.contains("cut.png: "), "{said}");
    let (mine, theirs) = (rows(here.path()), rows(there.path()));
    assert_eq!(mine.len(), theirs.len());
    for (mine, theirs) in mine.iter().zip(&theirs) {
        for key in ["source", "state", "outputs", "result", "failure", "bytes", "blob", "operation"] {
            assert_eq!(mine[key], theirs[key], "{key} of {mine}");
        }
        assert_eq!(mine["work_ms"].is_null(), theirs["work_ms"].is_null(), "{mine} {theirs}");
    }
    let file = |place: &Path| fs::read(place.join("results/3/10/of a day.png.jpg")).unwrap();
    assert_eq!(file(here.path()), file(there.path()));
    let odd = PathBuf::from(OsString::from_vec(b"results/caf\xe9.png.jpg".to_vec()));
    assert!(there.path().join(&odd).is_file() && here.path().join(odd).is_file());
    assert!(!there.path().join(PENDING).exists());
}

#[test]
fn what_is_unchanged_is_not_sent_again() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[]);
    // What was changed a moment ago may be changed again unseen, and is then sent again.
    let touch = ["photos", "-type", "f", "-exec", "touch", "-d", "2 minutes ago", "{}", "+"];
    let touched = Command::new("find").args(touch).current_dir(folder.path()).status();
    assert!(touched.unwrap().success());
    run(folder.path(), &server, &["photos"]);
    write(folder.path(), "photos/0/0/of a day.png", &png(99, 99, 3));
    let (code, again, said) = run(folder.path(), &server, &["photos"]);
    assert_eq!((code, counts(&again)), (Some(1), [154, 1, 153]), "{again} {said}");
    let runs_ = runs(folder.path(), &server);
    let totals: Vec<_> = runs_.iter().map(|run| run["total"].as_u64().unwrap()).collect();
    assert_eq!(totals, [2, 155], "the new one and the one that failed");
    fs::remove_file(folder.path().join("photos/cut.png")).unwrap();
    let (_, third, _) = run(folder.path(), &server, &["photos"]);
    assert_eq!(counts(&third), [154, 0, 154], "what was changed a moment ago was sent, and remembered there");
    let (code, summary, _) = run(folder.path(), &server, &["photos/1"]);
    assert_eq!(code, Some(0), "{summary}");
}

#[test]
fn a_command_that_is_killed_while_a_server_works_fetches_the_results_the_next_time() {
    let folder = folder();
    photos(folder.path());
    let mut server = Server::start(folder.path(), &[]);
    let mut command = waiting(folder.path(), &server);
    command.kill().unwrap();
    command.wait().unwrap();
    // The server goes, too, and comes again at the same place.
    let listen = server.url.strip_prefix("http://").unwrap().to_owned();
    server.kill();
    server = Server::start_at(folder.path(), &[], &listen);
    pause(folder.path(), &server, "resume");
    let (code, summary, said) = run(folder.path(), &server, &["photos"]);
    assert_eq!((code, counts(&summary)), (Some(1), [154, 1, 0]), "{summary} {said}");
    assert_eq!(runs(folder.path(), &server).len(), 1, "nothing was sent twice");
    assert_eq!(rows(folder.path()).len(), 155);
    assert!(!folder.path().join(PENDING).exists());
    let id = summary["runs"][0].as_str().unwrap();
    let csv = answer(folder.path(), &["runs", "results", id, "--format", "csv", "--server", &server.url]);
    let csv = out(&csv);
    let work = csv.lines().next().unwrap().split(',').position(|name| name == "work_us").unwrap();
    let first = csv.lines().nth(1).unwrap().split(',').nth(work).unwrap();
    assert!(first.parse::<u64>().unwrap() > 0, "{csv}");
}

#[test]
fn interrupting_leaves_the_run_to_the_server() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[]);
    let command = waiting(folder.path(), &server);
    Command::new("kill").args(["-INT", &command.id().to_string()]).status().unwrap();
    let ended = command.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", err(&ended));
    assert!(err(&ended).contains("the run goes on"), "{}", err(&ended));
    pause(folder.path(), &server, "resume");
    let (_, summary, _) = run(folder.path(), &server, &["photos", "--forget"]);
    assert_eq!(counts(&summary), [154, 1, 0]);
    assert_eq!(runs(folder.path(), &server), Vec::<Value>::new(), "nothing of it is kept");
}

#[test]
fn a_server_that_takes_no_such_archive_says_so_and_has_begun_nothing() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[("DARKROOM__SOURCES__UPLOAD_BYTES", "20 KiB")]);
    let (code, _, said) = run(folder.path(), &server, &["photos"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("sources.upload_bytes") && said.contains("nothing was begun"), "{said}");
    assert_eq!(runs(folder.path(), &server), Vec::<Value>::new());
    assert!(!folder.path().join(PENDING).exists());
    let missing = run(folder.path(), &server, &["--archive", "nowhere.tar"]);
    assert!(missing.0 == Some(2) && missing.2.contains("nowhere.tar"), "{}", missing.2);
}

#[test]
fn an_archive_gives_the_same_by_a_server() {
    let folder = folder();
    photos(folder.path());
    let packed = Command::new("tar")
        .args(["-cf", "photos.tar", "-C", "photos", "."])
        .current_dir(folder.path())
        .status();
    assert!(packed.unwrap().success());
    let server = Server::start(folder.path(), &[]);
    let wrong = run(folder.path(), &server, &["--archive", "photos.tar", "--md5", &"0".repeat(32)]);
    assert!(wrong.0 == Some(3) && wrong.2.contains("checksum"), "{}", wrong.2);
    let (code, summary, said) = run(folder.path(), &server, &["--archive", "photos.tar"]);
    assert_eq!((code, counts(&summary)), (Some(1), [154, 1, 0]), "{summary} {said}");
    assert!(folder.path().join("results/3/10/of a day.png.jpg").is_file());
}

#[test]
fn the_mean_of_a_folder_is_the_same_by_a_server() {
    let Some(stage) = stage() else { return };
    let (here, there) = (folder(), folder());
    for place in [&here, &there] {
        for name in ["astronaut.png", "coffee.png"] {
            write(place.path(), &format!("photos/{name}"), &fs::read(stage.photo(name)).unwrap());
        }
    }
    let typed = ["run", "faces", "photos", "--mean", "--json"];
    let mine = answer(here.path(), &stage.arguments(&typed));
    let settings = stage.settings();
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start(there.path(), &settings);
    let theirs = answer(there.path(), &[&typed[..], &["--server", &server.url]].concat());
    let parsed = [&mine, &theirs].map(|said| serde_json::from_slice::<Value>(&said.stdout).unwrap());
    assert_eq!(parsed[0]["mean"].as_array().unwrap().len(), 128);
    assert_eq!((&parsed[0]["mean"], &parsed[0]["aggregate"]), (&parsed[1]["mean"], &parsed[1]["aggregate"]));
}

#[test]
fn the_log_of_a_mean_is_printed_as_it_comes_to_pass() {
    let Some(stage) = stage() else { return };
    let folder = folder();
    write(folder.path(), "photos/astronaut.png", &fs::read(stage.photo("astronaut.png")).unwrap());
    let settings = stage.settings();
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start(folder.path(), &settings);
    pause(folder.path(), &server, "pause");
    let typed = ["run", "faces", "photos", "--mean", "--server", &server.url];
    let mut command = darkroom(folder.path()).args(typed).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(command.stdout.take().unwrap()).lines().map_while(Result::ok);
    let before: Vec<String> = lines.by_ref().take(4).collect();
    let texts: Vec<&str> =
        before.iter().filter_map(|line| line.split_once(" - ")).map(|(_, text)| text).collect();
    let begun = [
        "Starting Producer Process...",
        "Starting Creating Tasks...",
        "Total of Tasks Created: 1",
        "Getting Tasks Done...",
    ];
    assert_eq!(texts, begun);
    assert!(command.try_wait().unwrap().is_none(), "its image still waits");
    pause(folder.path(), &server, "resume");
    let after: Vec<String> = lines.collect();
    assert!(command.wait().unwrap().success());
    let has = |text: &str| after.iter().filter(|line| line.contains(text)).count() == 1;
    assert!(has("Total of Tasks Finished: 1") && has("Result of calculation"), "{after:?}");
    assert!(!after.iter().any(|line| line.contains("Getting Tasks Done")), "each line once: {after:?}");
}

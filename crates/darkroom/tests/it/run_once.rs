//! `darkroom run --server` over a line that breaks: a run that was begun is found again, and no second one is made.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    binary::{Server, answer, darkroom, err, folder, png, until, write},
    cut::Cut,
    faces::stage,
    run_server::{PENDING, RUN, counts, pause, runs},
};

/// The request that makes a run.
const MAKE: &str = "POST /v1/runs ";

fn photos(folder: &Path) {
    for n in 0..20 {
        write(folder, &format!("photos/{n}.png"), &png(40 + n, 30, n));
    }
}

fn pack(folder: &Path) {
    let tar = ["-cf", "photos.tar", "-C", "photos", "."];
    assert!(Command::new("tar").args(tar).current_dir(folder).status().unwrap().success());
}

fn begun(folder: &Path, typed: &[&str]) -> Child {
    darkroom(folder).args(typed).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn an_answer_that_is_lost_costs_nothing() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[]);
    for (number, source) in [&["photos"][..], &["--archive", "photos.tar"]].into_iter().enumerate() {
        let line = Cut::before_the_answer_to(MAKE, &server.url);
        if number > 0 {
            pack(folder.path());
            fs::remove_dir_all(folder.path().join("results")).unwrap();
        }
        let output = answer(folder.path(), &[&RUN[..], source, &["--server", &line.url]].concat());
        assert!(line.has_happened());
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert_eq!(counts(&summary)[..2], [20, 0]);
        assert!(err(&output).contains("the run had begun"), "{}", err(&output));
        assert_eq!(runs(folder.path(), &server).len(), number + 1, "each was begun once");
        assert!(!folder.path().join(PENDING).exists());
    }
}

#[test]
fn the_same_command_finds_the_run_whose_answer_was_lost() {
    let folder = folder();
    photos(folder.path());
    let server = Server::start(folder.path(), &[]);
    let line = Cut::for_good_before_the_answer_to(MAKE, &server.url);
    let typed = [&RUN[..], &["photos", "--server", &line.url]].concat();
    let mut command = begun(folder.path(), &typed);
    until("a lost answer", || line.has_happened());
    command.kill().unwrap();
    command.wait().unwrap();
    line.mend();
    // It has ended meanwhile or goes on; neither has it sent again.
    let again = answer(folder.path(), &typed);
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap_or_default();
    assert_eq!((again.status.code(), counts(&summary)), (Some(0), [20, 0, 0]), "{}", err(&again));
    assert_eq!(runs(folder.path(), &server).len(), 1);
    let third = answer(folder.path(), &[&typed[..], &["--forget"]].concat());
    assert_eq!(third.status.code(), Some(0), "{}", err(&third));
}

#[test]
fn the_same_command_finds_the_run_without_a_folder_as_long_as_it_goes_on() {
    let Some(stage) = stage() else { return };
    let folder = folder();
    let photo = fs::read(stage.photo("astronaut.png")).unwrap();
    write(folder.path(), "photos/astronaut.png", &photo);
    let settings = stage.settings();
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start(folder.path(), &settings);
    pause(folder.path(), &server, "pause");
    let line = Cut::for_good_before_the_answer_to(MAKE, &server.url);
    let typed = ["run", "faces", "photos", "--mean", "--server", &line.url];
    let mut command = begun(folder.path(), &typed);
    until("a lost answer", || line.has_happened());
    command.kill().unwrap();
    command.wait().unwrap();
    line.mend();
    let mut again = begun(folder.path(), &typed);
    let mut said = BufReader::new(again.stdout.take().unwrap()).lines().map_while(Result::ok);
    // From its first line on it follows a run.
    let first = said.next().unwrap();
    pause(folder.path(), &server, "resume");
    let said: Vec<String> = said.collect();
    assert!(again.wait().unwrap().success(), "{first} {said:?}");
    assert!(said.iter().any(|line| line.contains("Total of Photos Processed: 1")), "{said:?}");
    assert_eq!(runs(folder.path(), &server).len(), 1);
    // One that has ended is not meant.
    answer(folder.path(), &typed);
    assert_eq!(runs(folder.path(), &server).len(), 2);
}

#[test]
fn a_run_is_started_once_under_a_key() {
    let folder = folder();
    photos(folder.path());
    pack(folder.path());
    let server = Server::start(folder.path(), &[]);
    let start = |width: &str, key: &str| {
        let typed = ["runs", "start", "thumbnail", "--width", width, "--archive", "photos.tar", "--json"];
        answer(folder.path(), &[&typed[..], &["--idempotency-key", key, "--server", &server.url]].concat())
    };
    let id = |output: &Output| {
        let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(output)));
        run["id"].as_str().unwrap().to_owned()
    };
    let first = id(&start("32", "k"));
    assert_eq!(id(&start("32", "k")), first);
    assert_ne!(id(&start("32", "l")), first);
    let other = start("33", "k");
    assert!(other.status.code() == Some(3) && err(&other).contains("idempotency key"), "{}", err(&other));
    assert_eq!(runs(folder.path(), &server).len(), 2);
}

//! `darkroom runs`, against a server as its users start it.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;

use crate::binary::{Server, answer, darkroom, err, folder, out, png, until, write};

/// Images of the dataset that are whole.
const IMAGES: u64 = 6;

fn dataset(folder: &Path) -> String {
    for n in 0..IMAGES as u32 {
        write(folder, &format!("photos/{}/{n}.png", n % 2), &png(200 + n, 100, n));
    }
    write(folder, "photos/torn.png", &png(300, 300, 9)[..2_000]);
    write(folder, "photos/notes.txt", b"Nothing to see.");
    folder.canonicalize().unwrap().join("photos").to_str().unwrap().to_owned()
}

struct Asking<'a> {
    folder: &'a Path,
    server: Server,
}

impl<'a> Asking<'a> {
    fn start(folder: &'a Path) -> Self {
        Self { folder, server: serve(folder, "127.0.0.1:0") }
    }

    /// What `darkroom runs …` says, and its exit code.
    fn ask(&self, typed: &[&str]) -> (Option<i32>, String) {
        let typed = [&["runs"], typed, &["--server", &self.server.url]].concat();
        let answer = answer(self.folder, &typed);
        (answer.status.code(), format!("{}{}", out(&answer), err(&answer)))
    }

    /// Pauses or resumes the queue: while it is paused nothing happens between two questions.
    fn turn(&self, verb: &str) {
        let answer = answer(self.folder, &["queues", verb, "default", "--server", &self.server.url]);
        assert_eq!(answer.status.code(), Some(0), "{}", err(&answer));
    }

    fn json(&self, typed: &[&str]) -> Value {
        let (code, text) = self.ask(&[typed, &["--json"]].concat());
        assert_eq!(code, Some(0), "{text}");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }
}

fn serve(folder: &Path, listen: &str) -> Server {
    let root = folder.canonicalize().unwrap();
    Server::start_at(folder, &[("DARKROOM__SOURCES__ROOTS", root.to_str().unwrap())], listen)
}

#[test]
fn a_run_is_started_watched_shown_and_its_results_are_fetched() {
    let folder = folder();
    let photos = dataset(folder.path());
    let asking = Asking::start(folder.path());
    let aggregates = r#"[{"kind":"counts","pointer":"/format"}]"#;
    let typed = ["start", "thumbnail", "--width", "32", "--folder", &photos, "--name", "May"];
    let made = asking.json(&[&typed[..], &["--aggregates", aggregates, "--on-error", "50%"]].concat());
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        (&made["name"], &made["on_error"]["stop_at_percent"]),
        (&Value::from("May"), &Value::from(50))
    );

    let (code, text) = asking.ask(&["watch", id]);
    assert_eq!(code, Some(1), "an image is torn: {text}");
    for line in ["state      succeeded", "failures   1 undecodable", "passed     1 not_an_image"] {
        assert!(text.contains(line), "`{line}` is missing:\n{text}");
    }
    let run = asking.json(&["show", id]);
    assert_eq!(
        (&run["counts"]["succeeded"], &run["total"]),
        (&Value::from(IMAGES), &Value::from(IMAGES + 1))
    );
    let (_, table) = asking.ask(&["list", "--state", "succeeded"]);
    assert!(table.contains(id) && table.contains("May"), "{table}");

    let (_, lines) = asking.ask(&["results", id]);
    assert_eq!(lines.lines().count() as u64, IMAGES + 1);
    for (format, begins) in [("csv", &b"index,path"[..]), ("parquet", b"PAR1")] {
        let file = folder.path().join(format!("results.{format}"));
        let (code, text) = asking.ask(&["results", id, "--format", format, "--out", file.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{text}");
        assert!(fs::read(file).unwrap().starts_with(begins), "{format}");
    }
    let (_, gathered) = asking.ask(&["aggregate", id]);
    let gathered: Value = serde_json::from_str(&gathered).unwrap();
    assert_eq!(gathered["aggregates"][0]["counts"][0]["count"], IMAGES);
    let (code, refused) = asking.ask(&["aggregate", id, "--format", "npy"]);
    assert_eq!(code, Some(3));
    assert!(refused.contains("no aggregate that has a mean"), "{refused}");

    asking.turn("pause");
    let again = asking.json(&["retry-failed", id]);
    assert_eq!((&again["counts"]["failed"], &again["counts"]["queued"]), (&Value::from(0), &Value::from(1)));
    asking.turn("resume");
    asking.ask(&["watch", id]);
    assert_eq!(asking.ask(&["delete", id]).0, Some(0));
    let (code, gone) = asking.ask(&["show", id]);
    assert_eq!(code, Some(3));
    assert!(gone.contains("darkroom runs list"), "{gone}");
}

#[test]
fn an_archive_of_this_machine_is_sent_along_and_its_sum_is_checked() {
    let folder = folder();
    let asking = Asking::start(folder.path());
    let mut archive = tar::Builder::new(Vec::new());
    for n in 0..3 {
        let image = png(200, 100, n);
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{n}.png"), &image[..]).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let sum = format!("sha256:{}", darkroom_core::BlobId::of(&archive));
    let path = write(folder.path(), "photos.tar", &archive);
    let path = path.to_str().unwrap();
    let start = ["start", "thumbnail", "--width", "32", "--archive", path];
    let (code, watched) = asking.ask(&[&start[..], &["--checksum", &sum, "--watch"]].concat());
    assert_eq!(code, Some(0), "{watched}");
    assert!(watched.contains("name       photos.tar"), "{watched}");
    let id = watched.lines().find_map(|line| line.strip_prefix("run        ")).unwrap().to_owned();

    let page = folder.path().join("report.html");
    assert_eq!(asking.ask(&["report", &id, "--out", page.to_str().unwrap()]).0, Some(0));
    assert!(fs::read_to_string(page).unwrap().contains("photos.tar"));
    let redone = asking.json(&["redo", &id]);
    assert_eq!(redone["total"], 3, "{redone}");
    assert_eq!(asking.ask(&["watch", &id]).0, Some(0));

    let wrong = format!("md5:{}", "0".repeat(32));
    let (code, watched) = asking.ask(&[&start[..], &["--checksum", &wrong, "--watch"]].concat());
    assert_ne!(code, Some(0), "{watched}");
    assert!(watched.contains("checksum"), "{watched}");
}

#[test]
fn a_run_is_paused_resumed_and_cancelled_from_the_command_line() {
    let folder = folder();
    let photos = dataset(folder.path());
    let asking = Asking::start(folder.path());
    let made =
        asking.json(&["start", "thumbnail", "--folder", &photos, "--queue", "slow", "--high-water", "1"]);
    let id = made["id"].as_str().unwrap();
    let paused = asking.json(&["pause", id]);
    // It may have ended before; then there is nothing to pause.
    if paused["state"] == "paused" {
        assert_eq!(asking.json(&["resume", id])["queue"], "slow");
    }
    let state = asking.json(&["cancel", id])["state"].clone();
    assert!(["cancelled", "succeeded"].contains(&state.as_str().unwrap()), "{state}");
}

#[test]
fn what_makes_no_sense_is_said_before_a_server_is_asked() {
    let folder = folder();
    let typed: [(&[&str], &str); 5] = [
        (&["runs", "start", "thumbnail"], "required"),
        (&["runs", "start", "thumbnail", "--folder", "/a", "--urls", "b"], "cannot be used with"),
        (&["runs", "start", "thumbnail", "--archive", "nowhere.tar"], "--server-archive"),
        (&["runs", "start", "thumbnail", "--folder", "/a", "--on-error", "sometimes"], "neither continue"),
        (
            &["runs", "start", "thumbnail", "--archive", "http://a.example/x", "--checksum", "abc"],
            "hexadecimal",
        ),
    ];
    for (typed, word) in typed {
        let answer = answer(folder.path(), typed);
        assert_eq!(answer.status.code(), Some(2), "{typed:?}: {}", err(&answer));
        assert!(err(&answer).contains(word), "{typed:?}: {}", err(&answer));
    }
}

#[test]
fn a_watcher_outlives_the_server() {
    let folder = folder();
    for n in 0..40 {
        write(folder.path(), &format!("photos/{n}.png"), &png(700, 500, n));
    }
    let photos = folder.path().canonicalize().unwrap().join("photos");
    let asking = Asking::start(folder.path());
    let made = asking.json(&["start", "thumbnail", "--folder", photos.to_str().unwrap()]);
    let id = made["id"].as_str().unwrap().to_owned();
    let mut watcher = darkroom(folder.path());
    watcher.args(["runs", "watch", &id, "--json", "--server", &asking.server.url]).stdout(Stdio::piped());
    let watcher = watcher.spawn().unwrap();
    until("three images", || asking.json(&["show", &id])["counts"]["succeeded"].as_u64().unwrap() >= 3);
    let listen = asking.server.url.strip_prefix("http://").unwrap().to_owned();
    let Asking { server, .. } = asking;
    server.kill();
    let _server = serve(folder.path(), &listen);
    let said = watcher.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{}", err(&said));
    let text = out(&said);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["state"], &last["counts"]["succeeded"]), (&Value::from("succeeded"), &Value::from(40)));
}

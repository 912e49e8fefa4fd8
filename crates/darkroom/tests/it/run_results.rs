//! The folder of results of `darkroom run`: what is called how in it, and what cannot be.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::{
    binary::{Server, answer, darkroom, err, folder, png, until, write},
    runs::{RUN, photos, rows, run},
};

/// Runs a test here and by a server: it is given what makes thumbnails of what is typed, and where they go.
fn here_and_there(folder: &Path, test: impl Fn(&dyn Fn(&[&str]) -> Output, &Path)) {
    fs::create_dir(folder.join("server")).unwrap();
    let server = Server::start(&folder.join("server"), &[]);
    for more in [&["--out", "here"][..], &["--out", "there", "--server", &server.url]] {
        let thumbnails = |typed: &[&str]| {
            answer(folder, &[&["run", "thumbnail", "--width", "32", "--json"][..], typed, more].concat())
        };
        test(&thumbnails, &folder.join(more[1]));
    }
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn sources_of_one_name_do_not_meet() {
    let folder = folder();
    let names = ["2023/cover.png", "2024/cover.png", "2023/all/x.png", "2024/all/x.png"];
    for (number, name) in names.iter().enumerate() {
        write(folder.path(), name, &png(80, 60, number as u32));
    }
    here_and_there(folder.path(), |thumbnails, out| {
        let output = thumbnails(&["2023/cover.png", "2024/cover.png", "2023/all", "2024/all"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let sources: Vec<_> = rows(out).iter().map(|row| row["source"].clone()).collect();
        assert_eq!(sources, ["2023/all/x.png", "2023/cover.png", "2024/all/x.png", "2024/cover.png"]);
        assert!(out.join("2024/cover.png.jpg").is_file());
    });
}

#[test]
fn a_name_that_two_results_would_have_is_that_of_the_first_and_the_other_has_failed() {
    let folder = folder();
    write(folder.path(), "photos/a.png", &png(80, 60, 1));
    // Its result would be called like that of the other.
    write(folder.path(), "photos/a.png.jpg", &png(60, 80, 2));
    here_and_there(folder.path(), |thumbnails, out| {
        let mut first = None;
        for _ in 0..2 {
            let output = thumbnails(&["photos"]);
            let failures = &summary(&output)["failures"]["name_taken"];
            assert_eq!((output.status.code(), failures), (Some(1), &Value::from(1)));
            assert!(err(&output).contains("a.png.jpg: another image"), "{}", err(&output));
            let rows = rows(out);
            assert_eq!(rows[0]["outputs"][0]["path"], "a.png.jpg");
            assert_eq!(rows[1]["failure"]["kind"], "name_taken");
            let file = fs::read(out.join("a.png.jpg")).unwrap();
            assert_eq!(*first.get_or_insert_with(|| file.clone()), file, "the same image has it again");
        }
    });
}

#[test]
fn entries_of_one_name_are_one_image_if_their_content_is_the_same() {
    let folder = folder();
    let mut archive = tar::Builder::new(Vec::new());
    for image in [png(80, 60, 1), png(80, 60, 1), png(60, 80, 2)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        archive.append_data(&mut header, "a.png", &image[..]).unwrap();
    }
    write(folder.path(), "twice.tar", &archive.into_inner().unwrap());
    here_and_there(folder.path(), |thumbnails, out| {
        let output = thumbnails(&["--archive", "twice.tar"]);
        let summary = summary(&output);
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        let failures = serde_json::json!({ "name_taken": 1 });
        assert_eq!((&summary["succeeded"], &summary["failures"]), (&2.into(), &failures));
        let rows = rows(out);
        assert_eq!((rows.len(), &rows[0]["result"]["height"]), (1, &24.into()), "that of the first");
    });
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_not_forgotten() {
    let folder = folder();
    write(folder.path(), "photos/a.png", &png(80, 60, 1));
    write(folder.path(), "photos/b.png", &png(60, 80, 2));
    here_and_there(folder.path(), |thumbnails, out| {
        // A folder in its place.
        fs::create_dir_all(out.join("a.png.jpg/inside")).unwrap();
        let output = thumbnails(&["photos", "--forget"]);
        let cut = summary(&output);
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        assert_eq!((&cut["succeeded"], &cut["failures"]["unwritable"]), (&1.into(), &1.into()), "{cut}");
        assert!(err(&output).contains("a.png: "), "{}", err(&output));
        assert!(!out.join("a.png.jpg.part").exists());
        fs::remove_dir_all(out.join("a.png.jpg")).unwrap();
        let output = thumbnails(&["photos", "--forget"]);
        let failures = &summary(&output)["failures"];
        assert_eq!((output.status.code(), failures), (Some(0), &serde_json::json!({})));
        assert!(out.join("a.png.jpg").is_file());
    });
}

#[test]
fn results_take_no_place_of_an_image_and_are_none_themselves() {
    let folder = folder();
    photos(folder.path());
    let original = fs::read(folder.path().join("photos/a.png")).unwrap();
    for source in ["photos", "photos/a.png", "photos/*.png"] {
        let typed = ["run", "thumbnail", "--width", "32", source, "--out", "photos"];
        let refused = answer(folder.path(), &typed);
        assert_eq!(refused.status.code(), Some(2), "{}", err(&refused));
        assert!(err(&refused).contains("name another folder with --out"), "{}", err(&refused));
    }
    for sources in [["photos", "others"], ["photos/a.png", "others/a.png"]] {
        write(folder.path(), "others/a.png", &png(30, 30, 3));
        let typed = [&["run", "thumbnail", "--width", "32", "--out", "."][..], &sources].concat();
        assert_eq!(answer(folder.path(), &typed).status.code(), Some(2), "{sources:?}");
    }
    fs::remove_dir_all(folder.path().join("others")).unwrap();
    assert_eq!(fs::read(folder.path().join("photos/a.png")).unwrap(), original);
    // The folder of results, and the data folder with what is in it, lie among what is worked through.
    for _ in 0..2 {
        let (code, summary) = run(folder.path(), &["."]);
        assert_eq!((code, &summary["succeeded"]), (Some(1), &Value::from(5)), "{summary}");
    }
    assert!(!folder.path().join("results/results").exists());
}

#[test]
fn what_is_said_of_images_may_lie_beside_them() {
    let folder = folder();
    photos(folder.path());
    fs::create_dir(folder.path().join("server")).unwrap();
    let server = Server::start(&folder.path().join("server"), &[]);
    for more in [&[][..], &["--server", &server.url]] {
        let typed = ["run", "digit", "--out", "photos", "--json", "photos"];
        let output = answer(folder.path(), &[&typed, more].concat());
        // None of them shows a digit.
        assert_eq!(
            (output.status.code(), &summary(&output)["failed"]),
            (Some(1), &6.into()),
            "{}",
            err(&output)
        );
        fs::remove_file(folder.path().join("photos/results.jsonl")).unwrap();
    }
}

#[test]
fn links_of_one_name_are_called_like_what_they_lead_to() {
    let folder = folder();
    for n in 1..3 {
        write(folder.path(), &format!("all/{n}.png"), &png(80, 60, n));
        fs::create_dir(folder.path().join(n.to_string())).unwrap();
        let link = folder.path().join(format!("{n}/cover.png"));
        std::os::unix::fs::symlink(folder.path().join(format!("all/{n}.png")), link).unwrap();
    }
    here_and_there(folder.path(), |thumbnails, out| {
        for _ in 0..2 {
            assert_eq!(thumbnails(&["1/cover.png", "2/cover.png"]).status.code(), Some(0));
            assert!(["1.png.jpg", "2.png.jpg"].iter().all(|name| out.join(name).is_file()));
        }
    });
}

#[test]
fn two_commands_do_not_write_into_one_folder() {
    let folder = folder();
    photos(folder.path());
    run(folder.path(), &["photos"]);
    let held = fs::File::open(folder.path().join("results")).unwrap();
    held.lock().unwrap();
    let refused = answer(folder.path(), &[&RUN[..], &["photos"]].concat());
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        err(&refused).contains("another `darkroom run` writes its results into results"),
        "{}",
        err(&refused)
    );
    drop(held);
    assert_eq!(run(folder.path(), &["photos"]).0, Some(1));
}

#[test]
fn a_source_that_fails_while_images_wait_is_the_end() {
    let folder = folder();
    for n in 0..20 {
        write(folder.path(), &format!("photos/{n}.png"), &png(600, 400, n));
    }
    let packed = std::process::Command::new("tar")
        .current_dir(folder.path())
        .args(["cf", "all.tar", "photos"])
        .status();
    assert!(packed.unwrap().success());
    let typed = ["--archive", "all.tar", "--set", "sources.archive_entries=15", "--set", "worker.slots=1"];
    let mut command = darkroom(folder.path()).args([&RUN[..], &typed].concat()).spawn().unwrap();
    let mut status = None;
    until("a command whose source has failed", || {
        status = command.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(3));
}

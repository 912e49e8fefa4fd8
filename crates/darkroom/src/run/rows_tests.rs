//! Rows that are cut, and names that meet.

use super::*;
use crate::run::finished::{Failed, Made};

fn finished(name: &str) -> Finished {
    Finished {
        relative: name.into(),
        bytes: 1,
        modified: 0,
        blob: Some(name.to_owned()),
        job: None,
        end: Err(Failed::new("unreadable", &"it is")),
    }
}

fn open(out: &Path) -> Rows {
    Rows::open(out, &serde_json::from_str(r#"{"op":"digit"}"#).unwrap()).unwrap()
}

fn names(out: &Path) -> Vec<String> {
    lines(&out.join(FILE)).unwrap().map(|line| whole(&line.unwrap().1).unwrap().source).collect()
}

#[test]
fn a_name_is_that_of_the_first_image() {
    let folder = tempfile::tempdir().unwrap();
    let claim = |rows: &mut Rows, name: &str, image: (&str, Option<&str>), file: &str| {
        rows.claim(name, image, [file.as_ref()].into_iter())
    };
    let mut rows = open(folder.path());
    assert_eq!(claim(&mut rows, "a.png", ("1", None), ""), Claimed::All, "it has failed");
    for _ in 0..2 {
        assert_eq!(claim(&mut rows, "a.png", ("1", Some("job")), "a.png.jpg"), Claimed::All);
    }
    assert_eq!(claim(&mut rows, "a.png", ("1", Some("other job")), "a.png.jpg"), Claimed::Again);
    assert_eq!(claim(&mut rows, "a.png", ("1", None), ""), Claimed::Again, "a result is better than none");
    assert_eq!(claim(&mut rows, "a.png", ("2", Some("third job")), "a.png.jpg"), Claimed::Nothing);
    assert_eq!(claim(&mut rows, "a.png.jpg", ("3", Some("fourth job")), "a.png.jpg"), Claimed::Row);
}

#[test]
fn names_of_what_is_held_are_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = open(folder.path());
    fs::write(folder.path().join("a.png.jpg"), "1").unwrap();
    let files = vec![Written { path: "a.png.jpg".into(), bytes: 1 }];
    let made = Made { files, document: Value::Null, work_us: None };
    rows.add(&Row::of(&Finished { end: Ok(made), ..finished("a.png") })).unwrap();
    rows.close(false).unwrap();
    let other =
        |rows: &mut Rows| rows.claim("a.png.jpg", ("3", Some("job")), [Path::new("a.png.jpg")].into_iter());
    assert_eq!(other(&mut open(folder.path())), Claimed::All, "nobody has met the first");
    let mut rows = open(folder.path());
    let image = Image { path: "a.png".into(), relative: "a.png".into(), bytes: 1, modified: 0 };
    assert!(rows.hold(&image, folder.path()));
    assert_eq!(other(&mut rows), Claimed::Row);
    drop(rows);
    let mut rows = open(folder.path());
    rows.claim_all().unwrap();
    assert_eq!(other(&mut rows), Claimed::Row);
}

#[test]
fn rows_that_are_cut_anywhere_are_cut_away_and_the_next_is_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (out, path) = (folder.path(), folder.path().join(FILE));
    let mut rows = open(out);
    rows.add(&Row::of(&finished("first.png"))).unwrap();
    let whole = fs::metadata(&path).unwrap().len() as usize;
    // Some letters of this name are two bytes: a cut between them leaves no text.
    rows.add(&Row::of(&finished("éé.png"))).unwrap();
    rows.close(true).unwrap();
    let text = fs::read(&path).unwrap();
    for cut in whole..text.len() {
        fs::write(&path, &text[..cut]).unwrap();
        let mut rows = open(out);
        rows.add(&Row::of(&finished("third.png"))).unwrap();
        rows.close(true).unwrap();
        assert_eq!(names(out), ["first.png", "third.png"], "cut at {cut} of {}", text.len());
    }
    // What was promised and never written.
    fs::write(&path, [&text[..whole], &[0; 5_000]].concat()).unwrap();
    open(out).close(true).unwrap();
    assert_eq!(names(out), ["first.png"]);
}

//! `darkroom run faces` and `darkroom compare`, with the fetched models where they are.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    binary::{answer, err, folder, out},
    photographs,
};

/// What a call needs to know: where the runtime and the models are, and the photographs.
pub(crate) struct Stage {
    set: [String; 2],
    photos: PathBuf,
}

/// `DARKROOM_MODELS`, else `.x/models/models`, where `./x test` puts YuNet and SFace; in CI they have to be there.
pub(crate) fn stage() -> Option<Stage> {
    let there = |variable: &str, beside: &str, inside: &str| {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(beside);
        let place = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
        let there = place.join(inside).exists();
        assert!(there || std::env::var_os("CI").is_none(), "CI needs {inside} in {}", place.display());
        if !there {
            eprintln!("SKIPPED: there is no {inside} in {} (set {variable})", place.display());
        }
        there.then_some(place)
    };
    let models = there("DARKROOM_MODELS", ".x/models/models", "yunet/3")?;
    let photos = there("DARKROOM_PHOTOS", ".x/photos", "astronaut.png")?;
    let runtime = photographs::runtime()?;
    let set = [format!("models.dir={}", models.display()), format!("models.runtime={}", runtime.display())];
    Some(Stage { set, photos })
}

impl Stage {
    pub(crate) fn photo(&self, name: &str) -> String {
        self.photos.join(name).display().to_string()
    }

    /// The same as settings of the environment.
    pub(crate) fn settings(&self) -> [(&'static str, String); 2] {
        let value =
            |place: usize| self.set[place].split_once('=').map(|(_, value)| value.to_owned()).unwrap();
        [("DARKROOM__MODELS__DIR", value(0)), ("DARKROOM__MODELS__RUNTIME", value(1))]
    }

    pub(crate) fn arguments<'a>(&'a self, typed: &[&'a str]) -> Vec<&'a str> {
        let set = self.set.iter().flat_map(|set| ["--set", set.as_str()]);
        typed.iter().copied().chain(set).collect()
    }
}

#[test]
fn faces_are_found_in_a_run_and_kept_as_files() {
    let Some(stage) = stage() else { return };
    let place = folder();
    let (astronaut, coffee) = (stage.photo("astronaut.png"), stage.photo("coffee.png"));
    let typed = ["run", "faces", &astronaut, &coffee, "--crops", "jpeg", "--out", "faces"];
    let run = answer(place.path(), &stage.arguments(&typed));
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let rows = std::fs::read_to_string(place.path().join("faces/results.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |name: &str| rows.iter().find(|row| row["source"] == name).unwrap();
    assert_eq!(row("coffee.png")["result"]["count"], 0);
    assert_eq!(row("astronaut.png")["result"]["faces"][0]["embedding"].as_array().unwrap().len(), 128);
    assert!(place.path().join("faces/astronaut.png.face-1.jpg").is_file());
    let wrong = answer(place.path(), &["run", "faces", "x.png", "--out", "faces", "--side", "10"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("side is 160 to 4096"), "{}", err(&wrong));
}

#[test]
fn comparing_says_by_its_exit_code_whether_it_is_one_person() {
    let Some(stage) = stage() else { return };
    let place = folder();
    let (astronaut, camera, coffee) =
        (stage.photo("astronaut.png"), stage.photo("camera.png"), stage.photo("coffee.png"));
    let same = answer(place.path(), &stage.arguments(&["compare", &astronaut, &astronaut, "--json"]));
    assert_eq!(same.status.code(), Some(0), "{}", err(&same));
    let said: Value = serde_json::from_str(&out(&same)).unwrap();
    assert!(said["same"] == true && said["cosine"].as_f64().unwrap() > 0.999, "{said}");
    let other = answer(place.path(), &stage.arguments(&["compare", &astronaut, &camera]));
    assert_eq!((other.status.code(), out(&other).starts_with("different people")), (Some(1), true));
    let none = answer(place.path(), &stage.arguments(&["compare", &astronaut, &coffee]));
    assert_eq!(none.status.code(), Some(3));
    assert!(err(&none).contains("no face in the second image"), "{}", err(&none));
}

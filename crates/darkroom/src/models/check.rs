//! `darkroom models check`: manifests, digests, and known inputs through the engine.

use std::{process::ExitCode, sync::Arc};

use darkroom_inference::{Config, Model, Models, check::Deviation};
use serde_json::json;

use super::{Places, list};
use crate::{engine, halt::Halt, terminal::say};

/// Some model is not what it must be.
const SOME_FAILED: u8 = 1;

/// What became of one model.
struct Outcome {
    name: String,
    version: String,
    /// Known inputs that were run.
    checks: usize,
    mistakes: Vec<String>,
}

/// Checks the models of these names, or all. Exit code 1 if one of them is not as it must be.
pub(super) fn check(names: &[String], places: &Places, json: bool) -> Result<ExitCode, Halt> {
    let found = list::find(places);
    let unknown = names.iter().find(|name| !found.iter().any(|model| model.name == **name));
    if let Some(name) = unknown {
        return Err(Halt::Usage(format!(
            "there is no model `{name}`; `darkroom models list` shows what there is"
        )));
    }
    let models = Models::open(&config(places)).map_err(|mistakes| {
        Halt::Usage(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let chosen = found.iter().filter(|model| names.is_empty() || names.contains(&model.name));
    let outcomes: Vec<Outcome> = chosen.map(|model| examine(model, &models)).collect();
    let failed = outcomes.iter().any(|outcome| !outcome.mistakes.is_empty());
    let printed = if json { as_json(&outcomes) } else { as_text(&outcomes, places) };
    say(&printed).map(|code| if failed { ExitCode::from(SOME_FAILED) } else { code })
}

fn config(places: &Places) -> Config {
    Config {
        dir: places.models.clone(),
        runtime: places.wanted.clone(),
        kept: Some(places.graphs.clone()),
        host: Some(engine::command()),
        ..Config::below(&places.models)
    }
}

fn examine(found: &list::Found, models: &Models) -> Outcome {
    let (name, version) = (found.name.clone(), found.version.clone());
    let mut mistakes = found.mistakes();
    let mut checks = 0;
    if let (true, Ok(description)) = (mistakes.is_empty(), &found.model) {
        checks = description.manifest.checks.len();
        let run = |model: Arc<Model>| {
            let deviations = model.check();
            // One model at a time is enough of memory.
            model.unload();
            deviations
        };
        match models.get(&name, Some(&version)).and_then(run) {
            Ok(deviations) => mistakes.extend(deviations.iter().map(deviation)),
            Err(error) => mistakes.push(error.to_string()),
        }
    }
    Outcome { name, version, checks, mistakes }
}

fn deviation(deviation: &Deviation) -> String {
    let Deviation { check, at, expected, got } = deviation;
    let got = got.map_or("missing".to_owned(), |got| got.to_string());
    format!("known input {check}: value {at} is {got}, not {expected} as the manifest says")
}

fn as_text(outcomes: &[Outcome], places: &Places) -> String {
    if outcomes.is_empty() {
        return format!(
            "there are no models in {}; `darkroom models fetch` gets some",
            places.models.display()
        );
    }
    let line = |outcome: &Outcome| {
        let title = format!("{} {}", outcome.name, outcome.version);
        if !outcome.mistakes.is_empty() {
            return format!("BAD   {title}\n      {}", outcome.mistakes.join("\n      "));
        }
        match outcome.checks {
            0 => format!("ok    {title}: the digest matches; the manifest has no known input"),
            1 => format!("ok    {title}: one known input gives what it must"),
            checks => format!("ok    {title}: {checks} known inputs give what they must"),
        }
    };
    outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn as_json(outcomes: &[Outcome]) -> String {
    let entry = |outcome: &Outcome| {
        json!({
            "name": outcome.name, "version": outcome.version, "ok": outcome.mistakes.is_empty(),
            "checks": outcome.checks, "mistakes": outcome.mistakes,
        })
    };
    format!("{:#}", json!(outcomes.iter().map(entry).collect::<Vec<_>>()))
}

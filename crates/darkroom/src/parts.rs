//! From settings to the pieces that the service is built from. The scheme of a URL picks the store.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use darkroom_core::{
    Clock, SystemClock,
    store::{Store, StoreError},
};
use darkroom_server::{Config, Parts, blobs::Blobs, disk, predict::Predictor, runs, sources::Sources};
use darkroom_store::{Memory, Sqlite};

use crate::{
    engine,
    halt::Halt,
    settings::{Settings, describe},
};

/// Opens the store and the blobs, for clients: runs read what `sources.roots` allows.
pub(crate) fn open(settings: &Settings) -> Result<Parts, Halt> {
    open_for(settings, runs::sources)
}

/// The same for the user of this process: runs read what the user can read.
pub(crate) fn open_own(settings: &Settings) -> Result<Parts, Halt> {
    open_for(settings, runs::own_sources)
}

fn open_for(settings: &Settings, sources: fn(&Config, &Blobs, &Path) -> Sources) -> Result<Parts, Halt> {
    let dir = &settings.data.dir;
    disk::make_folder(dir).map_err(|error| {
        let advice = "name a folder that can be written to with --data-dir";
        Halt::environment(anyhow::Error::new(error).context(format!("cannot make {}", dir.display())), advice)
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // The store first: it is what keeps two processes out of one data folder.
    let store = open_store(settings, &clock)?;
    let folder = settings.service.blobs.folder(dir);
    let blobs = Blobs::with_journal(&folder, settings.service.blobs.journal).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot open {}", folder.display()));
        Halt::environment(error, "check that the folder can be written to (`darkroom doctor` helps)")
    })?;
    let predictor =
        Predictor::open(&settings.service.models, dir, Some(engine::command())).map_err(Halt::Config)?;
    let sources = sources(&settings.service, &blobs, dir);
    let config = settings.service.clone();
    let settings = describe(&mut settings.clone()).into();
    Ok(Parts { store, blobs, sources, predictor, clock, config, settings })
}

fn open_store(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, Halt> {
    let limits = settings.store.limits();
    if settings.store.url.starts_with("memory:") {
        return Ok(Arc::new(Memory::new(limits, Arc::clone(clock))));
    }
    let path = database(settings);
    let opened = Sqlite::open(&path, limits, Arc::clone(clock));
    Ok(Arc::new(opened.map_err(|error| refused(error, &path))?))
}

/// The database file.
pub(crate) fn database(settings: &Settings) -> PathBuf {
    match settings.store.url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
        _ => settings.data.dir.join("darkroom.db"),
    }
}

fn refused(error: StoreError, path: &Path) -> Halt {
    let advice = match &error {
        StoreError::InUse => {
            "another darkroom works on this data folder: if it is a server, add --server URL; \
             otherwise wait for it, or name another folder with --data-dir"
        }
        StoreError::DiskFull => "make room on the disk",
        _ => "`darkroom doctor` checks the data folder",
    };
    Halt::environment(anyhow::Error::new(error).context(format!("cannot open {}", path.display())), advice)
}

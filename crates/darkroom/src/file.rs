//! Writing what comes piece by piece to a file, or to standard output.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
};

use futures_util::{Stream, StreamExt};

use crate::halt::Halt;

/// Writes all pieces to `out`, or to standard output. A file gets its name only once it is whole.
pub(crate) async fn save(
    pieces: impl Stream<Item = Result<impl AsRef<[u8]>, Halt>>,
    out: Option<&Path>,
) -> Result<ExitCode, Halt> {
    let mut pieces = pin!(pieces);
    let partial = out.map(partial);
    let mut to: Box<dyn Write> = match &partial {
        Some(path) => Box::new(File::create(path).map_err(unwritten)?),
        None => Box::new(io::stdout()),
    };
    while let Some(piece) = pieces.next().await {
        match to.write_all(piece?.as_ref()) {
            // A reader that went away (`| head`) is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            written => written.map_err(unwritten)?,
        }
    }
    to.flush().map_err(unwritten)?;
    drop(to);
    if let (Some(partial), Some(out)) = (partial, out) {
        fs::rename(partial, out).map_err(unwritten)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a file is called while it is written.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn unwritten(error: io::Error) -> Halt {
    Halt::environment(error, "name another file with --out, or make room")
}

//! Writing what comes piece by piece to a file, or to standard output.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    pin::pin,
    process::ExitCode,
};

use darkroom_server::disk;
use futures_util::{Stream, StreamExt};

use crate::halt::Halt;

/// Writes all pieces to `out`, or to standard output. A file gets its name only once it is whole and on
/// the disk.
pub(crate) async fn save(
    pieces: impl Stream<Item = Result<impl AsRef<[u8]>, Halt>>,
    out: Option<&Path>,
) -> Result<ExitCode, Halt> {
    let mut pieces = pin!(pieces);
    let partial = out.map(disk::partial);
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
        disk::give_name(&partial, out).and_then(|()| disk::sync_folders_of([out])).map_err(unwritten)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn unwritten(error: io::Error) -> Halt {
    Halt::environment(error, "name another file with --out, or make room")
}

//! Photographs of people, a folder for each.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use darkroom_imaging::{Frame, FrameRequest, Guard, Inspected, Layout, Limits, Source};

/// One photograph, in memory.
pub(crate) struct Photograph {
    pub(crate) person: String,
    pub(crate) path: PathBuf,
    pub(crate) frame: Frame,
}

/// All photographs below a folder, in the order of their paths.
pub(crate) fn below(folder: &Path) -> Result<Vec<Photograph>> {
    let mut photographs = Vec::new();
    for person in sorted(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = person.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in sorted(&person)? {
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            let frame = if bytes.starts_with(b"P5") { pgm(&bytes) } else { any(bytes) };
            let frame = frame.with_context(|| path.display().to_string())?;
            photographs.push(Photograph { person: name.clone(), path, frame });
        }
    }
    ensure!(!photographs.is_empty(), "there is no photograph in a folder below {}", folder.display());
    Ok(photographs)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn any(bytes: Vec<u8>) -> Result<Frame> {
    let inspected = Inspected::new(Source::bytes(bytes), Limits::default())?;
    let guard = Guard::new(Duration::from_mins(1), Arc::default());
    Ok(inspected.frame(&FrameRequest::default(), &guard)?)
}

/// A binary PGM of 8 bits: `P5`, width, height and 255 with white space and comments between them, one white space, and the
/// pixels.
pub(crate) fn pgm(bytes: &[u8]) -> Result<Frame> {
    let mut rest = bytes.strip_prefix(b"P5").context("this is no binary PGM")?;
    let mut number = || -> Result<u32> {
        rest = rest.trim_ascii_start();
        while let Some(comment) = rest.strip_prefix(b"#") {
            let end = comment.iter().position(|byte| *byte == b'\n').unwrap_or(comment.len());
            rest = comment[end..].trim_ascii_start();
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        rest = after;
        std::str::from_utf8(number)?.parse().context("the header of the PGM has no number where one must be")
    };
    let (width, height, most) = (number()?, number()?, number()?);
    let pixels = rest.get(1..).unwrap_or_default().to_vec();
    ensure!(most == 255, "this PGM has not 8 bits");
    ensure!(pixels.len() as u64 == u64::from(width) * u64::from(height), "the PGM has another size");
    Ok(Frame { width, height, layout: Layout::Gray, pixels })
}

//! Read, decode, find, align, embed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, anyhow};
use darkroom_imaging::{FrameRequest, Guard, Inspected, Limits, Source};
use darkroom_inference::{
    Config, Model, Models,
    faces::{self, Embedded, Embedding, Search},
};

use crate::{Work, option};

/// As the operation searches unless told otherwise.
const SEARCH: Search = Search { side: 1024, min_score: 0.7 };

pub(crate) fn work(words: &[String]) -> Result<Work> {
    let dir = PathBuf::from(option(words, "--models")?);
    let config = Config { runtime: option(words, "--runtime")?.into(), ..Config::below(&dir) };
    let models = Models::open(&Config { dir, ..config }).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let (detector, embedder) = (models.get("yunet", None)?, models.get("sface", None)?);
    detector.ready()?.wait()?;
    embedder.ready()?.wait()?;
    Ok(Box::new(move |photograph| Ok(look(&detector, &embedder, photograph)?.is_some())))
}

/// The vector of the surest face.
fn look(detector: &Model, embedder: &Model, photograph: &Path) -> Result<Option<Embedding>> {
    let image = Inspected::new(Source::bytes(fs::read(photograph)?), Limits::default())?;
    let guard = Guard::new(Duration::from_mins(1), Arc::default());
    let wanted = FrameRequest { shorter_side: Some(SEARCH.side), margin: 1.0, ..FrameRequest::default() };
    let frame = image.frame(&wanted, &guard)?;
    let found = SEARCH.ask(detector, &frame)?.wait()?.faces()?;
    let Some(crop) = found.first().and_then(|face| faces::crop(&frame, &face.landmarks)) else {
        return Ok(None);
    };
    Ok(Embedded::prepare(embedder, &[crop])?.wait(embedder)?.pop())
}

//! Read, decode, reduce, encode, write.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context, Result};
use darkroom_core::operation::Thumbnail;
use darkroom_imaging::{Guard, Limits, Source, render};

use crate::{Work, option};

pub(crate) fn work(words: &[String]) -> Result<Work> {
    let size: u32 = option(words, "--size")?.parse()?;
    let (request, out) = ([Thumbnail::fit(size, size)], PathBuf::from(option(words, "--out")?));
    fs::create_dir_all(&out)?;
    Ok(Box::new(move |file| {
        let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
        let made =
            render(&Source::file(file.to_string_lossy().into_owned()), &request, &Limits::default(), &guard)?;
        let name = file.file_name().context("a file has a name")?;
        fs::write(out.join(name), &made.first().context("one was asked for")?.bytes)?;
        Ok(true)
    }))
}

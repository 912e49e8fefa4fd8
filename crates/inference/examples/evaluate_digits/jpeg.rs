//! What a JPEG of low quality leaves of a frame.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::Result;
use darkroom_imaging::{Frame, FrameRequest, Guard, Inspected, Limits, Source};
use jpeg_encoder::{ColorType, Encoder};

/// The grey frame, written as a JPEG and read again.
pub(crate) fn through(frame: &Frame, quality: u8) -> Result<Frame> {
    let mut file = Vec::new();
    Encoder::new(&mut file, quality).encode(
        &frame.pixels,
        u16::try_from(frame.width)?,
        u16::try_from(frame.height)?,
        ColorType::Luma,
    )?;
    let guard = Guard::new(Duration::from_secs(10), Arc::new(AtomicBool::new(false)));
    let inspected = Inspected::new(Source::bytes(file), Limits::default())?;
    Ok(inspected.frame(&FrameRequest::default(), &guard)?)
}

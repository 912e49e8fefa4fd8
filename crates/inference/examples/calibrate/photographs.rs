//! Photographs, and parts of them.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context as _, Result};
use darkroom_imaging::{Frame, FrameRequest, Guard, Inspected, Limits, Source};

/// The photographs of `scikit-image` 0.25.2, without its drawings, texts and test patterns: people, animals, things,
/// textures, and what telescopes and microscopes see.
const PHOTOGRAPHS: [&str; 17] = [
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
];

/// Part of the shorter side that a detail has: 3/5.
const DETAIL: (u32, u32) = (3, 5);

/// Every photograph as a whole, mirrored, and in five details: the corners and the middle.
pub(crate) fn views(folder: &Path) -> impl Iterator<Item = Result<Frame>> {
    PHOTOGRAPHS.iter().flat_map(move |name| match read(&folder.join(name)) {
        Ok(photograph) => views_of(photograph).into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    })
}

fn read(path: &Path) -> Result<Frame> {
    let named = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(named)?;
    let inspected = Inspected::new(Source::bytes(bytes), Limits::default()).with_context(named)?;
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    inspected.frame(&FrameRequest::default(), &guard).with_context(named)
}

fn views_of(photograph: Frame) -> Vec<Frame> {
    let (width, height) = (photograph.width, photograph.height);
    let side = width.min(height) * DETAIL.0 / DETAIL.1;
    let (right, bottom) = (width - side, height - side);
    let corners = [(0, 0), (right, 0), (0, bottom), (right, bottom), (right / 2, bottom / 2)];
    let mut views: Vec<Frame> = corners.into_iter().map(|corner| detail(&photograph, corner, side)).collect();
    views.extend([mirrored(&photograph), photograph]);
    views
}

/// A square of it.
fn detail(frame: &Frame, (left, top): (u32, u32), side: u32) -> Frame {
    let each = frame.pixels.len() / (frame.width * frame.height) as usize;
    let rows = frame.pixels.chunks_exact(frame.width as usize * each);
    let rows = rows.skip(top as usize).take(side as usize);
    let pixels = rows.flat_map(|row| &row[left as usize * each..][..side as usize * each]).copied().collect();
    Frame { width: side, height: side, layout: frame.layout, pixels }
}

fn mirrored(frame: &Frame) -> Frame {
    let each = frame.pixels.len() / (frame.width * frame.height) as usize;
    let rows = frame.pixels.chunks_exact(frame.width as usize * each);
    let pixels = rows.flat_map(|row| row.chunks_exact(each).rev().flatten()).copied().collect();
    Frame { width: frame.width, height: frame.height, layout: frame.layout, pixels }
}

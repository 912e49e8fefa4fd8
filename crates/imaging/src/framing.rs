//! An image as one frame, for whoever looks at its pixels instead of showing them.

use darkroom_core::operation::{Background, Light};

use crate::{
    Frame, Guard, Header, ImageError, Inspected, Layout, colour,
    decode::{self, Input, MetadataWish, Wish},
    develop::{coloured, flatten, without_idle_alpha},
    inspect::within,
    orient,
    plan::FIXED_BYTES,
};

/// How a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameRequest {
    /// The shorter side, in pixels, that is needed; `None` asks for every pixel.
    pub shorter_side: Option<u32>,
    /// How many times larger than needed a reduced frame is at least: 1 is the fastest, 2 is as good as every pixel
    /// (see `Reduce`).
    pub margin: f64,
    /// What shows where the image is transparent; `None` keeps the alpha, for whoever can tell a drawing from nothing.
    pub background: Option<Background>,
}

impl FrameRequest {
    /// What serves both: the one that asks for more pixels. Without a side that is every one.
    #[must_use]
    pub fn larger(self, other: Self) -> Self {
        let pixels = |request: &Self| {
            request.shorter_side.map_or(f64::INFINITY, |side| f64::from(side) * request.margin)
        };
        if pixels(&self) >= pixels(&other) { self } else { other }
    }
}

impl Default for FrameRequest {
    fn default() -> Self {
        Self { shorter_side: None, margin: 2.0, background: Some(Background::WHITE) }
    }
}

impl Inspected {
    /// Decodes the (first) frame: upright, sRGB, [`Layout::Rgb`] (or with alpha, if that is kept). It is as large as the image, or reduced by the codec
    /// to no less than what was asked for.
    ///
    /// All limits are checked before any pixel work.
    pub fn frame(&self, request: &FrameRequest, guard: &Guard) -> Result<Frame, ImageError> {
        let (header, limits) = (&self.header, &self.limits);
        within("memory", self.frame_memory_needed(request), limits.memory)?;
        guard.check()?;
        let still = decode::decoder(header.format)?.still;
        let input = Input { source: &self.source, header, wish: wish(header, request), limits, guard };
        let decoded = still(&input)?;
        guard.check()?;
        let mut frame = cut(without_idle_alpha(decoded.frame), decoded.covers);
        if let Some(icc) = decoded.metadata.icc {
            colour::to_srgb(&mut frame, &icc);
        }
        let frame = orient::upright(frame, header.orientation);
        let frame = match request.background {
            Some(Background(under)) if frame.layout.has_alpha() => flatten(&frame, under),
            _ => frame,
        };
        Ok(if frame.layout == Layout::Gray { coloured(&frame) } else { frame })
    }

    /// Bytes of working memory that [`Self::frame`] takes.
    pub fn frame_memory_needed(&self, request: &FrameRequest) -> u64 {
        let header = &self.header;
        let (width, height) = decode::reduced_size(header, wish(header, request));
        let pixels = u64::from(width) * u64::from(height);
        let channels = if header.has_alpha { 4 } else { 3 };
        // Decoders that do not stream hold their frame already; turning or flattening it takes another.
        let frames = if header.streams { pixels * (channels + 3) } else { pixels * 3 };
        FIXED_BYTES + header.held + frames + u64::from(header.width) * channels * 4
    }
}

fn wish(header: &Header, request: &FrameRequest) -> Wish {
    let shorter = header.width.min(header.height);
    let needed = request.shorter_side.map_or(1.0, |side| f64::from(side) / f64::from(shorter));
    let at = |scale: f64| {
        let side = |of: u32| ((f64::from(of) * scale).ceil().max(1.0)).min(f64::from(of)) as u32;
        (side(header.width), side(header.height))
    };
    let least = at(needed * request.margin.max(1.0));
    Wish {
        scaled: least,
        averaged: least,
        shown: at(needed),
        metadata: MetadataWish::Drop,
        light: Light::Gamma,
    }
}

/// Leaves out the rows and columns that lie (by more than half) beyond the image after a reduction.
fn cut(frame: Frame, covers: (f64, f64)) -> Frame {
    let side = |covered: f64, of: u32| (covered.round().max(1.0) as u32).min(of);
    let (width, height) = (side(covers.0, frame.width), side(covers.1, frame.height));
    if (width, height) == (frame.width, frame.height) {
        return frame;
    }
    let channels = frame.layout.channels();
    let rows = frame.pixels.chunks_exact(frame.width as usize * channels).take(height as usize);
    let pixels = rows.flat_map(|row| &row[..width as usize * channels]).copied().collect();
    Frame { width, height, layout: frame.layout, pixels }
}

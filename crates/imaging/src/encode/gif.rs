//! GIF encoding: a palette for each frame, dithered; animations carry only what changes.
//!
//! Pixels are opaque or transparent, nothing between: alpha from one half on is opaque. `quality` has no meaning here.

mod palette;

use gif::{DisposalMethod, Encoder, Repeat};

use crate::{
    Format, Frame, ImageError, Layout,
    encode::{AnimationEncoder, Canvas, Style},
};

/// Alpha from which a pixel is opaque.
const OPAQUE: u8 = 128;

/// A pixel, or `None` where it is transparent.
type Pixel = Option<[u8; 3]>;

/// Encodes one frame.
pub(crate) fn still(frame: &Frame, style: &Style) -> Result<Vec<u8>, ImageError> {
    let mut encoder =
        animation(Canvas { width: frame.width, height: frame.height, loops: 1 }, style.clone())?;
    encoder.push(frame, 0)?;
    encoder.finish()
}

/// Begins an animation.
pub(crate) fn animation(canvas: Canvas, _style: Style) -> Result<Box<dyn AnimationEncoder>, ImageError> {
    let side = |side: u32| u16::try_from(side).map_err(|_| refused("a side is longer than 65,535 pixels"));
    let mut encoder =
        Encoder::new(Vec::new(), side(canvas.width)?, side(canvas.height)?, &[]).map_err(refused)?;
    // The file counts repetitions after the first play, and without the block it plays once.
    match canvas.loops {
        0 => encoder.set_repeat(Repeat::Infinite).map_err(refused)?,
        1 => {}
        plays => encoder.set_repeat(Repeat::Finite(plays - 1)).map_err(refused)?,
    }
    Ok(Box::new(Movie { encoder, canvas, below: None, pending: None, elapsed_ms: 0, written_cs: 0 }))
}

/// Frames are written one behind: how a frame leaves the canvas depends on the one that follows.
struct Movie {
    encoder: Encoder<Vec<u8>>,
    canvas: Canvas,
    /// What the canvas shows before `pending` is drawn; `None` when it is clear.
    below: Option<Vec<Pixel>>,
    pending: Option<Pending>,
    /// The end of the last pushed frame, in milliseconds.
    elapsed_ms: u64,
    /// The end of the last pushed frame as written, in hundredths of a second.
    written_cs: u64,
}

struct Pending {
    pixels: Vec<Pixel>,
    /// In hundredths of a second.
    delay: u16,
}

impl AnimationEncoder for Movie {
    fn push(&mut self, frame: &Frame, delay_ms: u32) -> Result<(), ImageError> {
        if (frame.width, frame.height) != (self.canvas.width, self.canvas.height) {
            return Err(refused("a frame is not as large as the canvas"));
        }
        let pixels = pixels(frame);
        self.write_pending(Some(&pixels))?;
        // Rounding the end of every frame, not its length, keeps long animations in time.
        self.elapsed_ms += u64::from(delay_ms);
        let end_cs = (self.elapsed_ms + 5) / 10;
        let delay = u16::try_from(end_cs - self.written_cs).unwrap_or(u16::MAX);
        self.written_cs = end_cs;
        self.pending = Some(Pending { pixels, delay });
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.write_pending(None)?;
        self.encoder.into_inner().map_err(|error| refused(error.to_string()))
    }
}

impl Movie {
    /// Writes the waiting frame, knowing what comes after it.
    fn write_pending(&mut self, next: Option<&[Pixel]>) -> Result<(), ImageError> {
        let Some(Pending { pixels, delay }) = self.pending.take() else { return Ok(()) };
        // A pixel can only become transparent again when the canvas is cleared, which clears what the frame covers.
        let clears = next
            .is_some_and(|next| pixels.iter().zip(next).any(|(now, then)| now.is_some() && then.is_none()));
        let area = if clears { Area::whole(self.canvas) } else { self.changed_area(&pixels) };
        let shown = self.changes(&pixels, area);
        let (palette, indices, transparent) = palette::quantise(&shown, area.width);
        let frame = gif::Frame {
            delay,
            dispose: if clears { DisposalMethod::Background } else { DisposalMethod::Keep },
            transparent,
            left: area.left as u16,
            top: area.top as u16,
            width: area.width as u16,
            height: area.height as u16,
            palette: Some(palette),
            buffer: indices.into(),
            ..gif::Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(refused)?;
        self.below = (!clears).then_some(pixels);
        Ok(())
    }

    /// The smallest rectangle outside which nothing changes; at least one pixel, because a frame has to be.
    fn changed_area(&self, pixels: &[Pixel]) -> Area {
        let Some(below) = &self.below else { return Area::whole(self.canvas) };
        let width = self.canvas.width as usize;
        let differs = |row: &[Pixel], old: &[Pixel]| row != old;
        let rows = || pixels.chunks_exact(width).zip(below.chunks_exact(width));
        let Some(top) = rows().position(|(row, old)| differs(row, old)) else {
            return Area { left: 0, top: 0, width: 1, height: 1 };
        };
        let bottom = rows().rposition(|(row, old)| differs(row, old)).unwrap_or(top);
        let columns = |row: &[Pixel], old: &[Pixel]| {
            let left = row.iter().zip(old).position(|(a, b)| a != b)?;
            Some((left, row.iter().zip(old).rposition(|(a, b)| a != b).unwrap_or(left)))
        };
        let (left, right) = rows()
            .filter_map(|(row, old)| columns(row, old))
            .fold((width, 0), |(left, right), (from, to)| (left.min(from), right.max(to)));
        Area { left, top, width: right + 1 - left, height: bottom + 1 - top }
    }

    /// The pixels of an area; those that the canvas shows already are left out.
    fn changes(&self, pixels: &[Pixel], area: Area) -> Vec<Pixel> {
        let width = self.canvas.width as usize;
        let places = (area.top..area.top + area.height)
            .flat_map(|y| (area.left..area.left + area.width).map(move |x| y * width + x));
        match &self.below {
            None => places.map(|at| pixels[at]).collect(),
            Some(below) => places.map(|at| pixels[at].filter(|_| pixels[at] != below[at])).collect(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Area {
    fn whole(canvas: Canvas) -> Self {
        Self { left: 0, top: 0, width: canvas.width as usize, height: canvas.height as usize }
    }
}

fn pixels(frame: &Frame) -> Vec<Pixel> {
    let seen = |rgb: [u8; 3], alpha: u8| (alpha >= OPAQUE).then_some(rgb);
    let samples = &frame.pixels;
    match frame.layout {
        Layout::Gray => samples.iter().map(|&v| Some([v; 3])).collect(),
        Layout::GrayAlpha => samples.as_chunks::<2>().0.iter().map(|&[v, a]| seen([v; 3], a)).collect(),
        Layout::Rgb => samples.as_chunks::<3>().0.iter().map(|&rgb| Some(rgb)).collect(),
        Layout::Rgba => samples.as_chunks::<4>().0.iter().map(|&[r, g, b, a]| seen([r, g, b], a)).collect(),
    }
}

fn refused(error: impl std::fmt::Display) -> ImageError {
    ImageError::Encode { format: Format::Gif, detail: format!("{error}") }
}

#[cfg(test)]
mod tests;

//! GIF decoding: frames are composited as browsers do.
//!
//! The background colour is never painted (pixels that no frame covers are transparent), frames may reach over the
//! canvas and are cut there, and damage after the first frame ends the animation.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit, Repeat};

use crate::{
    Format, Frame, Guard, Header, ImageError, Layout, Limits, Orientation, Source,
    decode::{Animation, Decoded, Input, Metadata},
    inspect::within,
    source::ReadSeek,
};

type Reader = Decoder<Box<dyn ReadSeek>>;

/// Reads the screen size and walks the blocks to count the frames, at most one more than the limit allows.
pub(crate) fn header(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    let mut options = options(limits);
    options.skip_frame_decoding(true);
    let mut reader = options.read_info(source.open()?).map_err(damaged)?;
    let first = next_place(&mut reader)?.ok_or_else(|| damaged("it has no frame"))?;
    let (width, height) = canvas_size(&reader, &first);
    let mut frames = 1u32;
    let mut has_alpha = !first.covers(width, height);
    let mut clears = first.clears;
    // Damage further on is found when (and if) those frames are decoded.
    while frames <= limits.frames {
        let Ok(Some(place)) = next_place(&mut reader) else { break };
        frames += 1;
        has_alpha |= clears;
        clears |= place.clears;
    }
    let canvas = u64::from(width) * u64::from(height);
    // The canvas, the indices of one frame, and for an animation the frame handed out and the one to go back to.
    let memory = if frames > 1 { canvas * 13 } else { canvas * 5 };
    Ok(Header {
        format: Format::Gif,
        width,
        height,
        orientation: Orientation::default(),
        frames,
        has_alpha,
        streams: false,
        memory,
        held: memory,
    })
}

/// Decodes the first frame.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let mut player = Player::new(input)?;
    if !player.advance()? {
        return Err(damaged("it has no frame"));
    }
    let metadata = Metadata {
        icc: player.reader.icc_profile().map(<[u8]>::to_vec),
        exif: None,
        xmp: player.reader.xmp_metadata().map(<[u8]>::to_vec),
    };
    Ok(Decoded::whole(player.canvas, metadata))
}

/// The composited frames, all with alpha.
pub(crate) fn animation(input: &Input<'_>) -> Result<Box<dyn Animation>, ImageError> {
    Ok(Box::new(Player::new(input)?))
}

/// Decodes frame after frame onto one canvas.
struct Player {
    reader: Reader,
    guard: Guard,
    canvas: Frame,
    /// What happens to the frame that is shown before the next one is drawn.
    leaving: Option<Leaving>,
    /// Whether a frame was handed out: damage after it only ends the animation.
    begun: bool,
    /// A frame can be larger than the canvas that the header was judged by.
    frame_pixels: u64,
}

/// A frame's place on the canvas and what becomes of it.
#[derive(Clone, Copy)]
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// Whether its disposal can leave transparent pixels.
    clears: bool,
    /// Whether it has a transparent colour.
    see_through: bool,
}

enum Leaving {
    Clear(Place),
    Restore(Vec<u8>),
}

impl Animation for Player {
    fn loops(&self) -> u16 {
        // The file counts repetitions after the first play.
        match self.reader.repeat() {
            Repeat::Infinite => 0,
            Repeat::Finite(repetitions) => repetitions.saturating_add(1),
        }
    }

    fn next_frame(&mut self) -> Result<Option<(Frame, u32)>, ImageError> {
        let advanced = match self.advance() {
            Err(ImageError::Corrupt { .. }) if self.begun => false,
            other => other?,
        };
        self.begun = true;
        Ok(advanced.then(|| (self.canvas.clone(), u32::from(self.delay()) * 10)))
    }
}

impl Player {
    fn new(input: &Input<'_>) -> Result<Self, ImageError> {
        let reader = options(input.limits).read_info(input.source.open()?).map_err(damaged)?;
        let (width, height) = (input.header.width, input.header.height);
        let pixels = vec![0; width as usize * height as usize * 4];
        Ok(Self {
            reader,
            guard: input.guard.clone(),
            canvas: Frame { width, height, layout: Layout::Rgba, pixels },
            leaving: None,
            begun: false,
            frame_pixels: input.limits.frame_pixels,
        })
    }

    fn delay(&self) -> u16 {
        self.reader.current_frame_info().map_or(0, |frame| frame.delay)
    }

    /// Draws the next frame; false after the last.
    fn advance(&mut self) -> Result<bool, ImageError> {
        self.guard.check()?;
        let Some(place) = next_place(&mut self.reader)? else { return Ok(false) };
        within("frame_pixels", (place.width * place.height) as u64, self.frame_pixels)?;
        let mut indices = vec![0; place.width * place.height];
        self.reader.read_into_buffer(&mut indices).map_err(damaged)?;
        self.dispose();
        self.leaving = self.leaving_of(place);
        self.draw(place, &indices)?;
        Ok(true)
    }

    fn dispose(&mut self) {
        match self.leaving.take() {
            Some(Leaving::Clear(place)) => {
                for y in place.rows(&self.canvas) {
                    let row = place.row_on(&self.canvas, y);
                    self.canvas.pixels[row].fill(0);
                }
            }
            Some(Leaving::Restore(pixels)) => self.canvas.pixels = pixels,
            None => {}
        }
    }

    fn leaving_of(&self, place: Place) -> Option<Leaving> {
        match self.reader.current_frame_info()?.dispose {
            DisposalMethod::Background => Some(Leaving::Clear(place)),
            DisposalMethod::Previous => Some(Leaving::Restore(self.canvas.pixels.clone())),
            DisposalMethod::Any | DisposalMethod::Keep => None,
        }
    }

    fn draw(&mut self, place: Place, indices: &[u8]) -> Result<(), ImageError> {
        let colours = self.colours()?;
        for y in place.rows(&self.canvas) {
            self.guard.check()?;
            let row = place.row_on(&self.canvas, y);
            let from = &indices[(y - place.top) * place.width..];
            for (pixel, &index) in self.canvas.pixels[row].as_chunks_mut::<4>().0.iter_mut().zip(from) {
                if let Some([r, g, b]) = colours[usize::from(index)] {
                    *pixel = [r, g, b, 255];
                }
            }
        }
        Ok(())
    }

    /// The colour of every index; `None` leaves the pixel as it is. Indices past the palette are treated as
    /// transparent, as browsers do.
    fn colours(&self) -> Result<[Option<[u8; 3]>; 256], ImageError> {
        let palette = self.reader.palette().map_err(damaged)?;
        let mut colours = [None; 256];
        for (colour, rgb) in colours.iter_mut().zip(palette.as_chunks::<3>().0) {
            *colour = Some(*rgb);
        }
        if let Some(transparent) = self.reader.current_frame_info().and_then(|frame| frame.transparent) {
            colours[usize::from(transparent)] = None;
        }
        Ok(colours)
    }
}

impl Place {
    fn covers(&self, width: u32, height: u32) -> bool {
        let reaches = self.width >= width as usize && self.height >= height as usize;
        !self.see_through && (self.left, self.top) == (0, 0) && reaches
    }

    /// The rows of the canvas that the frame lies on.
    fn rows(&self, canvas: &Frame) -> std::ops::Range<usize> {
        self.top..(self.top + self.height).min(canvas.height as usize)
    }

    /// The bytes of row `y` of the canvas that the frame lies on; empty where it lies beside the canvas.
    fn row_on(&self, canvas: &Frame, y: usize) -> std::ops::Range<usize> {
        let width = canvas.width as usize;
        let (left, right) = (self.left.min(width), (self.left + self.width).min(width));
        (y * width + left) * 4..(y * width + right) * 4
    }
}

fn options(limits: &Limits) -> DecodeOptions {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(false);
    options.allow_unknown_blocks(true);
    options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::new(limits.memory).unwrap_or(NonZeroU64::MIN)));
    options
}

/// Where the next frame lies; `None` after the last.
fn next_place(reader: &mut Reader) -> Result<Option<Place>, ImageError> {
    let Some(frame) = reader.next_frame_info().map_err(damaged)? else { return Ok(None) };
    Ok(Some(Place {
        left: usize::from(frame.left),
        top: usize::from(frame.top),
        width: usize::from(frame.width),
        height: usize::from(frame.height),
        clears: matches!(frame.dispose, DisposalMethod::Background | DisposalMethod::Previous),
        see_through: frame.transparent.is_some(),
    }))
}

/// The logical screen; files that leave it empty mean the first frame.
fn canvas_size(reader: &Reader, first: &Place) -> (u32, u32) {
    let side = |screen: u16, frame: usize| if screen == 0 { frame as u32 } else { u32::from(screen) };
    (side(reader.width(), first.left + first.width), side(reader.height(), first.top + first.height))
}

fn damaged(error: impl ToString) -> ImageError {
    ImageError::corrupt(Format::Gif, error)
}

#[cfg(test)]
mod tests;

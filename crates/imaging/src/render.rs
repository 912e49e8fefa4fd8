//! The walk of one image: header, plan, one decode, every result.

use darkroom_core::operation::{Metadata as Keeping, Thumbnail};

use crate::{
    Format, Frame, Guard, Header, ImageError, Limits, Source, Spent,
    decode::{self, Decoded, Input, Metadata},
    develop::{develop, without_idle_alpha},
    encode::{self, AnimationEncoder, Canvas, Style},
    inspect::{inspect, within},
    levels::Levels,
    metadata,
    plan::{Plan, Work, memory_needed},
};

/// One encoded result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// The encoded image.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its frames; 1 unless it is an animation.
    pub frames: u32,
}

/// An image whose header has been read and passed every limit: what can be rendered without reading it again.
#[derive(Debug, Clone)]
pub struct Inspected {
    pub(crate) source: Source,
    pub(crate) header: Header,
    pub(crate) limits: Limits,
}

impl Inspected {
    /// Reads the header and checks all limits, see [`inspect`]. The source is not to change while this lives.
    pub fn new(source: Source, limits: Limits) -> Result<Self, ImageError> {
        let header = inspect(&source, &limits)?;
        Ok(Self { source, header, limits })
    }

    /// Width and height as seen, after the orientation.
    pub fn upright_size(&self) -> (u32, u32) {
        self.header.upright_size()
    }

    /// Whether pixels may be transparent.
    pub fn has_alpha(&self) -> bool {
        self.header.has_alpha
    }

    /// Bytes of working memory that rendering these requests takes, see [`memory_needed`].
    pub fn memory_needed(&self, requests: &[Thumbnail]) -> u64 {
        memory_needed(&self.header, requests)
    }

    /// Makes every requested thumbnail from one decode, in the order of the requests.
    ///
    /// All limits are checked before any pixel work. Without requests there is no pixel work either.
    pub fn render(&self, requests: &[Thumbnail], guard: &Guard) -> Result<Vec<Rendition>, ImageError> {
        self.render_timed(requests, guard, &mut Spent::default())
    }

    /// As [`Self::render`], and says where the time went, also that of work which failed.
    pub fn render_timed(
        &self,
        requests: &[Thumbnail],
        guard: &Guard,
        spent: &mut Spent,
    ) -> Result<Vec<Rendition>, ImageError> {
        let Self { source, header, limits } = self;
        let plan = Plan::new(header, requests);
        plan.check(header, limits)?;
        guard.check()?;
        if plan.works.is_empty() {
            return Ok(Vec::new());
        }
        let decoder = decode::decoder(header.format)?;
        let input = Input { source, header, wish: plan.wish, limits, guard };
        match decoder.animation {
            Some(animation) if plan.is_animated() => {
                let animation = spent.decoding(|| animation(&input))?;
                Frames { input: &input, plan: &plan, seen: 0, spent }.render(animation)
            }
            _ => {
                let image = Image::new(spent.decoding(|| (decoder.still)(&input))?);
                stills(image, &plan, header, (guard, spent))
            }
        }
    }
}

/// Inspects and renders in one call.
pub fn render(
    source: &Source,
    requests: &[Thumbnail],
    limits: &Limits,
    guard: &Guard,
) -> Result<Vec<Rendition>, ImageError> {
    Inspected::new(source.clone(), limits.clone())?.render(requests, guard)
}

/// Encodes a frame (sRGB, without metadata) as JPEG, PNG, WebP, GIF or AVIF at the format's default quality. JPEG takes no
/// alpha.
pub fn encode(frame: &Frame, format: Format, guard: &Guard) -> Result<Vec<u8>, ImageError> {
    encode::still(frame, format, &Style { quality: None, metadata: Metadata::default() }, guard)
}

/// From the smallest to the largest, so that the decoded image can be forgotten before the largest is encoded.
fn stills(
    mut image: Image,
    plan: &Plan<'_>,
    header: &Header,
    (guard, spent): (&Guard, &mut Spent),
) -> Result<Vec<Rendition>, ImageError> {
    let mut order: Vec<_> = plan.works.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.least_pixels().total_cmp(&b.least_pixels()));
    let mut done = Vec::with_capacity(order.len());
    if let Some(((last, largest), smaller)) = order.split_last() {
        for (index, work) in smaller {
            done.push((*index, image.render(work, header, (guard, spent))?));
        }
        done.push((*last, image.render_last(largest, header, (guard, spent))?));
    }
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, rendition)| rendition).collect())
}

/// A decoded image, ready for any number of results.
struct Image {
    levels: Levels,
    metadata: Metadata,
}

impl Image {
    fn new(decoded: Decoded) -> Self {
        let levels = Levels::new(without_idle_alpha(decoded.frame), decoded.covers);
        Self { levels, metadata: decoded.metadata }
    }

    fn develop(&mut self, work: &Work<'_>, header: &Header) -> Frame {
        develop(&mut self.levels, header, self.metadata.icc.as_deref(), work)
    }

    fn render(
        &mut self,
        work: &Work<'_>,
        header: &Header,
        (guard, spent): (&Guard, &mut Spent),
    ) -> Result<Rendition, ImageError> {
        guard.check()?;
        let frame = self.develop(work, header);
        spent.encoding(|| encoded(&frame, work, &self.metadata, guard))
    }

    /// Forgets the image before the result is encoded.
    fn render_last(
        mut self,
        work: &Work<'_>,
        header: &Header,
        (guard, spent): (&Guard, &mut Spent),
    ) -> Result<Rendition, ImageError> {
        guard.check()?;
        let frame = self.develop(work, header);
        drop(self.levels);
        spent.encoding(|| encoded(&frame, work, &self.metadata, guard))
    }
}

fn encoded(
    frame: &Frame,
    work: &Work<'_>,
    metadata: &Metadata,
    guard: &Guard,
) -> Result<Rendition, ImageError> {
    let bytes = encode::still(frame, work.format, &style(work, metadata), guard)?;
    Ok(Rendition { bytes, format: work.format, width: frame.width, height: frame.height, frames: 1 })
}

fn style(work: &Work<'_>, found: &Metadata) -> Style {
    let metadata = match work.request.metadata {
        Keeping::Keep => metadata::kept(found),
        Keeping::Strip => Metadata::default(),
    };
    Style { quality: work.request.quality.map(darkroom_core::operation::Quality::get), metadata }
}

/// One pass over an animation: every frame is decoded once, resized for every result and encoded, then forgotten.
struct Frames<'a> {
    input: &'a Input<'a>,
    plan: &'a Plan<'a>,
    seen: u32,
    spent: &'a mut Spent,
}

/// A result in the making.
enum Making {
    Still(Rendition),
    Animated(Box<dyn AnimationEncoder>, Rendition),
}

impl Frames<'_> {
    fn render(mut self, mut animation: Box<dyn decode::Animation>) -> Result<Vec<Rendition>, ImageError> {
        let mut making = Vec::new();
        while let Some((frame, delay)) = self.spent.decoding(|| animation.next_frame())? {
            self.count(&frame)?;
            let mut image = Image::new(Decoded::whole(frame, Metadata::default()));
            if making.is_empty() {
                making = self.begin(&mut image, animation.loops())?;
            }
            self.push(&mut image, &mut making, delay)?;
        }
        if making.is_empty() {
            return Err(ImageError::corrupt(self.input.header.format, "an animation without frames"));
        }
        making.into_iter().map(|result| self.finish(result)).collect()
    }

    /// The header may have promised fewer frames than there are.
    fn count(&mut self, frame: &Frame) -> Result<(), ImageError> {
        self.input.guard.check()?;
        self.seen += 1;
        let limits = self.input.limits;
        within("frames", u64::from(self.seen), u64::from(limits.frames))?;
        let pixels = u64::from(frame.width) * u64::from(frame.height) * u64::from(self.seen);
        within("animation_pixels", pixels, limits.animation_pixels)
    }

    fn begin(&mut self, image: &mut Image, loops: u16) -> Result<Vec<Making>, ImageError> {
        let Input { header, guard, .. } = *self.input;
        let begin = |work: &Work<'_>| {
            if !work.animated {
                return Ok(Making::Still(image.render(work, header, (guard, &mut *self.spent))?));
            }
            let (width, height) = work.geometry.canvas;
            let style = style(work, &Metadata::default());
            let encoder = encode::animation(Canvas { width, height, loops }, work.format, style)?;
            let rendition = Rendition { bytes: Vec::new(), format: work.format, width, height, frames: 0 };
            Ok(Making::Animated(encoder, rendition))
        };
        self.plan.works.iter().map(begin).collect()
    }

    fn push(&mut self, image: &mut Image, making: &mut [Making], delay: u32) -> Result<(), ImageError> {
        for (work, result) in self.plan.works.iter().zip(making) {
            if let Making::Animated(encoder, _) = result {
                let frame = image.develop(work, self.input.header);
                self.spent.encoding(|| encoder.push(&frame, delay))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, result: Making) -> Result<Rendition, ImageError> {
        self.input.guard.check()?;
        match result {
            Making::Still(rendition) => Ok(rendition),
            Making::Animated(encoder, rendition) => {
                let bytes = self.spent.encoding(|| encoder.finish())?;
                Ok(Rendition { bytes, frames: self.seen, ..rendition })
            }
        }
    }
}

//! What one decode must give so that every request can be made from it.

use darkroom_core::operation::{Filter, Frames, Light, Metadata, OutputFormat, Reduce, Thumbnail};

use crate::{
    Format, Header, ImageError, Layout, Limits,
    decode::{self, MetadataWish, Wish},
    encode,
    geometry::Geometry,
    inspect::within,
    resample::scratch_bytes,
};

/// How many times larger than the result, on each side, a reduced image is at least.
struct Margins {
    /// After the codec's own scaling, which drops frequencies cleanly.
    scaled: f64,
    /// After averaging whole cells, which blurs a little and aliases a little.
    averaged: f64,
}

/// `balanced` averages to twice the result, which costs a PNG 1 or 2 % (12 megapixels to 512 px: 51 dB against the filter
/// on every pixel; 1.4 times would give 44 dB, once 37 dB), and lets the codec scale to 1.4 times.
fn margins(reduce: Reduce) -> Margins {
    let (scaled, averaged) = match reduce {
        Reduce::Speed => (1.0, 1.5),
        Reduce::Balanced => (1.4, 2.0),
        Reduce::Quality => (2.0, 3.0),
        Reduce::None => (f64::INFINITY, f64::INFINITY),
    };
    Margins { scaled, averaged }
}

/// Averaging never leaves fewer pixels than these, whatever the margin says: a filter over so few takes about a
/// millisecond. A 12-megapixel JPEG to 100 px has 52 dB; the margins alone gave 41 (`balanced`) and 33 dB (`speed`).
const FEW_PIXELS: f64 = 262_144.0;

/// One request, laid out for one image.
pub(crate) struct Work<'a> {
    pub(crate) request: &'a Thumbnail,
    /// Upright, as seen.
    pub(crate) geometry: Geometry,
    pub(crate) format: Format,
    /// The whole image (stored orientation) at the scale of the result.
    shown: (f64, f64),
    /// The smallest size (stored orientation) that the codec may scale the whole image to.
    scaled: (f64, f64),
    /// The smallest size (stored orientation) that averaging may reduce the whole image to.
    pub(crate) averaged: (f64, f64),
    pub(crate) animated: bool,
}

/// All requests, and what they ask of the one decode.
pub(crate) struct Plan<'a> {
    pub(crate) works: Vec<Work<'a>>,
    pub(crate) wish: Wish,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(header: &Header, requests: &'a [Thumbnail]) -> Self {
        let works: Vec<_> = requests.iter().map(|request| Work::new(header, request)).collect();
        let wish = Wish {
            scaled: smallest(header, &works, |work| work.scaled),
            averaged: smallest(header, &works, |work| work.averaged),
            shown: smallest(header, &works, |work| work.shown),
            metadata: metadata(&works),
            light: light(&works),
        };
        Self { works, wish }
    }

    /// Checks what only the requests can tell.
    pub(crate) fn check(&self, header: &Header, limits: &Limits) -> Result<(), ImageError> {
        for work in &self.works {
            let (width, height) = work.geometry.canvas;
            within("result_side", u64::from(width.max(height)), u64::from(limits.result_side))?;
        }
        if self.is_animated() {
            let pixels = u64::from(header.width) * u64::from(header.height);
            within("frames", u64::from(header.frames), u64::from(limits.frames))?;
            within("animation_pixels", pixels * u64::from(header.frames), limits.animation_pixels)?;
        }
        within("memory", self.memory(header), limits.memory)
    }

    pub(crate) fn is_animated(&self) -> bool {
        self.works.iter().any(|work| work.animated)
    }

    /// Bytes of working memory, with every result made after the other.
    pub(crate) fn memory(&self, header: &Header) -> u64 {
        let channels = if header.has_alpha { 4 } else { 3 };
        let (width, height) = decode::reduced_size(header, self.wish);
        let frame = u64::from(width) * u64::from(height) * channels;
        // Halved copies of the frame add a third at most.
        let levels = if header.streams { frame + frame / 3 } else { frame / 3 };
        let result = |work: &Work<'_>| {
            let canvas = u64::from(work.geometry.canvas.0) * u64::from(work.geometry.canvas.1);
            work.scratch(header, (width, height)) + 2 * canvas * channels
        };
        let rows = u64::from(header.width) * channels * 4;
        FIXED_BYTES + header.held + levels + rows + self.works.iter().map(result).max().unwrap_or(0)
    }
}

/// Read buffers, tables of the codecs and small change.
pub(crate) const FIXED_BYTES: u64 = 1 << 20;

/// Bytes of working memory that [`crate::render`] takes for these requests: what admission counts.
pub fn memory_needed(header: &Header, requests: &[Thumbnail]) -> u64 {
    Plan::new(header, requests).memory(header)
}

impl<'a> Work<'a> {
    fn new(header: &Header, request: &'a Thumbnail) -> Self {
        let (width, height) = header.upright_size();
        let geometry = Geometry::new(request, width, height);
        let format = result_format(request.format, header.format);
        let margins = margins(if request.filter == Filter::Nearest { Reduce::None } else { request.reduce });
        let (w, h) = geometry.whole_at_result_scale(width, height);
        let (w, h) = if header.orientation.swaps_sides() { (h, w) } else { (w, h) };
        let few = few_pixels(header);
        Self {
            request,
            geometry,
            format,
            shown: (w, h),
            scaled: (w * margins.scaled, h * margins.scaled),
            averaged: ((w * margins.averaged).max(few.0), (h * margins.averaged).max(few.1)),
            animated: request.frames == Frames::All && header.frames > 1 && encode::can_animate(format),
        }
    }

    /// Bytes that resampling takes beside a frame of `size` and its result.
    fn scratch(&self, header: &Header, size: (u32, u32)) -> u64 {
        let (layout, upright) =
            (if header.has_alpha { Layout::Rgba } else { Layout::Rgb }, self.geometry.size);
        let rows = if header.orientation.swaps_sides() { upright.0 } else { upright.1 };
        scratch_bytes(layout, size, rows, self.request.light)
    }

    /// Pixels of the smallest frame that it can be made from.
    pub(crate) fn least_pixels(&self) -> f64 {
        self.averaged.0 * self.averaged.1
    }
}

/// The size of the image with [`FEW_PIXELS`], or its own if it has no more.
fn few_pixels(header: &Header) -> (f64, f64) {
    let (width, height) = (f64::from(header.width), f64::from(header.height));
    let scale = (FEW_PIXELS / (width * height)).sqrt().min(1.0);
    (width * scale, height * scale)
}

fn result_format(asked: OutputFormat, source: Format) -> Format {
    match asked {
        OutputFormat::Jpeg => Format::Jpeg,
        OutputFormat::Webp => Format::Webp,
        OutputFormat::Avif => Format::Avif,
        OutputFormat::Gif => Format::Gif,
        OutputFormat::Source if encode::can_write(source) => source,
        OutputFormat::Png | OutputFormat::Source => Format::Png,
    }
}

/// The largest of the sizes that the works may be reduced to, within the image.
fn smallest(header: &Header, works: &[Work<'_>], size: fn(&Work<'_>) -> (f64, f64)) -> (u32, u32) {
    let most =
        |side: fn((f64, f64)) -> f64| works.iter().map(|work| side(size(work))).fold(1.0, f64::max).ceil();
    let within = |side: f64, most: u32| if side < f64::from(most) { side as u32 } else { most };
    (within(most(|s| s.0), header.width), within(most(|s| s.1), header.height))
}

fn metadata(works: &[Work<'_>]) -> MetadataWish {
    let keeps = works.iter().any(|work| work.request.metadata == Metadata::Keep);
    if keeps { MetadataWish::Read } else { MetadataWish::Drop }
}

/// Decoders average in linear light only when every request wants that.
fn light(works: &[Work<'_>]) -> Light {
    if works.iter().all(|work| work.request.light == Light::Linear) { Light::Linear } else { Light::Gamma }
}

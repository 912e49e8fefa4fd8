//! Animations keep their frames, delays and plays, from GIF and WebP to GIF and WebP.

use darkroom_core::operation::{Frames, OutputFormat, Thumbnail};
use darkroom_imaging::{Format, Limits, Rendition, Source, inspect};
use gif::{Encoder, Frame, Repeat};

use crate::data;

const DELAYS: [u16; 4] = [5, 20, 7, 100];

/// Four frames of 80 × 60 with a bar that moves.
fn bars(repeat: Option<Repeat>) -> Source {
    let mut encoder = Encoder::new(Vec::new(), 80, 60, &[200, 30, 30, 20, 20, 60]).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for (step, delay) in DELAYS.iter().enumerate() {
        let bar = step * 20..step * 20 + 20;
        let indices: Vec<u8> = (0..80 * 60).map(|i| u8::from(!bar.contains(&(i % 80)))).collect();
        let frame =
            Frame { width: 80, height: 60, delay: *delay, buffer: indices.into(), ..Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    Source::bytes(encoder.into_inner().unwrap())
}

fn animated(source: &Source, format: OutputFormat) -> Rendition {
    data::thumbnail(source, &Thumbnail { format, frames: Frames::All, ..Thumbnail::fit(40, 40) }).unwrap()
}

/// The frames' delays in hundredths of a second, and the plays (0 is for ever).
fn gif_timing(bytes: &[u8]) -> (Vec<u16>, u16) {
    let mut reader = gif::Decoder::new(bytes).unwrap();
    let mut delays = Vec::new();
    while let Some(frame) = reader.read_next_frame().unwrap() {
        delays.push(frame.delay);
    }
    let plays = match reader.repeat() {
        Repeat::Infinite => 0,
        Repeat::Finite(again) => again + 1,
    };
    (delays, plays)
}

#[test]
fn gif_to_gif_keeps_frames_delays_and_plays() {
    for (repeat, plays) in [(None, 1), (Some(Repeat::Infinite), 0), (Some(Repeat::Finite(2)), 3)] {
        let rendition = animated(&bars(repeat), OutputFormat::Source);
        assert_eq!(
            (rendition.format, rendition.frames, rendition.width, rendition.height),
            (Format::Gif, 4, 40, 30)
        );
        assert_eq!(gif_timing(&rendition.bytes), (DELAYS.to_vec(), plays));
    }
}

#[test]
fn gif_to_webp_and_back_keeps_frames_delays_and_plays() {
    let webp = animated(&bars(Some(Repeat::Finite(4))), OutputFormat::Webp);
    assert_eq!((webp.format, webp.frames), (Format::Webp, 4));
    let header = inspect(&Source::bytes(webp.bytes.as_slice()), &Limits::default()).unwrap();
    assert_eq!((header.frames, header.width, header.height), (4, 40, 30));
    let gif = animated(&Source::bytes(webp.bytes), OutputFormat::Gif);
    assert_eq!(gif_timing(&gif.bytes), (DELAYS.to_vec(), 5));
}

#[test]
fn only_the_first_frame_is_kept_unless_asked() {
    for format in [OutputFormat::Gif, OutputFormat::Webp] {
        let rendition =
            data::thumbnail(&bars(None), &Thumbnail { format, ..Thumbnail::fit(40, 40) }).unwrap();
        assert_eq!(rendition.frames, 1);
    }
    // And formats without animation keep one even then.
    assert_eq!(animated(&bars(None), OutputFormat::Jpeg).frames, 1);
}

#[test]
fn real_animations_survive() {
    let Some(root) = data::folder("image-rs-tests") else { return };
    for name in ["gif/anim/mixed-disposal.gif", "gif/anim/any-disposal.gif", "webp/extended_images/anim.webp"]
    {
        let source = Source::file(root.join("tests/images").join(name));
        let frames = inspect(&source, &Limits::default()).unwrap().frames;
        assert!(frames > 1, "{name}");
        for format in [OutputFormat::Gif, OutputFormat::Webp] {
            let rendition = animated(&source, format);
            assert_eq!(rendition.frames, frames, "{name} to {format}");
        }
    }
}

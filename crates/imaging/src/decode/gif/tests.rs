//! Compositing, against what browsers show.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use gif::{DisposalMethod, Encoder, Frame as GifFrame};

use super::*;
use crate::decode::{MetadataWish, Wish};

const RED: u8 = 0;
const GREEN: u8 = 1;
const BLUE: u8 = 2;
const HOLE: u8 = 3;
const PALETTE: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9];

fn gif(canvas: (u16, u16), frames: &[GifFrame<'static>], repeat: Option<Repeat>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), canvas.0, canvas.1, &PALETTE).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

fn frame(place: [u16; 4], dispose: DisposalMethod, indices: &[u8]) -> GifFrame<'static> {
    let [left, top, width, height] = place;
    let buffer = indices.to_vec().into();
    GifFrame {
        left,
        top,
        width,
        height,
        dispose,
        buffer,
        transparent: Some(HOLE),
        delay: 7,
        ..GifFrame::default()
    }
}

fn play(source: &Source) -> (Header, Vec<(Frame, u32)>, u16) {
    let limits = Limits::default();
    let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
    let header = header(source, &limits).unwrap();
    let wish = Wish {
        scaled: (1, 1),
        averaged: (1, 1),
        shown: (1, 1),
        metadata: MetadataWish::Drop,
        light: darkroom_core::operation::Light::Gamma,
    };
    let input = Input { source, header: &header, wish, limits: &limits, guard: &guard };
    let mut animation = animation(&input).unwrap();
    let frames = std::iter::from_fn(|| animation.next_frame().unwrap()).collect();
    (header.clone(), frames, animation.loops())
}

/// One letter a pixel: r, g, b, or a dot where it is transparent.
fn letters(frame: &Frame) -> String {
    let letter = |pixel: &[u8; 4]| match pixel {
        [255, 0, 0, 255] => 'r',
        [0, 255, 0, 255] => 'g',
        [0, 0, 255, 255] => 'b',
        [.., 0] => '.',
        _ => '?',
    };
    let row = |row: &[u8]| row.as_chunks::<4>().0.iter().map(letter).collect::<String>();
    frame.pixels.chunks(frame.width as usize * 4).map(row).collect::<Vec<_>>().join(" ")
}

fn shown(frames: &[GifFrame<'static>]) -> Vec<String> {
    play(&Source::bytes(gif((3, 2), frames, None))).1.iter().map(|(frame, _)| letters(frame)).collect()
}

#[test]
fn frames_are_kept_cleared_or_taken_back() {
    let start = || frame([0, 0, 3, 2], DisposalMethod::Keep, &[RED; 6]);
    let dot = |dispose, colour| frame([1, 0, 1, 1], dispose, &[colour]);
    let last = || frame([0, 1, 1, 1], DisposalMethod::Keep, &[BLUE]);
    let with = |dispose| shown(&[start(), dot(dispose, GREEN), last()]);
    assert_eq!(with(DisposalMethod::Keep), ["rrr rrr", "rgr rrr", "rgr brr"]);
    assert_eq!(with(DisposalMethod::Any), ["rrr rrr", "rgr rrr", "rgr brr"]);
    assert_eq!(with(DisposalMethod::Background), ["rrr rrr", "rgr rrr", "r.r brr"]);
    assert_eq!(with(DisposalMethod::Previous), ["rrr rrr", "rgr rrr", "rrr brr"]);
}

#[test]
fn transparent_pixels_let_the_canvas_through() {
    let over = frame([0, 0, 3, 1], DisposalMethod::Keep, &[HOLE, GREEN, HOLE]);
    let start = frame([0, 0, 2, 2], DisposalMethod::Keep, &[RED, BLUE, RED, BLUE]);
    assert_eq!(shown(&[start, over]), ["rb. rb.", "rg. rb."]);
}

#[test]
fn frames_over_the_edge_are_cut() {
    let over = |left, top| frame([left, top, 3, 2], DisposalMethod::Background, &[GREEN; 6]);
    assert_eq!(shown(&[over(2, 1), over(9, 9), over(0, 0)]), ["... ..g", "... ...", "ggg ggg"]);
}

#[test]
fn interlaced_rows_come_in_order() {
    let rows: Vec<u8> = (0..16).map(|y| [RED, GREEN, BLUE][y % 3]).collect();
    // Stored in four passes: every eighth row, then the rows between.
    let order = [0, 8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15];
    let stored: Vec<u8> = order.iter().map(|&y| rows[y]).collect();
    let frame = GifFrame { interlaced: true, ..frame([0, 0, 1, 16], DisposalMethod::Keep, &stored) };
    let (_, frames, _) = play(&Source::bytes(gif((1, 16), &[frame], None)));
    assert_eq!(letters(&frames[0].0), "r g b r g b r g b r g b r g b r");
}

#[test]
fn the_header_counts_frames_and_plays() {
    let frames = vec![frame([0, 0, 3, 2], DisposalMethod::Keep, &[RED; 6]); 5];
    for (repeat, plays) in [(None, 1), (Some(Repeat::Infinite), 0), (Some(Repeat::Finite(4)), 5)] {
        let (header, shown, loops) = play(&Source::bytes(gif((3, 2), &frames, repeat)));
        assert_eq!((header.frames, shown.len(), loops), (5, 5, plays));
        assert!(shown.iter().all(|(_, delay)| *delay == 70));
    }
}

#[test]
fn damage_after_the_first_frame_ends_the_animation() {
    let noise: Vec<u8> = (0..3600u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 29) as u8 % 3).collect();
    let whole = gif((60, 60), &vec![frame([0, 0, 60, 60], DisposalMethod::Keep, &noise); 3], None);
    let cut = Source::bytes(&whole[..whole.len() * 3 / 5]);
    assert_eq!(play(&cut).1.len(), 1);
}

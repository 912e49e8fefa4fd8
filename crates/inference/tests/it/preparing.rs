//! Layouts, orders of colour and letterboxes.

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::{
    Data,
    image::{prepare, wanted_side, wants_alpha},
    manifest::{self, Colour, Filter, ImageInput, Resize},
};

use crate::golden::input;

/// Two pixels: red-ish and blue-ish.
fn two() -> Frame {
    Frame { width: 2, height: 1, layout: Layout::Rgb, pixels: vec![200, 10, 20, 1, 2, 100] }
}

fn values(frame: &Frame, input: &ImageInput) -> Vec<f32> {
    match prepare(frame, input).unwrap().into_parts().1 {
        Data::F32(values) => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn planes_or_pixels_and_either_order_of_colours() {
    let rgb = input(Colour::Rgb, [2, 1], Resize::Exact);
    assert_eq!(values(&two(), &rgb), [200.0, 1.0, 10.0, 2.0, 20.0, 100.0]);
    let bgr = ImageInput { colour: Colour::Bgr, mean: vec![20.0, 10.0, 100.0], ..rgb.clone() };
    assert_eq!(values(&two(), &bgr), [0.0, 80.0, 0.0, -8.0, 100.0, -99.0]);
    let pixels = ImageInput { layout: manifest::Layout::Nhwc, std: vec![2.0, 1.0, 4.0], ..rgb };
    assert_eq!(values(&two(), &pixels), [100.0, 10.0, 5.0, 0.5, 2.0, 25.0]);
    assert_eq!(prepare(&two(), &pixels).unwrap().shape(), [1, 1, 2, 3]);
}

#[test]
fn a_letterbox_is_centred_and_padded() {
    let boxed = ImageInput { pad: 7, filter: Filter::Nearest, ..input(Colour::Grey, [4, 4], Resize::Fit) };
    let frame = Frame { width: 2, height: 1, layout: Layout::Gray, pixels: vec![50, 60] };
    let rows = [[7.0; 4], [50.0, 50.0, 60.0, 60.0], [50.0, 50.0, 60.0, 60.0], [7.0; 4]];
    assert_eq!(values(&frame, &boxed), rows.concat());
}

#[test]
fn a_grey_frame_serves_a_model_for_colours() {
    let frame = Frame { width: 1, height: 1, layout: Layout::Gray, pixels: vec![9] };
    assert_eq!(values(&frame, &input(Colour::Rgb, [1, 1], Resize::Exact)), [9.0; 3]);
}

#[test]
fn a_digit_is_centred_ink_between_its_levels() {
    let ink = |x: u32, y: u32| if (3..6).contains(&x) && (10..40).contains(&y) { 20 } else { 240 };
    let pixels = (0..50).flat_map(|y| (0..50).map(move |x| ink(x, y))).collect();
    let frame = Frame { width: 50, height: 50, layout: Layout::Gray, pixels };
    let digit = ImageInput { std: vec![255.0], ..input(Colour::Grey, [28, 28], Resize::Digit) };
    let values = values(&frame, &digit);
    assert_eq!(values.len(), 28 * 28);
    assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
    assert!(values[14 * 28 + 14] > 0.5 || values[14 * 28 + 13] > 0.5, "the stroke is in the middle");
    let blank = Frame { pixels: vec![255; 2500], ..frame };
    assert_eq!(prepare(&blank, &digit).unwrap_err(), "nothing is drawn on this image");
}

#[test]
fn alpha_and_nothing_are_refused() {
    let rgba = Frame { width: 1, height: 1, layout: Layout::Rgba, pixels: vec![0; 4] };
    let none = Frame { width: 0, height: 0, layout: Layout::Rgb, pixels: Vec::new() };
    for frame in [rgba, none] {
        assert!(prepare(&frame, &input(Colour::Rgb, [1, 1], Resize::Exact)).is_err());
    }
}

#[test]
fn the_decoder_is_told_what_is_needed() {
    let shorter = ImageInput { resize_to: Some(256), ..input(Colour::Rgb, [224, 224], Resize::Shorter) };
    assert_eq!(wanted_side(&shorter), 256);
    assert_eq!(wanted_side(&input(Colour::Rgb, [320, 240], Resize::Exact)), 320);
    let digit = input(Colour::Grey, [28, 28], Resize::Digit);
    assert!(wanted_side(&digit) > 28 * 4, "a digit may be a small part of a photo");
    assert!(wants_alpha(&digit) && !wants_alpha(&shorter));
}

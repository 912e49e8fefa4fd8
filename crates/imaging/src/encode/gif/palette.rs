//! From any colours to at most 256.

use std::collections::HashMap;

use quantette::{
    ImageRef, PaletteSize, Pipeline, QuantizeMethod,
    deps::palette::{Srgb, cast},
};

use super::Pixel;

/// Palette entries; one of them is kept for transparency where there is any.
const MOST: usize = 256;

/// A palette (RGB triples), one index a pixel in rows of `width`, and the index of transparency.
///
/// As many colours as fit are kept exactly. More are reduced by Wu's method in Oklab and dithered by Floyd and
/// Steinberg's.
pub(super) fn quantise(pixels: &[Pixel], width: usize) -> (Vec<u8>, Vec<u8>, Option<u8>) {
    let see_through = pixels.iter().any(Option::is_none);
    let most = if see_through { MOST - 1 } else { MOST };
    let (mut palette, mut indices) = exact(pixels, most).unwrap_or_else(|| reduced(pixels, width, most));
    let transparent = see_through.then_some(palette.len() as u8);
    if let Some(transparent) = transparent {
        palette.push([0; 3]);
        let holes = indices.iter_mut().zip(pixels).filter(|(_, pixel)| pixel.is_none());
        holes.for_each(|(index, _)| *index = transparent);
    }
    (palette.into_flattened(), indices, transparent)
}

/// Every colour as it is, or `None` when there are too many.
fn exact(pixels: &[Pixel], most: usize) -> Option<(Vec<[u8; 3]>, Vec<u8>)> {
    let mut known: HashMap<[u8; 3], u8> = HashMap::new();
    let mut palette = Vec::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let Some(colour) = pixel else {
            indices.push(0);
            continue;
        };
        let index = match known.get(colour) {
            Some(&index) => index,
            None if palette.len() == most => return None,
            None => {
                let index = palette.len() as u8;
                known.insert(*colour, index);
                palette.push(*colour);
                index
            }
        };
        indices.push(index);
    }
    Some((palette, indices))
}

fn reduced(pixels: &[Pixel], width: usize, most: usize) -> (Vec<[u8; 3]>, Vec<u8>) {
    let size = PaletteSize::try_from(most as u16).unwrap_or(PaletteSize::MAX);
    let visible: Vec<Srgb<u8>> = pixels.iter().flatten().map(|&[r, g, b]| Srgb::new(r, g, b)).collect();
    let Ok(input) = Pipeline::new().palette_size(size).input_slice(&visible) else {
        return Default::default();
    };
    let palette = input.output_srgb8_palette();
    // A hole that has a colour of the palette spreads no error to its neighbours.
    let hole = palette.as_slice()[0];
    let filled: Vec<Srgb<u8>> =
        pixels.iter().map(|pixel| pixel.map_or(hole, |[r, g, b]| Srgb::new(r, g, b))).collect();
    let height = pixels.len() / width;
    let Ok(image) = ImageRef::new(width as u32, height as u32, &filled) else { return Default::default() };
    let method = QuantizeMethod::from(palette);
    let (palette, indices) =
        Pipeline::new().quantize_method(method).input_image(image).output_srgb8_indexed_image().into_parts();
    (cast::into_array_vec(palette), indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_kept_exactly() {
        let pixels = [Some([1, 2, 3]), None, Some([9, 9, 9]), Some([1, 2, 3])];
        let (palette, indices, transparent) = quantise(&pixels, 2);
        assert_eq!(palette, [1, 2, 3, 9, 9, 9, 0, 0, 0]);
        assert_eq!((indices, transparent), (vec![0, 2, 1, 0], Some(2)));
    }

    #[test]
    fn nothing_visible_is_all_transparent() {
        assert_eq!(quantise(&[None; 4], 2), (vec![0, 0, 0], vec![0; 4], Some(0)));
    }

    #[test]
    fn many_colours_become_256_and_stay_near() {
        let pixels: Vec<Pixel> = (0..64 * 64usize)
            .map(|i| (i % 97 != 0).then_some([(i % 64 * 4) as u8, (i / 64 * 4) as u8, 128]))
            .collect();
        let (palette, indices, transparent) = quantise(&pixels, 64);
        let transparent = transparent.unwrap();
        assert!(palette.len() <= 256 * 3);
        let mut error = 0.0;
        for (pixel, &index) in pixels.iter().zip(&indices) {
            assert_eq!(pixel.is_none(), index == transparent);
            let Some(colour) = pixel else { continue };
            let got = &palette[usize::from(index) * 3..][..3];
            error += colour.iter().zip(got).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum::<f64>();
        }
        let rms = (error / (pixels.len() * 3) as f64).sqrt();
        assert!(rms < 8.0, "root mean square error {rms}");
    }
}

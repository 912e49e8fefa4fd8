//! The weights of a layer as integers.

use crate::convert::{ConvertError, Tensor};

/// The largest weight; -128 is not used, so that there is no zero point.
const MOST: f32 = 127.0;

/// The largest bias: the sums of products that are added to it need room too.
const MOST_BIAS: f32 = (1 << 30) as f32;

/// No scale is smaller, so that its product with that of an activation stays a number.
const LEAST_SCALE: f32 = 1e-12;

/// Weights with one scale for each step along the first axis: `weight = integer · scale`.
#[derive(Debug, PartialEq)]
pub(in crate::convert) struct Rows {
    pub(in crate::convert) values: Vec<i8>,
    pub(in crate::convert) scales: Vec<f32>,
}

/// Weights and biases of a layer whose input has the scale that [`layer`] was told.
#[derive(Debug, PartialEq)]
pub(super) struct Layer {
    pub(super) weights: Rows,
    pub(super) bias: Vec<i32>,
    /// `input scale · weight scale` for each bias.
    pub(super) bias_scales: Vec<f32>,
}

/// The weights of each row, whose largest becomes 127; `least` is the smallest scale that a row may have.
///
/// What is lost by rounding adds up to less than one step a row: what a layer reads is mostly positive (after a ReLU) and
/// alike from place to place, so that losses of one sign would add up to a shift of the whole channel. Measured as
/// Kullback-Leibler divergence from the float model on the photographs for calibration: EfficientNet-Lite0 0.051 with
/// plain rounding, 0.013 so; ResNet-50 0.014 and 0.012.
pub(in crate::convert) fn rows(weights: &Tensor, least: impl Fn(usize) -> f32) -> Rows {
    let count = weights.shape().first().copied().unwrap_or(1);
    let each = weights.values().len().checked_div(count).unwrap_or_default().max(1);
    let rows = weights.values().chunks_exact(each);
    let largest = |row: &[f32]| row.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let scales: Vec<f32> = rows
        .clone()
        .enumerate()
        .map(|(at, row)| (largest(row) / MOST).max(least(at)).max(LEAST_SCALE))
        .collect();
    let integers = rows.zip(&scales).flat_map(|(row, &scale)| evenly_rounded(row, scale));
    Rows { values: integers.collect(), scales }
}

/// The integers of a layer. A row whose bias would not fit gets a larger scale: its weights are tiny beside it.
pub(super) fn layer(weights: &Tensor, bias: &[f32], input_scale: f32) -> Result<Layer, ConvertError> {
    let count = weights.shape().first().copied().unwrap_or_default();
    let finite = weights.values().iter().chain(bias).all(|value| value.is_finite());
    if count == 0 || !(bias.is_empty() || bias.len() == count) || !finite {
        return Err(ConvertError::malformed("a layer has weights that cannot be quantised"));
    }
    let least = |row: usize| bias.get(row).map_or(0.0, |bias| bias.abs() / (input_scale * MOST_BIAS));
    let weights = rows(weights, least);
    let bias_scales: Vec<f32> = weights.scales.iter().map(|scale| input_scale * scale).collect();
    let integer = |(bias, scale): (&f32, &f32)| (bias / scale).round_ties_even() as i32;
    let bias = bias.iter().zip(&bias_scales).map(integer).collect();
    Ok(Layer { weights, bias, bias_scales })
}

/// Rounded half to even; then as many of those that were nearest to the other side go there as make the sum right.
fn evenly_rounded(row: &[f32], scale: f32) -> Vec<i8> {
    let scale = f64::from(scale);
    let exact: Vec<f64> = row.iter().map(|weight| f64::from(*weight) / scale).collect();
    let mut rounded: Vec<f64> = exact.iter().map(|weight| weight.round_ties_even()).collect();
    // In steps, above zero where the rounded one is larger.
    let error = |at: &usize| rounded[*at] - exact[*at];
    let excess = (0..row.len()).map(|at| error(&at)).sum::<f64>().round_ties_even();
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| (error(b) * excess).total_cmp(&(error(a) * excess)));
    for &at in &order[..(excess.abs() as usize).min(row.len())] {
        rounded[at] -= excess.signum();
    }
    rounded.iter().map(|weight| weight.clamp(-f64::from(MOST), f64::from(MOST)) as i8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::Numbers;

    fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), values.to_vec()).unwrap()
    }

    #[test]
    fn every_row_has_its_own_scale_and_uses_all_of_it() {
        let weights = tensor(&[3, 2], &[127.0, -63.5, 0.0, 0.0, -2.54, 0.041]);
        let rows = rows(&weights, |_| 0.0);
        // 63.5 is half-way: the even one is 64. A row of zeros has some scale.
        assert_eq!(rows.values, [127, -64, 0, 0, -127, 2]);
        assert_eq!(rows.scales[..2], [1.0, LEAST_SCALE]);
        assert!((rows.scales[2] - 0.02).abs() < 1e-7);
    }

    #[test]
    fn losses_of_a_row_add_up_to_less_than_a_step() {
        // Four times 0.4 is lost, which is more than one step: two of them go up, the others stay.
        let rows = rows(&tensor(&[1, 5], &[127.0, 3.4, 3.4, 3.4, 3.4]), |_| 0.0);
        assert_eq!(rows.values, [127, 4, 4, 3, 3]);
        let values = Numbers(11).vector(40 * 50);
        let many = super::rows(&tensor(&[40, 50], &values), |_| 0.0);
        for ((row, bytes), scale) in values.chunks(50).zip(many.values.chunks(50)).zip(&many.scales) {
            let off: Vec<f32> = row.iter().zip(bytes).map(|(w, &b)| f32::from(b) - w / scale).collect();
            assert!(off.iter().all(|off| off.abs() < 1.0), "{off:?}");
            assert!(off.iter().sum::<f32>().abs() < 1.0, "{off:?}");
        }
    }

    #[test]
    fn a_bias_is_in_units_of_the_products() {
        let layer = layer(&tensor(&[2, 1], &[127.0, 12.7]), &[10.0, -0.26], 0.5).unwrap();
        assert_eq!(layer.weights.values, [127, 127]);
        assert_eq!(layer.bias, [20, -5]);
    }

    #[test]
    fn a_bias_beside_vanishing_weights_still_fits() {
        let layer = layer(&tensor(&[1, 1], &[1e-9]), &[3.0], 0.01).unwrap();
        let value = layer.bias[0] as f32 * layer.bias_scales[0];
        assert!((value - 3.0).abs() < 1e-5, "{value} {layer:?}");
        assert!((1 << 29..=1 << 30).contains(&layer.bias[0]), "{layer:?}");
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        assert!(layer(&tensor(&[1, 1], &[f32::NAN]), &[0.0], 1.0).is_err());
        assert!(layer(&tensor(&[1, 1], &[1.0]), &[f32::INFINITY], 1.0).is_err());
        assert!(layer(&tensor(&[2, 1], &[1.0, 1.0]), &[1.0], 1.0).is_err());
    }
}

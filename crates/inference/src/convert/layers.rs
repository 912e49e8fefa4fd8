//! Layers as published weights describe them, brought into the form in which they are cheapest to run.

use super::{ConvertError, Tensor};

/// A convolution over `[channels, height, width]`, after everything that could be folded into it was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Convolution {
    /// `[outputs, inputs / groups, height, width]`.
    pub(super) kernel: Tensor,
    /// One for each output.
    pub(super) bias: Vec<f32>,
    /// Vertical, horizontal.
    pub(super) strides: [usize; 2],
    /// Top, left, bottom, right.
    pub(super) pads: [usize; 4],
    pub(super) groups: usize,
}

/// What a batch norm has learnt, one value a channel.
#[derive(Debug, Clone)]
pub(super) struct BatchNorm {
    pub(super) scale: Tensor,
    pub(super) shift: Tensor,
    pub(super) mean: Tensor,
    pub(super) variance: Tensor,
    pub(super) epsilon: f64,
}

impl Convolution {
    pub(super) fn kernel_size(&self) -> [usize; 4] {
        self.kernel.dimensions("a kernel").unwrap_or_default()
    }

    /// This convolution with the batch norm that follows it: with `f = scale / √(variance + ε)`, kernels are
    /// multiplied by `f`, and the bias becomes `(bias − mean) · f + shift`. Computed in double precision, rounded once.
    pub(super) fn folded(self, norm: &BatchNorm) -> Result<Self, ConvertError> {
        let outputs = self.bias.len();
        let parts = [&norm.scale, &norm.shift, &norm.mean, &norm.variance];
        if parts.iter().any(|part| part.shape() != [outputs]) {
            return Err(ConvertError::malformed("a batch norm has not as many channels as its convolution"));
        }
        let [scale, shift, mean, variance] = parts.map(Tensor::values);
        let factor = |at: usize| f64::from(scale[at]) / (f64::from(variance[at]) + norm.epsilon).sqrt();
        let (shape, mut values) = self.kernel.into_parts();
        let each = values.len().checked_div(outputs).unwrap_or_default();
        for (at, kernel) in values.chunks_exact_mut(each.max(1)).enumerate() {
            let factor = factor(at);
            for weight in kernel {
                *weight = (f64::from(*weight) * factor) as f32;
            }
        }
        let bias = self.bias.iter().enumerate().map(|(at, &bias)| {
            let centred = f64::from(bias) - f64::from(mean[at]);
            (centred * factor(at) + f64::from(shift[at])) as f32
        });
        let bias = bias.collect();
        Ok(Self { kernel: Tensor::new(shape, values)?, bias, ..self })
    }
}

/// Padding before and after, so that `ceil(size / stride)` values come out; the odd one goes after (TensorFlow's
/// `SAME`, ONNX's `SAME_UPPER`).
pub(super) fn same_padding(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let covered = (size.div_ceil(stride).max(1) - 1) * stride + kernel;
    let total = covered.saturating_sub(size);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_one_after() {
        assert_eq!(same_padding(224, 3, 2), (0, 1));
        assert_eq!(same_padding(225, 3, 2), (1, 1));
        assert_eq!(same_padding(56, 5, 1), (2, 2));
        assert_eq!(same_padding(7, 1, 1), (0, 0));
        assert_eq!(same_padding(65, 1, 2), (0, 0));
    }
}

//! Layers by their definitions, slow and plain, on weights as they are published.

/// Values of `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
}

/// The geometry of a window that moves over a plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) size: usize,
    pub(super) stride: usize,
    /// Top and left, bottom and right.
    pub(super) pads: (usize, usize),
}

impl Plane {
    pub(super) fn new(channels: usize, side: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), channels * side * side);
        Self { channels, height: side, width: side, values }
    }

    fn at(&self, channel: usize, y: isize, x: isize) -> Option<f32> {
        let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
        let (y, x) = (inside(y, self.height)?, inside(x, self.width)?);
        Some(self.values[(channel * self.height + y) * self.width + x])
    }

    /// Folds the values under each place of the window: `(channel, position in the window, value)`.
    fn slide(
        &self,
        window: Window,
        channels: usize,
        mut each: impl FnMut(usize, &dyn Fn(usize, usize, usize) -> Option<f32>) -> f32,
    ) -> Self {
        let Window { size, stride, pads: (before, after) } = window;
        let sides = [self.height, self.width].map(|side| (side + before + after - size) / stride + 1);
        let mut values = Vec::new();
        for channel in 0..channels {
            for y in 0..sides[0] {
                for x in 0..sides[1] {
                    let look = |input: usize, ky: usize, kx: usize| {
                        let place = |at: usize, k: usize| (at * stride + k) as isize - before as isize;
                        self.at(input, place(y, ky), place(x, kx))
                    };
                    values.push(each(channel, &look));
                }
            }
        }
        Self { channels, height: sides[0], width: sides[1], values }
    }

    /// A convolution; `weight(output, input, y, x)` is zero where groups do not meet.
    pub(super) fn convolved(
        &self,
        outputs: usize,
        window: Window,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Self {
        self.slide(window, outputs, |output, look| {
            let mut sum = 0.0_f64;
            for input in 0..self.channels {
                for ky in 0..window.size {
                    for kx in 0..window.size {
                        let value = look(input, ky, kx).unwrap_or_default();
                        sum += f64::from(value) * f64::from(weight(output, input, ky, kx));
                    }
                }
            }
            sum as f32
        })
    }

    /// The largest value under the window; what lies outside does not count.
    pub(super) fn pooled(&self, window: Window) -> Self {
        self.slide(window, self.channels, |channel, look| {
            let places = (0..window.size).flat_map(|y| (0..window.size).map(move |x| (y, x)));
            places.filter_map(|(y, x)| look(channel, y, x)).fold(f32::NEG_INFINITY, f32::max)
        })
    }

    /// `f(channel, value)` for each value.
    pub(super) fn map(mut self, f: impl Fn(usize, f32) -> f32) -> Self {
        let each = self.height * self.width;
        for (at, value) in self.values.iter_mut().enumerate() {
            *value = f(at / each, *value);
        }
        self
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        assert_eq!((self.channels, self.height, self.width), (other.channels, other.height, other.width));
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value += other;
        }
        self
    }

    pub(super) fn averages(&self) -> Vec<f32> {
        let each = self.height * self.width;
        self.values.chunks(each).map(|plane| plane.iter().sum::<f32>() / each as f32).collect()
    }
}

/// `weights` are `[classes, features]`.
pub(super) fn linear(features: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let row = |row: &[f32]| row.iter().zip(features).map(|(a, b)| a * b).sum::<f32>();
    weights.chunks(features.len()).zip(bias).map(|(weights, bias)| row(weights) + bias).collect()
}

pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

//! One channel of numbers, and areas of it.

/// Rows from the top; `values.len() == width * height`, and neither side is 0.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

/// Columns `left..right` and rows `top..bottom`, at least one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl Plane {
    pub(super) fn filled(width: usize, height: usize, value: f32) -> Self {
        Self { width, height, values: vec![value; width * height] }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    pub(super) fn longer(&self) -> usize {
        self.width.max(self.height)
    }

    pub(super) fn area(&self) -> Area {
        Area { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    pub(super) fn mean(&self, area: Area) -> f32 {
        self.crop(area).values.iter().sum::<f32>() / area.pixels() as f32
    }

    pub(super) fn crop(&self, area: Area) -> Self {
        let rows = self.values.chunks_exact(self.width).take(area.bottom).skip(area.top);
        let values = rows.flat_map(|row| &row[area.left..area.right]).copied().collect();
        Self { width: area.width(), height: area.height(), values }
    }

    /// With rows for columns.
    pub(super) fn transposed(&self) -> Self {
        let values =
            (0..self.width).flat_map(|x| (0..self.height).map(move |y| (x, y))).map(|(x, y)| self.at(x, y));
        Self { width: self.height, height: self.width, values: values.collect() }
    }

    /// At another size: each new pixel is the mean of the area that it covers; where that is less than a pixel, the
    /// value between the neighbours.
    pub(super) fn resized(&self, width: usize, height: usize) -> Self {
        self.narrowed(width).transposed().narrowed(height).transposed()
    }

    fn narrowed(&self, width: usize) -> Self {
        if width == self.width {
            return self.clone();
        }
        let spans: Vec<_> = (0..width).map(|x| span(x, self.width, width)).collect();
        let rows = self.values.chunks_exact(self.width);
        let values = rows.flat_map(|row| spans.iter().map(|span| span.mean(row))).collect();
        Self { width, height: self.height, values }
    }
}

impl Area {
    pub(super) fn width(self) -> usize {
        self.right - self.left
    }

    pub(super) fn height(self) -> usize {
        self.bottom - self.top
    }

    pub(super) fn pixels(self) -> usize {
        self.width() * self.height()
    }

    pub(super) fn longer(self) -> usize {
        self.width().max(self.height())
    }

    pub(super) fn shorter(self) -> usize {
        self.width().min(self.height())
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Pixels between the two along the axis where they are farther apart; 0 if they touch or overlap.
    pub(super) fn gap(self, other: Self) -> usize {
        let across = self.left.max(other.left).saturating_sub(self.right.min(other.right));
        let down = self.top.max(other.top).saturating_sub(self.bottom.min(other.bottom));
        across.max(down)
    }

    /// The same place of a plane that is `scale` times as large.
    pub(super) fn scaled(self, scale: f32) -> Self {
        let scaled = |at: usize| (at as f32 * scale).round() as usize;
        let (left, top) = (scaled(self.left), scaled(self.top));
        Self { left, top, right: scaled(self.right).max(left + 1), bottom: scaled(self.bottom).max(top + 1) }
    }

    /// Without `margin` pixels on every side, as far as it has them.
    pub(super) fn shrunk(self, margin: usize) -> Self {
        let margin = margin.min((self.shorter() - 1) / 2);
        Self {
            left: self.left + margin,
            top: self.top + margin,
            right: self.right - margin,
            bottom: self.bottom - margin,
        }
    }
}

/// The pixels `first..` of a row that one new pixel covers, with the weights of the first and the last.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

impl Span {
    fn mean(&self, row: &[f32]) -> f32 {
        row[self.first..].iter().zip(&self.weights).map(|(value, weight)| value * weight).sum()
    }
}

fn span(x: usize, from: usize, to: usize) -> Span {
    let step = from as f32 / to as f32;
    if step < 1.0 {
        let at = ((x as f32 + 0.5) * step - 0.5).clamp(0.0, (from - 1) as f32);
        let first = (at as usize).min(from.saturating_sub(2));
        let right = at - first as f32;
        return Span { first, weights: vec![1.0 - right, right] };
    }
    let (start, end) = (x as f32 * step, ((x + 1) as f32 * step).min(from as f32));
    let first = start as usize;
    let last = (end.ceil() as usize).clamp(first + 1, from);
    let covered = (first..last).map(|at| (end.min((at + 1) as f32) - start.max(at as f32)).max(0.0) / step);
    Span { first, weights: covered.collect() }
}

//! How a face is turned: the similarity between its five points and where those of an upright one are.

use super::Point;

/// Side of the square that a face is cut out to, in pixels.
pub const CROP_SIDE: u32 = 112;

/// Where the five points of an aligned face are, in its pixels: `ArcFace`'s template, which SFace was trained with (and
/// OpenCV's `FaceRecognizerSF` uses). Pixel centres have whole numbers here.
pub const TEMPLATE: [(f64, f64); 5] =
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)];

/// Turning, scaling and moving: `x' = a x - b y + tx`, `y' = b x + a y + ty`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the formula says it")]
pub struct Similarity {
    pub a: f64,
    pub b: f64,
    pub tx: f64,
    pub ty: f64,
}

impl Similarity {
    /// The similarity that brings the points nearest to the template, by least squares; none if all points are one.
    ///
    /// In the plane the solution of Umeyama ("Least-squares estimation of transformation parameters between two point
    /// patterns", 1991) needs no singular value decomposition: with `p`, `q` less their means,
    /// `a = Σ p·q / Σ|p|²` and `b = Σ p×q / Σ|p|²`.
    pub fn to_template(points: &[Point; 5]) -> Option<Self> {
        let count = points.len() as f64;
        let from = points.map(|point| (f64::from(point.x), f64::from(point.y)));
        let mean = |points: &[(f64, f64); 5]| {
            let sum = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
            (sum.0 / count, sum.1 / count)
        };
        let (from_mean, to_mean) = (mean(&from), mean(&TEMPLATE));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(&TEMPLATE) {
            let (px, py) = (p.0 - from_mean.0, p.1 - from_mean.1);
            let (qx, qy) = (q.0 - to_mean.0, q.1 - to_mean.1);
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (dot / spread, cross / spread);
        let found = Self {
            a,
            b,
            tx: to_mean.0 - a * from_mean.0 + b * from_mean.1,
            ty: to_mean.1 - b * from_mean.0 - a * from_mean.1,
        };
        (found.scale() > 0.0 && found.inverse().is_finite()).then_some(found)
    }

    /// How many times longer everything becomes.
    pub fn scale(self) -> f64 {
        self.a.hypot(self.b)
    }

    /// Where a point goes.
    pub fn apply(self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty)
    }

    /// The way back.
    #[must_use]
    pub fn inverse(self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, tx: -a * self.tx + b * self.ty, ty: -b * self.tx - a * self.ty }
    }

    fn is_finite(self) -> bool {
        [self.a, self.b, self.tx, self.ty].iter().all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template, turned by 30°, made three times as large and moved.
    fn turned() -> [Point; 5] {
        let (sin, cos) = 30f64.to_radians().sin_cos();
        let turn = |(x, y): (f64, f64)| Point {
            x: (3.0 * (cos * x - sin * y) + 400.0) as f32,
            y: (3.0 * (sin * x + cos * y) - 50.0) as f32,
        };
        TEMPLATE.map(turn)
    }

    #[test]
    fn a_turned_face_is_turned_back() {
        let found = Similarity::to_template(&turned()).unwrap();
        assert!((found.scale() - 1.0 / 3.0).abs() < 1e-6);
        for (point, wanted) in turned().iter().zip(TEMPLATE) {
            let got = found.apply((f64::from(point.x), f64::from(point.y)));
            assert!((got.0 - wanted.0).hypot(got.1 - wanted.1) < 1e-4, "{got:?} is not {wanted:?}");
            let back = found.inverse().apply(got);
            assert!((back.0 - f64::from(point.x)).hypot(back.1 - f64::from(point.y)) < 1e-4);
        }
    }

    /// Values of Umeyama's own algorithm, with `numpy.linalg.svd`, for points that are no similar image.
    #[test]
    fn the_solution_is_umeyamas() {
        let points = [(120.0, 90.5), (171.0, 84.0), (150.25, 121.0), (128.0, 150.0), (166.0, 147.5)];
        let found = Similarity::to_template(&points.map(|(x, y)| Point { x, y })).unwrap();
        let wanted = UMEYAMA;
        for (got, wanted) in [found.a, found.b, found.tx, found.ty].into_iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-9, "{found:?}");
        }
    }

    const UMEYAMA: [f64; 4] =
        [0.676_068_245_246_742, 0.032_371_131_809_442_434, -39.550_459_230_933_54, -13.041_088_818_842_113];

    #[test]
    fn points_that_are_all_one_have_no_direction() {
        assert_eq!(Similarity::to_template(&[Point { x: 5.0, y: 5.0 }; 5]), None);
    }
}

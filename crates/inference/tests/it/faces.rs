//! Faces: the decoder beside a second one, and the whole way with the fetched models on photographs.

use darkroom_imaging::{Frame, FrameRequest, Guard, Inspected, Layout, Limits, Source};
use darkroom_inference::{
    Config, Data, InferenceError, Model, Models, Named, Tensor,
    faces::{self, Area, Embedded, Embedding, Face, MOST_FACES, Point, STRIDES, Search, compare::cosine},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{evaluation::Figures, photographs, runtime};

const SEARCH: Search = Search { side: 1024, min_score: 0.7 };

/// Outputs of a detector for a canvas, from a seed: mostly weak cells, some sure, some that are no numbers.
fn outputs((width, height): (u32, u32), seed: u64) -> Vec<Named> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut outputs = Vec::new();
    for stride in STRIDES {
        let cells = ((width / stride) * (height / stride)) as usize;
        for (kind, each) in [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)] {
            let mut value = || match kind {
                // Beyond 0 and 1 on both sides: what is clamped.
                "cls" | "obj" => random.random_range(-0.3f32..1.4),
                _ => random.random_range(-2.0f32..2.0),
            };
            let values: Vec<f32> = (0..cells * each).map(|_| value()).collect();
            let tensor = Tensor::new([1, cells, each], Data::F32(values)).unwrap();
            outputs.push((format!("{kind}_{stride}"), tensor));
        }
    }
    outputs
}

fn value(outputs: &[Named], name: &str, at: usize) -> f64 {
    let tensor = &outputs.iter().find(|(output, _)| output == name).unwrap().1;
    f64::from(tensor.to_f32().unwrap()[at])
}

/// The published formulas once more, cell by cell and in double precision: score, box and points of every candidate.
fn reference(outputs: &[Named], (width, height): (u32, u32), least: f64) -> Vec<(f64, [f64; 4], [f64; 10])> {
    let mut found = Vec::new();
    for stride in STRIDES {
        let (columns, stride_px) = (width / stride, f64::from(stride));
        for row in 0..height / stride {
            for column in 0..columns {
                let cell = (row * columns + column) as usize;
                let of = |kind: &str, at: usize| value(outputs, &format!("{kind}_{stride}"), at);
                let score = (of("cls", cell).clamp(0.0, 1.0) * of("obj", cell).clamp(0.0, 1.0)).sqrt();
                if score < least {
                    continue;
                }
                let place = [f64::from(column), f64::from(row)];
                // Centre, then size.
                let [cx, cy] = [0, 1].map(|axis| (place[axis] + of("bbox", cell * 4 + axis)) * stride_px);
                let [width, height] = [2, 3].map(|at| of("bbox", cell * 4 + at).exp() * stride_px);
                let point = |at: usize| (of("kps", cell * 10 + at) + place[at % 2]) * stride_px;
                let points = std::array::from_fn(point);
                found.push((score, [cx - width / 2.0, cy - height / 2.0, width, height], points));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
}

/// Suppression by the book: the surest of what is left stays, and takes with it all that cover it.
fn left_over(mut all: Vec<(f64, [f64; 4], [f64; 10])>) -> Vec<(f64, [f64; 4], [f64; 10])> {
    let mut kept = Vec::new();
    while !all.is_empty() {
        let best = all.remove(0);
        all.retain(|other| {
            let side = |i: usize| {
                let end = (best.1[i] + best.1[i + 2]).min(other.1[i] + other.1[i + 2]);
                (end - best.1[i].max(other.1[i])).max(0.0)
            };
            let common = side(0) * side(1);
            let union = best.1[2] * best.1[3] + other.1[2] * other.1[3] - common;
            common / union <= f64::from(faces::OVERLAP)
        });
        kept.push(best);
    }
    kept
}

fn is_same(face: &Face, (score, [left, top, width, height], points): &(f64, [f64; 4], [f64; 10])) {
    let near = |got: f32, wanted: f64| {
        assert!((f64::from(got) - wanted).abs() < 1e-4 * wanted.abs().max(1.0), "{got} is not {wanted}");
    };
    near(face.score, *score);
    let Area { left: x, top: y, width: w, height: h } = face.area;
    for (got, wanted) in [(x, left), (y, top), (w, width), (h, height)] {
        near(got, *wanted);
    }
    for (Point { x, y }, wanted) in face.landmarks.iter().zip(points.as_chunks::<2>().0) {
        near(*x, wanted[0]);
        near(*y, wanted[1]);
    }
}

#[test]
fn candidates_and_faces_are_those_of_a_second_decoder() {
    for (seed, canvas) in [(1, (96, 64)), (2, (320, 320)), (3, (32, 640)), (4, (640, 480))] {
        let outputs = outputs(canvas, seed);
        for least in [0.0, 0.6, 0.95] {
            let wanted = reference(&outputs, canvas, f64::from(least));
            let found = faces::candidates(&outputs, canvas, least).unwrap();
            // With 0 everything is one, of which some are kept.
            assert_eq!(found.len(), wanted.len().min(5_000), "{canvas:?} {least}");
            if least == 0.0 {
                continue;
            }
            found.iter().zip(&wanted).for_each(|(face, wanted)| is_same(face, wanted));
            let (found, wanted) = (faces::suppressed(found), left_over(wanted));
            assert_eq!(found.len(), wanted.len().min(MOST_FACES));
            found.iter().zip(&wanted).for_each(|(face, wanted)| is_same(face, wanted));
        }
    }
}

#[test]
fn what_is_no_number_is_no_face_and_what_is_missing_is_said() {
    let mut outputs = outputs((32, 32), 5);
    for (_, tensor) in &mut outputs {
        let count = tensor.data().len();
        let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38];
        let values = (0..count).map(|i| wrong[i % 4]).collect();
        *tensor = Tensor::new(tensor.shape(), Data::F32(values)).unwrap();
    }
    assert_eq!(faces::candidates(&outputs, (32, 32), 0.1).unwrap(), []);
    let wrong = faces::candidates(&outputs, (64, 32), 0.1).unwrap_err();
    assert!(wrong.contains("`cls_8` has 16 values, not 32"), "{wrong}");
    outputs.remove(2);
    let missing = faces::candidates(&outputs, (32, 32), 0.1).unwrap_err();
    assert!(missing.contains("no output `bbox_8`"), "{missing}");
}

/// The fetched models: in `DARKROOM_MODELS`, else in `.x/models/models`, where `./x test` puts them. Without them tests are
/// skipped, loudly; in CI they fail.
struct Experts {
    detector: Arc<Model>,
    embedder: Arc<Model>,
}

fn experts() -> Option<Experts> {
    let runtime = runtime::place()?;
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.x/models/models");
    let dir = std::env::var_os("DARKROOM_MODELS").map_or_else(beside, PathBuf::from);
    let config = Config { dir: dir.clone(), runtime, kept: None, ..Config::below(&dir) };
    let models = Models::open(&config).unwrap();
    let (detector, embedder) = (models.get("yunet", None), models.get("sface", None));
    if let (Ok(detector), Ok(embedder)) = (detector, embedder) {
        return Some(Experts { detector, embedder });
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs YuNet and SFace in {}", dir.display());
    eprintln!("SKIPPED: there are no YuNet and SFace in {} (set DARKROOM_MODELS)", dir.display());
    None
}

impl Experts {
    fn find(&self, frame: &Frame) -> Vec<Face> {
        SEARCH.ask(&self.detector, frame).unwrap().wait().unwrap().faces().unwrap()
    }

    fn embed(&self, frame: &Frame, found: &[Face]) -> Vec<Embedding> {
        let crops: Vec<Frame> =
            found.iter().map(|face| faces::crop(frame, &face.landmarks).unwrap()).collect();
        Embedded::prepare(&self.embedder, &crops).unwrap().wait(&self.embedder).unwrap()
    }
}

fn blank(width: u32, height: u32, level: u8) -> Frame {
    let pixels = vec![level; (width * height * 3) as usize];
    Frame { width, height, layout: Layout::Rgb, pixels }
}

/// Puts a grey or RGB frame onto a canvas, each pixel `times` × `times` large.
fn put(canvas: &mut Frame, what: &Frame, (left, top): (u32, u32), times: u32) {
    let channels = what.layout.channels();
    for y in 0..(what.height * times).min(canvas.height.saturating_sub(top)) {
        for x in 0..(what.width * times).min(canvas.width.saturating_sub(left)) {
            let from = ((y / times * what.width + x / times) as usize) * channels;
            let to = (((top + y) * canvas.width + left + x) * 3) as usize;
            for channel in 0..3 {
                canvas.pixels[to + channel] = what.pixels[from + channel % channels];
            }
        }
    }
}

fn att_faces() -> Option<PathBuf> {
    let folder = std::env::var_os("DARKROOM_TEST_DATA").map(|data| PathBuf::from(data).join("att_faces"));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED: there is no att_faces in DARKROOM_TEST_DATA");
    }
    folder
}

/// The astronaut of scikit-image, 512 × 512.
fn astronaut() -> Option<Frame> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.x/photos");
    let place = std::env::var_os("DARKROOM_PHOTOS").map_or_else(beside, PathBuf::from).join("astronaut.png");
    if !place.is_file() {
        eprintln!("SKIPPED: there is no {} (set DARKROOM_PHOTOS)", place.display());
        return None;
    }
    let inspected = Inspected::new(Source::file(place), Limits::default()).unwrap();
    let guard = Guard::new(Duration::from_mins(1), Arc::default());
    Some(inspected.frame(&FrameRequest::default(), &guard).unwrap())
}

#[test]
fn known_people_are_found_and_told_apart() {
    let (Some(experts), Some(folder)) = (experts(), att_faces()) else { return };
    let all = photographs::below(&folder).unwrap();
    let (mut people, mut embeddings) = (Vec::new(), Vec::new());
    for photograph in &all {
        let found = experts.find(&photograph.frame);
        assert_eq!(found.len(), 1, "{}", photograph.path.display());
        embeddings.extend(experts.embed(&photograph.frame, &found));
        people.push(photograph.person.as_str());
    }
    assert_eq!((all.len(), embeddings[0].len()), (400, 128));
    for embedding in &embeddings {
        let length: f64 = embedding.iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    let figures = Figures::of(&people, &embeddings);
    assert_eq!((figures.rank_one, figures.nearest_mean), (1.0, 1.0));
    assert!(figures.tar >= 0.95 && figures.auc > 0.998, "{} {}", figures.tar, figures.auc);
    assert!((0.3..0.5).contains(&figures.threshold), "{}", figures.threshold);
    assert!(figures.far < 0.012 && figures.frr < 0.04, "{} {}", figures.far, figures.frr);
}

/// Boxes and points that OpenCV 5.0's `FaceDetectorYN` gives for the astronaut at 512 × 512 with the same weights.
#[test]
fn a_face_is_where_opencv_finds_it() {
    let (Some(experts), Some(astronaut)) = (experts(), astronaut()) else { return };
    let found = experts.find(&astronaut);
    assert_eq!(found.len(), 1, "{found:?}");
    let Area { left, top, width, height } = found[0].area;
    let got = [left, top, left + width, top + height];
    for (got, wanted) in got.into_iter().zip(ASTRONAUT_BOX) {
        assert!((got - wanted).abs() < 5.0, "{got} is not {wanted}");
    }
    for (Point { x, y }, wanted) in found[0].landmarks.into_iter().zip(ASTRONAUT_POINTS) {
        assert!((x - wanted[0]).hypot(y - wanted[1]) < 5.0, "({x}, {y}) is not {wanted:?}");
    }
    // Large and small, the same person in about the same place.
    let whole = experts.embed(&astronaut, &found);
    for (times, side) in [(4, 2048), (1, 4000)] {
        let mut canvas = blank(side, side, 90);
        put(&mut canvas, &astronaut, (side - 512 * times, 0), times);
        let found = experts.find(&canvas);
        assert_eq!(found.len(), 1, "{times} {found:?}");
        let middle = found[0].area.left + found[0].area.width / 2.0;
        let wanted =
            (side - 512 * times) as f32 + f32::midpoint(ASTRONAUT_BOX[0], ASTRONAUT_BOX[2]) * times as f32;
        assert!((middle - wanted).abs() < 8.0 * times as f32, "{middle} is not {wanted}");
        let here = experts.embed(&canvas, &found);
        let alike = cosine(&whole[0], &here[0]).unwrap();
        assert!(alike > 0.8, "{times}: {alike}");
    }
}

/// Left, top, right, bottom.
const ASTRONAUT_BOX: [f32; 4] = [178.04, 62.56, 268.43, 176.42];
const ASTRONAUT_POINTS: [[f32; 2]; 5] =
    [[200.15, 101.80], [247.22, 102.56], [220.30, 124.73], [198.87, 143.18], [239.81, 143.87]];

#[test]
fn fifty_faces_are_found_in_one_picture() {
    let (Some(experts), Some(astronaut)) = (experts(), astronaut()) else { return };
    // Each is of 90 × 114 pixels, in a picture of 3000 × 1500.
    let mut head = blank(300, 300, 0);
    let cut = |row: u32| (row * 512 + 70) as usize * 3;
    for row in 0..300 {
        let to = (row * 300 * 3) as usize;
        head.pixels[to..to + 900].copy_from_slice(&astronaut.pixels[cut(row)..cut(row) + 900]);
    }
    let mut canvas = blank(3_000, 1_500, 120);
    for number in 0..50 {
        put(&mut canvas, &head, (number % 10 * 300, number / 10 * 300), 1);
    }
    let found = experts.find(&canvas);
    assert_eq!(found.len(), 50);
    let embeddings = experts.embed(&canvas, &found);
    let alike = embeddings.iter().map(|other| cosine(&embeddings[0], other).unwrap()).fold(1.0, f32::min);
    assert!(embeddings.len() == 50 && alike > 0.9, "{alike}");
}

#[test]
fn a_face_that_is_cut_at_the_border_is_found_with_what_is_left() {
    let (Some(experts), Some(astronaut)) = (experts(), astronaut()) else { return };
    let middle = f32::midpoint(ASTRONAUT_BOX[0], ASTRONAUT_BOX[2]) as u32 + 12;
    let mut cut = blank(middle, 512, 0);
    put(&mut cut, &astronaut, (0, 0), 1);
    let found = experts.find(&cut);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!found[0].area.is_within((cut.width, cut.height)), "{:?}", found[0].area);
    assert_eq!(experts.embed(&cut, &found).len(), 1);
}

#[test]
fn pictures_without_faces_and_of_odd_sizes_are_no_trouble() {
    let Some(experts) = experts() else { return };
    let mut random = StdRng::seed_from_u64(9);
    for (width, height) in [(1, 1), (1, 3_000), (3_000, 1), (7, 5), (481, 480), (2_500, 1_800)] {
        let mut frame = blank(width, height, 200);
        frame.pixels.iter_mut().for_each(|sample| *sample = random.random());
        assert_eq!(experts.find(&frame), [], "{width} × {height}");
        assert_eq!(experts.find(&blank(width, height, 128)), [], "{width} × {height}");
    }
    let none = Embedded::prepare(&experts.embedder, &[]).unwrap().wait(&experts.embedder).unwrap();
    assert!(none.is_empty());
}

#[test]
fn a_model_that_is_none_for_faces_says_so() {
    let Some(experts) = experts() else { return };
    let frame = blank(100, 100, 0);
    let wrong = Embedded::prepare(&experts.detector, std::slice::from_ref(&frame)).unwrap_err();
    assert!(
        matches!(&wrong, InferenceError::BadInput(what) if what.contains("takes no faces of 112")),
        "{wrong}"
    );
    let crop = blank(112, 112, 0);
    let wrong = SEARCH.ask(&experts.embedder, &crop).unwrap().wait().unwrap().faces().unwrap_err();
    assert!(wrong.to_string().contains("it finds no faces"), "{wrong}");
}

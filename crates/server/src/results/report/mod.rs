//! The report of a run: one page without scripts, fonts or addresses of others, so that it can be kept, sent and
//! printed. Every text that comes from strangers is escaped; what is shown is bounded, whatever the run.

mod chart;
mod page;
mod style;
mod text;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use style::STYLE;

/// Images that are shown.
const MAX_SAMPLES: usize = 48;

/// Bytes of an image that is shown.
const MAX_SAMPLE_BYTES: usize = 96 << 10;

/// Bars of a chart; what is rarer is summed up.
const MAX_BARS: usize = 20;

/// Charts of labels.
const MAX_CHARTS: usize = 8;

/// Failed items that are listed.
const MAX_FAILED: usize = 100;

/// Bars of a vector.
const MAX_DIMENSIONS: usize = 512;

/// Points of the pace.
const MAX_POINTS: usize = 400;

/// What is told of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What the run is called.
    pub title: String,
    /// Where its images come from.
    pub source: String,
    /// What was done to them.
    pub operations: Vec<String>,
    /// What there is to know before the figures: that the archive was damaged, that the run was cancelled.
    pub notes: Vec<String>,
    /// Items with results.
    pub succeeded: u64,
    /// Items that failed.
    pub failed: u64,
    /// Items that were cancelled.
    pub cancelled: u64,
    /// Items that have not ended.
    pub open: u64,
    /// Bytes of all items.
    pub bytes: u64,
    /// How long the run was worked on, in seconds, without the times in which it stood still.
    pub seconds: f64,
    /// Failed items by reason.
    pub failures: Vec<Slice>,
    /// What was passed over in the source, by reason.
    pub passed: Vec<Slice>,
    /// For each aggregate of labels its title and how often each label was met.
    pub classes: Vec<(String, Vec<Slice>)>,
    /// The exact mean, and how many embeddings it is of.
    pub mean: Option<(u64, Vec<f64>)>,
    /// How many items had ended after how many seconds.
    pub pace: Vec<(f64, u64)>,
    /// Images with what was found.
    pub samples: Vec<Sample>,
    /// Items that failed: name, reason, and a sentence.
    pub failed_items: Vec<(String, String, String)>,
    /// Facts of all sorts: when, where, by which version.
    pub facts: Vec<(String, String)>,
}

/// A part of a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// What it is called.
    pub label: String,
    /// How many.
    pub count: u64,
}

/// An image that is shown. It should be small: what is larger than 96 KiB is left out.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its name in the source.
    pub path: String,
    /// What was found.
    pub caption: String,
    /// The encoded image: JPEG, PNG, WebP, GIF or AVIF by its content; others are left out.
    pub image: Vec<u8>,
}

impl Report {
    /// The page.
    pub fn html(&self) -> String {
        page::page(self)
    }
}

/// The content security policy that the page is to be served with: nothing but its own style and its own images.
pub fn report_policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
}

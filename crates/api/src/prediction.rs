//! The inference log on the wire.

use std::fmt::Write;

use darkroom_core::prediction as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// One question to a model and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// Its number; later ones have greater numbers.
    pub id: u64,
    /// When it was answered.
    pub at: Time,
    /// Where it was asked.
    pub surface: Surface,
    /// What was asked: the name of an operation, or `infer`.
    pub operation: String,
    /// The model's name; absent where the question did not get so far.
    pub model: Option<String>,
    /// Its version, if it was found or named.
    pub version: Option<String>,
    /// The digest of its weights, if it was found.
    pub digest: Option<String>,
    /// Who asked.
    pub owner: String,
    /// The job that asked.
    #[schema(format = Uuid)]
    pub job: Option<String>,
    /// What the asker calls the image.
    pub file_name: Option<String>,
    /// The content address of what was asked about, if it was known.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub input: Option<String>,
    /// What came of it.
    pub outcome: PredictionOutcome,
    /// The likeliest class, where the answer has classes.
    pub class_id: Option<u32>,
    /// Its label, if it has one.
    pub label: Option<String>,
    /// How likely it is, 0 to 1.
    pub score: Option<f32>,
    /// Why there was no answer: the problem's code, or the kind of the job's failure.
    pub code: Option<String>,
    /// The same as a sentence.
    pub message: Option<String>,
    /// From the question to the answer, in microseconds.
    pub took_us: u64,
    /// The part of it from asking the model to its answer, waiting for its turn included.
    pub model_us: Option<u64>,
    /// Whether the answer was remembered, not computed.
    pub cached: bool,
}

/// A part of the inference log, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PredictionPage {
    /// The entries.
    pub predictions: Vec<Prediction>,
    /// What to send as `cursor` for the part after this one; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

/// Where a model was asked: by a job, on one of the classic surfaces `/predict` and `/mnist/`, or through `/v2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are those of the type's own sentence")]
pub enum Surface {
    Job,
    Predict,
    Digit,
    Infer,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum PredictionOutcome {
    Answered,
    Failed,
}

/// What the log is exported as: a line of JSON an entry, or comma-separated values (RFC 4180).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are those of the type's own sentence")]
pub enum PredictionFormat {
    #[default]
    Jsonl,
    Csv,
}

impl PredictionFormat {
    /// The word in the query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// What stands before the first entry.
    pub fn head(self) -> &'static str {
        match self {
            Self::Jsonl => "",
            Self::Csv => {
                "id,at,surface,operation,model,version,digest,owner,job,file_name,input,outcome,class_id,label,score,\
                 code,message,took_us,model_us,cached\r\n"
            }
        }
    }

    /// Adds an entry to `text`.
    pub fn write(self, prediction: &Prediction, text: &mut String) {
        match self {
            Self::Jsonl => {
                text.push_str(&serde_json::to_string(prediction).unwrap_or_default());
                text.push('\n');
            }
            Self::Csv => row(prediction, text),
        }
    }
}

impl std::str::FromStr for PredictionFormat {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Jsonl, Self::Csv].into_iter().find(|format| format.as_str() == text).ok_or("is jsonl or csv")
    }
}

/// A row in the order of [`PredictionFormat::head`].
fn row(entry: &Prediction, text: &mut String) {
    let shown = |word: core::Ending| word.as_str();
    let outcome = match entry.outcome {
        PredictionOutcome::Answered => shown(core::Ending::Answered),
        PredictionOutcome::Failed => shown(core::Ending::Failed),
    };
    // Writing to a String does not fail.
    let _ = write!(text, "{},{},{}", entry.id, entry.at, core::Surface::from(entry.surface));
    let texts = [
        Some(&entry.operation),
        entry.model.as_ref(),
        entry.version.as_ref(),
        entry.digest.as_ref(),
        Some(&entry.owner),
        entry.job.as_ref(),
        entry.file_name.as_ref(),
        entry.input.as_ref(),
    ];
    for cell in texts {
        quoted(cell, text);
    }
    let _ = write!(text, ",{outcome},{}", entry.class_id.map(|class| class.to_string()).unwrap_or_default());
    quoted(entry.label.as_ref(), text);
    let _ = write!(text, ",{}", entry.score.map(|score| score.to_string()).unwrap_or_default());
    for cell in [&entry.code, &entry.message] {
        quoted(cell.as_ref(), text);
    }
    let model_us = entry.model_us.map(|us| us.to_string()).unwrap_or_default();
    let _ = write!(text, ",{},{model_us},{}\r\n", entry.took_us, entry.cached);
}

/// A cell of text in quotes. Names come from strangers: what a table program would take for a formula gets an
/// apostrophe in front of it, and what would break the line becomes a space.
fn quoted(cell: Option<&String>, text: &mut String) {
    text.push(',');
    let Some(cell) = cell else { return };
    text.push('"');
    if cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        text.push('\'');
    }
    for character in cell.chars() {
        match character {
            '"' => text.push_str("\"\""),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text.push('"');
}

impl From<Surface> for core::Surface {
    fn from(surface: Surface) -> Self {
        match surface {
            Surface::Job => Self::Job,
            Surface::Predict => Self::Predict,
            Surface::Digit => Self::Digit,
            Surface::Infer => Self::Infer,
        }
    }
}

impl From<core::Surface> for Surface {
    fn from(surface: core::Surface) -> Self {
        match surface {
            core::Surface::Job => Self::Job,
            core::Surface::Predict => Self::Predict,
            core::Surface::Digit => Self::Digit,
            core::Surface::Infer => Self::Infer,
        }
    }
}

impl From<core::Prediction> for Prediction {
    fn from(logged: core::Prediction) -> Self {
        let core::Prediction { seq, entry } = logged;
        let outcome = match entry.answer.ending() {
            core::Ending::Answered => PredictionOutcome::Answered,
            core::Ending::Failed => PredictionOutcome::Failed,
        };
        let (best, failure) = match entry.answer {
            core::Answer::Given(best) => (best, None),
            core::Answer::Failed { code, message } => (None, Some((code, message))),
        };
        let (code, message) = failure.unzip();
        let (model, version, digest) =
            entry.model.map_or((None, None, None), |model| (Some(model.name), model.version, model.digest));
        Self {
            id: seq,
            at: entry.at.into(),
            surface: entry.surface.into(),
            operation: entry.operation,
            model,
            version,
            digest,
            owner: entry.owner.to_string(),
            job: entry.job.map(|job| job.to_string()),
            file_name: entry.file_name.map(|name| name.to_string()),
            input: entry.input.map(|input| input.to_string()),
            outcome,
            class_id: best.as_ref().map(|best| best.class),
            score: best.as_ref().map(|best| best.score),
            label: best.and_then(|best| best.label),
            code,
            message,
            took_us: entry.took_us,
            model_us: entry.model_us,
            cached: entry.cached,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(content: &str) -> String {
        let mut text = String::new();
        quoted(Some(&content.to_owned()), &mut text);
        text
    }

    #[test]
    fn names_of_strangers_are_no_formulas_and_break_no_rows() {
        assert_eq!(cell("cat.jpg"), r#","cat.jpg""#);
        assert_eq!(cell("=HYPERLINK(\"http://a\")"), r#","'=HYPERLINK(""http://a"")""#);
        for formula in ["+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"] {
            assert!(cell(formula).starts_with(",\"'"), "{formula}");
        }
        assert_eq!(cell("a,b\r\n\"c\"\u{0}"), ",\"a,b  \"\"c\"\" \"");
        let mut absent = String::new();
        quoted(None, &mut absent);
        assert_eq!(absent, ",");
    }

    #[test]
    fn a_row_has_a_cell_for_every_name_in_the_head() {
        let entry = core::NewPrediction {
            at: darkroom_core::Timestamp::from_millis(0),
            surface: core::Surface::Predict,
            operation: "classify".to_owned(),
            model: None,
            owner: darkroom_core::job::Owner::default(),
            job: None,
            file_name: None,
            input: None,
            answer: core::Answer::failed("not_an_image", "It is no image."),
            took_us: 12,
            model_us: None,
            cached: false,
        };
        let mut text = String::new();
        PredictionFormat::Csv.write(&core::Prediction { seq: 3, entry }.into(), &mut text);
        assert_eq!(
            text,
            "3,1970-01-01T00:00:00.000Z,predict,\"classify\",,,,\"anonymous\",,,,failed,,,,\"not_an_image\",\
             \"It is no image.\",12,,false\r\n"
        );
        assert_eq!(text.split(',').count(), PredictionFormat::Csv.head().split(',').count());
    }
}

//! The inference log: what models were asked, and what came of it. Good or bad, every prediction is an entry.

use std::{fmt, str::FromStr};

use crate::{
    BlobId, JobId, Timestamp,
    job::{FileName, Owner},
};

/// The longest sentence that an entry keeps of a failure, in characters.
pub const MAX_MESSAGE: usize = 300;

/// One question to a model and what came of it, before it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPrediction {
    /// When it was answered.
    pub at: Timestamp,
    /// Where it was asked.
    pub surface: Surface,
    /// What was asked: the name of an operation, or of a protocol's call.
    pub operation: String,
    /// Who was asked; `None` where the question never got as far as a model's name.
    pub model: Option<AskedModel>,
    /// Who asked.
    pub owner: Owner,
    /// The job that asked.
    pub job: Option<JobId>,
    /// What the asker calls the image.
    pub file_name: Option<FileName>,
    /// The content address of what was asked about, if it was known.
    pub input: Option<BlobId>,
    /// What came of it.
    pub answer: Answer,
    /// From the question to the answer, in microseconds.
    pub took_us: u64,
    /// The part of it from asking the model to its answer, waiting for its turn included.
    pub model_us: Option<u64>,
    /// Whether the answer was remembered, not computed.
    pub cached: bool,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Its number: later ones have greater numbers. The cursor of every listing.
    pub seq: u64,
    /// What it says.
    pub entry: NewPrediction,
}

/// A model as it was asked for, and as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AskedModel {
    /// Its name.
    pub name: String,
    /// Its version, if it was found or named.
    pub version: Option<String>,
    /// The digest of its weights, if it was found.
    pub digest: Option<String>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was answered, with the likeliest label where the answer has labels.
    Given(Option<Best>),
    /// It was not.
    Failed {
        /// Why: the code of the problem that the asker was told, or the kind of the job's failure.
        code: String,
        /// One sentence for people.
        message: String,
    },
}

impl Answer {
    /// No answer, with a sentence of at most [`MAX_MESSAGE`] characters.
    pub fn failed(code: impl Into<String>, message: &str) -> Self {
        Self::Failed { code: code.into(), message: message.chars().take(MAX_MESSAGE).collect() }
    }

    /// How that ended.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Given(_) => Ending::Answered,
            Self::Failed { .. } => Ending::Failed,
        }
    }
}

/// The likeliest label.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Its class.
    pub class: u32,
    /// Its name, if the model has names.
    pub label: Option<String>,
    /// How likely it is, 0 to 1.
    pub score: f32,
}

/// The text is none of a closed set of words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is one of {0}")]
pub struct UnknownWord(String);

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$doc])* $variant, )+
        }

        impl $name {
            /// Every one; stores number them by this order, so new ones go to its end.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The word on the wire and in metrics.
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let known = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                known.ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    UnknownWord(words.join(", "))
                })
            }
        }
    };
}

words! {
    /// Where a model was asked.
    Surface {
        /// An operation of a job.
        Job = "job",
        /// The classic classifier, `/predict`.
        Predict = "predict",
        /// The classic digit service, `/mnist/`.
        Digit = "digit",
        /// The Open Inference Protocol, `/v2`.
        Infer = "infer",
    }
}

words! {
    /// How a question ended.
    Ending {
        /// With an answer.
        Answered = "answered",
        /// Without.
        Failed = "failed",
    }
}

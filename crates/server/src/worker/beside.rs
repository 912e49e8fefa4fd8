//! What is recorded together with an outcome: predictions, and which results to remember.

use std::time::Duration;

use darkroom_core::{
    job::{Job, Outcome},
    prediction::{Answer, NewPrediction, Surface},
    store::{Beside, CacheKey},
};

use super::Workshop;
use crate::predict::{self, Question, Took};

/// What an attempt knows beyond its results.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The key of each result; empty if none is to be remembered.
    pub(super) keys: Vec<CacheKey>,
    /// How long the model of each operation took.
    pub(super) models: Vec<Option<Duration>>,
}

/// What goes beside this outcome, `whole` after the attempt began. Entries are counted here, as attempts are: whether
/// they are recorded or stale, the models were asked.
pub(super) fn beside(shop: &Workshop, job: &Job, outcome: &Outcome, known: Known, whole: Duration) -> Beside {
    let entries = predictions(shop, job, outcome, &known, whole);
    for entry in &entries {
        predict::count(entry, &shop.metrics, shop.predictor.tally());
    }
    Beside {
        predictions: if shop.logs { entries } else { Vec::new() },
        remembered: known.keys.into_iter().enumerate().map(|(place, key)| (key, place)).collect(),
    }
}

fn predictions(
    shop: &Workshop,
    job: &Job,
    outcome: &Outcome,
    known: &Known,
    whole: Duration,
) -> Vec<NewPrediction> {
    let at = shop.clock.now();
    let failure = match outcome {
        Outcome::Succeeded(_) => None,
        Outcome::FailedPermanently(failure) | Outcome::FailedTransiently(failure, _) => Some(failure),
        // Nothing was answered, and another attempt may.
        Outcome::Interrupted | Outcome::Cancelled => return Vec::new(),
    };
    let mut entries = Vec::new();
    for (place, operation) in job.operations.iter().enumerate() {
        let Some(model) = shop.predictor.asked(operation) else { continue };
        let mut question = Question {
            surface: Surface::Job,
            operation: operation.name(),
            owner: job.owner.clone(),
            job: Some(job.id),
            file_name: job.input.name.clone(),
            input: Some(job.input.blob),
            model: Some(model),
        };
        let took = Took { whole, model: known.models.get(place).copied().flatten() };
        entries.push(match (outcome, failure) {
            (Outcome::Succeeded(results), _) => {
                let Some(result) = results.get(place) else { continue };
                question.model = predict::named_in(&result.document).or(question.model);
                let answer = Answer::Given(predict::best(&result.document));
                NewPrediction { cached: result.cached, ..question.entry(at, took, answer) }
            }
            (_, Some(failure)) => {
                question.entry(at, took, Answer::failed(failure.kind.as_str(), &failure.message))
            }
            (_, None) => continue,
        });
    }
    entries
}

//! From the numbers of an output to what a person can read.

use std::sync::Arc;

use crate::{
    manifest::{ScoreKind, ScoreOutput},
    tensor::Named,
};

/// A class and how sure the model is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The class, from 0.
    pub class: usize,
    /// Its label, where the model has labels.
    pub label: Option<String>,
    /// From 0 to 1.
    pub score: f32,
}

/// The probabilities of all classes, from the outputs of one input.
pub fn probabilities(outputs: &[Named], output: &ScoreOutput) -> Result<Vec<f32>, String> {
    let tensor = outputs.iter().find(|(name, _)| *name == output.name).map(|(_, tensor)| tensor);
    let tensor = tensor.ok_or_else(|| format!("there is no output `{}`", output.name))?;
    let values = tensor.to_f32().ok_or_else(|| format!("output `{}` holds no scores", output.name))?;
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return Err(format!("output `{}` holds values that are no numbers", output.name));
    }
    Ok(match output.kind {
        ScoreKind::Logits => softmax(&values),
        ScoreKind::Probabilities => values,
    })
}

/// `exp(x) / Σ exp(x)`, with the largest taken off first so that nothing overflows.
pub fn softmax(values: &[f32]) -> Vec<f32> {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = values.iter().map(|value| f64::from(value - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

/// The best `most` classes of at least `threshold`, best first; of equal ones the lower class first.
pub fn top(scores: &[f32], labels: &Arc<[String]>, most: usize, threshold: f32) -> Vec<Prediction> {
    let mut classes: Vec<usize> = (0..scores.len()).filter(|class| scores[*class] >= threshold).collect();
    classes.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    classes.truncate(most);
    let prediction =
        |class: usize| Prediction { class, label: labels.get(class).cloned(), score: scores[class] };
    classes.into_iter().map(prediction).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Data, Tensor};

    fn outputs(values: Vec<f32>) -> Vec<Named> {
        let shape = [1, values.len()];
        vec![("scores".to_owned(), Tensor::new(shape, Data::F32(values)).unwrap())]
    }

    fn of(kind: ScoreKind) -> ScoreOutput {
        ScoreOutput { name: "scores".to_owned(), kind }
    }

    #[test]
    fn logits_become_probabilities() {
        let got = probabilities(&outputs(vec![0.0, 2f32.ln(), -1.0e30]), &of(ScoreKind::Logits)).unwrap();
        for (got, want) in got.iter().zip([1.0 / 3.0, 2.0 / 3.0, 0.0]) {
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
        let huge = softmax(&[3.0e38, 3.0e38]);
        assert_eq!(huge, [0.5, 0.5]);
    }

    #[test]
    fn what_is_no_number_is_no_score() {
        for wrong in [vec![0.5, f32::NAN], vec![f32::INFINITY], Vec::new()] {
            assert!(probabilities(&outputs(wrong), &of(ScoreKind::Probabilities)).is_err());
        }
        let missing = ScoreOutput { name: "other".to_owned(), kind: ScoreKind::Logits };
        assert_eq!(
            probabilities(&outputs(vec![1.0]), &missing),
            Err("there is no output `other`".to_owned())
        );
    }

    #[test]
    fn the_best_come_first_and_the_rest_not_at_all() {
        let labels: Arc<[String]> = ["cat".to_owned(), "dog".to_owned()].into();
        let best = top(&[0.2, 0.5, 0.2, 0.1], &labels, 3, 0.15);
        let seen: Vec<_> = best.iter().map(|p| (p.class, p.label.as_deref(), p.score)).collect();
        assert_eq!(seen, [(1, Some("dog"), 0.5), (0, Some("cat"), 0.2), (2, None, 0.2)]);
        assert_eq!(top(&[0.2, 0.5], &labels, 1, 0.0).len(), 1);
    }
}

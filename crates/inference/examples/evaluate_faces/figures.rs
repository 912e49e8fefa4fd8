//! What embeddings are worth: every pair of photographs compared.

use std::collections::BTreeMap;

use darkroom_inference::faces::{
    Embedding,
    compare::{SAME_PERSON, cosine},
};

/// The share of pairs of different people that may be taken for one person in `tar`.
const FALSE_ACCEPTS: f64 = 1e-3;

/// The figures of one set of photographs, as shares of 1.
pub(crate) struct Figures {
    /// Photographs whose nearest other one is of the same person.
    pub(crate) rank_one: f64,
    /// Photographs that are nearest to the mean of their person's other photographs, of the means of all people.
    pub(crate) nearest_mean: f64,
    /// Pairs of one person that are above the threshold at which one of 1000 pairs of different people is.
    pub(crate) tar: f64,
    /// That threshold.
    pub(crate) threshold: f32,
    /// How often a pair of one person is above a pair of different people.
    pub(crate) auc: f64,
    /// Pairs of different people at or above the usual threshold.
    pub(crate) far: f64,
    /// Pairs of one person below it.
    pub(crate) frr: f64,
}

impl Figures {
    /// Of photographs with a face, each with the person's name.
    pub(crate) fn of(people: &[&str], embeddings: &[Embedding]) -> Self {
        let (mut same, mut other) = (Vec::new(), Vec::new());
        let mut nearest = vec![(f32::MIN, 0); people.len()];
        for (i, a) in embeddings.iter().enumerate() {
            for (j, b) in embeddings.iter().enumerate().skip(i + 1) {
                let value = cosine(a, b).unwrap_or(-1.0);
                if people[i] == people[j] { &mut same } else { &mut other }.push(value);
                for (one, two) in [(i, j), (j, i)] {
                    if value > nearest[one].0 {
                        nearest[one] = (value, two);
                    }
                }
            }
        }
        same.sort_by(f32::total_cmp);
        other.sort_by(f32::total_cmp);
        let right = nearest.iter().enumerate().filter(|(i, (_, j))| people[*i] == people[*j]).count();
        // So many pairs of different people are above it, and no more.
        let accepted = (other.len() as f64 * FALSE_ACCEPTS) as usize;
        let threshold = other.iter().rev().nth(accepted).copied().unwrap_or(-1.0);
        Self {
            rank_one: share(right, people.len()),
            nearest_mean: nearest_mean(people, embeddings),
            tar: share(same.len() - same.partition_point(|value| *value <= threshold), same.len()),
            threshold,
            auc: auc(&same, &other),
            far: share(other.len() - other.partition_point(|value| *value < SAME_PERSON), other.len()),
            frr: share(same.partition_point(|value| *value < SAME_PERSON), same.len()),
        }
    }
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

/// The share of (same, other) pairs of values in which `same` is greater; equal ones count half. Both are sorted.
fn auc(same: &[f32], other: &[f32]) -> f64 {
    let wins = |value: &f32| {
        let below = other.partition_point(|o| o < value);
        let equal = other.partition_point(|o| o <= value) - below;
        below as f64 + equal as f64 / 2.0
    };
    same.iter().map(wins).sum::<f64>() / (same.len() as f64 * other.len() as f64).max(1.0)
}

fn nearest_mean(people: &[&str], embeddings: &[Embedding]) -> f64 {
    let mut sums: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (person, embedding) in people.iter().zip(embeddings) {
        let sum = sums.entry(person).or_insert_with(|| vec![0.0; embedding.len()]);
        sum.iter_mut().zip(embedding).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let nearest = |(person, embedding): (&&str, &Embedding)| {
        let similarity = |(of, sum): (&&str, &Vec<f64>)| {
            let left_out = if of == person { 1.0 } else { 0.0 };
            let rest: Vec<f32> =
                sum.iter().zip(embedding).map(|(s, e)| (s - left_out * f64::from(*e)) as f32).collect();
            cosine(&rest, embedding).unwrap_or(-1.0)
        };
        let best = sums.iter().max_by(|a, b| similarity((a.0, a.1)).total_cmp(&similarity((b.0, b.1))));
        best.is_some_and(|(of, _)| of == person)
    };
    share(people.iter().zip(embeddings).filter(|pair| nearest(*pair)).count(), people.len())
}

//! What the aggregates of a run come to.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{AggregateKind, AggregateSpec, Cell, CellName};
use crate::exact::Spread;

/// Labels of one aggregate that are listed at most: the most frequent ones.
pub const MAX_CLASSES: usize = 1_000;

/// What one aggregate comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What was gathered.
    pub spec: AggregateSpec,
    /// Items with a value.
    pub counted: u64,
    /// Items that succeeded without one: photos without a face.
    pub missing: u64,
    /// Items whose value was not what was said.
    pub rejected: u64,
    /// The exact sum in its only form; what was gathered in any order by any number of workers has the same.
    pub bytes: Vec<u8>,
    /// What it comes to.
    pub value: Value,
}

/// What an aggregate comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing was counted yet.
    Nothing,
    /// Of vectors; each number is rounded once.
    Mean {
        /// The mean.
        mean: Vec<f64>,
        /// The mean, rounded to single precision at once.
        mean_f32: Vec<f32>,
        /// The variance over all items, dimension by dimension.
        variance: Vec<f64>,
        /// The length of the mean.
        norm: f64,
    },
    /// Of the means of folders.
    MeanOfMeans {
        /// Folders with a vector.
        groups: u64,
        /// The mean of their means.
        mean: Vec<f64>,
    },
    /// Of labels.
    Counts {
        /// How many different ones there are.
        classes: u64,
        /// The most frequent ones, at most [`MAX_CLASSES`]; those that are equally frequent by name.
        counts: Vec<(String, u64)>,
    },
}

/// Makes aggregates of cells that come in any order, holding few of them.
#[derive(Debug)]
pub struct Summary {
    parts: Vec<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    spec: AggregateSpec,
    whole: Cell,
    groups: u64,
    spread: Option<Spread>,
    most: BTreeSet<(Reverse<u64>, String)>,
}

impl Summary {
    /// Of these aggregates.
    pub fn new(specs: &[AggregateSpec]) -> Self {
        let gathered = |spec: &AggregateSpec| Gathered {
            spec: spec.clone(),
            whole: Cell::default(),
            groups: 0,
            spread: spec.kind.dimensions().map(Spread::new),
            most: BTreeSet::new(),
        };
        Self { parts: specs.iter().map(gathered).collect() }
    }

    /// Takes one cell in.
    pub fn take(&mut self, name: CellName, cell: Cell) {
        let Some(part) = self.parts.get_mut(usize::from(name.aggregate)) else { return };
        let Some(group) = name.group else {
            part.whole = cell;
            return;
        };
        let count = u64::try_from(cell.counted).unwrap_or_default();
        if count == 0 {
            return;
        }
        part.groups += 1;
        if let (Some(spread), Some(moments)) = (&mut part.spread, &cell.moments) {
            // A mean of finite vectors of the length that the aggregate checked cannot be refused.
            let _ = moments.add_mean_to(spread);
            return;
        }
        part.most.insert((Reverse(count), group));
        if part.most.len() > MAX_CLASSES {
            part.most.pop_last();
        }
    }

    /// What they come to, in the order of the run.
    pub fn finish(self) -> Vec<Aggregate> {
        self.parts.into_iter().map(Gathered::finish).collect()
    }
}

impl Gathered {
    fn finish(self) -> Aggregate {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        let bytes = self.whole.to_bytes();
        let (counted, missing, rejected) =
            (count(self.whole.counted), count(self.whole.missing), count(self.whole.rejected));
        Aggregate { counted, missing, rejected, bytes, spec: self.spec.clone(), value: self.value() }
    }

    fn value(self) -> Value {
        let found = match self.spec.kind {
            AggregateKind::Mean { .. } => self.whole.moments.and_then(|moments| {
                Some(Value::Mean {
                    mean: moments.mean()?,
                    mean_f32: moments.mean_f32()?,
                    variance: moments.variance()?,
                    norm: moments.norm()?,
                })
            }),
            AggregateKind::MeanByFolder { .. } => self
                .spread
                .and_then(|spread| Some(Value::MeanOfMeans { groups: spread.count(), mean: spread.mean()? })),
            AggregateKind::Counts if self.groups == 0 => None,
            AggregateKind::Counts => {
                let counts = self.most.into_iter().map(|(Reverse(count), label)| (label, count)).collect();
                Some(Value::Counts { classes: self.groups, counts })
            }
        };
        found.unwrap_or(Value::Nothing)
    }
}

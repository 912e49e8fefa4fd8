//! What bytes reach, value by value.

use std::{collections::BTreeMap, fmt};

use crate::convert::ConvertError;

/// No range is narrower: a scale must not vanish.
const LEAST_WIDTH: f32 = 1e-9;

/// No end lies further out: products of scales must stay numbers.
const FURTHEST: f32 = 1e9;

/// The lowest and the highest value that bytes stand for; zero lies between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f32,
    pub(super) high: f32,
}

impl Range {
    /// Widened to have zero inside. `None` for what is no range.
    pub(super) fn new(low: f32, high: f32) -> Option<Self> {
        let sound = |end: f32| end.is_finite() && end.abs() <= FURTHEST;
        if !(sound(low) && sound(high) && low <= high) {
            return None;
        }
        let (low, high) = (low.min(0.0), high.max(0.0));
        Some(if high - low < LEAST_WIDTH { Self { low: 0.0, high: 1.0 } } else { Self { low, high } })
    }

    /// To four digits: more of them say nothing, and would differ from one processor to the next.
    pub(super) fn rounded(self) -> Self {
        let four = |end: f32| format!("{end:.3e}").parse().unwrap_or(end);
        Self { low: four(self.low), high: four(self.high) }
    }
}

/// Ranges of a model's values, by name. As text, one line a value: `"name" = [low, high]`, which is TOML.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranges(BTreeMap<String, Range>);

impl Ranges {
    /// Reads the text that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, ConvertError> {
        let wrong = |what: &str| ConvertError::malformed(format!("the ranges are wrong: {what}"));
        let pairs: BTreeMap<String, [f32; 2]> = toml::from_str(text).map_err(|e| wrong(e.message()))?;
        let range = |(name, [low, high]): (String, [f32; 2])| {
            let range = Range::new(low, high);
            Ok((name.clone(), range.ok_or_else(|| wrong(&format!("`{name}` is from {low} to {high}")))?))
        };
        pairs.into_iter().map(range).collect::<Result<_, _>>().map(Self)
    }

    /// Without the values of these names, which then stay float.
    #[must_use]
    pub fn without(mut self, names: &[String]) -> Self {
        self.0.retain(|name, _| !names.contains(name));
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<Range> {
        self.0.get(name).copied()
    }

    pub(super) fn insert(&mut self, name: String, range: Range) {
        self.0.insert(name, range);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted by TOML's own rules, which are those of Rust for all that names of values contain.
        self.0
            .iter()
            .try_for_each(|(name, range)| writeln!(f, "{name:?} = [{:?}, {:?}]", range.low, range.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "\"a.relu6\" = [0.0, 5.25]\n\"add_1\" = [-1.5, 3.0]\n";
        let ranges = Ranges::parse(text).unwrap();
        assert_eq!((ranges.to_string().as_str(), ranges.len()), (text, 2));
        assert_eq!(ranges.without(&["add_1".to_owned()]).to_string(), "\"a.relu6\" = [0.0, 5.25]\n");
    }

    #[test]
    fn what_is_no_range_is_named() {
        for text in ["a = [1.0, 0.5]", "a = [0.0, inf]", "a = [nan, 1.0]", "a = [0.0, 1e20]"] {
            let error = Ranges::parse(text).unwrap_err().to_string();
            assert!(error.contains("`a` is from"), "{text}: {error}");
        }
        assert!(matches!(Ranges::parse("a = 1"), Err(ConvertError::Malformed(_))));
        assert!(matches!(Ranges::parse("no TOML"), Err(ConvertError::Malformed(_))));
    }
}

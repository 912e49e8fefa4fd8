//! Versions, in the order that people mean.

use std::{cmp::Ordering, fmt};

/// A version: runs of digits compare as numbers, everything else as text, so that 1.10 is above 1.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// From its text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            let digits = rest.starts_with(|c: char| c.is_ascii_digit());
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            rest = after;
            match (piece.is_empty(), digits) {
                (true, _) => None,
                (_, true) => {
                    Some(Piece::Number(piece.trim_start_matches('0').len(), piece.trim_start_matches('0')))
                }
                (_, false) => Some(Piece::Text(piece)),
            }
        })
    }
}

/// Numbers of any length: the longer one is larger, equally long ones compare by digit.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Text(&'a str),
    Number(usize, &'a str),
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // 1 and 01 are equal by number; they are still two versions.
        self.pieces().cmp(other.pieces()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_people_count() {
        let ordered = ["1", "1-int8", "1.2", "1.10", "2", "9", "10", "99999999999999999999999"];
        for pair in ordered.windows(2) {
            assert!(Version::new(pair[0]) < Version::new(pair[1]), "{pair:?}");
        }
        assert_ne!(Version::new("1"), Version::new("01"));
    }
}

//! Where values of items come together.

use super::Part;
use crate::exact::Moments;

/// The form of [`Cell::to_bytes`].
const FORM: u8 = 1;

/// The sum of what items have given. Giving and taking back are exact and in any order: a cell is a function of the
/// set of items that have given to it and not taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// Items with a value.
    pub counted: i64,
    /// Items without one.
    pub missing: i64,
    /// Items whose value is not what was said.
    pub rejected: i64,
    /// The vectors; none if this cell only counts, or while nothing is in it.
    pub moments: Option<Moments>,
}

/// The bytes are not those of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those of an aggregate")]
pub struct InvalidCell;

impl Cell {
    /// Adds what an item gives.
    pub fn give(&mut self, part: &Part) {
        match part {
            Part::Vector(vector) => {
                let moments = self.moments.get_or_insert_with(|| Moments::new(vector.len()));
                match moments.add(vector) {
                    Ok(()) => self.counted += 1,
                    Err(_) => self.rejected += 1,
                }
            }
            Part::One => self.counted += 1,
            Part::Missing => self.missing += 1,
            Part::Rejected => self.rejected += 1,
        }
        self.forget_nothing();
    }

    /// Takes back what an item gave.
    pub fn take_back(&mut self, part: &Part) {
        match part {
            Part::Vector(vector) => {
                let moments = self.moments.get_or_insert_with(|| Moments::new(vector.len()));
                match moments.subtract(vector) {
                    Ok(()) => self.counted -= 1,
                    Err(_) => self.rejected -= 1,
                }
            }
            Part::One => self.counted -= 1,
            Part::Missing => self.missing -= 1,
            Part::Rejected => self.rejected -= 1,
        }
        self.forget_nothing();
    }

    /// Whether no item has given anything that it has not taken back.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A sum of no vectors is none, so that an empty cell is equal to a new one.
    fn forget_nothing(&mut self) {
        if self.moments.as_ref().is_some_and(|moments| *moments == Moments::new(moments.dimensions())) {
            self.moments = None;
        }
    }

    /// The cell in its only form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        for count in [self.counted, self.missing, self.rejected] {
            bytes.extend(count.to_le_bytes());
        }
        if let Some(moments) = &self.moments {
            bytes.extend(moments.to_bytes());
        }
        bytes
    }

    /// Reads what [`Cell::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCell> {
        let (head, rest) = bytes.split_at_checked(25).ok_or(InvalidCell)?;
        if head[0] != FORM {
            return Err(InvalidCell);
        }
        let mut counts = head[1..].as_chunks::<8>().0.iter().map(|count| i64::from_le_bytes(*count));
        let mut next = || counts.next().ok_or(InvalidCell);
        let (counted, missing, rejected) = (next()?, next()?, next()?);
        let moments =
            if rest.is_empty() { None } else { Some(Moments::from_bytes(rest).map_err(|_| InvalidCell)?) };
        Ok(Self { counted, missing, rejected, moments })
    }
}

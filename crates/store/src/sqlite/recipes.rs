//! What jobs are to do, parsed once: thousands of jobs have the same operations.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use darkroom_core::Operation;

use super::trouble::{Trouble, internal};

/// Lists of operations that are kept at most; above, all are forgotten and parsed again.
const MAX_KEPT: usize = 64;

/// Lists of operations by their text.
#[derive(Debug, Default)]
pub(super) struct Recipes(Mutex<HashMap<String, Vec<Operation>>>);

impl Recipes {
    pub(super) fn parse(&self, text: &str) -> Result<Vec<Operation>, Trouble> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(operations) = kept.get(text) {
            return Ok(operations.clone());
        }
        let operations: Vec<Operation> = serde_json::from_str(text).map_err(internal)?;
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), operations.clone());
        Ok(operations)
    }
}

#[cfg(test)]
mod tests {
    use darkroom_core::operation::Thumbnail;

    use super::*;

    #[test]
    fn what_was_parsed_is_given_again_and_no_more_is_kept_than_there_is_room_for() {
        let recipes = Recipes::default();
        for side in 1..=MAX_KEPT as u32 + 1 {
            let operations = vec![Operation::Thumbnail(Thumbnail::fit(side, side))];
            let text = serde_json::to_string(&operations).unwrap();
            assert_eq!(recipes.parse(&text).unwrap(), operations);
            assert_eq!(recipes.parse(&text).unwrap(), operations);
            assert!(recipes.0.lock().unwrap().len() <= MAX_KEPT);
        }
        assert!(recipes.parse("nonsense").is_err());
    }
}

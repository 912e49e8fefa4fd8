//! Takes fields out of a table and remembers everything that is wrong with them.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::Mistake;

/// A table that is taken apart.
pub(super) struct Fields<'a> {
    table: Table,
    path: String,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Fields<'a> {
    /// `path` is where the table is: empty, or a name with its dot.
    pub(super) fn new(table: Table, path: impl Into<String>, mistakes: &'a mut Vec<Mistake>) -> Self {
        Self { table, path: path.into(), mistakes }
    }

    /// A field that may be absent.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                let said = error.to_string();
                self.wrong(key, said.lines().next().unwrap_or("is of the wrong type"));
                None
            }
        }
    }

    /// A field that must be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if !self.table.contains_key(key) {
            self.wrong(key, "is missing");
        }
        self.optional(key)
    }

    /// A table inside.
    pub(super) fn table(&mut self, key: &str) -> Option<Table> {
        match self.table.remove(key)? {
            Value::Table(table) => Some(table),
            other => {
                self.wrong(key, format!("is a table, not {}", other.type_str()));
                None
            }
        }
    }

    /// Says what is wrong with a field.
    pub(super) fn wrong(&mut self, key: &str, what: impl Into<String>) {
        self.mistakes.push(Mistake::new(format!("{}{key}", self.path), what));
    }

    /// Says it unless `right`.
    pub(super) fn demand(&mut self, key: &str, right: Option<bool>, what: &str) {
        if right == Some(false) {
            self.wrong(key, what);
        }
    }

    /// Another table's fields, with the same list of mistakes.
    pub(super) fn inside(&mut self, table: Table, name: &str) -> Fields<'_> {
        Fields::new(table, format!("{}{name}.", self.path), self.mistakes)
    }

    /// Whatever was not taken is not known.
    pub(super) fn finish(mut self) {
        for key in std::mem::take(&mut self.table).keys() {
            self.wrong(key, "is no field of a manifest");
        }
    }
}

//! Rows as JSON, one a line.

use super::{ResultsError, Row};

/// Appends a row. Line feeds within text are escaped by JSON itself.
pub(super) fn write(row: &Row, out: &mut Vec<u8>) -> Result<(), ResultsError> {
    serde_json::to_writer(&mut *out, row).map_err(|error| ResultsError(error.to_string()))?;
    out.push(b'\n');
    Ok(())
}

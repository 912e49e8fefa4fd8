//! Embeddings as a matrix in `NumPy`'s format, and whose they are.

use serde_json::{Value, json};

use super::{ResultsError, Row, table::vector};
use crate::npy;

/// Bytes of the header, whatever the shape: it can be written over once the number of rows is known.
pub(super) const HEADER: usize = 128;

/// `NumPy`'s header, version 1.0 (NEP 1), of a matrix of `rows` × `columns` numbers in single precision, little endian,
/// row after row.
pub fn npy_header(rows: u64, columns: usize) -> [u8; HEADER] {
    let header = npy::header("<f4", &[rows as usize, columns], HEADER);
    header.and_then(|header| header.try_into().ok()).expect("two sides fit into one header")
}

/// The embeddings of a row: for each face its number, its score, and its embedding.
pub fn embeddings(row: &Row) -> impl Iterator<Item = (usize, f64, Vec<f32>)> + '_ {
    let faces = row.results.iter().filter_map(|result| result.document["faces"].as_array()).flatten();
    faces.enumerate().filter_map(|(number, face)| {
        Some((number, face["score"].as_f64().unwrap_or_default(), vector(&face["embedding"])?))
    })
}

/// Writes the embeddings of rows: the matrix, and a line of JSON for each of its rows that says whose it is
/// (`{"row":0,"index":7,"path":"a/b.jpg","face":0,"score":0.98}`).
///
/// The number of rows stands before them. A file is begun with a header of 0 rows, and [`npy_header`] of
/// [`EmbeddingWriter::rows`] is written over it at the end; a stream needs the number before.
#[derive(Debug)]
pub struct EmbeddingWriter {
    columns: usize,
    rows: u64,
}

impl EmbeddingWriter {
    /// Begins a matrix of this many numbers a row.
    pub fn new(columns: usize) -> Self {
        Self { columns, rows: 0 }
    }

    /// Appends the embeddings of a row to the matrix, and whose they are to the list. An embedding of another length
    /// is an error: matrices of two models do not mix.
    pub fn write(&mut self, row: &Row, matrix: &mut Vec<u8>, list: &mut Vec<u8>) -> Result<(), ResultsError> {
        for (face, score, embedding) in embeddings(row) {
            if embedding.len() != self.columns {
                let what = format!("an embedding has {} numbers, and not {}", embedding.len(), self.columns);
                return Err(ResultsError(what));
            }
            matrix.extend(embedding.iter().flat_map(|number| number.to_le_bytes()));
            let whose: Value = json!({ "row": self.rows, "index": row.index, "path": row.path, "face": face, "score": score });
            list.extend_from_slice(whose.to_string().as_bytes());
            list.push(b'\n');
            self.rows += 1;
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

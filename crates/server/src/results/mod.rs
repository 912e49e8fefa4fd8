//! How the results of a run are written: rows in, bytes out, with memory that does not grow with the rows.
//!
//! | form | what is in it |
//! |---|---|
//! | JSONL | all of each row, a JSON document a line |
//! | CSV, Parquet | columns: those of every row, and some of each operation (see [`Table`]) |
//! | `.npy` | the embeddings ([`EmbeddingWriter`]), with a list of whose they are |
//! | HTML | one page about the run as a whole ([`Report`]) |

mod csv;
mod jsonl;
mod npy;
mod parquet;
mod report;
mod row;
mod table;

pub use npy::{EmbeddingWriter, embeddings, npy_header};
pub use report::{Report, Sample, Slice, report_policy};
pub use row::{Row, RowFailure, RowResult};
pub use table::{Column, Kind, Table};

/// The forms in which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON documents, one a line.
    Jsonl,
    /// Comma-separated values (RFC 4180) with a header. Text that a spreadsheet would take for a formula has a `'`
    /// before it.
    Csv,
    /// Apache Parquet, compressed by Snappy.
    Parquet,
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the results cannot be written: {0}")]
pub struct ResultsError(pub(crate) String);

/// Writes rows in one form. What it writes is appended to the buffer that it is given, which the caller empties as
/// often as it likes.
#[derive(Debug)]
pub enum RowWriter {
    /// See [`Format::Jsonl`].
    Jsonl,
    /// See [`Format::Csv`].
    Csv(Table),
    /// See [`Format::Parquet`].
    Parquet(Box<parquet::ParquetWriter>),
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The extension of a file, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl RowWriter {
    /// Begins to write the results of a run of these operations, by their names ([`darkroom_core::Operation::name`]).
    pub fn begin(format: Format, operations: &[&str], out: &mut Vec<u8>) -> Result<Self, ResultsError> {
        Ok(match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => {
                let table = Table::of(operations);
                csv::header(&table, out);
                Self::Csv(table)
            }
            Format::Parquet => {
                let mut writer = parquet::ParquetWriter::begin(Table::of(operations))?;
                writer.drain(out);
                Self::Parquet(Box::new(writer))
            }
        })
    }

    /// Writes one row. Parquet gathers some thousands before anything is appended.
    pub fn write(&mut self, row: &Row, out: &mut Vec<u8>) -> Result<(), ResultsError> {
        match self {
            Self::Jsonl => jsonl::write(row, out),
            Self::Csv(table) => {
                csv::write(table, row, out);
                Ok(())
            }
            Self::Parquet(writer) => {
                writer.write(row)?;
                writer.drain(out);
                Ok(())
            }
        }
    }

    /// Writes what comes after the last row.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), ResultsError> {
        match self {
            Self::Jsonl | Self::Csv(_) => Ok(()),
            Self::Parquet(writer) => writer.finish(out),
        }
    }
}

//! Rows as Apache Parquet: columns of a bounded number of rows at a time.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{ColumnPath, Type},
};

use super::{
    ResultsError, Row, Table,
    table::{Cell, Column, Kind},
};

/// Rows of a row group.
const GROUP_ROWS: usize = 65_536;

/// Bytes of a row group in memory; whichever comes first ends it.
const GROUP_BYTES: usize = 32 << 20;

/// Writes rows as Parquet.
#[derive(Debug)]
pub struct ParquetWriter {
    table: Table,
    file: SerializedFileWriter<Sink>,
    sink: Sink,
    gathered: Vec<Gathered>,
    rows: usize,
    bytes: usize,
}

/// The values of one column of the row group that is gathered. A level says whether there is a value; in lists a
/// second one says where a row begins (the Dremel encoding, as Parquet's format describes it).
#[derive(Debug)]
struct Gathered {
    values: Values,
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

#[derive(Debug)]
enum Values {
    Bytes(Vec<ByteArray>),
    Flag(Vec<bool>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Vector(Vec<f32>),
}

/// What the file writer writes to, so that it can be emptied in between.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<ParquetError> for ResultsError {
    fn from(error: ParquetError) -> Self {
        Self(error.to_string())
    }
}

impl ParquetWriter {
    pub(super) fn begin(table: Table) -> Result<Self, ResultsError> {
        let fields = table.columns().iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("results").with_fields(fields).build()?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("darkroom ", env!("CARGO_PKG_VERSION")).to_owned());
        for column in table.columns().iter().filter(|column| column.kind == Kind::Vector) {
            // No two embeddings are alike: a dictionary of their numbers only costs.
            let path = ColumnPath::new(vec![column.name.clone(), "list".to_owned(), "element".to_owned()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
        let sink = Sink::default();
        let file = SerializedFileWriter::new(sink.clone(), Arc::new(schema), Arc::new(properties.build()))?;
        let gathered = table.columns().iter().map(|column| Gathered::new(column.kind)).collect();
        Ok(Self { table, file, sink, gathered, rows: 0, bytes: 0 })
    }

    pub(super) fn write(&mut self, row: &Row) -> Result<(), ResultsError> {
        for (gathered, cell) in self.gathered.iter_mut().zip(self.table.cells(row)) {
            self.bytes += gathered.take(cell);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES { self.end_group() } else { Ok(()) }
    }

    /// Moves what was written to `out`.
    pub(super) fn drain(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.sink.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ResultsError> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.finish()?;
        self.drain(out);
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ResultsError> {
        let mut group = self.file.next_row_group()?;
        for gathered in &mut self.gathered {
            let mut column =
                group.next_column()?.ok_or_else(|| ResultsError("the file has fewer columns".to_owned()))?;
            gathered.write(column.untyped())?;
            column.close()?;
            *gathered = gathered.emptied();
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

/// The schema of a column.
fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let primitive = |name: &str, physical, logical| {
        let builder = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        builder
            .with_repetition(if name == "element" { Repetition::REQUIRED } else { Repetition::OPTIONAL })
            .build()
    };
    let name = &column.name;
    Ok(Arc::new(match column.kind {
        Kind::Text | Kind::Json => primitive(name, Physical::BYTE_ARRAY, Some(LogicalType::String))?,
        Kind::Flag => primitive(name, Physical::BOOLEAN, None)?,
        Kind::Whole => primitive(name, Physical::INT64, None)?,
        Kind::Number => primitive(name, Physical::DOUBLE, None)?,
        Kind::Vector => {
            let element = Arc::new(primitive("element", Physical::FLOAT, None)?);
            let list = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![element])
                .build()?;
            Type::group_type_builder(name)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::List))
                .with_fields(vec![Arc::new(list)])
                .build()?
        }
    }))
}

impl Gathered {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text | Kind::Json => Values::Bytes(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
            Kind::Whole => Values::Whole(Vec::new()),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Vector => Values::Vector(Vec::new()),
        };
        Self { values, defined: Vec::new(), repeated: Vec::new() }
    }

    fn emptied(&self) -> Self {
        Self::new(match self.values {
            Values::Bytes(_) => Kind::Text,
            Values::Flag(_) => Kind::Flag,
            Values::Whole(_) => Kind::Whole,
            Values::Number(_) => Kind::Number,
            Values::Vector(_) => Kind::Vector,
        })
    }

    /// Takes a value; about how many bytes it takes.
    fn take(&mut self, cell: Cell) -> usize {
        match (&mut self.values, cell) {
            (Values::Bytes(values), Cell::Text(text)) => {
                let bytes = text.len() + size_of::<ByteArray>();
                values.push(text.into_bytes().into());
                self.defined.push(1);
                bytes
            }
            (Values::Flag(values), Cell::Flag(flag)) => {
                values.push(flag);
                self.defined.push(1);
                1
            }
            (Values::Whole(values), Cell::Whole(value)) => {
                values.push(value);
                self.defined.push(1);
                8
            }
            (Values::Number(values), Cell::Number(value)) => {
                values.push(value);
                self.defined.push(1);
                8
            }
            (Values::Vector(values), Cell::Vector(vector)) if !vector.is_empty() => {
                self.defined.extend(vector.iter().map(|_| 2));
                self.repeated.extend((0..vector.len()).map(|at| i16::from(at > 0)));
                values.extend_from_slice(&vector);
                vector.len() * 8
            }
            (values, _) => {
                self.defined.push(0);
                if matches!(values, Values::Vector(_)) {
                    self.repeated.push(0);
                }
                2
            }
        }
    }

    fn write(&self, column: &mut ColumnWriter<'_>) -> Result<(), ResultsError> {
        let defined = Some(self.defined.as_slice());
        match (&self.values, column) {
            (Values::Bytes(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, defined, None)?
            }
            (Values::Flag(values), ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(values, defined, None)?
            }
            (Values::Whole(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, defined, None)?
            }
            (Values::Number(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(values, defined, None)?
            }
            (Values::Vector(values), ColumnWriter::FloatColumnWriter(writer)) => {
                writer.write_batch(values, defined, Some(&self.repeated))?
            }
            _ => return Err(ResultsError("a column is not of its kind".to_owned())),
        };
        Ok(())
    }
}

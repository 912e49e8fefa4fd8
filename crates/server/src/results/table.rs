//! Rows as columns: those of every row, and for each operation what most people look for first. All of what an
//! operation said is in JSONL.

use darkroom_core::job::Timings;
use serde_json::Value;

use super::Row;

/// What a column holds. Any value may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Yes or no.
    Flag,
    /// A whole number, 64 bits.
    Whole,
    /// A number, double precision.
    Number,
    /// Numbers, single precision; as many in every row, or none.
    Vector,
    /// A document, as text.
    Json,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: lower case with underscores, unique.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Row(Field),
    /// The operation's number, and where in its document (a JSON pointer, RFC 6901).
    Operation(usize, &'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Index,
    Path,
    State,
    Job,
    Bytes,
    Attempts,
    Cached,
    Failure,
    FailureDetail,
    ReadUs,
    WaitUs,
    WorkUs,
    WriteUs,
}

/// The columns of every row.
const OF_EVERY_ROW: [(&str, Kind, Field); 13] = [
    ("index", Kind::Whole, Field::Index),
    ("path", Kind::Text, Field::Path),
    ("state", Kind::Text, Field::State),
    ("job", Kind::Text, Field::Job),
    ("bytes", Kind::Whole, Field::Bytes),
    ("attempts", Kind::Whole, Field::Attempts),
    ("cached", Kind::Flag, Field::Cached),
    ("failure", Kind::Text, Field::Failure),
    ("failure_detail", Kind::Text, Field::FailureDetail),
    ("read_us", Kind::Whole, Field::ReadUs),
    ("wait_us", Kind::Whole, Field::WaitUs),
    ("work_us", Kind::Whole, Field::WorkUs),
    ("write_us", Kind::Whole, Field::WriteUs),
];

type OfOperation = &'static [(&'static str, Kind, &'static str)];

/// The columns of an operation, by its name.
const OF_OPERATIONS: [(&str, OfOperation); 5] = [
    (
        "thumbnail",
        &[
            ("format", Kind::Text, "/format"),
            ("width", Kind::Whole, "/width"),
            ("height", Kind::Whole, "/height"),
            ("frames", Kind::Whole, "/frames"),
            ("bytes", Kind::Whole, "/bytes"),
            ("artifact", Kind::Text, "/artifact"),
        ],
    ),
    (
        "classify",
        &[
            ("label", Kind::Text, "/labels/0/label"),
            ("class_id", Kind::Whole, "/labels/0/class_id"),
            ("score", Kind::Number, "/labels/0/score"),
            ("labels", Kind::Json, "/labels"),
            ("model", Kind::Text, "/model"),
        ],
    ),
    (
        "digit",
        &[
            ("digit", Kind::Whole, "/digit"),
            ("score", Kind::Number, "/score"),
            ("model", Kind::Text, "/model"),
        ],
    ),
    (
        "faces",
        &[
            ("count", Kind::Whole, "/count"),
            ("score", Kind::Number, "/faces/0/score"),
            ("x", Kind::Number, "/faces/0/box/x"),
            ("y", Kind::Number, "/faces/0/box/y"),
            ("width", Kind::Number, "/faces/0/box/width"),
            ("height", Kind::Number, "/faces/0/box/height"),
            ("embedding", Kind::Vector, "/faces/0/embedding"),
            ("faces", Kind::Json, "/faces"),
            ("model", Kind::Text, "/model"),
        ],
    ),
    ("model", &[("model", Kind::Text, "/model"), ("outputs", Kind::Json, "/outputs")]),
];

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Absent,
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
    Vector(Vec<f32>),
}

/// The columns of a run's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// Of a run of the operations of these names. The columns of an operation begin with its name; those of a second operation of
    /// the same name with `name_2`.
    pub fn of(operations: &[&str]) -> Self {
        let fixed = OF_EVERY_ROW.iter().map(|(name, kind, field)| Column {
            name: (*name).to_owned(),
            kind: *kind,
            from: From::Row(*field),
        });
        let mut columns: Vec<Column> = fixed.collect();
        for (number, name) in operations.iter().enumerate() {
            let same = operations[..number].iter().filter(|before| *before == name).count();
            let prefix = if same == 0 { (*name).to_owned() } else { format!("{name}_{}", same + 1) };
            let known = OF_OPERATIONS.iter().find(|(known, _)| known == name);
            // Of an operation that is not in the list, all that it said.
            let own = known.map_or::<OfOperation, _>(&[("document", Kind::Json, "")], |(_, own)| own);
            columns.extend(own.iter().map(|(column, kind, pointer)| Column {
                name: format!("{prefix}_{column}"),
                kind: *kind,
                from: From::Operation(number, pointer),
            }));
        }
        Self { columns }
    }

    /// The columns, in their order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The values of a row, in the order of the columns.
    pub(super) fn cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Cell> + 'a {
        self.columns.iter().map(|column| match column.from {
            From::Row(field) => of_row(row, field),
            From::Operation(number, pointer) => {
                let value = row.results.get(number).and_then(|result| result.document.pointer(pointer));
                value.map_or(Cell::Absent, |value| of_document(value, column.kind))
            }
        })
    }
}

fn of_row(row: &Row, field: Field) -> Cell {
    let whole = |value: u64| Cell::Whole(i64::try_from(value).unwrap_or(i64::MAX));
    let text = |text: Option<&String>| text.map_or(Cell::Absent, |text| Cell::Text(text.clone()));
    let spent = |part: fn(Timings) -> u64| row.timings.map_or(Cell::Absent, |timings| whole(part(timings)));
    match field {
        Field::Index => whole(row.index),
        Field::Path => Cell::Text(row.path.clone()),
        Field::State => Cell::Text(row.state.to_string()),
        Field::Job => text(row.job.as_ref()),
        Field::Bytes => row.bytes.map_or(Cell::Absent, whole),
        Field::Attempts => whole(row.attempts.into()),
        Field::Cached => Cell::Flag(row.cached),
        Field::Failure => text(row.failure.as_ref().map(|failure| &failure.code)),
        Field::FailureDetail => text(row.failure.as_ref().map(|failure| &failure.detail)),
        Field::ReadUs => spent(|timings| timings.read_us),
        Field::WaitUs => spent(|timings| timings.wait_us),
        Field::WorkUs => spent(|timings| timings.work_us),
        Field::WriteUs => spent(|timings| timings.write_us),
    }
}

fn of_document(value: &Value, kind: Kind) -> Cell {
    let found = match kind {
        Kind::Text => value.as_str().map(|text| Cell::Text(text.to_owned())),
        Kind::Flag => value.as_bool().map(Cell::Flag),
        Kind::Whole => value.as_i64().map(Cell::Whole),
        Kind::Number => value.as_f64().map(Cell::Number),
        Kind::Vector => vector(value).map(Cell::Vector),
        Kind::Json => Some(Cell::Text(brief(value).to_string())),
    };
    found.unwrap_or(Cell::Absent)
}

/// Numbers in single precision, if it is nothing else.
pub(super) fn vector(value: &Value) -> Option<Vec<f32>> {
    value.as_array()?.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
}

/// Without embeddings: they have a form of their own, and would make up nearly all of it.
fn brief(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(brief).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "embedding");
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        value => value.clone(),
    }
}

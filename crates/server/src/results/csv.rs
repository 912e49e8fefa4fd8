//! Rows as comma-separated values (RFC 4180).

use std::io::Write;

use super::{
    Row, Table,
    table::{Cell, Kind},
};

/// Appends the names of the columns.
pub(super) fn header(table: &Table, out: &mut Vec<u8>) {
    line(table.columns().iter().map(|column| Cell::Text(column.name.clone())), out);
}

/// Appends a row.
pub(super) fn write(table: &Table, row: &Row, out: &mut Vec<u8>) {
    let cells = table.cells(row).zip(table.columns());
    // JSON begins with none of the characters that a formula begins with, and stays JSON.
    let guarded = cells.map(|(cell, column)| match cell {
        Cell::Text(text) if column.kind == Kind::Text => Cell::Text(guard(text)),
        cell => cell,
    });
    line(guarded, out);
}

fn line(cells: impl Iterator<Item = Cell>, out: &mut Vec<u8>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        // Writing to a Vec does not fail.
        let _ = match cell {
            Cell::Absent => Ok(()),
            Cell::Text(text) => quote(&text, out),
            Cell::Flag(flag) => write!(out, "{flag}"),
            Cell::Whole(number) => write!(out, "{number}"),
            Cell::Number(number) => write!(out, "{number}"),
            Cell::Vector(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                quote(&format!("[{}]", numbers.join(",")), out)
            }
        };
    }
    out.extend_from_slice(b"\r\n");
}

/// Text that a spreadsheet would take for a formula gets a `'` before it: names of files come from strangers.
fn guard(text: String) -> String {
    if text
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
    {
        format!("'{text}")
    } else {
        text
    }
}

fn quote(text: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
    if text.contains([',', '"', '\r', '\n']) || text.starts_with([' ', '\'']) || text.ends_with(' ') {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

//! Rows in every form, read back.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use darkroom_server::results::{EmbeddingWriter, Format, Kind, Row, RowWriter, Table, npy_header};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, RowAccessor},
};
use proptest::prelude::*;
use serde_json::Value;

use super::rows::{OPERATIONS, failed, succeeded, with_faces};

fn written(format: Format, operations: &[&str], rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = RowWriter::begin(format, operations, &mut out).unwrap();
    for row in rows {
        writer.write(row, &mut out).unwrap();
    }
    writer.finish(&mut out).unwrap();
    out
}

/// Where files are left that other programs can be tried on.
fn leave(name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("results");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn jsonl_has_all_of_each_row() {
    let rows = [succeeded(0, "a.jpg"), failed(1, "b\nc.jpg", "it is damaged")];
    let text = String::from_utf8(written(Format::Jsonl, &OPERATIONS, &rows)).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["results"][0]["document"]["labels"][1]["label"], "fox");
    assert_eq!(
        (&lines[1]["path"], &lines[1]["failure"]["code"]),
        (&"b\nc.jpg".into(), &"undecodable".into())
    );
}

#[test]
fn csv_has_a_column_of_each_kind_and_no_formulas() {
    let rows = [succeeded(0, "=cmd|' /C calc'!A1"), failed(1, "a \"b\", c.jpg", "-1+1")];
    let text = String::from_utf8(written(Format::Csv, &OPERATIONS, &rows)).unwrap();
    let mut lines = text.split("\r\n");
    assert_eq!(
        lines.next(),
        Some(
            "index,path,state,job,bytes,attempts,cached,failure,failure_detail,read_us,wait_us,work_us,write_us,\
             classify_label,classify_class_id,classify_score,classify_labels,classify_model,\
             thumbnail_format,thumbnail_width,thumbnail_height,thumbnail_frames,thumbnail_bytes,thumbnail_artifact,\
             thumbnail_2_format,thumbnail_2_width,thumbnail_2_height,thumbnail_2_frames,thumbnail_2_bytes,\
             thumbnail_2_artifact,digit_digit,digit_score,digit_model"
        )
    );
    let first = lines.next().unwrap();
    assert!(first.starts_with(
        "0,\"'=cmd|' /C calc'!A1\",succeeded,job-0,1234,1,true,,,1,2,3,4,\"tabby, cat\",281,0.5,\"[{"
    ));
    assert!(first.ends_with(",jpeg,9,7,1,99,thumbnail.jpg,jpeg,5,7,1,99,thumbnail.jpg,7,0.99,"));
    let second = lines.next().unwrap();
    assert!(
        second.starts_with(
            "1,\"a \"\"b\"\", c.jpg\",failed,job-1,1234,1,false,undecodable,\"'-1+1\",1,2,3,4,,"
        )
    );
    assert_eq!(lines.collect::<Vec<_>>(), [""]);
    leave("rows.csv", text.as_bytes());
}

#[test]
fn parquet_is_read_back_as_it_was_written() {
    let rows = [succeeded(0, "a.jpg"), failed(1, "b.jpg", "why"), succeeded(2, "\u{fc}.jpg")];
    let bytes = written(Format::Parquet, &OPERATIONS, &rows);
    leave("rows.parquet", &bytes);
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 3);
    let columns: Vec<String> = read[0].get_column_iter().map(|(name, _)| name.clone()).collect();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    assert_eq!(
        (read[2].get_long(at("index")).unwrap(), read[2].get_string(at("path")).unwrap()),
        (2, &"\u{fc}.jpg".to_owned())
    );
    assert_eq!(read[0].get_double(at("classify_score")).unwrap().to_bits(), 0.5_f64.to_bits());
    assert_eq!(read[0].get_long(at("thumbnail_2_width")).unwrap(), 5);
    assert_eq!([0, 1].map(|row: usize| read[row].get_bool(at("cached")).unwrap()), [true, false]);
    assert_eq!(read[1].get_string(at("failure")).unwrap(), "undecodable");
    assert!(matches!(read[1].get_column_iter().nth(at("classify_label")).unwrap().1, Field::Null));
}

#[test]
fn a_parquet_file_without_rows_has_its_columns() {
    let reader = SerializedFileReader::new(Bytes::from(written(Format::Parquet, &OPERATIONS, &[]))).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    let fields = reader.metadata().file_metadata().schema().get_fields().len();
    assert_eq!(fields, Table::of(&OPERATIONS).columns().len());
}

#[test]
fn parquet_is_written_in_groups_of_a_bounded_size() {
    let (mut out, mut most) = (Vec::new(), 0);
    let mut writer = RowWriter::begin(Format::Parquet, &OPERATIONS, &mut out).unwrap();
    let mut file = std::mem::take(&mut out);
    for index in 0..70_000 {
        let row = Row { results: Vec::new(), ..failed(index, &format!("{index}.jpg"), "") };
        writer.write(&row, &mut out).unwrap();
        most = most.max(out.len());
        file.append(&mut out);
    }
    writer.finish(&mut file).unwrap();
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    assert_eq!((reader.num_row_groups(), reader.metadata().file_metadata().num_rows()), (2, 70_000));
    assert!(most > 0, "the first group was handed over before the end");
}

#[test]
fn embeddings_are_lists_of_single_precision() {
    assert!(Table::of(&["faces"]).columns().iter().any(|column| column.kind == Kind::Vector));
    let embedding: Vec<f32> = (0..128).map(|at| at as f32 / 7.0 - 9.0).collect();
    let rows = [
        with_faces(0, "one.jpg", std::slice::from_ref(&embedding)),
        with_faces(1, "none.jpg", &[]),
        with_faces(2, "two.jpg", &[embedding.iter().map(|x| -x).collect(), embedding.clone()]),
    ];
    let bytes = written(Format::Parquet, &["faces"], &rows);
    leave("faces.parquet", &bytes);
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let lists: Vec<Vec<f32>> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            match row.get_column_iter().find(|(name, _)| *name == "faces_embedding").unwrap().1 {
                Field::ListInternal(list) => list
                    .elements()
                    .iter()
                    .map(|field| match field {
                        Field::Float(number) => *number,
                        other => panic!("{other} is no number"),
                    })
                    .collect(),
                _ => Vec::new(),
            }
        })
        .collect();
    assert_eq!([&lists[0], &lists[1]], [&embedding, &Vec::new()]);
    assert_eq!(lists[2][127].to_bits(), (-embedding[127]).to_bits());
    let csv = String::from_utf8(written(Format::Csv, &["faces"], &rows)).unwrap();
    assert!(!csv.contains("\"\"embedding\"\""), "a list of faces leaves embeddings to their own column");
}

#[test]
fn a_matrix_has_a_row_for_each_face_and_says_whose_it_is() {
    let embedding: Vec<f32> = (0..128).map(|at| (at as f32).sin()).collect();
    let rows = [
        with_faces(5, "a/one.jpg", std::slice::from_ref(&embedding)),
        failed(6, "none.jpg", ""),
        with_faces(7, "two.jpg", &[embedding.clone(), embedding.clone()]),
    ];
    let (mut matrix, mut list) = (npy_header(0, 128).to_vec(), Vec::new());
    let mut writer = EmbeddingWriter::new(128);
    for row in &rows {
        writer.write(row, &mut matrix, &mut list).unwrap();
    }
    matrix[..128].copy_from_slice(&npy_header(writer.rows(), 128));
    assert!(matrix[10..].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 128), }"));
    assert_eq!((matrix.len(), matrix[127]), (128 + 3 * 128 * 4, b'\n'));
    let numbers: Vec<f32> =
        matrix[128..].as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    assert_eq!(numbers, embedding.repeat(3));
    let list: Vec<Value> =
        String::from_utf8(list).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let whose: Vec<_> =
        list.iter().map(|l| (l["row"].as_u64(), l["index"].as_u64(), l["face"].as_u64())).collect();
    assert_eq!(
        whose,
        [(Some(0), Some(5), Some(0)), (Some(1), Some(7), Some(0)), (Some(2), Some(7), Some(1))]
    );
    assert_eq!(list[0]["path"], "a/one.jpg");
    leave("embeddings.npy", &matrix);
    assert!(writer.write(&with_faces(8, "other", &[vec![1.0; 512]]), &mut matrix, &mut Vec::new()).is_err());
    assert_eq!(npy_header(u64::MAX, 4_096).len(), 128);
}

/// Fields of a line, by RFC 4180.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

proptest! {
    #[test]
    fn any_name_is_one_field_and_no_formula(name in any::<String>()) {
        let text = String::from_utf8(written(Format::Csv, &OPERATIONS, &[failed(0, &name, "")])).unwrap();
        let line = text.split_once("\r\n").unwrap().1.strip_suffix("\r\n").unwrap();
        let found = fields(line);
        prop_assert_eq!(found.len(), Table::of(&OPERATIONS).columns().len());
        prop_assert!(!found[1].starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        prop_assert!(found[1] == name || found[1].strip_prefix('\'') == Some(&name));
    }
}

//! What a run has given, item by item, in the order of the source.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_api::RunItem;
use darkroom_core::{Operation, job::Job, store::StoreError};

use super::{
    Http,
    caller::Caller,
    failure::Failure,
    query::Query,
    run_items::{Document, Items, body_of},
};
use crate::results::{Format, ResultsError, Row, RowWriter};

/// Every item with its results.
pub(super) async fn results(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let format = query.take("format");
    query.finish()?;
    let format = match format.as_deref() {
        None | Some("jsonl") => Format::Jsonl,
        Some("csv") => Format::Csv,
        Some("parquet") => Format::Parquet,
        Some(_) => return Err(Failure::parameter("format", "is jsonl, csv or parquet")),
    };
    let permit = http.stream_permit()?;
    let run = http.run_of(&caller, &id).await?;
    let (begun, head) = Writing::begin(format, &run.operations).map_err(StoreError::from)?;
    let items = Items::of(&http.store, run.id);
    let mut response = body_of(items, head, begun, permit).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"results.{}\"", format.extension());
    if let (true, Ok(name)) = (format != Format::Jsonl, HeaderValue::from_str(&name)) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// JSON lines are items as the API shows them; tables have a column for what is alike.
enum Writing {
    Lines,
    Rows { writer: RowWriter, written: u64 },
}

impl Writing {
    fn begin(format: Format, operations: &[Operation]) -> Result<(Self, Vec<u8>), ResultsError> {
        let mut head = Vec::new();
        if format == Format::Jsonl {
            return Ok((Self::Lines, head));
        }
        let names: Vec<&str> = operations.iter().map(Operation::name).collect();
        let writer = RowWriter::begin(format, &names, &mut head)?;
        Ok((Self::Rows { writer, written: 0 }, head))
    }
}

impl Document for Writing {
    fn write(&mut self, jobs: &[Job], out: &mut Vec<u8>) -> Result<(), ResultsError> {
        match self {
            Self::Lines => {
                for item in jobs.iter().filter_map(RunItem::of) {
                    serde_json::to_writer(&mut *out, &item)
                        .map_err(|error| ResultsError(error.to_string()))?;
                    out.push(b'\n');
                }
            }
            Self::Rows { writer, written } => {
                for job in jobs {
                    let Some(row) = Row::of(job, *written) else { continue };
                    *written += 1;
                    writer.write(&row, out)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<(), ResultsError> {
        match self {
            Self::Lines => Ok(()),
            Self::Rows { writer, .. } => writer.finish(out),
        }
    }
}

//! The embeddings of a run as one matrix, streamed, with memory that does not grow with its rows.
//!
//! The head of the matrix says how many rows it has, so they are counted first. Should the run change meanwhile so
//! that there are more or fewer, the connection ends early: nobody takes half of the matrix for all of it.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_core::{job::Job, run::Run, store::StoreError};

use super::{
    Http,
    caller::Caller,
    disposition::Disposition,
    failure::Failure,
    query::Query,
    run_items::{Document, Items, body_of},
};
use crate::results::{EmbeddingWriter, ResultsError, Row, embeddings, npy_header};

/// Numbers of an embedding.
const COLUMNS: usize = 128;

/// What is wanted: the matrix, or a line of JSON for each of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Matrix,
    List,
}

/// The matrix, or whose its rows are.
pub(super) async fn download(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let format = query.take("format");
    query.finish()?;
    let part = match format.as_deref() {
        None | Some("npy") => Part::Matrix,
        Some("jsonl") => Part::List,
        Some(_) => return Err(Failure::parameter("format", "is npy or jsonl")),
    };
    let permit = http.stream_permit()?;
    let run = http.run_of(&caller, &id).await?;
    let head = match part {
        Part::Matrix => {
            let rows = count(Items::of(&http.store, run.id)).await?;
            Some((rows, npy_header(rows, COLUMNS)))
        }
        Part::List => None,
    };
    let length = head.map(|(rows, head)| head.len() as u64 + rows * (COLUMNS * size_of::<f32>()) as u64);
    let name = file_name(&run, part);
    let (rows, head) = match head {
        Some((rows, head)) => (Some(rows), head.to_vec()),
        None => (None, Vec::new()),
    };
    let document = Embeddings { part, writer: EmbeddingWriter::new(COLUMNS), items: 0, rows };
    let mut response = body_of(Items::of(&http.store, run.id), head, document, permit).into_response();
    let headers = response.headers_mut();
    let kind = if part == Part::Matrix { "application/octet-stream" } else { "application/jsonl" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_DISPOSITION, Disposition::Attachment.header(&name));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

fn file_name(run: &Run, part: Part) -> String {
    let extension = if part == Part::Matrix { "npy" } else { "jsonl" };
    format!("{}.embeddings.{extension}", run.name)
}

/// Rows of the matrix.
async fn count(mut items: Items) -> Result<u64, StoreError> {
    let mut rows = 0;
    loop {
        let jobs = items.next().await?;
        if jobs.is_empty() {
            return Ok(rows);
        }
        let faces = |job: &Job| Row::of(job, 0).map_or(0, |row| embeddings(&row).count() as u64);
        rows += jobs.iter().map(faces).sum::<u64>();
    }
}

/// Embeddings on their way.
struct Embeddings {
    part: Part,
    writer: EmbeddingWriter,
    /// Items so far.
    items: u64,
    /// How many rows there must be.
    rows: Option<u64>,
}

impl Document for Embeddings {
    fn write(&mut self, jobs: &[Job], piece: &mut Vec<u8>) -> Result<(), ResultsError> {
        let mut other = Vec::new();
        for job in jobs {
            let Some(row) = Row::of(job, self.items) else { continue };
            match self.part {
                Part::Matrix => self.writer.write(&row, piece, &mut other)?,
                Part::List => self.writer.write(&row, &mut other, piece)?,
            }
            other.clear();
            self.items += 1;
        }
        // More than was said is worse than nothing.
        let more = self.rows.is_some_and(|rows| self.writer.rows() > rows);
        if more { Err(changed()) } else { Ok(()) }
    }

    fn finish(self, _: &mut Vec<u8>) -> Result<(), ResultsError> {
        let other = self.rows.is_some_and(|rows| self.writer.rows() != rows);
        if other { Err(changed()) } else { Ok(()) }
    }
}

fn changed() -> ResultsError {
    ResultsError("the run has changed while its embeddings were read".to_owned())
}

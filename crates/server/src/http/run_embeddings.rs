//! The embeddings of a run as one matrix, streamed, with memory that does not grow with its rows.
//!
//! The head of the matrix says how many rows it has, so they are counted first. Should the run change meanwhile so
//! that there are more or fewer, the connection ends early: nobody takes half of the matrix for all of it.

use std::io;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_core::{
    RunId,
    job::Job,
    run::Run,
    store::{ItemPage, Store, StoreError},
};
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{Http, caller::Caller, disposition::Disposition, failure::Failure, query::Query};
use crate::results::{EmbeddingWriter, ResultsError, Row, embeddings, npy_header};

/// Items that are read at a time.
const ITEMS: u32 = 200;

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
            let rows = count(&http, run.id).await?;
            Some((rows, npy_header(rows, COLUMNS)))
        }
        Part::List => None,
    };
    let length = head.map(|(rows, head)| head.len() as u64 + rows * (COLUMNS * size_of::<f32>()) as u64);
    let name = file_name(&run, part);
    let reading = Reading {
        http,
        run: run.id,
        part,
        after: None,
        item: 0,
        writer: Some(EmbeddingWriter::new(COLUMNS)),
        rows: head.map(|(rows, _)| rows),
        head: head.map(|(_, head)| head.to_vec()).unwrap_or_default(),
        _permit: permit,
    };
    let mut response = Body::from_stream(pieces(reading)).into_response();
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
async fn count(http: &Http, run: RunId) -> Result<u64, Failure> {
    let (mut rows, mut after) = (0, None);
    loop {
        let jobs = items(&*http.store, run, after).await?;
        let Some(last) = jobs.last() else { return Ok(rows) };
        after = Some(last.seq);
        let faces = |job: &Job| Row::of(job, 0).map_or(0, |row| embeddings(&row).count() as u64);
        rows += jobs.iter().map(faces).sum::<u64>();
    }
}

async fn items(store: &dyn Store, run: RunId, after: Option<u64>) -> Result<Vec<Job>, StoreError> {
    store.items(run, ItemPage { limit: ITEMS, after, states: Vec::new() }).await
}

/// Embeddings on their way.
struct Reading {
    http: Http,
    run: RunId,
    part: Part,
    after: Option<u64>,
    /// Items so far.
    item: u64,
    /// `None` once everything is written.
    writer: Option<EmbeddingWriter>,
    /// How many rows there must be.
    rows: Option<u64>,
    /// What comes before the first row.
    head: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

fn pieces(reading: Reading) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(reading, async |mut reading| {
        while let Some(mut writer) = reading.writer.take() {
            let jobs = items(&*reading.http.store, reading.run, reading.after).await;
            let jobs = jobs.map_err(io::Error::other)?;
            let mut piece = std::mem::take(&mut reading.head);
            match jobs.last() {
                Some(last) => {
                    reading.after = Some(last.seq);
                    reading.write(&mut writer, &jobs, &mut piece).map_err(io::Error::other)?;
                    reading.writer = Some(writer);
                }
                None => reading.check(writer.rows())?,
            }
            if !piece.is_empty() {
                return Ok(Some((Bytes::from(piece), reading)));
            }
        }
        Ok(None)
    })
}

impl Reading {
    fn write(
        &mut self,
        writer: &mut EmbeddingWriter,
        jobs: &[Job],
        piece: &mut Vec<u8>,
    ) -> Result<(), ResultsError> {
        let mut other = Vec::new();
        for job in jobs {
            let Some(row) = Row::of(job, self.item) else { continue };
            match self.part {
                Part::Matrix => writer.write(&row, piece, &mut other)?,
                Part::List => writer.write(&row, &mut other, piece)?,
            }
            other.clear();
            self.item += 1;
        }
        if let Some(rows) = self.rows {
            // More than was said is worse than nothing.
            let more = writer.rows() > rows;
            return if more { Err(ResultsError(changed())) } else { Ok(()) };
        }
        Ok(())
    }

    fn check(&self, written: u64) -> io::Result<()> {
        match self.rows {
            Some(rows) if rows != written => Err(io::Error::other(changed())),
            _ => Ok(()),
        }
    }
}

fn changed() -> String {
    "the run has changed while its embeddings were read".to_owned()
}

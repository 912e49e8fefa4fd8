//! What a submission consists of.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use darkroom_core::Operation;
use reqwest::{
    Body, RequestBuilder,
    multipart::{Form, Part},
};

use super::{ClientError, sending::Sent};

/// One image and what is done to it.
#[derive(Debug)]
pub struct Upload {
    content: Content,
    name: String,
    operations: Vec<Operation>,
}

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    File(PathBuf),
    Stream(Body),
}

/// How a submission is made; the default is at once, without waiting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// How long to wait for the job to end within the same request.
    pub wait: Option<Duration>,
    /// The queue to wait in.
    pub queue: Option<String>,
    /// Higher is taken first.
    pub priority: Option<i8>,
    /// Makes a repeated submission give the first one's job.
    pub idempotency_key: Option<String>,
}

impl Upload {
    /// Bytes in memory, under this file name.
    pub fn bytes(content: impl Into<Bytes>, name: impl Into<String>, operations: Vec<Operation>) -> Self {
        Self { content: Content::Bytes(content.into()), name: name.into(), operations }
    }

    /// A file, which is read while it is sent.
    pub fn file(path: impl Into<PathBuf>, operations: Vec<Operation>) -> Self {
        let path = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { content: Content::File(path), name, operations }
    }

    /// Anything else that comes chunk by chunk.
    pub fn stream(content: Body, name: impl Into<String>, operations: Vec<Operation>) -> Self {
        Self { content: Content::Stream(content), name: name.into(), operations }
    }

    pub(super) async fn into_form(self, options: &Options, sent: &Sent) -> Result<Form, ClientError> {
        let image = match self.content {
            Content::Bytes(bytes) => Part::stream(bytes),
            Content::Stream(body) => Part::stream(body),
            Content::File(path) => sent.file(&path).await?,
        };
        let operations = serde_json::to_string(&self.operations);
        let operations = operations.map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let mut form = Form::new().text("operations", operations);
        for (name, value) in
            [("queue", options.queue.clone()), ("priority", options.priority.map(|p| p.to_string()))]
        {
            if let Some(value) = value {
                form = form.text(name, value);
            }
        }
        Ok(form.part("image", image.file_name(self.name)))
    }
}

impl Options {
    /// What goes into headers.
    pub(super) fn on(&self, request: RequestBuilder) -> RequestBuilder {
        let request = match &self.idempotency_key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        match self.wait {
            Some(time) => request.header("Prefer", format!("wait={}", time.as_secs())),
            None => request,
        }
    }
}

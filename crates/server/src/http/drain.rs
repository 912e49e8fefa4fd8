//! Reading what is left of a body after a request was refused.
//!
//! Many clients look at the answer only once they have sent everything. If the server closed the connection before
//! that, they would see a broken connection instead of the reason.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::header,
};
use bytes::Bytes;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};

/// Bytes that are read for politeness at most.
const MOST: usize = 256 << 20;

/// How long the client may take to send them, and to pause.
const LONGEST: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);

/// What is left of a request's body, whoever reads it meanwhile.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<Body>>);

impl Rest {
    /// Keeps hold of the body of `request`. `None` if there is none, or if the client waits to be told to send it.
    pub(super) fn of(request: Request) -> (Request, Option<Self>) {
        if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
            return (request, None);
        }
        let (head, body) = request.into_parts();
        let rest = Self(Arc::new(Mutex::new(body)));
        (Request::from_parts(head, Body::new(rest.clone())), Some(rest))
    }

    /// Reads and forgets what is left, within bounds.
    pub(super) async fn drain(self) {
        let mut left = Body::new(self).into_data_stream();
        let read = async {
            let mut bytes = 0;
            while let Ok(Some(Ok(chunk))) = tokio::time::timeout(PAUSE, left.next()).await {
                bytes += chunk.len();
                if bytes > MOST {
                    return;
                }
            }
        };
        // Whoever takes longer sees a broken connection after all.
        let _ = tokio::time::timeout(LONGEST, read).await;
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

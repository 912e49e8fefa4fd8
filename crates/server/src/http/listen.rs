//! Accepting connections, each with its bounds, until the service stops.

use std::{io, net::SocketAddr, sync::Arc};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt as _;

use super::Http;

/// The other end of the connection that a request came over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Bytes that the head of a request may have.
const MAX_HEAD: usize = 128 << 10;

/// Header fields that a request may have.
const MAX_HEADERS: usize = 100;

/// Serves until the service stops, then lets open requests end for as long as the configuration allows.
pub async fn serve(listener: TcpListener, http: Http) -> io::Result<()> {
    let router = super::router(&http);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(http.config.max_connections));
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(http.config.head_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (accept(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            () = http.stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        let named = router.clone().map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let service = TowerToHyperService::new(named);
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A connection that breaks is the client's affair; what it asked for has its own log.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(http.config.drain, graceful.shutdown()).await.is_err() {
        let open = http.config.max_connections - places.available_permits();
        tracing::warn!(open, "connections were still open when the time to drain was over");
    }
    Ok(())
}

/// The next connection. Errors of accepting are those of a client that left, or of too many open files: both pass.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

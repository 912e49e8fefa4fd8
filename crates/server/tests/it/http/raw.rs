//! Requests that no client library would send.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::app::App;

/// An answer as it came: status and everything after it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

pub(super) async fn connect(app: &App) -> TcpStream {
    let address: SocketAddr = app.base.trim_start_matches("http://").parse().unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Sends these bytes on a connection of their own, and reads until the server closes it.
pub(super) async fn send(app: &App, bytes: &[u8]) -> Answer {
    let mut stream = connect(app).await;
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    read(stream).await
}

/// Reads until the server closes the connection.
pub(super) async fn read(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

/// A GET of exactly this target.
pub(super) async fn get(app: &App, target: &str) -> Answer {
    send(app, format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .await
}

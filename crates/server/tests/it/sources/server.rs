//! A web server that does what it is told, sense or not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// One thing that the server does with a connection.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Goes on when the test says so.
    Wait(Arc<Semaphore>),
    /// Keeps the connection open and says nothing more.
    Hold,
}

/// A request, and how many came before it.
pub(crate) struct Request {
    pub(crate) number: usize,
    pub(crate) path: String,
    head: String,
}

impl Request {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let named = |line: &&str| line.to_lowercase().starts_with(&format!("{name}:"));
        Some(self.head.lines().find(named)?.split_once(':')?.1.trim().to_owned())
    }

    /// Where the asked range begins.
    pub(crate) fn start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// Path and start of the range of a request.
type Asked = (String, Option<usize>);

/// A running server.
pub(crate) struct Server {
    pub(crate) base: String,
    /// Path and range of each request.
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request with what `script` says for it, and closes the connection.
    pub(crate) async fn start(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (script, asked) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let (count, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, count, seen) = (Arc::clone(&script), Arc::clone(&count), Arc::clone(&seen));
                tokio::spawn(async move {
                    let _ = serve(stream, |head| {
                        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                        let request = Request { number: count.fetch_add(1, Ordering::SeqCst), path, head };
                        seen.lock().unwrap().push((request.path.clone(), request.start()));
                        script(&request)
                    })
                    .await;
                });
            }
        });
        Self { base, asked }
    }

    /// Where each request began.
    pub(crate) fn starts(&self) -> Vec<Option<usize>> {
        self.asked.lock().unwrap().iter().map(|(_, start)| *start).collect()
    }
}

async fn serve(mut stream: TcpStream, script: impl FnOnce(String) -> Vec<Step>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    for step in script(String::from_utf8_lossy(&head).into_owned()) {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::Wait(signal) => signal.acquire().await.unwrap().forget(),
            Step::Hold => std::future::pending().await,
        }
    }
    stream.shutdown().await
}

/// An answer's head.
pub(crate) fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{}\r\n", lines.concat()).into_bytes()
}

/// What a server that knows ranges answers: `content` under the entity tag `tag`, cut off after `most` bytes.
pub(crate) fn ranged(request: &Request, content: &[u8], tag: &str, most: usize) -> Vec<Step> {
    let same = request.header("if-range").is_none_or(|asked| asked == tag);
    let start = request.start().filter(|_| same).unwrap_or(0);
    let length = (content.len() - start).to_string();
    let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
    let mut headers = vec![("Content-Length", length.as_str()), ("ETag", tag)];
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    if start > 0 {
        headers.push(("Content-Range", &range));
    }
    let part = &content[start..content.len().min(start.saturating_add(most))];
    vec![Step::Send(head(status, &headers)), Step::Send(part.to_vec())]
}

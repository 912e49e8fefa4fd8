//! A line to a server that breaks right before an answer.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

/// Hands everything on to a server, but for the first answer to a request that begins in this way: then the connection
/// breaks instead.
pub(crate) struct Cut {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    server: String,
    /// How the request begins whose answer is lost.
    request: &'static [u8],
    /// Answers that were lost.
    lost: AtomicU32,
    /// Whether nobody gets through once one was.
    is_dead_then: bool,
    is_mended: AtomicBool,
}

impl Cut {
    pub(crate) fn before_the_answer_to(request: &'static str, server: &str) -> Self {
        Self::start(request, server, false)
    }

    /// The same, and nobody gets through any more until it is mended.
    pub(crate) fn for_good_before_the_answer_to(request: &'static str, server: &str) -> Self {
        Self::start(request, server, true)
    }

    fn start(request: &'static str, server: &str, is_dead_then: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            server: server.strip_prefix("http://").unwrap().to_owned(),
            request: request.as_bytes(),
            lost: AtomicU32::new(0),
            is_dead_then,
            is_mended: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                thread::spawn(move || state.connect(client));
            }
        });
        Self { url, state }
    }

    /// Whether an answer was lost.
    pub(crate) fn has_happened(&self) -> bool {
        self.state.lost.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn mend(&self) {
        self.state.is_mended.store(true, Ordering::SeqCst);
    }
}

impl State {
    fn connect(self: Arc<Self>, client: TcpStream) {
        let is_dead = self.is_dead_then && self.lost.load(Ordering::SeqCst) > 0;
        if is_dead && !self.is_mended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(&self.server) else { return };
        let (to_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let is_meant = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&self);
        let asked = Arc::clone(&is_meant);
        let questions = thread::spawn(move || {
            pass(client, to_server, |piece| {
                if piece.starts_with(state.request) {
                    asked.store(true, Ordering::SeqCst);
                }
                true
            });
        });
        pass(server, to_client, |_| {
            let cuts = is_meant.load(Ordering::SeqCst) && self.lost.swap(1, Ordering::SeqCst) == 0;
            !cuts
        });
        questions.join().unwrap();
    }
}

/// Hands on what comes, until nothing does or a piece is not to be handed on; then both ends are closed.
fn pass(mut from: TcpStream, mut to: TcpStream, mut hands_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        let piece = &buffer[..count];
        if count == 0 || !hands_on(piece) || to.write_all(piece).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

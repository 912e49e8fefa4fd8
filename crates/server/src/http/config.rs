//! What the HTTP side can be told.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    config::{ByteSize, Mistake},
    settings,
    web::{Private, Rules},
};

settings! {
    /// The HTTP API.
    pub struct Config in "http" {
        /// Where to listen.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)),
        /// Connections at once; more wait to be accepted.
        max_connections: usize = 1_024,
        /// Uploads taken in at once; more wait for their turn.
        max_submissions: usize = 64,
        /// How long an upload waits for its turn before it is answered 503.
        submission_patience: Duration = Duration::from_secs(10),
        /// Images that models look at outside of jobs at once; more wait for their turn, as long as uploads do.
        max_looks: usize = 64,
        /// Previews of images made at once; more wait for their turn, as long as uploads do.
        max_previews: usize = 2,
        /// Working memory that one preview may need; an image that needs more has none.
        preview_memory: ByteSize = ByteSize::mib(256),
        /// How long making one preview may take.
        preview_time: Duration = Duration::from_secs(5),
        /// Size of a question to a model under `/v2`, also of what a compressed one inflates to.
        max_infer_body: ByteSize = ByteSize::mib(64),
        /// Size of the answer to such a question.
        max_infer_answer: ByteSize = ByteSize::mib(256),
        /// Encoded images in such a question.
        max_infer_images: usize = 64,
        /// Event streams and waiting requests at once; more are answered 503.
        max_streams: usize = 256,
        /// The longest time that a client may wait for a job within one request.
        max_wait: Duration = Duration::from_mins(1),
        /// How long the head of a request may take.
        head_timeout: Duration = Duration::from_secs(15),
        /// How long a body may pause.
        body_timeout: Duration = Duration::from_secs(30),
        /// How long requests may take to end once the server stops.
        drain: Duration = Duration::from_secs(20),
        /// Web origins that may call the API from a browser, such as `https://example.org`; `*` is all, empty is none.
        cors_origins: Vec<String> = Vec::new(),
        /// Names besides `localhost` by which callers without a name may ask a server that listens on a loopback address,
        /// such as that of a proxy in front of it.
        hosts: Vec<String> = Vec::new(),
        /// Whether images and archives may be fetched from private, local and reserved addresses.
        fetch_private: bool = false,
        /// How long fetching an image may take.
        fetch_timeout: Duration = Duration::from_secs(20),
        /// Redirects that are followed while fetching an image or an archive.
        fetch_redirects: u32 = 3,
        /// Where the files of the dashboard are, for people who change it; those in the binary unless set.
        dashboard_dir: Option<PathBuf> = None,
    }
}

impl Config {
    /// By which rules addresses are asked that clients name.
    pub(crate) fn fetch_rules(&self) -> Rules {
        let private = if self.fetch_private { Private::Allowed } else { Private::Refused };
        Rules { private, connect: self.fetch_timeout, redirects: self.fetch_redirects }
    }

    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let counts = [
            ("max_connections", self.max_connections),
            ("max_submissions", self.max_submissions),
            ("max_looks", self.max_looks),
            ("max_previews", self.max_previews),
            ("max_infer_images", self.max_infer_images),
            ("max_streams", self.max_streams),
        ];
        for (key, value) in counts {
            if value == 0 || value > 1_000_000 {
                mistakes.push(Mistake::new(format!("http.{key}"), "is 1 to 1000000"));
            }
        }
        let sizes = [
            ("preview_memory", self.preview_memory),
            ("max_infer_body", self.max_infer_body),
            ("max_infer_answer", self.max_infer_answer),
        ];
        for (key, value) in sizes {
            if value.bytes() == 0 {
                mistakes.push(Mistake::new(format!("http.{key}"), "is more than nothing"));
            }
        }
        let times = [
            ("preview_time", self.preview_time),
            ("head_timeout", self.head_timeout),
            ("body_timeout", self.body_timeout),
            ("fetch_timeout", self.fetch_timeout),
        ];
        for (key, value) in times {
            if value.is_zero() {
                mistakes.push(Mistake::new(format!("http.{key}"), "is more than nothing"));
            }
        }
        for origin in &self.cors_origins {
            if origin != "*" && !(origin.starts_with("http://") || origin.starts_with("https://")) {
                let what = format!("`{origin}` is not an origin such as https://example.org");
                mistakes.push(Mistake::new("http.cors_origins", what));
            }
        }
        mistakes
    }
}

//! The dashboard: its files, and how they are handed out.
//!
//! The page is what lies in `web/`: modules and style sheets as browsers take them, without a build step. It knows the
//! server by its public API only. This crate finds a file by its name and says what it is; it knows neither HTTP nor the
//! service.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// What a browser may do for this page: nothing that does not come from where the page came from. Pictures may also be
/// made by the page itself, from bytes that it asked for with its token.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself, among the files.
pub const PAGE: &str = "index.html";

/// Bytes of one file at most, where files are read from a folder.
const MAX_FILE: u64 = 4 << 20;

#[derive(RustEmbed)]
#[folder = "web/"]
struct Embedded;

/// One file of the page.
#[derive(Debug, Clone)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The same compressed, where that is shorter.
    pub gzip: Option<Vec<u8>>,
    /// Its media type.
    pub media_type: &'static str,
    /// The first 128 bits of its SHA-256 in hexadecimal: another content has another tag.
    pub tag: String,
}

/// The files of the page.
#[derive(Debug, Clone)]
pub enum Files {
    /// Those in the binary.
    Embedded(BTreeMap<String, File>),
    /// Those in a folder, read anew each time: for people who change them.
    Folder(PathBuf),
}

impl Files {
    /// The files in the binary, compressed once.
    pub fn embedded() -> Self {
        let files = Embedded::iter().filter_map(|name| {
            let bytes = Embedded::get(&name)?.data;
            Some((name.clone().into_owned(), File::of(&name, bytes)))
        });
        Self::Embedded(files.collect())
    }

    /// The files in a folder.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Folder(path.into())
    }

    /// The file of this name, such as `core/api.js`; `None` if there is none, or if the name leads out of the folder.
    pub fn get(&self, name: &str) -> Option<Cow<'_, File>> {
        match self {
            Self::Embedded(files) => files.get(name).map(Cow::Borrowed),
            Self::Folder(folder) => read(folder, name).ok().map(Cow::Owned),
        }
    }
}

impl File {
    fn of(name: &str, bytes: Cow<'_, [u8]>) -> Self {
        let bytes = bytes.into_owned();
        let gzip = gzip(&bytes).ok().filter(|short| short.len() < bytes.len());
        let tag = Sha256::digest(&bytes).iter().take(16).fold(String::new(), |mut tag, byte| {
            // Writing to a String does not fail.
            let _ = write!(tag, "{byte:02x}");
            tag
        });
        Self { bytes, gzip, media_type: media_type(name), tag }
    }
}

fn read(folder: &Path, name: &str) -> io::Result<File> {
    let path = Path::new(name);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let path = folder.join(path);
    if fs::metadata(&path)?.len() > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(File::of(name, fs::read(path)?.into()))
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The media type of a file by the end of its name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

//! From what was typed to the images behind it, one at a time: memory stays flat however many there are.

use std::{
    ffi::OsStr,
    io,
    path::{Component, Path, PathBuf},
};

use darkroom_core::{BlobId, run::SkipReason};
use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use super::{names::told_apart, shown};

/// Files with these extensions are always taken for images, even if they turn out to be broken ones. Others are
/// looked into.
const EXTENSIONS: [&str; 20] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib", "ico", "avif",
    "pbm", "pgm", "ppm", "pnm", "heic", "heif",
];

/// One thing that was typed.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// Where to look.
    pub(super) root: PathBuf,
    /// What of it, as paths relative to the root; `None` is everything.
    pub(super) pattern: Option<GlobMatcher>,
    /// What the results' paths begin with.
    pub(super) prefix: PathBuf,
    /// The folder of results, which may lie in it.
    pub(super) without: Option<PathBuf>,
}

/// One image file.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Where it lies within its source, and its result within the folder of results.
    pub(super) relative: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub(super) modified: u64,
}

/// What a walk meets.
#[derive(Debug)]
pub(super) enum Found {
    /// An image, or what calls itself one.
    Image(Image),
    /// What is none, and why.
    PassedOver(SkipReason),
    /// Something that cannot be looked at.
    Unreadable(PathBuf, io::Error),
}

/// Understands what was typed; says what makes no sense.
pub(super) fn parse(typed: &[String]) -> Result<Vec<Typed>, String> {
    let mut sources: Vec<Typed> = typed.iter().map(|text| parse_one(text)).collect::<Result<_, _>>()?;
    // Several folders may hold files of the same name: each gets a folder of its own among the results.
    if sources.len() > 1 {
        let places: Vec<PathBuf> = sources.iter().map(Typed::place).collect();
        for (typed, name) in sources.iter_mut().zip(told_apart(&places)) {
            let folder = if typed.root.is_dir() { Some(&*name) } else { name.parent() };
            folder.unwrap_or(Path::new("")).clone_into(&mut typed.prefix);
        }
    }
    Ok(sources)
}

fn parse_one(text: &str) -> Result<Typed, String> {
    let path = PathBuf::from(text);
    if path.exists() {
        return Ok(Typed { root: path, pattern: None, prefix: PathBuf::new(), without: None });
    }
    if !text.contains(['*', '?', '[', '{']) {
        return Err(format!("there is no file or folder `{text}`"));
    }
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let root: PathBuf = path.components().take_while(is_plain).collect();
    let rest: PathBuf = path.components().skip_while(is_plain).collect();
    let glob = GlobBuilder::new(&rest.to_string_lossy()).literal_separator(true).build();
    let pattern =
        glob.map_err(|error| format!("`{text}` is not a pattern: {}", error.kind()))?.compile_matcher();
    let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
    Ok(Typed { root, pattern: Some(pattern), prefix: PathBuf::new(), without: None })
}

impl Typed {
    fn files(&self) -> impl Iterator<Item = walkdir::Result<DirEntry>> + use<'_> {
        let visible =
            |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
        let theirs = |entry: &DirEntry| {
            let may_be_out = self.without.is_some() && entry.depth() > 0 && entry.file_type().is_dir();
            !may_be_out || entry.path().canonicalize().ok() != self.without
        };
        let meant = move |entry: &DirEntry| visible(entry) && theirs(entry);
        // Sorted, so that two calls meet the same files in the same order.
        let entries = WalkDir::new(&self.root).sort_by_file_name().into_iter().filter_entry(meant);
        entries.filter(|entry| match entry {
            Ok(entry) => {
                let is_met = entry.path().is_file() || entry.path_is_symlink();
                is_met && self.includes(&self.relative(entry.path()))
            }
            Err(_) => true,
        })
    }

    /// Where it leads to.
    fn place(&self) -> PathBuf {
        self.root.canonicalize().unwrap_or_default()
    }

    /// Whether results that go below `out` would go where its images lie.
    pub(super) fn lies_in(&self, out: &Path) -> bool {
        let mut folder = self.place();
        if self.root.is_file() {
            folder.pop();
        }
        let is_folder = |results: &Path| results.canonicalize().is_ok_and(|results| results == folder);
        is_folder(out) || is_folder(&out.join(&self.prefix))
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        let place = self.pattern.as_ref().map(|pattern| self.root.join(pattern.glob().glob()));
        place.as_ref().unwrap_or(&self.root).display().to_string()
    }

    /// What it is, whichever folder the next call is made from.
    pub(super) fn described(&self) -> String {
        let pattern = self.pattern.as_ref().map_or("", |pattern| pattern.glob().glob());
        format!("{}\n{pattern}", shown::text(&self.place()))
    }

    /// What it holds, in order.
    pub(super) fn found(&self) -> impl Iterator<Item = Found> + use<'_> {
        self.files().map(|entry| self.look(entry))
    }

    fn includes(&self, relative: &Path) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(relative))
    }

    fn relative(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let name = || PathBuf::from(self.place().file_name().unwrap_or_default());
        if below.as_os_str().is_empty() { name() } else { below.to_owned() }
    }

    /// Whether a link leads to a file of this folder.
    fn holds(&self, link: &Path) -> bool {
        let inside = |target: PathBuf| self.root.canonicalize().is_ok_and(|root| target.starts_with(root));
        link.is_file() && link.canonicalize().is_ok_and(inside)
    }

    fn look(&self, entry: walkdir::Result<DirEntry>) -> Found {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(&self.root).to_owned();
                return Found::Unreadable(path, error.into());
            }
        };
        let path = entry.path().to_owned();
        // As in a run of this process: a link in a folder leads to no file outside of it.
        if entry.path_is_symlink() && entry.depth() > 0 && !self.holds(&path) {
            return Found::PassedOver(SkipReason::Link);
        }
        let named = path.extension().and_then(OsStr::to_str).is_some_and(is_image_extension);
        if !named && !darkroom_server::worker::recognises(&path) {
            return Found::PassedOver(SkipReason::NotAnImage);
        }
        match path.metadata() {
            Err(error) => Found::Unreadable(path, error),
            Ok(metadata) => Found::Image(Image {
                relative: self.prefix.join(self.relative(&path)),
                bytes: metadata.len(),
                modified: modified(&metadata),
                path,
            }),
        }
    }
}

fn is_image_extension(extension: &str) -> bool {
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// When a file was last changed, in nanoseconds since 1970.
pub(super) fn modified(metadata: &std::fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// What there is to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// Bytes of all images.
    pub(super) bytes: u64,
    /// A digest of which images there are, how large they are, and when they were last changed.
    pub(super) digest: String,
}

impl Listing {
    /// Of everything that these sources hold. Looks at every file.
    pub(super) fn of(sources: &[Typed]) -> Self {
        let mut listing = Self { bytes: 0, digest: String::new() };
        for found in sources.iter().flat_map(Typed::found) {
            if let Found::Image(image) = found {
                listing.add(&image.relative, (image.bytes, image.modified));
            }
        }
        listing
    }

    /// Of one file, as far as it can be looked at: whoever sends it says what is wrong.
    pub(super) fn of_file(path: &Path) -> Self {
        let mut listing = Self { bytes: 0, digest: String::new() };
        if let Ok(metadata) = path.metadata() {
            listing.add(path, (metadata.len(), modified(&metadata)));
        }
        listing
    }

    fn add(&mut self, path: &Path, (bytes, modified): (u64, u64)) {
        self.bytes += bytes;
        // Each digest has the one before in it, so that a million names need no memory.
        let text = format!("{} {bytes} {modified} {}", self.digest, shown::text(path));
        self.digest = BlobId::of(text.as_bytes()).to_string();
    }
}

/// Where the image lies that stands there within its source; `None` if none of the sources has one there.
pub(super) fn place_of(sources: &[Typed], relative: &Path) -> Option<PathBuf> {
    sources.iter().find_map(|typed| {
        if typed.root.is_file() {
            let own = typed.prefix.join(typed.relative(&typed.root));
            return (own == relative).then(|| typed.root.clone());
        }
        let path = typed.root.join(relative.strip_prefix(&typed.prefix).ok()?);
        path.is_file().then_some(path)
    })
}

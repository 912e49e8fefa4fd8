//! Sources over a folder of the test's own, and what they come to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use darkroom_core::BlobId;
use darkroom_server::{
    Config,
    blobs::Blobs,
    config::ByteSize,
    sources::{
        Archive, ArchiveAt, Broken, Content, Item, Items, Met, Placed, Position, Reach, SkipReason, Source,
        SourceError, Sources,
    },
};
use tempfile::TempDir;

/// The largest item.
pub(super) const ITEM_BYTES: u64 = 1 << 20;

/// Something that starts like a JPEG and is told from others by its rest.
pub(super) fn image(mark: &str) -> Vec<u8> {
    [b"\xff\xd8\xff\xe0".as_slice(), mark.as_bytes()].concat()
}

/// A source's surroundings.
pub(super) struct Place {
    pub(super) folder: TempDir,
    pub(super) config: Config,
}

/// What a source came to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Index, name and content of the images.
    pub(super) images: Vec<(u64, String, Vec<u8>)>,
    /// Names of the images that stay where they are.
    pub(super) placed: Vec<String>,
    /// Index, name and reason of what was passed over, and of images that broke.
    pub(super) passed: Vec<(u64, String, SkipReason)>,
    /// Where to go on after each.
    pub(super) positions: Vec<Position>,
    pub(super) damage: Option<String>,
}

impl Seen {
    pub(super) fn names(&self) -> Vec<&str> {
        self.images.iter().map(|(_, name, _)| name.as_str()).collect()
    }

    pub(super) fn reasons(&self) -> Vec<(&str, SkipReason)> {
        self.passed.iter().map(|(_, name, reason)| (name.as_str(), *reason)).collect()
    }
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let data = folder.path().join("data").display().to_string();
        let mut config = Config::default();
        config.sources.roots = vec![data];
        config.limits.input_bytes = ByteSize(ITEM_BYTES);
        Self { folder, config }
    }

    /// The folder that may be read.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file below the folder that may be read.
    pub(super) fn write(&self, name: impl AsRef<Path>, content: &[u8]) -> PathBuf {
        let path = self.data().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn sources(&self) -> Sources {
        self.sources_with(self.folder.path())
    }

    /// With this data folder.
    pub(super) fn sources_with(&self, data_dir: &Path) -> Sources {
        let blobs = Blobs::open(data_dir.join("blobs")).unwrap();
        Sources::new(&self.config, blobs, data_dir, Reach::Roots)
    }

    pub(super) fn open(&self, source: &Source) -> Items {
        self.open_at(source, &Position::default())
    }

    pub(super) fn open_at(&self, source: &Source, from: &Position) -> Items {
        self.sources().open("run", source, from.clone())
    }

    pub(super) async fn all(&self, source: &Source) -> Result<Seen, SourceError> {
        collect(self.open(source)).await
    }

    pub(super) async fn archive(&self, bytes: &[u8]) -> Result<Seen, SourceError> {
        self.all(&self.archive_of(bytes)).await
    }

    pub(super) fn archive_of(&self, bytes: &[u8]) -> Source {
        let at = ArchiveAt::File(self.write("archive", bytes));
        Source::Archive(Archive { at, checksum: None })
    }
}

/// Takes everything.
pub(super) async fn collect(mut items: Items) -> Result<Seen, SourceError> {
    let mut seen = Seen::default();
    while let Some(met) = items.next().await? {
        let position = met.position();
        match met {
            Met::Image(item) => take(item, &mut seen).await,
            Met::Passed(passed) => {
                seen.passed.push((passed.index, passed.path.to_string(), passed.fault.reason));
            }
        }
        seen.positions.push(position);
    }
    seen.damage.clone_from(&items.summary().damage);
    Ok(seen)
}

async fn take(item: Item, seen: &mut Seen) {
    let mut chunks = match item.content {
        Content::Chunks(chunks) => chunks,
        Content::Placed(Placed { blob, bytes, place }) => {
            let content = fs::read(place.path()).unwrap();
            assert_eq!((blob, bytes), (BlobId::of(&content), content.len() as u64));
            seen.placed.push(item.path.to_string());
            return seen.images.push((item.index, item.path.to_string(), content));
        }
    };
    let mut content = Vec::new();
    loop {
        match chunks.chunk().await {
            Ok(Some(chunk)) => content.extend_from_slice(&chunk),
            Ok(None) => return seen.images.push((item.index, item.path.to_string(), content)),
            Err(Broken::Item(fault)) => {
                return seen.passed.push((item.index, item.path.to_string(), fault.reason));
            }
            // `next` says why.
            Err(Broken::Source) => return,
        }
    }
}

//! What sources can be told.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::{ByteSize, Mistake},
    settings,
};

settings! {
    /// Where the images of runs come from.
    pub struct Config in "sources" {
        /// Folders of this machine that runs may be asked to work through, with everything below; empty is none. The
        /// command line reads what its user can read.
        roots: Vec<String> = Vec::new(),
        /// Whether files of folders are read where they lie, once to know them and once to work on them. Otherwise they are
        /// copied into the blob store first, and what becomes of them later does not matter.
        in_place: bool = true,
        /// Names of a folder that are kept sorted in memory at once; larger folders are read several times.
        folder_window: usize = 32_768,
        /// Folders within folders.
        folder_depth: u32 = 64,
        /// Entries of one archive.
        archive_entries: u64 = 10_000_000,
        /// Bytes that the entries of one archive unpack to together.
        archive_unpacked: ByteSize = ByteSize(1 << 40),
        /// How many times its own size an archive may unpack to. The first 256 MiB are free.
        archive_ratio: u32 = 200,
        /// Memory for the window of a Zstandard archive; 128 MiB is what its own tool takes.
        zstd_window: ByteSize = ByteSize::mib(128),
        /// Where archives are kept while they are fetched and read. Empty is `spool` inside the data folder.
        spool: PathBuf = PathBuf::new(),
        /// Size of an archive that is sent along with a run.
        upload_bytes: ByteSize = ByteSize(50 << 30),
        /// Size of an archive that is fetched.
        download_bytes: ByteSize = ByteSize(256 << 30),
        /// How long fetching one archive may take, with all interruptions.
        download_time: Duration = Duration::from_hours(24),
        /// How long a server may leave a download without an answer or at less than `download_slowest`; then it is
        /// asked again for the rest.
        download_pause: Duration = Duration::from_secs(30),
        /// Bytes a second that a server must give at least, over `download_pause`.
        download_slowest: ByteSize = ByteSize(1 << 10),
        /// How often a server is asked in vain: what it gives is less than `download_slowest` each time.
        download_attempts: u32 = 8,
        /// The greatest delay before the first of these; it doubles with each further one, up to a minute.
        download_retry: Duration = Duration::from_secs(1),
        /// Addresses of one list.
        urls: usize = 100_000,
        /// Addresses of a list that are fetched from at once.
        urls_ahead: usize = 8,
        /// How often an address of a list is asked in vain. Each may take `http.fetch_timeout`.
        url_attempts: u32 = 3,
    }
}

impl Config {
    /// Where archives are kept while they are fetched and read; `spool` inside `data_dir` unless one is set.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        if self.spool.as_os_str().is_empty() { data_dir.join("spool") } else { self.spool.clone() }
    }

    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let numbers = [
            ("folder_window", self.folder_window as u64),
            ("folder_depth", u64::from(self.folder_depth)),
            ("archive_entries", self.archive_entries),
            ("archive_unpacked", self.archive_unpacked.bytes()),
            ("archive_ratio", u64::from(self.archive_ratio)),
            ("zstd_window", self.zstd_window.bytes()),
            ("upload_bytes", self.upload_bytes.bytes()),
            ("download_bytes", self.download_bytes.bytes()),
            ("download_time", self.download_time.as_millis() as u64),
            ("download_pause", self.download_pause.as_millis() as u64),
            ("download_attempts", u64::from(self.download_attempts)),
            ("urls", self.urls as u64),
            ("urls_ahead", self.urls_ahead as u64),
            ("url_attempts", u64::from(self.url_attempts)),
        ];
        let zero = numbers.iter().filter(|(_, value)| *value == 0);
        let mut mistakes: Vec<Mistake> =
            zero.map(|(key, _)| Mistake::new(format!("sources.{key}"), "is at least 1")).collect();
        let relative = self.roots.iter().filter(|root| !root.starts_with('/'));
        mistakes.extend(
            relative.map(|root| Mistake::new("sources.roots", format!("`{root}` is not a whole path"))),
        );
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_at_least_one_and_roots_are_whole_paths() {
        assert!(Config::default().validate().is_empty());
        let config =
            Config { urls: 0, roots: vec!["photos".to_owned(), "/data".to_owned()], ..Config::default() };
        let keys: Vec<String> = config.validate().into_iter().map(|mistake| mistake.key).collect();
        assert_eq!(keys, ["sources.urls", "sources.roots"]);
    }

    #[test]
    fn what_is_fetched_is_kept_in_the_data_folder_unless_told() {
        let data = Path::new("/data");
        assert_eq!(Config::default().folder(data), Path::new("/data/spool"));
        let told = Config { spool: PathBuf::from("/scratch"), ..Config::default() };
        assert_eq!(told.folder(data), Path::new("/scratch"));
    }
}

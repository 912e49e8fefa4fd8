//! From what was typed to the sources of runs: one for each folder, pattern or archive, one for all single files.

use std::path::{Path, PathBuf};

use darkroom_core::{Operation, operation::Crops};
use darkroom_server::sources::{Archive, ArchiveAt, Checksum, Depth, Folder, Source};

use super::{
    asked::RunArgs,
    sources::{self, Typed},
};
use crate::{halt::Halt, runs::start::is_url};

/// Bytes of paths in one list: the description of a source is bounded.
const MAX_LIST: usize = 512 << 10;

/// What one run works through.
#[derive(Debug)]
pub(super) struct Dataset {
    /// What to call it.
    pub(super) name: String,
    pub(super) source: Source,
    /// What the results' paths begin with.
    pub(super) under: PathBuf,
}

/// What was typed, as sources.
pub(super) fn datasets(args: &RunArgs, sources: Vec<Typed>) -> Result<Vec<Dataset>, Halt> {
    if let Some(archive) = &args.archive {
        return Ok(vec![archive_of(archive, args.md5.as_ref().or(args.checksum.as_ref()))?]);
    }
    let (mut datasets, mut files, mut below) = (Vec::new(), Vec::new(), None);
    for typed in sources {
        let root = whole(&typed.root)?;
        if root.is_dir() {
            datasets.push(folder(root, typed));
        } else {
            let named = typed.prefix.components().count();
            below =
                below.or_else(|| root.ancestors().nth(named + 1).filter(|_| named > 0).map(Path::to_owned));
            files.push(root);
        }
    }
    datasets.extend(lists(files, below.as_deref()));
    let mut different: Vec<Dataset> = Vec::with_capacity(datasets.len());
    for dataset in datasets {
        if different.iter().all(|one| (&one.source, &one.under) != (&dataset.source, &dataset.under)) {
            different.push(dataset);
        }
    }
    Ok(different)
}

/// The images that were typed. Refuses a folder of results in which results would take the places of some.
pub(super) fn images(args: &RunArgs, operation: &Operation) -> Result<Vec<Typed>, Halt> {
    let sources = sources::parse(&args.sources).map_err(Halt::Usage)?;
    let makes_images = match operation {
        Operation::Thumbnail(_) => true,
        Operation::Faces(faces) => faces.crops != Crops::None,
        _ => false,
    };
    let out = args.out.as_deref().filter(|_| makes_images);
    match out.and_then(|out| sources.iter().find(|typed| typed.lies_in(out))) {
        None => Ok(sources),
        Some(typed) => Err(Halt::Usage(format!(
            "the results would lie among the images of `{}` and take the place of some; name another folder with --out",
            typed.name()
        ))),
    }
}

fn archive_of(typed: &str, checksum: Option<&Checksum>) -> Result<Dataset, Halt> {
    if typed.contains("://") && !is_url(typed) {
        return Err(Halt::Usage(format!(
            "only http and https addresses are fetched, and `{typed}` is neither"
        )));
    }
    let at = if is_url(typed) {
        ArchiveAt::Url(typed.to_owned())
    } else {
        ArchiveAt::File(whole(Path::new(typed))?)
    };
    let source = Source::Archive(Archive { at, checksum: checksum.cloned() });
    Ok(Dataset { name: typed.to_owned(), source, under: PathBuf::new() })
}

fn folder(path: PathBuf, typed: Typed) -> Dataset {
    let include: Vec<String> = typed.pattern.iter().map(|pattern| pattern.glob().glob().to_owned()).collect();
    let name = path.join(include.first().map_or("", String::as_str)).display().to_string();
    let within = |ours: &PathBuf| ours.strip_prefix(&path).ok()?.to_str().map(globset::escape);
    let exclude = typed.without.iter().filter_map(within).filter(|ours| !ours.is_empty()).collect();
    let folder = Folder { path, depth: Depth::All, include, exclude };
    Dataset { name, source: Source::Folder(folder), under: typed.prefix }
}

/// Lists of files, none of them too long to be described; what each file is called begins `below` a folder, if one is named.
fn lists(files: Vec<PathBuf>, below: Option<&Path>) -> Vec<Dataset> {
    let mut lists: Vec<(usize, Vec<PathBuf>)> = Vec::new();
    for path in files {
        let bytes = path.as_os_str().len() + 8;
        match lists.last_mut().filter(|(taken, _)| taken + bytes <= MAX_LIST) {
            Some((taken, list)) => {
                *taken += bytes;
                list.push(path);
            }
            None => lists.push((bytes, vec![path])),
        }
    }
    let dataset = |(_, paths): (usize, Vec<PathBuf>)| {
        let name = match paths.as_slice() {
            [one] => one.display().to_string(),
            several => format!("{} files", several.len()),
        };
        let source = Source::Files { paths, below: below.map(Path::to_owned) };
        Dataset { name, source, under: PathBuf::new() }
    };
    lists.into_iter().map(dataset).collect()
}

/// The place that a path leads to, whichever folder the next call is made from. It is kept as text.
fn whole(path: &Path) -> Result<PathBuf, Halt> {
    let place = path
        .canonicalize()
        .map_err(|_| Halt::Usage(format!("there is no file or folder `{}`", path.display())));
    let place = place?;
    match place.to_str() {
        Some(_) => Ok(place),
        None => Err(Halt::Usage(format!("the path of `{}` is not UTF-8", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_files_becomes_several() {
        let files: Vec<PathBuf> =
            (0..9_000).map(|n| PathBuf::from(format!("/{}/{n:05}", "a".repeat(140)))).collect();
        let lists = lists(files.clone(), None);
        assert_eq!(lists.len(), 3);
        let mut all = Vec::new();
        for list in lists {
            let described = serde_json::to_string(&list.source).unwrap();
            assert!(described.len() <= darkroom_core::run::MAX_SOURCE, "{}", described.len());
            let Source::Files { paths, .. } = list.source else { panic!("it is a list") };
            all.extend(paths);
        }
        assert_eq!(all, files);
    }
}

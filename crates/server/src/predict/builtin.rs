//! The digits model, which is ours and small: it comes with the binary, and is put into the model folder.

use std::{fs, io, path::Path, time::Duration};

use crate::disk;

const MODEL: (&str, &[u8]) = ("digits.onnx", include_bytes!("../../../../models/digits/digits.onnx"));
const MANIFEST: (&str, &[u8]) = ("manifest.toml", include_bytes!("../../../../models/digits/manifest.toml"));

/// Name and version, as its manifest says.
const FOLDER: [&str; 2] = ["digits", "1"];

/// What a draft is called, before the number of its process.
const DRAFT: &str = ".digits-";

/// A younger draft may be that of another process, which has not finished it yet.
const ABANDONED: Duration = Duration::from_mins(1);

/// Puts the model into the folder of models, unless there is one of its name and version.
pub(super) fn install(models: &Path) -> io::Result<()> {
    let folder = FOLDER.iter().fold(models.to_path_buf(), |path, part| path.join(part));
    match found(&folder)? {
        Found::Model => Ok(()),
        Found::Nothing => install_new(models, &folder),
        Found::Remains => write_into(&folder),
    }
}

/// What the place of the model holds.
#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    /// Ours and whole, or one whose manifest somebody has written.
    Model,
    /// Ours, empty or half: what a loss of power left of the first start of an older version.
    Remains,
}

fn found(folder: &Path) -> io::Result<Found> {
    let Some(manifest) = read(&folder.join(MANIFEST.0))? else { return Ok(Found::Nothing) };
    let is_ours = manifest == MANIFEST.1;
    let is_whole =
        if is_ours { read(&folder.join(MODEL.0))?.as_deref() == Some(MODEL.1) } else { !is_cut(&manifest) };
    Ok(if is_whole { Found::Model } else { Found::Remains })
}

/// Whoever reads the folder meanwhile sees no model or the whole one: names with a dot in front are none.
fn install_new(models: &Path, folder: &Path) -> io::Result<()> {
    disk::make_folder(models)?;
    clear_drafts(models)?;
    let draft = models.join(format!("{DRAFT}{}", std::process::id()));
    disk::make_folder(&draft)?;
    write_into(&draft)?;
    if let Some(parent) = folder.parent() {
        disk::make_folder(parent)?;
    }
    match fs::rename(&draft, folder) {
        Ok(()) => disk::sync_folders_of([folder]),
        Err(error) => {
            fs::remove_dir_all(&draft)?;
            // Another process was as quick.
            if found(folder)? == Found::Model { Ok(()) } else { Err(error) }
        }
    }
}

/// The manifest last: it stands for the model.
fn write_into(folder: &Path) -> io::Result<()> {
    [MODEL, MANIFEST].iter().try_for_each(|(name, content)| disk::write(&folder.join(name), content, 0o666))
}

/// Removes what a start that was cut short has left.
fn clear_drafts(models: &Path) -> io::Result<()> {
    for entry in fs::read_dir(models)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(DRAFT) && is_abandoned(&entry) {
            match fs::remove_dir_all(entry.path()) {
                // Another process was as quick.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}

fn is_abandoned(draft: &fs::DirEntry) -> bool {
    let changed = draft.metadata().and_then(|draft| draft.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age >= ABANDONED))
}

/// Whether it is nothing, or the beginning of our manifest, or zeros that were never written over.
fn is_cut(manifest: &[u8]) -> bool {
    MANIFEST.1.starts_with(manifest) || manifest.contains(&0)
}

/// The content of a file; `None` if there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed() -> (tempfile::TempDir, std::path::PathBuf) {
        let models = tempfile::tempdir().unwrap();
        install(models.path()).unwrap();
        let folder = models.path().join("digits/1");
        (models, folder)
    }

    #[test]
    fn the_draft_of_a_start_that_was_cut_short_goes_and_that_of_another_process_stays() {
        let models = tempfile::tempdir().unwrap();
        let draft = |name: &str| {
            let path = models.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::File::open(path).unwrap()
        };
        let (cut, _at_work) = (draft(".digits-1"), draft(".digits-2"));
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        cut.set_times(fs::FileTimes::new().set_modified(long_ago)).unwrap();
        install(models.path()).unwrap();
        let names = fs::read_dir(models.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names: std::collections::BTreeSet<_> = names.collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), [".digits-2", "digits"]);
    }

    fn is_whole(folder: &Path) -> bool {
        [MODEL, MANIFEST].iter().all(|(name, content)| fs::read(folder.join(name)).unwrap() == *content)
    }

    #[test]
    fn what_a_loss_of_power_left_of_the_model_is_made_anew() {
        let (models, folder) = installed();
        assert!(is_whole(&folder));
        let damages = [(MODEL, 0), (MODEL, 1_000), (MANIFEST, 0), (MANIFEST, 20)];
        for ((name, content), kept) in damages {
            fs::write(folder.join(name), &content[..kept]).unwrap();
            install(models.path()).unwrap();
            assert!(is_whole(&folder), "{name} of {kept} bytes");
        }
        fs::write(folder.join(MANIFEST.0), vec![0; MANIFEST.1.len()]).unwrap();
        install(models.path()).unwrap();
        assert!(is_whole(&folder));
        let names = fs::read_dir(models.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["digits"]);
    }

    #[test]
    fn a_model_that_somebody_has_put_there_stays() {
        let (models, folder) = installed();
        for (name, content) in [(MODEL.0, "weights"), (MANIFEST.0, "name = \"digits\"\nversion = \"1\"\n")] {
            fs::write(folder.join(name), content).unwrap();
        }
        install(models.path()).unwrap();
        assert_eq!(fs::read(folder.join(MODEL.0)).unwrap(), b"weights");
    }
}

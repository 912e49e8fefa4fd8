//! Copies of results in the folder of results, which a loss of power leaves whole.

use std::{
    fs::{self, File},
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
};

use darkroom_server::disk::{self, WriteBack};

use super::{
    export::{is_of_the_folder, unwritable},
    finished::{Failed, Written},
};
use crate::halt::Halt;

/// Files up to which each is waited for by itself: more cost less if all that the file system holds back is waited for.
const FEW: usize = 32;

/// Files that are waited for at once: a disk takes some syncs together in little more time than one.
const SYNCS: usize = 8;

/// A file of a result: where it lies, and where it goes below the folder of results.
pub(super) struct Copy {
    pub(super) from: PathBuf,
    pub(super) to: Written,
}

/// A step with one file, given the path it is to have.
type Step = fn(&Copy, &Path) -> io::Result<()>;

/// How the files of each result fared. An error within is that of one result alone.
type Each<T> = Vec<Result<T, Failed>>;

/// Copies the files of each result. All are written before the first is waited for; each has its name only once the disk
/// has its content, and once this returns the disk has the names. `system` is that of the folder `out`.
pub(super) fn make(
    all: Vec<Vec<Copy>>,
    out: &Path,
    system: Option<&WriteBack>,
) -> Result<Each<Vec<Written>>, Halt> {
    let broken = |error| unwritable(error, out);
    let written: Each<()> = all.iter().map(|copies| each(copies, out, write)).collect::<Result<_, Halt>>()?;
    let named = match system.filter(|system| is_many(&all, out, system)) {
        Some(system) => {
            system.write_all().map_err(broken)?;
            name((&all, &written), out, rename)?
        }
        None => sync_and_name(&all, &written, out)?,
    };
    for copy in all.iter().zip(&named).filter(|(_, named)| named.is_err()).flat_map(|(copies, _)| copies) {
        // What has its name by now has no partial any more.
        drop(fs::remove_file(disk::partial(&out.join(&copy.to.path))));
    }
    let to = |copies: Vec<Copy>| -> Vec<Written> { copies.into_iter().map(|copy| copy.to).collect() };
    let made: Each<_> =
        all.into_iter().zip(named).map(|(copies, named)| named.map(|()| to(copies))).collect();
    let files: Vec<PathBuf> = made.iter().flatten().flatten().map(|file| out.join(&file.path)).collect();
    disk::sync_folders_of(files.iter().map(PathBuf::as_path)).map_err(broken)?;
    Ok(made)
}

/// Whether there are many files, all on this file system.
fn is_many(all: &[Vec<Copy>], out: &Path, system: &WriteBack) -> bool {
    let mut files = all.iter().flatten().map(|copy| disk::partial(&out.join(&copy.to.path)));
    all.iter().map(Vec::len).sum::<usize>() > FEW && files.all(|file| system.holds(&file))
}

/// Waits for each file by itself, and gives it its name.
fn sync_and_name(all: &[Vec<Copy>], written: &[Result<(), Failed>], out: &Path) -> Result<Each<()>, Halt> {
    let part = all.len().div_ceil(SYNCS).max(1);
    let parts = all.chunks(part).zip(written.chunks(part));
    thread::scope(|scope| {
        let threads: Vec<_> =
            parts.map(|part| scope.spawn(move || name(part, out, sync_and_rename))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(joined.collect::<Result<Vec<_>, Halt>>()?.into_iter().flatten().collect())
    })
}

/// Names the files of those results of which all are written.
fn name(
    (all, written): (&[Vec<Copy>], &[Result<(), Failed>]),
    out: &Path,
    step: Step,
) -> Result<Each<()>, Halt> {
    let name = |(copies, written): (&Vec<Copy>, &Result<(), Failed>)| match written {
        Ok(()) => each(copies, out, step),
        Err(failed) => Ok(Err(failed.clone())),
    };
    all.iter().zip(written).map(name).collect()
}

/// Takes a step with each file of a result.
fn each(copies: &[Copy], out: &Path, step: Step) -> Result<Result<(), Failed>, Halt> {
    let take = |copy: &Copy| {
        let to = out.join(&copy.to.path);
        let Err(error) = step(copy, &to) else { return Ok(Ok(())) };
        if is_of_the_folder(&error) {
            return Err(unwritable(error, &to));
        }
        // A name that this disk does not take, or that stands for a file and a folder: the next may be fine.
        Ok(Err(Failed::new("unwritable", &error)))
    };
    copies.iter().map(take).collect()
}

fn write(copy: &Copy, to: &Path) -> io::Result<()> {
    let partial = disk::partial(to);
    match fs::copy(&copy.from, &partial) {
        // Its folder may be missing; of many files in one, that is the first.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk::make_folder(to.parent().unwrap_or(to))?;
            fs::copy(&copy.from, &partial)?;
        }
        copied => drop(copied?),
    }
    disk::start_writing(&File::open(partial)?);
    Ok(())
}

fn sync_and_rename(_: &Copy, to: &Path) -> io::Result<()> {
    disk::give_name(&disk::partial(to), to)
}

fn rename(_: &Copy, to: &Path) -> io::Result<()> {
    fs::rename(disk::partial(to), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Results of one file each, the last of which is to have the name of a folder.
    fn made(count: usize, system: bool) {
        let folder = tempfile::tempdir().unwrap();
        let (out, from) = (folder.path().join("out"), folder.path().join("from"));
        fs::create_dir_all(out.join("taken/inside")).unwrap();
        let copy = |index: usize| {
            let from = from.with_extension(index.to_string());
            fs::write(&from, index.to_string()).unwrap();
            let path =
                if index + 1 == count { "taken".into() } else { format!("{}/{index}", index % 3).into() };
            vec![Copy { from, to: Written { path, bytes: 1 } }]
        };
        let all: Vec<_> = (0..count).map(copy).collect();
        let system = system.then(|| WriteBack::of(&out).unwrap()).flatten();
        let mut made = make(all, &out, system.as_ref()).unwrap();

        let failed = made.pop().unwrap().unwrap_err();
        assert_eq!(failed.kind, "unwritable");
        for (index, files) in made.into_iter().enumerate() {
            let [file] = files.unwrap().try_into().unwrap();
            assert_eq!(fs::read_to_string(out.join(file.path)).unwrap(), index.to_string());
        }
        let folders = (0..3).map(|folder| out.join(folder.to_string())).chain([out.clone()]);
        let halves = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
        assert!(halves.flatten().all(|entry| entry.path().extension().is_none()));
    }

    #[test]
    fn few_and_many_files_have_their_names_and_one_without_spoils_no_other() {
        made(FEW / 2, true);
        made(FEW * 2, true);
        made(FEW * 2, false);
    }
}

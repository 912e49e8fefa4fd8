//! What sources are called among the results.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A name for each place, in their order: its own, or where two different ones have the same, the paths of all below the
/// nearest folder that holds them all.
pub(super) fn told_apart(places: &[PathBuf]) -> Vec<PathBuf> {
    let own = |place: &PathBuf| PathBuf::from(place.file_name().unwrap_or_default());
    let different: BTreeSet<&PathBuf> = places.iter().collect();
    let names: BTreeSet<PathBuf> = different.iter().map(|place| own(place)).collect();
    if names.len() == different.len() {
        return places.iter().map(own).collect();
    }
    let common = common_folder(places);
    places.iter().map(|place| place.strip_prefix(&common).unwrap_or(place).to_owned()).collect()
}

/// The nearest folder that holds all of them.
fn common_folder(places: &[PathBuf]) -> PathBuf {
    let mut folders = places.iter().map(|place| place.parent().unwrap_or(place));
    let first = folders.next().unwrap_or(Path::new("")).to_owned();
    folders.fold(first, |common, folder| {
        let same = common.components().zip(folder.components()).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(places: &[&str]) -> Vec<String> {
        let places: Vec<PathBuf> = places.iter().map(PathBuf::from).collect();
        told_apart(&places).into_iter().map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn only_what_has_one_name_is_called_by_its_path() {
        assert_eq!(names(&["/x/a.jpg"]), ["a.jpg"]);
        assert_eq!(names(&["/x/a.jpg", "/y/b.jpg"]), ["a.jpg", "b.jpg"]);
        assert_eq!(names(&["/x/a.jpg", "/x/a.jpg"]), ["a.jpg", "a.jpg"], "one image named twice is one");
        assert_eq!(names(&["/p/2023/photos", "/p/2024/photos"]), ["2023/photos", "2024/photos"]);
        assert_eq!(names(&["/p/a/cover", "/p/b/cover", "/p/c"]), ["a/cover", "b/cover", "c"]);
        assert_eq!(names(&["/a", "/b/a"]), ["a", "b/a"]);
    }
}

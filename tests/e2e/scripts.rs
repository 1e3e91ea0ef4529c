//! What several tests let a task do.

use std::{collections::BTreeMap, fs, path::Path};

use ktk_tests::Place;

/// Writes a shell script into the directory where commands are typed.
pub fn script(place: &Place, name: &str, text: &str) {
    place.file(name, format!("set -u\n{text}\n"));
}

/// The numbers in the files of a directory, by the file's name; one that is not complete yet is left out.
pub fn numbers_in(directory: &Path) -> BTreeMap<String, u32> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    let number = |path: &Path| fs::read_to_string(path).ok()?.strip_suffix('\n')?.parse().ok();
    let entries = entries.filter_map(Result::ok);
    entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, number(&entry.path())?)))
        .collect()
}

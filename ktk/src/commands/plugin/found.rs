//! The programs on PATH that are called `ktk-…`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::env;

/// What a plugin's file begins with.
const PREFIX: &str = "ktk-";

/// What the program begins with that completes a plugin.
const COMPLETE_PREFIX: &str = "ktk_complete-";

/// A program that is called as plugins are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    /// Where it is.
    pub(super) path: PathBuf,
    /// The words that call it: `foo-bar_baz` is called by `foo bar-baz`.
    pub(super) words: Vec<String>,
    /// Whether it can be run.
    pub(super) is_executable: bool,
}

/// Every plugin, in the order of PATH and by name.
pub(super) fn plugins() -> Vec<Plugin> {
    in_directories(&env::path())
}

fn in_directories(directories: &[PathBuf]) -> Vec<Plugin> {
    let mut found: Vec<Plugin> = Vec::new();
    let mut seen: Vec<&PathBuf> = Vec::new();
    for directory in directories.iter().filter(|directory| !directory.as_os_str().is_empty()) {
        // A directory that stands in PATH twice shadows nothing.
        if seen.contains(&directory) {
            continue;
        }
        seen.push(directory);
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.len() > PREFIX.len()).collect();
        names.retain(|name| name.starts_with(PREFIX));
        names.sort();
        found.extend(names.into_iter().filter_map(|name| {
            let path = directory.join(&name);
            let is_file = fs::metadata(&path).is_ok_and(|file| file.is_file());
            let words = name[PREFIX.len()..].split('-').map(|word| word.replace('_', "-")).collect();
            is_file.then(|| Plugin { is_executable: is_executable(&path), words, path })
        }));
    }
    found
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The program that most of the first words name, and how many these are.
pub(super) fn longest(words: &[&str]) -> Option<(PathBuf, usize)> {
    (1..=words.len()).rev().find_map(|count| {
        let name: Vec<String> = words[..count].iter().map(|word| word.replace('-', "_")).collect();
        // A word with a slash would leave the directories of PATH.
        let is_name = name.iter().all(|word| !word.is_empty() && !word.contains('/'));
        let path = is_name.then(|| on_path(&format!("{PREFIX}{}", name.join("-"))))??;
        Some((path, count))
    })
}

/// The program that completes what stands behind a plugin's name.
pub(super) fn completing(name: &str) -> Option<PathBuf> {
    on_path(&format!("{COMPLETE_PREFIX}{}", name.replace('-', "_")))
}

fn on_path(file: &str) -> Option<PathBuf> {
    env::path()
        .into_iter()
        .filter(|directory| !directory.as_os_str().is_empty())
        .map(|directory| directory.join(file))
        .find(|path| is_executable(path))
}

/// The first words of plugins that no command of ktk's own is called by, each with a path.
pub(crate) fn beside_names(root: &clap::Command) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = Vec::new();
    for plugin in plugins().into_iter().filter(|plugin| plugin.is_executable) {
        let word = plugin.words[0].clone();
        if root.find_subcommand(&word).is_none() && names.iter().all(|(known, _)| *known != word) {
            names.push((word, plugin.path.display().to_string()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_names() {
        let place = tempfile::tempdir().expect("a directory");
        for (name, mode) in [("ktk-foo-bar_baz", 0o755), ("ktk-x", 0o644), ("ktk-", 0o755), ("other", 0o755)]
        {
            let path = place.path().join(name);
            fs::write(&path, "").expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
        }
        fs::create_dir(place.path().join("ktk-directory")).expect("made");
        let twice = [place.path().to_owned(), place.path().to_owned()];
        let found = in_directories(&twice);
        let words: Vec<_> = found.iter().map(|plugin| plugin.words.join(" ")).collect();
        assert_eq!(words, ["foo bar-baz", "x"]);
        assert_eq!(found.iter().map(|plugin| plugin.is_executable).collect::<Vec<_>>(), [true, false]);
    }
}

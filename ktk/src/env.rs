//! The one place of this crate where the process's environment is read. (Flags that have a
//! variable are read by clap, in `cli.rs`.)

use std::{collections::BTreeMap, ffi::OsString, io, path::PathBuf};

/// The process's arguments, its own name first.
pub(crate) fn args() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// A variable; `None` where it is unset, empty, or no UTF-8.
pub(crate) fn var(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the home of the environment")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// A variable that is set, though it be empty; `None` where it is unset or no UTF-8.
pub(crate) fn given(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the home of the environment")]
    let value = std::env::var(name);
    value.ok()
}

/// The directory in which the command was typed.
pub(crate) fn current_dir() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// This very binary.
pub(crate) fn current_exe() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The directories of PATH, in order.
pub(crate) fn path() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the home of the environment")]
    let path = std::env::var_os("PATH");
    path.map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Every variable of the caller's whose name and value are UTF-8.
pub(crate) fn variables() -> BTreeMap<String, String> {
    let text = |text: OsString| text.into_string().ok();
    #[expect(clippy::disallowed_methods, reason = "the home of the environment")]
    let variables = std::env::vars_os();
    variables.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

/// Where files go that nobody keeps.
pub(crate) fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// What tells two binaries of one version apart: when this one was built, so that a later text
/// is a newer binary. Empty where nobody can tell.
pub(crate) fn build() -> String {
    let built = current_exe().and_then(|path| path.metadata()).and_then(|file| file.modified());
    let stamp = built.ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    stamp.map(|stamp| stamp.strftime("%Y%m%dT%H%M%S.%6f").to_string()).unwrap_or_default()
}

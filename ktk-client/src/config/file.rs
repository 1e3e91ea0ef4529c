//! One file of contexts: how it is read and written.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{ConfigError, text_of};
use crate::api::{API_VERSION, Secret};

/// One file.
///
/// ```
/// use ktk_client::config::File;
/// let file: File = serde_json::from_str(r#"{"contexts": [{"name": "production"}]}"#).unwrap();
/// # drop(file);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct File {
    api_version: String,
    kind: String,
    /// The context that holds where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_context: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) contexts: Vec<Context>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: "Config".to_owned(),
            current_context: None,
            contexts: Vec::new(),
        }
    }
}

/// A server, and how it is spoken to.
///
/// ```
/// use ktk_client::config::Context;
/// let server = Some("https://ktk.example:7777".to_owned());
/// let context = Context { name: "production".into(), server, ..Context::default() };
/// assert_eq!(context.namespace, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Context {
    /// What it is called.
    pub name: String,
    /// `https://ktk.example:7777`, `http://127.0.0.1:7777` or `unix:///path`; the local server when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The namespace that is meant where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A file with the certificates that are trusted; this machine's authorities when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<PathBuf>,
    /// What it is spoken to with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// A file with the token, instead of `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Whether whoever deletes or cancels many there has to name it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
}

impl Context {
    /// The token, hidden: its own, else that of its file.
    ///
    /// ```
    /// use ktk_client::{api::Secret, config::Context};
    /// let context = Context { token: Some(Secret::new("ktk_…")), ..Context::default() };
    /// assert!(context.secret()?.is_some());
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where its file cannot be read.
    pub fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        let (None, Some(path)) = (&self.token, &self.token_file) else { return Ok(self.token.clone()) };
        let failed = |error: io::Error| ConfigError::File { path: path.clone(), why: error.to_string() };
        let text = text_of(path).map_err(failed)?;
        Ok(Some(Secret::new(text.trim())))
    }

    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.certificate_authority.iter_mut().chain(self.token_file.iter_mut())
    }
}

impl File {
    /// Paths that are relative are so to the file itself: in memory they are whole.
    fn with_whole_paths(mut self, directory: &Path) -> Self {
        for path in self.contexts.iter_mut().flat_map(Context::paths) {
            *path = directory.join(&path);
        }
        self
    }

    fn with_short_paths(mut self, directory: &Path) -> Self {
        for path in self.contexts.iter_mut().flat_map(Context::paths) {
            if let Ok(short) = path.strip_prefix(directory) {
                *path = short.to_owned();
            }
        }
        self
    }
}

/// The directory that a file lies in, what links lead to followed.
fn directory_of(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    whole.unwrap_or_else(|_| path.to_owned()).parent().map(Path::to_owned).unwrap_or_default()
}

/// Locks the directories of some files against everyone else who would change them, until what is answered is dropped.
/// That of the last one is made where there is none.
pub(super) fn lock(paths: &[PathBuf]) -> Result<Vec<fs::File>, ConfigError> {
    let mut directories: Vec<(PathBuf, &PathBuf)> =
        paths.iter().map(|path| (directory_of(path), path)).collect();
    if let Some((directory, path)) = directories.last() {
        make_directory(directory)
            .map_err(|error| ConfigError::File { path: (*path).clone(), why: error.to_string() })?;
    }
    directories.sort();
    directories.dedup_by(|one, other| one.0 == other.0);
    let lock = |(directory, path): (PathBuf, &PathBuf)| {
        let failed = |error: io::Error| ConfigError::File { path: path.clone(), why: error.to_string() };
        let open = fs::File::open(directory).map_err(failed)?;
        rustix::fs::flock(&open, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| failed(error.into()))?;
        Ok(open)
    };
    directories.into_iter().filter(|(directory, _)| directory.is_dir()).map(lock).collect()
}

fn make_directory(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Reads a file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<File>, ConfigError> {
    let failed = |why: String| ConfigError::File { path: path.to_owned(), why };
    let text = match text_of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| failed(error.to_string()))?,
    };
    if text.trim().is_empty() {
        return Ok(Some(File::default()));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let file: File =
        serde_saphyr::from_str_with_options(&text, options).map_err(|error| failed(error.to_string()))?;
    let mode = fs::metadata(path).map_err(|error| failed(error.to_string()))?.mode();
    if mode & 0o077 != 0 && file.contexts.iter().any(|context| context.token.is_some()) {
        return Err(failed("it holds a token, and others can read it: run chmod 600 on it".to_owned()));
    }
    Ok(Some(file.with_whole_paths(&directory_of(path))))
}

/// Writes a file, for this user alone: a new one takes the place of the old.
pub(super) fn write(path: &Path, file: &File) -> Result<(), ConfigError> {
    let failed = |why: String| ConfigError::File { path: path.to_owned(), why };
    let directory = directory_of(path);
    let file = file.clone().with_short_paths(&directory);
    let text = serde_saphyr::to_string(&file).map_err(|error| failed(error.to_string()))?;
    let io = |error: io::Error| failed(error.to_string());
    // What a link leads to is written, and stays what it is.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    make_directory(&directory).map_err(io)?;
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    let mut new = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(io)?;
    new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(io)?;
    fs::rename(&fresh, &path).map_err(io)
}

//! Contexts: servers by name, in files like kubectl's. Read by the command line and by programs alike.

mod file;

use std::path::PathBuf;

pub use file::{Context, File};

use crate::{api::Secret, env};

/// Why contexts cannot be had.
///
/// ```
/// use ktk_client::config::{Config, ConfigError};
/// let error = Config::default().choose(Some("nowhere")).unwrap_err();
/// assert!(matches!(error, ConfigError::NoContext(name) if name == "nowhere"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that cannot be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A context that is in no file.
    #[error("context was not found for specified context: {0}")]
    NoContext(String),
}

/// All files of a configuration, the first one first: it wins.
///
/// ```no_run
/// use ktk_client::config::Config;
/// let config = Config::read(None)?;
/// for context in config.contexts() {
///     println!("{} {}", context.name, context.server.as_deref().unwrap_or("this machine"));
/// }
/// # Ok::<(), ktk_client::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    files: Vec<(PathBuf, Option<File>)>,
}

impl Config {
    /// Reads the files of `KTKCONFIG`, else `$XDG_CONFIG_HOME/ktk/config.yaml`; `only` stands for all of them. A file
    /// that is missing is as an empty one.
    ///
    /// ```no_run
    /// use ktk_client::config::Config;
    /// let config = Config::read(Some("/etc/ktk/config.yaml".into()))?;
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// With file, line and column of what cannot be read; for a file with tokens that others may read.
    pub fn read(only: Option<PathBuf>) -> Result<Self, ConfigError> {
        let paths = match only {
            Some(path) => vec![path],
            None => env::config_files(),
        };
        let read = |path: PathBuf| {
            let file = file::read(&path)?;
            Ok((path, file))
        };
        Ok(Self { files: paths.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter_map(|(_, file)| file.as_ref())
    }

    /// The name of the current context.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert_eq!(Config::default().current(), None);
    /// ```
    pub fn current(&self) -> Option<&str> {
        self.files().find_map(|file| file.current_context.as_deref()).filter(|name| !name.is_empty())
    }

    /// All contexts, by name; of two with one name the first.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert!(Config::default().contexts().is_empty());
    /// ```
    pub fn contexts(&self) -> Vec<&Context> {
        let mut all: Vec<&Context> = Vec::new();
        for context in self.files().flat_map(|file| &file.contexts) {
            if !all.iter().any(|known| known.name == context.name) {
                all.push(context);
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The context of this name, else the current one; nothing where none is current.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert_eq!(Config::default().choose(None).unwrap(), None);
    /// ```
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn choose(&self, name: Option<&str>) -> Result<Option<&Context>, ConfigError> {
        let Some(name) = name.or(self.current()) else { return Ok(None) };
        let found = self.files().flat_map(|file| &file.contexts).find(|context| context.name == name);
        found.map(Some).ok_or_else(|| ConfigError::NoContext(name.to_owned()))
    }

    /// Writes a context into the file that has it, else into the first that exists, else into the last, and makes it
    /// the current one. Answers the file.
    ///
    /// ```no_run
    /// use ktk_client::config::{Config, Context};
    /// let mut config = Config::read(None)?;
    /// let server = Some("https://ktk.example:7777".into());
    /// let file = config.put(Context { name: "production".into(), server, ..Context::default() })?;
    /// println!("written to {}", file.display());
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn put(&mut self, context: Context) -> Result<PathBuf, ConfigError> {
        let has = |file: &Option<File>| {
            file.as_ref().is_some_and(|file| file.contexts.iter().any(|known| known.name == context.name))
        };
        let of_context = self.files.iter().position(|(_, file)| has(file));
        let existing = self.files.iter().position(|(_, file)| file.is_some());
        let last = self.files.len().checked_sub(1).ok_or_else(|| ConfigError::File {
            path: PathBuf::new(),
            why: "there is no place for a configuration: set HOME or KTKCONFIG".to_owned(),
        })?;
        // Whoever is current is said by the first that says it.
        let speaker = self
            .files
            .iter()
            .position(|(_, file)| file.as_ref().is_some_and(|file| file.current_context.is_some()));
        let place = of_context.or(existing).unwrap_or(last);
        let name = context.name.clone();
        let (path, file) = &mut self.files[place];
        let path = path.clone();
        let file = file.get_or_insert_default();
        file.contexts.retain(|known| known.name != name);
        file.contexts.push(context);
        let speaker = speaker.unwrap_or(place);
        if speaker == place {
            file.current_context = Some(name);
            file::write(&path, file)?;
            return Ok(path);
        }
        file::write(&path, file)?;
        let (other, file) = &mut self.files[speaker];
        let file = file.get_or_insert_default();
        file.current_context = Some(name);
        file::write(other, file)?;
        Ok(path)
    }
}

impl Context {
    /// The token, hidden.
    ///
    /// ```
    /// use ktk_client::{api::Secret, config::Context};
    /// let context = Context { token: Some(Secret::new("ktk_…")), ..Context::default() };
    /// assert!(context.secret().is_some());
    /// ```
    pub fn secret(&self) -> Option<Secret> {
        self.token.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("closed");
    }

    fn of(paths: &[PathBuf]) -> Result<Config, ConfigError> {
        let read = |path: &PathBuf| Ok((path.clone(), file::read(path)?));
        Ok(Config { files: paths.iter().map(read).collect::<Result<_, ConfigError>>()? })
    }

    #[test]
    fn files_are_merged_and_the_first_wins() {
        let place = tempfile::tempdir().expect("a directory");
        let paths = ["a.yaml", "none.yaml", "b.yaml"].map(|name| place.path().join(name));
        write(&paths[0], "contexts:\n- {name: x, server: 'https://one'}\n");
        write(
            &paths[2],
            "apiVersion: ktk/v1\nkind: Config\ncurrentContext: y\ncontexts:\n- {name: x, server: 'https://two'}\n\
             - {name: y, server: 'https://three', namespace: ci, token: hush}\n",
        );
        let mut config = of(&paths).expect("readable");
        let names: Vec<_> = config.contexts().iter().map(|context| context.name.clone()).collect();
        assert_eq!((names, config.current()), (vec!["x".to_owned(), "y".to_owned()], Some("y")));
        let server = |config: &Config, name| {
            config.choose(name).expect("it is there").and_then(|context| context.server.clone())
        };
        assert_eq!(server(&config, Some("x")).as_deref(), Some("https://one"));
        assert_eq!(server(&config, None).as_deref(), Some("https://three"));
        assert!(matches!(config.choose(Some("z")), Err(ConfigError::NoContext(name)) if name == "z"));
        let new = Context { name: "y".into(), server: Some("https://four".into()), ..Context::default() };
        assert_eq!(config.put(new).expect("written"), paths[2]);
        let new = Context { name: "z".into(), token: Some(Secret::new("hush")), ..Context::default() };
        assert_eq!(config.put(new).expect("written"), paths[0]);
        let config = of(&paths).expect("readable");
        assert_eq!((config.contexts().len(), config.current()), (3, Some("z")));
        assert_eq!(server(&config, Some("y")).as_deref(), Some("https://four"));
        assert!(!paths[1].exists());
    }

    #[test]
    fn what_others_can_read_holds_no_token() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("c.yaml");
        write(&path, "contexts:\n- {name: x, token: hush}\n");
        assert!(!format!("{:?}", of(std::slice::from_ref(&path)).expect("readable")).contains("hush"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
        let error = of(std::slice::from_ref(&path)).expect_err("open to others").to_string();
        assert!(error.contains("chmod 600") && !error.contains("hush"), "{error}");
        write(&path, "contexts:\n- {name: x, tokem: hush}\n");
        let error = of(std::slice::from_ref(&path)).expect_err("no field").to_string();
        assert!(error.contains("c.yaml") && error.contains("tokem") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn a_new_file_is_this_user_s_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("ktk/config.yaml");
        let mut config = of(std::slice::from_ref(&path)).expect("missing is empty");
        config.put(Context { name: "x".into(), ..Context::default() }).expect("written");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
}

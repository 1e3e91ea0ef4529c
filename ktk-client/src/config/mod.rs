//! Contexts: servers by name, in files like kubectl's. Read by the command line and by programs alike.

mod file;
mod text;

use std::path::{Path, PathBuf};

pub use file::{Context, File};
pub use text::text_of;

use crate::env;

/// The context that there is without any: this user's server on this machine.
pub const LOCAL: &str = "local";

/// Why contexts cannot be had.
///
/// ```
/// use ktk_client::config::{Config, ConfigError};
/// let error = Config::default().choose(Some("nowhere")).unwrap_err();
/// assert!(matches!(error, ConfigError::NoContext(name) if name == "nowhere"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// A context that there is already.
    #[error("there is a context with the name {0:?} already")]
    Exists(String),
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
        Self::of(paths)
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

    /// The context of this name, else the current one, else [`LOCAL`]; nothing for that one where no file defines it.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert_eq!(Config::default().choose(None).unwrap(), None);
    /// ```
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn choose(&self, name: Option<&str>) -> Result<Option<&Context>, ConfigError> {
        let name = name.or(self.current()).unwrap_or(LOCAL);
        let found = self.files().flat_map(|file| &file.contexts).find(|context| context.name == name);
        match found {
            None if name != LOCAL => Err(ConfigError::NoContext(name.to_owned())),
            found => Ok(found),
        }
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
        self.change(|config| {
            let name = context.name.clone();
            let place = config.place_of(&name)?;
            *config.entry(place, &name) = context;
            config.say_current(Some(name))?;
            Ok(config.files[place].0.clone())
        })
    }

    /// Changes a context where it is written, or makes one: answers whether it was made.
    ///
    /// ```no_run
    /// use ktk_client::config::Config;
    /// let is_new = Config::read(None)?.set("production", |context| context.protected = true)?;
    /// # let _ = is_new;
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where the file cannot be read again or written.
    pub fn set(&mut self, name: &str, change: impl FnOnce(&mut Context)) -> Result<bool, ConfigError> {
        self.change(|config| {
            let is_new = config.holder_of(name).is_none();
            let place = config.place_of(name)?;
            change(config.entry(place, name));
            Ok(is_new)
        })
    }

    /// Makes a context the current one; none is with `None`.
    ///
    /// ```no_run
    /// # use ktk_client::config::Config;
    /// Config::read(None)?.set_current(Some("production"))?;
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where there is none of this name, or the file cannot be written.
    pub fn set_current(&mut self, name: Option<&str>) -> Result<(), ConfigError> {
        self.change(|config| {
            name.map_or(Ok(None), |name| config.choose(Some(name)))?;
            config.say_current(name.map(str::to_owned))
        })
    }

    /// Gives a context another name, also where it is the current one.
    ///
    /// ```no_run
    /// # use ktk_client::config::Config;
    /// Config::read(None)?.rename("production", "eu")?;
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where there is none of this name, one of the new name, or the file cannot be written.
    pub fn rename(&mut self, name: &str, new: &str) -> Result<(), ConfigError> {
        self.change(|config| {
            let place = config.required(name)?;
            if config.contexts().iter().any(|known| known.name == new) {
                return Err(ConfigError::Exists(new.to_owned()));
            }
            let is_current = config.current() == Some(name);
            config.entry(place, name).name = new.to_owned();
            if is_current { config.say_current(Some(new.to_owned())) } else { Ok(()) }
        })
    }

    /// Takes a context out of the file that defines it; answers that file. Where it is the current one, it stays named so.
    ///
    /// ```no_run
    /// # use ktk_client::config::Config;
    /// let file = Config::read(None)?.remove("production")?;
    /// # drop(file);
    /// # Ok::<(), ktk_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where there is none of this name, or the file cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<PathBuf, ConfigError> {
        self.change(|config| {
            let place = config.required(name)?;
            let (path, file) = &mut config.files[place];
            file.get_or_insert_default().contexts.retain(|known| known.name != name);
            Ok(path.clone())
        })
    }

    /// The files, in order, and whether each exists.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert_eq!(Config::default().paths().count(), 0);
    /// ```
    pub fn paths(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.files.iter().map(|(path, file)| (path.as_path(), file.is_some()))
    }

    /// The file that defines a context.
    ///
    /// ```
    /// # use ktk_client::config::Config;
    /// assert_eq!(Config::default().file_of("production"), None);
    /// ```
    pub fn file_of(&self, name: &str) -> Option<&Path> {
        self.holder_of(name).map(|place| self.files[place].0.as_path())
    }

    /// Changes the files: each is read anew first, and nobody else changes them meanwhile. Nothing is written where the
    /// change fails.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let paths: Vec<PathBuf> = self.files.iter().map(|(path, _)| path.clone()).collect();
        let _locks = file::lock(&paths)?;
        let fresh = Self::of(paths)?;
        let mut changed = fresh.clone();
        let answer = change(&mut changed)?;
        for ((path, new), (_, old)) in changed.files.iter().zip(&fresh.files) {
            if let Some(new) = new
                && old.as_ref() != Some(new)
            {
                file::write(path, new)?;
            }
        }
        *self = changed;
        Ok(answer)
    }

    fn of(paths: Vec<PathBuf>) -> Result<Self, ConfigError> {
        let read = |path: PathBuf| {
            let file = file::read(&path)?;
            Ok((path, file))
        };
        Ok(Self { files: paths.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    fn holder_of(&self, name: &str) -> Option<usize> {
        let has = |file: &File| file.contexts.iter().any(|known| known.name == name);
        self.files.iter().position(|(_, file)| file.as_ref().is_some_and(has))
    }

    fn required(&self, name: &str) -> Result<usize, ConfigError> {
        self.holder_of(name).ok_or_else(|| ConfigError::NoContext(name.to_owned()))
    }

    /// Where a context is written: where it is, else into the first file that exists, else into the last.
    fn place_of(&self, name: &str) -> Result<usize, ConfigError> {
        let existing = || self.files.iter().position(|(_, file)| file.is_some());
        let place = self.holder_of(name).or_else(existing).or(self.files.len().checked_sub(1));
        place.ok_or_else(|| ConfigError::File {
            path: PathBuf::new(),
            why: "there is no place for a configuration: set HOME or KTKCONFIG".to_owned(),
        })
    }

    fn entry(&mut self, place: usize, name: &str) -> &mut Context {
        let contexts = &mut self.files[place].1.get_or_insert_default().contexts;
        let at = contexts.iter().position(|known| known.name == name).unwrap_or_else(|| {
            contexts.push(Context { name: name.to_owned(), ..Context::default() });
            contexts.len() - 1
        });
        &mut contexts[at]
    }

    /// Whoever is current is said by the first file that says it.
    fn say_current(&mut self, name: Option<String>) -> Result<(), ConfigError> {
        let speaks = |file: &File| file.current_context.is_some();
        let speaker = self.files.iter().position(|(_, file)| file.as_ref().is_some_and(speaks));
        let holder = name.as_deref().and_then(|name| self.holder_of(name));
        let place = speaker.or(holder).map_or_else(|| self.place_of(""), Ok)?;
        self.files[place].1.get_or_insert_default().current_context = name;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

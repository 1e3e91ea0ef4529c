//! Where each setting came from: a flag, a variable, a context, or nowhere.

use ktk_client::{
    api::{DEFAULT_NAMESPACE, Duration},
    client::local,
    config::{Config, LOCAL},
    env as client_env, limits,
};

use super::{Settings, refused};
use crate::{env, error::CliError};

/// A setting, as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// What the flag is called; of preferences what they are about.
    pub(crate) name: String,
    /// What it came to; nothing where there is none.
    pub(crate) value: Option<String>,
    /// `flag --server`, `variable KTK_SERVER`, `preferences FILE:LINE`, `context work (FILE)`, `default`.
    pub(crate) origin: String,
}

impl Settings {
    /// Each global setting. They must have been resolved with contexts.
    ///
    /// # Errors
    /// Code 2 for contexts that cannot be read.
    pub(crate) fn origins(&self) -> Result<Vec<Setting>, CliError> {
        let config = Config::read(self.config.clone()).map_err(refused)?;
        let of_context = self.context.as_ref().map(|context| {
            let file = config.file_of(&context.name).map(|file| file.display().to_string());
            format!("context {} ({})", context.name, file.unwrap_or_default())
        });
        let flags = &self.flags;
        let show = |path: &std::path::PathBuf| path.display().to_string();
        let context = self.context.as_ref();
        // What a setting is, by where it was found first.
        let setting = |name: &'static str, given: Option<String>, from_context: Option<String>, default| {
            let (value, origin) = match (given, from_context, &of_context) {
                (Some(value), ..) => (Some(value), self.given_by(name)),
                (None, Some(value), Some(origin)) => (Some(value), origin.clone()),
                _ => (default, "default".to_owned()),
            };
            Setting { name: name.to_owned(), value, origin }
        };
        let data_dir = || client_env::data_dir().ok();
        let is_local = self.server.is_none() && context.is_none_or(|context| context.server.is_none());
        let socket = self.data_dir.clone().or_else(data_dir).map(|path| local::socket_path(&path));
        let default_server = socket.map(|path| format!("unix://{}", path.display()));
        let authority = flags.certificate_authority.as_ref().map(show);
        let authority_of_context =
            context.and_then(|context| context.certificate_authority.as_ref()).map(show);
        let timeout = flags.request_timeout.map(|limit| limit.to_string());
        let mut settings = vec![
            self.config_files(&config),
            self.chosen(&config),
            setting(
                "server",
                self.server.clone(),
                context.and_then(|context| context.server.clone()),
                default_server,
            ),
            setting(
                "namespace",
                flags.namespace.clone().filter(|name| !name.is_empty()),
                context.and_then(|context| context.namespace.clone()),
                Some(DEFAULT_NAMESPACE.to_owned()),
            ),
            self.token(of_context.as_deref()),
            setting("certificate-authority", authority, authority_of_context, None),
            setting(
                "data-dir",
                self.data_dir.as_ref().map(show),
                None,
                data_dir().filter(|_| is_local).as_ref().map(show),
            ),
            setting("request-timeout", timeout, None, Some(Duration::from(limits::CALL_TIMEOUT).to_string())),
            self.switch("color", "KTK_COLOR", format!("{:?}", flags.color).to_lowercase()),
            self.switch("verbose", "KTK_VERBOSE", flags.verbose.to_string()),
            self.switch("no-input", "KTK_PROMPT_DISABLED", flags.no_input.to_string()),
            self.switch("warnings-as-errors", "KTK_WARNINGS_AS_ERRORS", flags.warnings_as_errors.to_string()),
        ];
        settings.extend(self.preferences());
        Ok(settings)
    }

    /// The file of preferences, and what it says.
    fn preferences(&self) -> Vec<Setting> {
        let preferences = &self.flags.preferences;
        let value = match (&preferences.file, &self.flags.preferences_file) {
            (Some(path), _) => Some(path.display().to_string()),
            (None, named) => named.clone(),
        };
        let file = self.switch("preferences", "KTK_PREFERENCES", String::new());
        let told = preferences.told().into_iter().map(|told| Setting {
            name: told.name,
            value: Some(told.value),
            origin: preferences.place(told.line),
        });
        [Setting { value, ..file }].into_iter().chain(told).collect()
    }

    /// The flag, the variable or the line of preferences by which a setting was given.
    fn given_by(&self, name: &str) -> String {
        match (self.is_typed(name), self.preferred(name)) {
            (true, _) => format!("flag --{name}"),
            (false, Some(place)) => place,
            (false, None) => format!("variable {}", variable(name)),
        }
    }

    fn preferred(&self, name: &str) -> Option<String> {
        let id = name.replace('-', "_");
        let preferred = self.flags.preferred.iter().find(|(preferred, _)| *preferred == id);
        preferred.map(|(_, place)| place.clone())
    }

    /// A flag that always has a value, given or not.
    fn switch(&self, name: &'static str, variable: &str, value: String) -> Setting {
        let origin = match (self.is_typed(name), self.preferred(name), env::var(variable)) {
            (true, ..) => format!("flag --{name}"),
            (false, Some(place), _) => place,
            (false, None, Some(_)) => format!("variable {variable}"),
            (false, None, None) => "default".to_owned(),
        };
        Setting { name: name.to_owned(), value: Some(value), origin }
    }

    fn is_typed(&self, name: &str) -> bool {
        self.flags.typed.contains(&name.replace('-', "_").as_str())
    }

    fn config_files(&self, config: &Config) -> Setting {
        let files: Vec<String> = config.paths().map(|(path, _)| path.display().to_string()).collect();
        let origin = match (&self.config, self.preferred("config"), env::var("KTKCONFIG")) {
            (Some(_), Some(place), _) => place,
            (Some(_), None, _) => "flag --config".to_owned(),
            (None, _, Some(_)) => "variable KTKCONFIG".to_owned(),
            (None, _, None) => "default".to_owned(),
        };
        Setting { name: "config".to_owned(), value: Some(files.join(":")), origin }
    }

    fn chosen(&self, config: &Config) -> Setting {
        let given = self.flags.context.clone().filter(|name| !name.is_empty());
        let (value, origin) = match (given, &self.server, &self.data_dir) {
            (None | Some(_), Some(_), _) => (None, format!("not asked: {}", self.given_by("server"))),
            (None | Some(_), None, Some(_)) => (None, format!("not asked: {}", self.given_by("data-dir"))),
            (Some(name), None, None) => (Some(name), self.given_by("context")),
            (None, None, None) => match config.current() {
                Some(name) => (Some(name.to_owned()), "the files' current context".to_owned()),
                None => (Some(LOCAL.to_owned()), "default".to_owned()),
            },
        };
        Setting { name: "context".to_owned(), value, origin }
    }

    fn token(&self, of_context: Option<&str>) -> Setting {
        let has_token =
            |context: &ktk_client::config::Context| context.token.is_some() || context.token_file.is_some();
        let (value, origin) = match client_env::token() {
            Some(_) => (Some("REDACTED"), "variable KTK_TOKEN"),
            None if self.context.as_ref().is_some_and(has_token) => {
                (Some("REDACTED"), of_context.unwrap_or_default())
            }
            None => (None, "default"),
        };
        Setting { name: "token".to_owned(), value: value.map(str::to_owned), origin: origin.to_owned() }
    }
}

/// `KTK_DATA_DIR` of `data-dir`.
fn variable(name: &str) -> String {
    format!("KTK_{}", name.replace('-', "_").to_uppercase())
}

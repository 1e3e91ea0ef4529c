//! The one place of this crate where the process's environment is read.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;

/// What a task's process starts from: the caller's own of these, and of `LC_*`.
const CALLER_NAMES: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "CI"];

/// What a local server that is started gets, besides `LC_*` and ktk's settings. The last two name the certificate
/// authorities that its requests trust.
const SERVER_NAMES: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "XDG_DATA_HOME",
    "RUST_BACKTRACE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// ktk's variables that speak of a caller, a task or a place, and so mean nothing to a server
/// that is started for a data directory.
const NO_SETTINGS: &[&str] = &[
    "KTK_ATTEMPT",
    "KTK_AUTOSTART",
    "KTK_BIN",
    "KTK_CERTIFICATE_AUTHORITY",
    "KTK_CONTEXT",
    "KTK_DATA_DIR",
    "KTK_DIR",
    "KTK_DUMP_CONFIG",
    "KTK_HOOK_ID",
    "KTK_INPUTS",
    "KTK_NAMESPACE",
    "KTK_NEEDS",
    "KTK_OUTPUT",
    "KTK_PREFERENCES",
    "KTK_SERVER",
    "KTK_SOCKET",
    "KTK_STORE_ID",
    "KTK_TASK_ID",
    "KTK_TASK_NAME",
    "KTK_TOKEN",
    "KTK_WARNINGS_AS_ERRORS",
];

/// The client's settings, as the environment has them.
///
/// ```
/// use ktk_client::env::Settings;
/// let settings = Settings { namespace: Some("media".into()), ..Settings::default() };
/// assert!(!settings.has_data_dir);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `KTK_SERVER`: `unix:///path`.
    pub server: Option<String>,
    /// `KTK_NAMESPACE`.
    pub namespace: Option<String>,
    /// `KTK_AUTOSTART`: `auto` or `never`.
    pub autostart: Option<String>,
    /// `KTK_CONTEXT`: a context of the configuration.
    pub context: Option<String>,
    /// `KTK_CERTIFICATE_AUTHORITY`: a file with the certificates that are trusted.
    pub certificate_authority: Option<PathBuf>,
    /// Whether `KTK_DATA_DIR` is set: it names the local server.
    pub has_data_dir: bool,
    /// `KTK_BIN`: the program that is started as local server.
    pub program: Option<PathBuf>,
}

/// Reads the client's settings. A variable that is empty is not set.
///
/// ```
/// println!("{:?}", ktk_client::env::settings().namespace);
/// ```
pub fn settings() -> Settings {
    Settings {
        server: text("KTK_SERVER"),
        namespace: text("KTK_NAMESPACE"),
        autostart: text("KTK_AUTOSTART"),
        context: text("KTK_CONTEXT"),
        certificate_authority: set("KTK_CERTIFICATE_AUTHORITY").map(PathBuf::from),
        has_data_dir: set("KTK_DATA_DIR").is_some(),
        program: set("KTK_BIN").map(PathBuf::from),
    }
}

/// The files of contexts: those of `KTKCONFIG`, else `$XDG_CONFIG_HOME/ktk/config.yaml`; none without a home.
///
/// ```
/// for file in ktk_client::env::config_files() {
///     println!("{}", file.display());
/// }
/// ```
pub fn config_files() -> Vec<PathBuf> {
    if let Some(list) = set("KTKCONFIG") {
        return env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
    }
    config_dir().map(|directory| directory.join("config.yaml")).into_iter().collect()
}

/// The directory of a user's own settings: `$XDG_CONFIG_HOME/ktk`, else `~/.config/ktk`; `None` without a home.
///
/// ```
/// let preferences = ktk_client::env::config_dir().map(|directory| directory.join("preferences.yaml"));
/// # let _ = preferences;
/// ```
pub fn config_dir() -> Option<PathBuf> {
    etcetera::base_strategy::Xdg::new().ok().map(|places| places.config_dir().join("ktk"))
}

/// `KTK_TOKEN`: apart from the settings, which may be shown.
///
/// ```
/// let has_token = ktk_client::env::token().is_some();
/// # let _ = has_token;
/// ```
pub fn token() -> Option<String> {
    text("KTK_TOKEN")
}

#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
fn variables() -> env::VarsOs {
    env::vars_os()
}

fn text(name: &str) -> Option<String> {
    set(name).map(|value| value.to_string_lossy().into_owned())
}

/// The data directory of this user's local server: `KTK_DATA_DIR`, else `$XDG_DATA_HOME/ktk`,
/// else `~/.local/share/ktk`. Absolute.
///
/// ```
/// match ktk_client::env::data_dir() {
///     Ok(path) => println!("{}", path.display()),
///     Err(why) => eprintln!("{why}"),
/// }
/// ```
///
/// # Errors
/// A sentence, where there is neither a variable nor a home directory.
pub fn data_dir() -> Result<PathBuf, String> {
    if let Some(path) = set("KTK_DATA_DIR") {
        return std::path::absolute(&path).map_err(|error| format!("KTK_DATA_DIR cannot be used: {error}"));
    }
    let places = etcetera::base_strategy::Xdg::new()
        .map_err(|_| "there is no home directory for ktk's data: set HOME or KTK_DATA_DIR".to_owned())?;
    Ok(places.data_dir().join("ktk"))
}

/// The caller's environment that a task's process starts from: `PATH HOME USER LOGNAME SHELL
/// LANG LC_* TZ TMPDIR CI`, each where it is set and UTF-8.
///
/// ```
/// assert!(!ktk_client::env::caller_env().contains_key("KTK_TOKEN"));
/// ```
pub fn caller_env() -> BTreeMap<String, String> {
    variables()
        .filter(|(name, _)| is_one_of(name, CALLER_NAMES))
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The environment of a local server that is started: nothing of the caller's but where its
/// programs, its home and its language are, and ktk's own settings.
///
/// ```
/// let env = ktk_client::env::server_env();
/// assert!(env.iter().all(|(name, _)| name != "KTK_TOKEN"));
/// ```
pub fn server_env() -> Vec<(OsString, OsString)> {
    // Those that the server is to hand on to tasks.
    let listed = text("KTK_SECRET_ENV").unwrap_or_default();
    let is_listed = |name: &OsStr| listed.split(',').any(|listed| name == listed.trim());
    variables().filter(|(name, _)| is_for_server(name) || is_listed(name)).collect()
}

fn is_for_server(name: &OsStr) -> bool {
    let is_setting =
        name.to_str().is_some_and(|name| name.starts_with("KTK_") && !NO_SETTINGS.contains(&name));
    is_setting || is_one_of(name, SERVER_NAMES)
}

fn is_one_of(name: &OsStr, names: &[&str]) -> bool {
    name.to_str().is_some_and(|name| names.contains(&name) || name.starts_with("LC_"))
}

/// A program of this name in PATH.
///
/// ```
/// assert_eq!(ktk_client::env::find_in_path("no-program-has-this-name"), None);
/// ```
pub fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = set("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|program| is_executable(program))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// What this process was called as, and its arguments.
pub(crate) fn command_line() -> (Option<OsString>, Vec<OsString>) {
    let mut words = env::args_os();
    (words.next(), words.collect())
}

/// The file of this process's program; one that was replaced meanwhile is still the old one.
pub(crate) fn own_program() -> PathBuf {
    env::current_exe().ok().filter(|path| path.exists()).unwrap_or_else(|| "/proc/self/exe".into())
}

/// How many processors this process may use.
///
/// ```
/// assert!(ktk_client::env::processors() >= 1);
/// ```
pub fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_gets_settings_and_no_secrets() {
        for name in ["PATH", "HOME", "LC_ALL", "TZ", "KTK_SLOTS", "KTK_IDLE_EXIT", "RUST_BACKTRACE"] {
            assert!(is_for_server(OsStr::new(name)), "{name}");
        }
        for name in ["KTK_TOKEN", "KTK_TASK_ID", "KTK_ATTEMPT", "KTK_SOCKET", "AWS_SECRET_ACCESS_KEY", "PWD"]
        {
            assert!(!is_for_server(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_caller_passes_on_where_its_programs_are() {
        let env = caller_env();
        assert!(env.contains_key("PATH"));
        assert!(env.keys().all(|name| is_one_of(OsStr::new(name), CALLER_NAMES)));
    }

    #[test]
    fn programs_are_found_in_path() {
        assert!(find_in_path("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find_in_path("ktk-no-such-program"), None);
    }
}

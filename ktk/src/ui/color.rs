//! When to colour, and what the colours mean.

use anstyle::{AnsiColor, Style};

use crate::env;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// The choice of this name.
    pub(crate) fn named(text: &str) -> Option<Self> {
        <Self as clap::ValueEnum>::from_str(text, true).ok()
    }
}

/// What the environment asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    no_color: bool,
    force: bool,
    off: bool,
    dumb: bool,
}

impl Asked {
    pub(super) fn from_env() -> Self {
        Self::from_vars(env::var)
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let is_on = |name: &str| var(name).is_some_and(|value| value != "0");
        Self {
            no_color: var("NO_COLOR").is_some(),
            force: is_on("CLICOLOR_FORCE") || is_on("FORCE_COLOR"),
            off: var("CLICOLOR").as_deref() == Some("0"),
            dumb: var("TERM").as_deref() == Some("dumb"),
        }
    }
}

/// Whether a stream is coloured.
pub(super) fn decide(choice: ColorChoice, asked: &Asked, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if asked.no_color => false,
        ColorChoice::Auto if asked.force => true,
        ColorChoice::Auto => is_terminal && !asked.off && !asked.dumb,
    }
}

/// What a word means: the only reason to colour it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Succeeded: green.
    Good,
    /// Failed: red.
    Bad,
    /// Waits for a person, or behind something broken: yellow.
    Waiting,
    /// Running: cyan.
    Running,
    /// Over, or old: dim.
    Dim,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Waiting => AnsiColor::Yellow.on_default(),
            Self::Running => AnsiColor::Cyan.on_default(),
            Self::Dim => Style::new().dimmed(),
        }
    }

    /// The text in the colour of its meaning, or as it is.
    pub(crate) fn paint(self, text: &str, has_color: bool) -> String {
        if !has_color || self == Self::Plain {
            return text.to_owned();
        }
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(choice: ColorChoice, vars: &[(&str, &str)], is_terminal: bool) -> bool {
        let var =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        decide(choice, &Asked::from_vars(var), is_terminal)
    }

    #[test]
    fn a_terminal_is_coloured_unless_the_environment_says_otherwise() {
        use ColorChoice::{Always, Auto, Never};
        assert!(decided(Auto, &[], true));
        assert!(!decided(Auto, &[], false));
        assert!(!decided(Auto, &[("NO_COLOR", "1")], true));
        assert!(!decided(Auto, &[("TERM", "dumb")], true));
        assert!(!decided(Auto, &[("CLICOLOR", "0")], true));
        assert!(decided(Auto, &[("FORCE_COLOR", "1")], false));
        assert!(decided(Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false));
        assert!(!decided(Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!decided(Auto, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], true));
        assert!(decided(Always, &[("NO_COLOR", "1")], false));
        assert!(!decided(Never, &[("FORCE_COLOR", "1")], true));
    }

    #[test]
    fn only_meaning_is_coloured() {
        assert_eq!(Tone::Plain.paint("x", true), "x");
        assert_eq!(Tone::Bad.paint("x", false), "x");
        assert_eq!(Tone::Bad.paint("x", true), "\u{1b}[31mx\u{1b}[0m");
    }
}

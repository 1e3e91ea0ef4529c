//! What every command is given: the terminal, the settings, and a client that connects when it
//! is first asked for.

use crate::{settings::Settings, ui::Ui};

/// Everything that a command runs with.
pub(crate) struct Context {
    /// Where everything is printed.
    pub(crate) ui: Ui,
    /// What flags and variables came to.
    pub(crate) settings: Settings,
}

impl Context {
    /// A context that has not connected yet.
    pub(crate) fn new(ui: Ui, settings: Settings) -> Self {
        Self { ui, settings }
    }

    /// The namespace that is meant where none is named.
    pub(crate) fn namespace(&self) -> &str {
        &self.settings.namespace
    }
}

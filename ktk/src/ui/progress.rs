//! Progress on stderr: only on a terminal, and gone before a result is printed.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Ui, escape};

/// How often a running clock is drawn anew.
const TICK: std::time::Duration = std::time::Duration::from_millis(120);

/// All bars of a process, hidden where stderr is no terminal.
pub(super) fn on_stderr(is_terminal: bool) -> MultiProgress {
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    MultiProgress::with_draw_target(target)
}

impl Ui {
    /// A line with a clock, for something whose end is not known.
    pub(crate) fn spinner(&self, text: &str) -> Bar {
        let bar = self.progress.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {wide_msg} {elapsed}"));
        bar.enable_steady_tick(TICK);
        Bar::new(bar, text)
    }

    /// A bar for a number of things.
    pub(crate) fn bar(&self, total: u64, text: &str) -> Bar {
        let bar = self.progress.add(ProgressBar::new(total));
        bar.set_style(style("{msg} [{bar:30}] {pos}/{len} {elapsed}"));
        Bar::new(bar, text)
    }
}

fn style(template: &str) -> ProgressStyle {
    // Templates are literals of this file; should one not parse, the default style stands in.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// One line of progress. It disappears when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    fn new(bar: ProgressBar, text: &str) -> Self {
        bar.set_message(escape(text).into_owned());
        Self(bar)
    }

    /// Changes its text, escaped.
    pub(crate) fn set_text(&self, text: &str) {
        self.0.set_message(escape(text).into_owned());
    }

    /// How far it is.
    pub(crate) fn set_position(&self, position: u64) {
        self.0.set_position(position);
    }

    /// How far it goes.
    pub(crate) fn set_total(&self, total: u64) {
        self.0.set_length(total);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

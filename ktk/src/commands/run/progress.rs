//! Shows a pipeline on its way: on a terminal a bar and a line for each running step, otherwise
//! one plain line for each change.

use std::collections::BTreeMap;

use crate::{context::Context, ui::Bar, view::progress::Progress};

/// The most lines of running steps.
const LINES: usize = 12;

/// What is shown, as it is now.
pub(super) struct Display<'a> {
    cx: &'a Context,
    name: String,
    live: Option<Live>,
    is_stale: bool,
}

/// The lines on a terminal.
struct Live {
    bar: Bar,
    steps: BTreeMap<String, Bar>,
    more: Option<Bar>,
}

impl<'a> Display<'a> {
    /// A display of a pipeline that has not begun.
    pub(super) fn new(name: &str, total: usize, cx: &'a Context) -> Self {
        let live = cx.ui.stderr_is_terminal().then(|| Live {
            bar: cx.ui.bar(total as u64, name),
            steps: BTreeMap::new(),
            more: None,
        });
        Self { cx, name: name.to_owned(), live, is_stale: false }
    }

    /// Takes what there is to say of a change.
    pub(super) fn changed(&mut self, change: Option<(String, String)>) {
        self.is_stale = self.live.is_some();
        let Some((step, text)) = change else { return };
        if self.live.is_none() || text.starts_with("Failed") {
            self.cx.ui.message(&format!("step {step}: {text}"));
        }
    }

    /// Whether the terminal shows less than is known.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Shows all that is known.
    pub(super) fn redraw(&mut self, progress: &Progress) {
        self.is_stale = false;
        let Some(live) = &mut self.live else { return };
        let counts = progress.counts();
        let failed = if counts.failed > 0 { format!(", {} failed", counts.failed) } else { String::new() };
        live.bar.set_text(&format!("{}{failed}", self.name));
        live.bar.set_position((counts.done + counts.failed) as u64);
        live.bar.set_total(progress.total() as u64);
        let running: BTreeMap<&str, String> = progress
            .running()
            .map(|(step, state)| {
                let tries = match state.attempt {
                    0 | 1 => String::new(),
                    attempt => format!(" (attempt {attempt})"),
                };
                let far = state.progress.as_ref().map_or(String::new(), |far| format!(": {far}"));
                (step, format!("{step}{tries}{far}"))
            })
            .collect();
        // The longer something runs, the longer its line stays where it is.
        live.steps.retain(|step, _| running.contains_key(step.as_str()));
        for (step, text) in &running {
            if let Some(line) = live.steps.get(*step) {
                line.set_text(text);
            } else if live.steps.len() < LINES {
                live.steps.insert((*step).to_owned(), self.cx.ui.spinner(text));
            }
        }
        live.more = None;
        let hidden = running.len() - live.steps.len();
        if hidden > 0 {
            live.more = Some(self.cx.ui.spinner(&format!("and {hidden} more")));
        }
    }
}

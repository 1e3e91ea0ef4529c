//! A part of the terminal that is drawn again and again.

use std::io;

use rustix::termios::tcgetwinsize;

use super::Ui;
use crate::error::CliError;

/// Lines of a terminal that does not say how many it has.
const LINES: usize = 24;

/// What was drawn last.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    lines: usize,
}

impl Ui {
    /// Draws text in the place of what was drawn before. What the terminal has no room for is left out: lines are
    /// cut at its edge, and the last one says how many there are more.
    pub(crate) fn redraw(&self, screen: &mut Screen, text: &str) -> Result<(), CliError> {
        let size = tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_row));
        let room = if size == 0 { LINES } else { size.max(3) } - 1;
        let shown = fitting(text, room);
        let mut drawn = String::with_capacity(shown.len() + 64);
        // Up to the first line of before; no line is wrapped meanwhile, so that each stays one.
        if screen.lines > 0 {
            drawn.push_str(&format!("\u{1b}[{}F", screen.lines));
        }
        drawn.push_str("\u{1b}[J\u{1b}[?7l");
        drawn.push_str(&shown);
        drawn.push_str("\u{1b}[?7h");
        screen.lines = shown.lines().count();
        self.print(&drawn)?;
        self.flush()
    }
}

/// The text, or as many of its lines as there is room for.
fn fitting(text: &str, room: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= room {
        return text.to_owned();
    }
    let (shown, left) = lines.split_at(room - 1);
    format!("{}\n… and {} more\n", shown.join("\n"), left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted() {
        assert_eq!(fitting("a\nb\n", 2), "a\nb\n");
        assert_eq!(fitting("a\nb\nc\nd\n", 3), "a\nb\n… and 2 more\n");
    }
}

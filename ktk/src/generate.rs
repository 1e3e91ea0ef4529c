//! Man pages and completion scripts, as files: the same on every machine.

use std::{fs, io, path::Path};

use clap::Command;
use clap_complete::env::Shells;

use crate::topics::TOPICS;

/// The variable by which a shell's script asks for candidates.
pub(crate) const COMPLETE_VARIABLE: &str = "KTK_COMPLETE";

/// The shells that there are scripts for.
pub(crate) const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// The date on the pages: fixed, so that they change only when what they say does.
const DATE: &str = "2026-11-22";

/// Writes `ktk.1`, a page for each command, and one for each help topic.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn man(mut root: Command, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    root.build();
    pages(&root, "ktk", dir)?;
    for (topic, text) in TOPICS {
        fs::write(dir.join(format!("ktk-{topic}.7")), topic_page(topic, text))?;
    }
    Ok(())
}

/// Writes a page of documentation.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn document(name: &str, text: &str, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join(name), text)
}

/// Writes a completion script for each shell.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn completions(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for shell in SHELLS {
        let name = match shell {
            "bash" => "ktk.bash",
            "elvish" => "ktk.elv",
            "fish" => "ktk.fish",
            "powershell" => "_ktk.ps1",
            _ => "_ktk",
        };
        let script =
            script(shell).ok_or_else(|| io::Error::other(format!("no completion script for {shell}")))?;
        fs::write(dir.join(name), script)?;
    }
    Ok(())
}

/// The script of a shell; it asks `ktk` from PATH for every candidate.
pub(crate) fn script(shell: &str) -> Option<String> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(SHELLS.iter().find(|known| **known == shell)?)?;
    completer.write_registration(COMPLETE_VARIABLE, "ktk", "ktk", "ktk", &mut script).ok()?;
    String::from_utf8(script).ok().map(|script| format!("{}\n", script.trim()))
}

fn pages(command: &Command, name: &str, dir: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    // No version: it would change without the page's saying anything new.
    let page_command = command.clone().name(name.to_owned()).disable_version_flag(true);
    clap_mangen::Man::new(page_command).date(DATE).source("ktk").manual("ktk manual").render(&mut page)?;
    let page = String::from_utf8(page).map_err(io::Error::other)?;
    fs::write(dir.join(format!("{name}.1")), tidied(&page))?;
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    for below in visible.filter(|command| command.get_name() != "help" || name == "ktk") {
        pages(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(())
}

/// The page with its examples under a heading of their own, as typed, and without breaks that
/// `mandoc` calls superfluous.
fn tidied(page: &str) -> String {
    let page = page.replace(".br\n\n.br\n", ".sp\n");
    match page.split_once(".SH EXTRA\nExamples:\n") {
        Some((before, examples)) => format!("{before}.SH EXAMPLES\n.nf\n{}\n.fi\n", examples.trim_end()),
        None => page,
    }
}

fn topic_page(topic: &str, text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace("\n.", "\n\\&.");
    format!(
        ".TH ktk\\-{topic} 7 \"{DATE}\" \"ktk\" \"ktk manual\"\n.SH NAME\nktk\\-{topic} \\- {}\n.SH DESCRIPTION\n.nf\n{escaped}.fi\n",
        topic.replace('-', " ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_shell_has_a_script() {
        for shell in SHELLS {
            assert!(script(shell).expect("a script").contains(COMPLETE_VARIABLE), "{shell}");
        }
        assert_eq!(script("nosuch"), None);
    }

    #[test]
    fn files_are_the_same_each_time() {
        let (first, second) =
            (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        for dir in [first.path(), second.path()] {
            man(Cli::command(), &dir.join("man")).expect("man pages");
            completions(&dir.join("completions")).expect("scripts");
        }
        let files = |dir: &Path| {
            let mut files: Vec<_> = fs::read_dir(dir)
                .expect("a directory")
                .map(|entry| entry.expect("an entry").path())
                .map(|path| {
                    (path.file_name().map(ToOwned::to_owned), fs::read_to_string(path).expect("text"))
                })
                .collect();
            files.sort();
            files
        };
        for kind in ["man", "completions"] {
            let written = files(&first.path().join(kind));
            assert_eq!(written, files(&second.path().join(kind)));
            assert!(written.len() >= 5, "{kind}");
        }
        let page = fs::read_to_string(first.path().join("man/ktk-get.1")).expect("a page");
        assert!(page.contains("List objects") && page.contains(".SH EXAMPLES\n.nf\n"), "{page}");
    }
}

//! Finds the arguments that a shell reads as its script.
//!
//! `sh -c SCRIPT`, also with other flags before or among `-c`, and behind programs that start
//! another (`env`, `sudo`, `timeout` …). In doubt an argument counts as script.

use std::collections::BTreeSet;

/// Shells that take a script after `-c`.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "rbash"];

/// Programs that start the program named among their arguments.
const STARTERS: [&str; 16] = [
    "env", "sudo", "doas", "nice", "nohup", "timeout", "time", "setsid", "stdbuf", "ionice", "taskset",
    "xargs", "flock", "chroot", "busybox", "exec",
];

/// Long options of shells that take the next argument.
const WITH_VALUE: [&str; 3] = ["--rcfile", "--init-file", "--emulate"];

/// A word of a command, and the number of the argument that it came from.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    argument: usize,
}

/// The numbers of the arguments that a shell would read as script text.
pub(super) fn scripts(command: &[String]) -> BTreeSet<usize> {
    let Some(program) = command.first().map(|program| base_name(program)) else { return BTreeSet::new() };
    let plain =
        || command.iter().enumerate().map(|(argument, text)| Word { text, argument }).collect::<Vec<_>>();
    if SHELLS.contains(&program) {
        return scripts_of_shell(&plain()[1..]);
    }
    if !STARTERS.contains(&program) {
        return BTreeSet::new();
    }
    let (words, mut scripts) = if program == "env" { split(command) } else { (plain(), BTreeSet::new()) };
    for (index, word) in words.iter().enumerate().skip(1) {
        if SHELLS.contains(&base_name(word.text)) {
            scripts.extend(scripts_of_shell(&words[index + 1..]));
        }
    }
    scripts
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The words of an `env` command: `env -S 'bash -e' …` makes many of one argument. Such an
/// argument counts as script itself.
fn split(command: &[String]) -> (Vec<Word<'_>>, BTreeSet<usize>) {
    let (mut words, mut scripts) = (Vec::new(), BTreeSet::new());
    let (mut follows_flag, mut is_before_program) = (false, true);
    for (argument, text) in command.iter().enumerate() {
        let takes_name =
            |text: &String| matches!(text.as_str(), "-u" | "-C" | "-a" | "--unset" | "--chdir" | "--argv0");
        let is_own = text.starts_with('-') || text.contains('=') || follows_flag;
        is_before_program &= argument == 0 || is_own || takes_name(&command[argument - 1]);
        let is_short = text.starts_with('-') && !text.starts_with("--") && text.contains('S');
        let is_flag = argument > 0 && is_before_program && (is_short || text.starts_with("--s"));
        if !is_flag && !follows_flag {
            words.push(Word { text, argument });
            continue;
        }
        scripts.insert(argument);
        let separators = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=');
        let text = if is_short { text.split_once('S').map_or("", |(_, text)| text) } else { text };
        words.extend(
            text.split(separators).filter(|text| !text.is_empty()).map(|text| Word { text, argument }),
        );
        follows_flag = is_flag;
    }
    (words, scripts)
}

/// The script among a shell's arguments, with those between `-c` and it.
fn scripts_of_shell(words: &[Word<'_>]) -> BTreeSet<usize> {
    let mut scripts = BTreeSet::new();
    let mut has_script = false;
    let mut index = 0;
    let is_option = |word: &Word<'_>| word.text.len() > 1 && word.text.starts_with(['-', '+']);
    while let Some(word) = words.get(index) {
        let is_end = word.text == "--" || word.text == "-";
        if is_end || !is_option(word) {
            let last = if is_end { index + 1 } else { index };
            if has_script {
                scripts.extend(words.iter().take(last + 1).skip(index).map(|word| word.argument));
            }
            return scripts;
        }
        let is_long = word.text.starts_with("--");
        has_script |= word.text.starts_with('-') && !is_long && word.text.contains('c');
        let takes_value =
            if is_long { WITH_VALUE.contains(&word.text) } else { word.text.contains(['o', 'O']) };
        let has_value = words.get(index + 1).is_some_and(|next| !is_option(next));
        let taken = if takes_value && has_value { 2 } else { 1 };
        if has_script {
            scripts.extend(words[index..index + taken].iter().map(|word| word.argument));
        }
        index += taken;
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> BTreeSet<usize> {
        scripts(&command.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_script_is_found_behind_any_flags() {
        for (command, script) in [
            ("sh -c S", 2),
            ("/bin/bash -ec S a b", 2),
            ("bash -xc S", 2),
            ("zsh -o extendedglob -c S", 4),
            ("bash -euo pipefail -c S zero", 4),
            ("bash -ceuo pipefail S", 3),
            ("bash -c -e S", 3),
            ("bash -c -- S zero", 3),
            ("bash +x --norc -c S", 4),
            ("bash --rcfile F -c S", 4),
            ("zsh --emulate sh -c S", 4),
            ("dash -c S", 2),
            ("ksh -lc S", 2),
            ("env sh -c S", 3),
            ("env -i A=1 B=2 /usr/bin/bash -ec S", 6),
            ("env -u HOME -C /tmp sh -c S", 7),
            ("/usr/bin/env -S sh -c S", 4),
            ("env -iSbash -e -c S", 4),
            ("sudo -u me timeout 5 sh -c S", 7),
            ("zsh -onull -c S", 3),
        ] {
            assert!(of(command).contains(&script), "{command}: {:?}", of(command));
        }
    }

    #[test]
    fn what_stands_before_or_behind_the_script_is_free() {
        assert!(of("sh script.sh -c S").is_empty());
        assert!(of("sh -e script.sh S").is_empty());
        assert!(of("python3 -c S").is_empty());
        assert!(of("grep -c sh S").is_empty());
        assert!(of("env A=1 make sh").is_empty());
        assert!(of("env -u X ls -S S").is_empty());
        assert!(of("").is_empty());
        assert_eq!(of("sh -c S zero one"), [1, 2].into());
        assert_eq!(of("env -S X make S"), [1, 2].into());
        let command = ["env", "-S", "'bash' -e", "-c", "S", "zero"].map(str::to_owned);
        assert_eq!(scripts(&command), [1, 2, 3, 4].into());
    }
}

//! What differs from run to run, made equal: ages, times, ids, process ids, directories.

/// The text with `<age>`, `<time>`, `<id>`, `<pid>` in the place of what differs from run to run. Every word of the
/// text is looked at by itself; blanks stay as they are, but for those that only fill a column after what was masked.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_pid = false;
    while !rest.is_empty() {
        let end = rest.find(is_border).unwrap_or(rest.len());
        if end == 0 {
            let c = rest.chars().next().expect("there is text left");
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, tail) = rest.split_at(end);
        let mask = mask_of(word).or((after_pid && is_number(word)).then_some("<pid>"));
        after_pid = word == "pid" || word == "Process:";
        out.push_str(mask.unwrap_or(word));
        rest = tail;
        // A column that is as wide as its longest cell: `1s    x` and `10s   x` are one.
        if mask.is_some() && rest.starts_with("  ") {
            rest = rest.trim_start_matches(' ');
            out.push_str("   ");
        }
    }
    out
}

fn is_border(c: char) -> bool {
    c.is_whitespace() || "()[]{}\"',;=/".contains(c)
}

fn mask_of(word: &str) -> Option<&'static str> {
    if is_age(word) {
        Some("<age>")
    } else if is_time(word) {
        Some("<time>")
    } else if is_uuid(word) || is_hex(word, 32) || is_hex(word, 12) {
        Some("<id>")
    } else {
        None
    }
}

/// `12s`, `3m10s`, `1.5s`, `20ms`.
fn is_age(word: &str) -> bool {
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let unit = ["ms", "s", "m", "h", "d"].into_iter().find(|unit| {
            rest[digits..].starts_with(unit)
                && rest[digits + unit.len()..].chars().next().is_none_or(|c| c.is_ascii_digit())
        });
        match unit {
            Some(unit) if digits > 0 => rest = &rest[digits + unit.len()..],
            _ => return false,
        }
    }
    !word.is_empty()
}

/// `2026-11-22T02:04:57.335838Z`.
fn is_time(word: &str) -> bool {
    let is_shaped =
        word.char_indices().all(|(at, c)| matches!(at, 4 | 7) == (c == '-') || (at > 9 && c != '-'));
    is_shaped && word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == lengths.len() && parts.iter().zip(lengths).all(|(part, length)| is_hex(part, length))
}

fn is_hex(word: &str, length: usize) -> bool {
    word.len() == length && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        for (text, expected) in [
            ("a   Failed   3m12s\n", "a   Failed   <age>\n"),
            ("x 0s     1\nx 100ms   1", "x <age>   1\nx <age>   1"),
            ("started (pid 77, data in /x/7s)", "started (pid <pid>, data in /x/<age>)"),
            ("at 2026-11-22T02:04:57.335838Z.", "at 2026-11-22T02:04:57.335838Z."),
            ("2026-11-22T02:04:57.3Z x", "<time> x"),
            ("01a200ff-dbda-7aed-9336-941d5498cbb3", "<id>"),
            ("exit code 7, 12 words, 5, s m h", "exit code 7, 12 words, 5, s m h"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}

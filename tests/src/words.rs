//! A command line written as one text, as a test shows it.

/// The words of a command line: split at blanks, `'…'` keeps a word together.
///
/// # Panics
/// Where a quotation has no end.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!is_quoted, "a quotation without an end: {line}");
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotations_stay_whole() {
        assert_eq!(
            words(" run  -- sh -c 'a \"b\"' x'y z' ''"),
            ["run", "--", "sh", "-c", "a \"b\"", "xy z", ""]
        );
    }
}

//! How people type a command: its words quoted where a shell would need it. For display only; no text that is made
//! here is ever run.

/// The words as one line.
///
/// ```
/// use ktk_client::api::shell;
/// assert_eq!(shell::line(&["sh", "-c", "make && make install"]), "sh -c 'make && make install'");
/// ```
pub fn line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (word, shown) in
            [("make", "make"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("größe", "größe")]
        {
            assert_eq!(line(&[word]), shown);
        }
    }
}

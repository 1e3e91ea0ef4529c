//! "Did you mean …": the nearest of some known names.

/// The known name that a mistyped one is nearest to, where one is near enough; the first of
/// several equally near.
///
/// ```
/// use ktk_client::api::suggest::nearest;
/// assert_eq!(nearest("comand", ["command", "env", "stdin"]), Some("command"));
/// assert_eq!(nearest("colour", ["command", "env", "stdin"]), None);
/// ```
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.chars().take(MAX_COMPARED + 1).collect();
    if typed.len() > MAX_COMPARED {
        return None;
    }
    let mut limit = typed.len() / 3 + 1;
    let mut best = None;
    for name in known {
        if name.len().abs_diff(typed.len()) > 3 * limit {
            continue;
        }
        let distance = distance(&typed, name);
        if distance <= limit && distance < name.chars().count() {
            best = Some(name);
            if distance == 0 {
                return best;
            }
            limit = distance - 1;
        }
    }
    best
}

/// ` (did you mean "build"?)`, or nothing.
pub(crate) fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}

/// Longer texts are not compared.
const MAX_COMPARED: usize = 100;

/// Insertions, deletions, replacements and swaps of neighbours from one text to the other; a
/// difference in case alone is small.
fn distance(typed: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=name.len()).collect();
    for (row, a) in typed.iter().enumerate() {
        let mut line = Vec::with_capacity(name.len() + 1);
        line.push(row + 1);
        for (column, b) in name.iter().enumerate() {
            let is_same = a.eq_ignore_ascii_case(b);
            let mut cost =
                (above[column] + usize::from(!is_same)).min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *a == name[column - 1] && typed[row - 1] == *b {
                cost = cost.min(before[column - 1] + 1);
            }
            line.push(cost);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["command", "env", "workingDir", "stdin"];
        for (typed, found) in [
            ("comand", Some("command")),
            ("commnad", Some("command")),
            ("workingdir", Some("workingDir")),
            ("enviroment", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), found, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(500), ["a"]), None);
    }
}

//! Did you mean: the known word that is nearest to a typed one.

/// The nearest of some known words, the first of several that are equally near; `None` where
/// none is near enough to be a slip of the fingers.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let limit = ((typed.len() + 1) / 3).clamp(1, 2);
    known
        .into_iter()
        .map(|word| (distance(&typed, &word.chars().collect::<Vec<_>>()), word))
        .filter(|(distance, _)| *distance <= limit && *distance < typed.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters must be put in, taken out, changed, or exchanged with their neighbour.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i; other.len() + 1];
        for j in 1..=other.len() {
            let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            row[j] = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_other_words_are_not() {
        let verbs = ["get", "describe", "delete", "logs", "restart"];
        for (typed, meant) in [
            ("gte", Some("get")),
            ("GET", Some("get")),
            ("descibe", Some("describe")),
            ("restrat", Some("restart")),
            ("log", Some("logs")),
            ("x", None),
            ("frobnicate", None),
        ] {
            assert_eq!(nearest(typed, verbs), meant, "{typed}");
        }
    }
}

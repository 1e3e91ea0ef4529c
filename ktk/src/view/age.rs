//! Ages and durations as kubectl writes them: the two largest units at most, cut, never rounded.

use jiff::{SignedDuration, Timestamp};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// How long ago something was; `<unknown>` where nobody knows when.
pub(crate) fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "<unknown>".to_owned(), |since| human(now.duration_since(since)))
}

/// A duration for people.
pub(crate) fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => two(s / MINUTE, 'm', s % MINUTE, 's'),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => two(s / HOUR, 'h', s % HOUR / MINUTE, 'm'),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => two(s / DAY, 'd', s % DAY / HOUR, 'h'),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s if s < 8 * YEAR => two(s / YEAR, 'y', s % YEAR / DAY, 'd'),
        s => format!("{}y", s / YEAR),
    }
}

fn two(large: i64, large_unit: char, small: i64, small_unit: char) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_are_kubectls() {
        for (millis, shown) in [
            (-2_000, "<invalid>"),
            (-1_999, "0s"),
            (-1, "0s"),
            (0, "0s"),
            (999, "0s"),
            (119_999, "119s"),
            (120_000, "2m"),
            (190_000, "3m10s"),
            (599_000, "9m59s"),
            (600_000, "10m"),
            (10_799_999, "179m"),
            (10_800_000, "3h"),
            (28_799_000, "7h59m"),
            (28_800_000, "8h"),
            (172_799_000, "47h"),
            (172_800_000, "2d"),
            (691_199_999, "7d23h"),
            (691_200_000, "8d"),
            (63_071_999_999, "729d"),
            (63_072_000_000, "2y"),
            (94_694_400_000, "3y1d"),
            (252_287_999_999, "7y364d"),
            (252_288_000_000, "8y"),
        ] {
            assert_eq!(human(SignedDuration::from_millis(millis)), shown, "{millis} ms");
        }
    }

    #[test]
    fn an_unknown_time_is_said_to_be_unknown() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(age(None, now), "<unknown>");
        assert_eq!(age(Some(now - SignedDuration::from_secs(75)), now), "75s");
    }
}

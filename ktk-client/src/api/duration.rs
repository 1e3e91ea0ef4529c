//! Durations as people write them: Go's form (`10ms`, `1h30m`) and `d` for 24 hours.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration that is written `1h30m` on the wire. Never negative, microsecond resolution.
///
/// ```
/// use ktk_client::api::Duration;
/// let duration: Duration = "1h30m".parse().unwrap();
/// assert_eq!(duration.get().as_secs(), 5400);
/// assert_eq!(duration.to_string(), "1h30m");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

/// The longest duration that is taken: a hundred years.
const MAX: time::Duration = time::Duration::from_secs(100 * 365 * 86_400);

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl Duration {
    /// From the standard library's duration.
    ///
    /// ```
    /// use ktk_client::api::Duration;
    /// assert_eq!(Duration::new(std::time::Duration::from_millis(1500)).to_string(), "1.5s");
    /// ```
    pub const fn new(duration: time::Duration) -> Self {
        Self(duration)
    }

    /// A number of seconds.
    ///
    /// ```
    /// # use ktk_client::api::Duration;
    /// assert_eq!(Duration::from_secs(90).to_string(), "1m30s");
    /// ```
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// As the standard library's duration.
    ///
    /// ```
    /// # use ktk_client::api::Duration;
    /// assert_eq!(Duration::from_secs(90).get(), std::time::Duration::from_secs(90));
    /// ```
    pub const fn get(self) -> time::Duration {
        self.0
    }
}

impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        Self(duration)
    }
}

/// Text that is no duration.
///
/// ```
/// # use ktk_client::api::Duration;
/// assert!("soon".parse::<Duration>().unwrap_err().to_string().contains("soon"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// It has another form.
    #[error("{0:?} is no duration: write a number and a unit, as 500ms, 30s, 10m, 1h30m or 2d")]
    Form(String),
    /// It is less than nothing.
    #[error("{0:?} is negative: no duration is")]
    Negative(String),
    /// It is longer than any that is taken.
    #[error("{0:?} is too long: a hundred years (36500d) at most")]
    TooLong(String),
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration::Form(text.to_owned());
        let too_long = || InvalidDuration::TooLong(text.to_owned());
        if let Some(rest) = text.strip_prefix('-')
            && rest.parse::<Self>().is_ok()
        {
            return Err(InvalidDuration::Negative(text.to_owned()));
        }
        if text == "0" {
            return Ok(Self::default());
        }
        let mut rest = text;
        let mut nanos: u128 = 0;
        if rest.is_empty() {
            return Err(invalid());
        }
        while !rest.is_empty() {
            let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
            let (number, tail) = rest.split_at(number_len);
            let unit_len = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_len);
            let factor = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?.1;
            let part = part_nanos(number, factor).ok_or_else(invalid)?;
            // What is too long is read to its end: it may be no duration at all.
            nanos = nanos.saturating_add(part);
            rest = tail;
        }
        if nanos > MAX.as_nanos() {
            return Err(too_long());
        }
        Ok(Self(time::Duration::from_nanos_u128(nanos)))
    }
}

fn part_nanos(number: &str, factor: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 12 {
        return None;
    }
    // A number of digits is too large to be read, never something else.
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u128::MAX) };
    let scale = 10u128.pow(fraction.len() as u32);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some(whole.saturating_mul(factor).saturating_add(fraction.checked_mul(factor)? / scale))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, factor) = match nanos {
                n if n % 1_000_000 == 0 => ("ms", 1_000_000),
                n if n % 1_000 == 0 => ("us", 1_000),
                _ => ("ns", 1),
            };
            return write!(f, "{}{unit}", nanos / factor);
        }
        let total = self.0.as_secs();
        let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let fraction = self.0.subsec_nanos();
        if fraction > 0 {
            write!(f, "{seconds}.{}s", format!("{fraction:09}").trim_end_matches('0'))?;
        } else if seconds > 0 {
            write!(f, "{seconds}s")?;
        }
        Ok(())
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time as Go writes it, and days: `10ms`, `1h30m`, `2d`; at most a hundred years.",
            "type": "string",
            "pattern": "^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|ms|s|m|h|d))+)$",
            "examples": ["1h30m"],
        })
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Duration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration, as 500ms, 30s, 10m, 1h30m or 2d")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn go_durations_and_days_are_read() {
        for (text, millis) in
            [("10ms", 10), ("1h30m", 5_400_000), ("1.5s", 1_500), ("2d", 172_800_000), ("0", 0), (".5s", 500)]
        {
            let read: Duration = text.parse().expect(text);
            assert_eq!(read.get().as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "-5s", "5x", "s", "1..5s", "1e3s", "99999999999d", "5 s", "٣s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let huge = format!("{}d", "9".repeat(60));
        for (text, says) in [
            ("-5s", "is negative"),
            ("-0s", "is negative"),
            ("99999999d", "is too long"),
            (&*huge, "is too long"),
            ("36500d1ns", "is too long"),
            ("1e30s", "is no duration"),
            ("99999999d5", "is no duration"),
            ("--5s", "is no duration"),
        ] {
            let error = text.parse::<Duration>().expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!("36500d".parse::<Duration>().is_ok());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nanos in 0u64..=u64::MAX / 8) {
            let duration = Duration(time::Duration::from_nanos(nanos));
            prop_assert_eq!(duration.to_string().parse::<Duration>().expect("our own text"), duration);
        }
    }
}

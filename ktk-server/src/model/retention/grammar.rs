//! How a retention is written: `30d,100000,failed=90d`, or `none`.

use std::{fmt, str::FromStr};

use ktk_client::api::{Duration, Phase};

use super::{Limits, Own, Retention, Rule};

const PHASES: [Phase; 4] = [Phase::Succeeded, Phase::Failed, Phase::Cancelled, Phase::Skipped];

/// One limit, as it is written.
enum Limit {
    None,
    Age(Duration),
    Count(u64),
}

/// Text that is no retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} {why}")]
pub struct InvalidRetention {
    part: String,
    why: &'static str,
}

impl FromStr for Retention {
    type Err = InvalidRetention;

    fn from_str(text: &str) -> Result<Self, InvalidRetention> {
        let mut all = Own::default();
        let mut retention = Self::none();
        for part in text.split(',').map(str::trim) {
            let wrong = |why| InvalidRetention { part: part.to_owned(), why };
            let (own, limit) = match part.split_once('=') {
                Some((phase, limit)) => {
                    let is_named = |known: &&Phase| known.as_str().eq_ignore_ascii_case(phase.trim());
                    let phase = PHASES.iter().find(is_named).ok_or_else(|| {
                        wrong("names no phase in which tasks end: succeeded, failed, cancelled, skipped")
                    })?;
                    (retention.phases.entry(*phase).or_default(), limit.trim())
                }
                None => (&mut all, part),
            };
            let is_new = match limit.parse().map_err(wrong)? {
                Limit::None => {
                    let is_new = *own == Own::default();
                    *own = Own { age: Some(None), count: Some(None) };
                    is_new
                }
                Limit::Age(age) => own.age.replace(Some(age)).is_none(),
                Limit::Count(count) => own.count.replace(Some(count)).is_none(),
            };
            if !is_new {
                return Err(wrong("says again what an earlier part says"));
            }
        }
        retention.all = Limits { age: all.age.flatten(), count: all.count.flatten() };
        Ok(retention)
    }
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::None);
        }
        // A number alone counts tasks; a duration has its unit.
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Count).map_err(|_| "is too large a number");
        }
        text.parse().map(Self::Age).map_err(|_| {
            "is no limit: write an age (30d, 12h), a number of finished tasks (100000) or none, for one phase as failed=90d"
        })
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.all.age.map(in_days));
        parts.extend(self.all.count.map(|count| count.to_string()));
        if parts.is_empty() {
            parts.push("none".into());
        }
        for (phase, own) in &self.phases {
            let phase = phase.as_str().to_lowercase();
            if *own == (Own { age: Some(None), count: Some(None) }) {
                parts.push(format!("{phase}=none"));
                continue;
            }
            parts.extend(own.age.flatten().map(|age| format!("{phase}={}", in_days(age))));
            parts.extend(own.count.flatten().map(|count| format!("{phase}={count}")));
        }
        f.write_str(&parts.join(","))
    }
}

/// `30d`, where a duration is whole days.
fn in_days(duration: Duration) -> String {
    const DAY: u64 = 86_400;
    let (seconds, rest) = (duration.get().as_secs(), duration.get().subsec_nanos());
    if seconds >= DAY && seconds % DAY == 0 && rest == 0 {
        format!("{}d", seconds / DAY)
    } else {
        duration.to_string()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = |phase: &Option<Phase>| {
            phase.map_or_else(String::new, |phase| format!("{}=", phase.as_str().to_lowercase()))
        };
        match self {
            Self::Ttl(ttl) => write!(f, "ttlAfterFinished {ttl}"),
            Self::Age(phase, age) => write!(f, "retention {}{}", own(phase), in_days(*age)),
            Self::Count(phase, count) => write!(f, "retention {}{count}", own(phase)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_written_again() {
        for (text, again) in [
            ("none", "none"),
            ("30d,100000", "30d,100000"),
            ("100000, 720h", "30d,100000"),
            ("30d,100000,failed=90d", "30d,100000,failed=90d"),
            ("none,Succeeded=1h30m,succeeded=10", "none,succeeded=1h30m,succeeded=10"),
            ("1d,failed=none", "1d,failed=none"),
            ("0", "0"),
            ("0s", "0s"),
        ] {
            let read: Retention = text.parse().unwrap();
            assert_eq!(read.to_string(), again, "{text}");
            assert_eq!(again.parse(), Ok(read), "{text}");
        }
        assert_eq!(Retention::default().to_string(), "30d,100000");
        assert_eq!(Retention::none().to_string(), "none");
    }

    #[test]
    fn what_is_no_retention_is_refused_with_its_part() {
        for (text, part) in [
            ("", "\"\""),
            ("30", ""),
            ("30d,", "\"\""),
            ("30d,40d", "\"40d\""),
            ("failed=30d,none,1d", "\"1d\""),
            ("30d,none", "\"none\""),
            ("running=1d", "\"running=1d\""),
            ("failed=", "\"failed=\""),
            ("-1d", "\"-1d\""),
            ("-5", "\"-5\""),
            ("forever", "\"forever\""),
            ("99999999999999999999", "\"99999999999999999999\""),
        ] {
            match text.parse::<Retention>() {
                Ok(_) => assert_eq!(part, "", "{text} was taken"),
                Err(error) => assert!(error.to_string().starts_with(part), "{text}: {error}"),
            }
        }
    }
}

//! How often somebody may ask: a bucket for each caller from the network, and one for the failures of each address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The most buckets that are kept; the fullest go first.
const BUCKETS: usize = 4_096;

/// So many in a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// Whoever speaks with a token.
    Caller(String),
    /// Whoever has none that holds, at this address.
    Stranger(IpAddr),
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<BTreeMap<Who, Bucket>>);

impl Rates {
    /// Takes one from a bucket, or says after what time there is one again.
    pub(super) fn take(&self, who: Who, rate: Rate, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS && !buckets.contains_key(&who) {
            // One that is full again by now says nothing of its owner.
            buckets.retain(|_, bucket| bucket.refilled(rate, now) < rate.burst);
            if buckets.len() >= BUCKETS {
                let fullest =
                    buckets.iter().max_by(|a, b| a.1.left.total_cmp(&b.1.left)).map(|(who, _)| who.clone());
                fullest.and_then(|who| buckets.remove(&who));
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket { left: rate.burst, at: now });
        bucket.left = bucket.refilled(rate, now);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / rate.per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

impl Bucket {
    fn refilled(&self, rate: Rate, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + passed * rate.per_second).min(rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    fn stranger(n: u32) -> Who {
        Who::Stranger(std::net::Ipv4Addr::from_bits(n).into())
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let (rates, start) = (Rates::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(rates.take(stranger(1), RATE, start), Ok(()));
        }
        assert_eq!(rates.take(stranger(1), RATE, start), Err(Duration::from_millis(500)));
        assert_eq!(rates.take(stranger(2), RATE, start), Ok(()), "each has its own");
        let later = start + Duration::from_millis(500);
        assert_eq!(rates.take(stranger(1), RATE, later), Ok(()));
        assert!(rates.take(stranger(1), RATE, later).is_err());
    }

    #[test]
    fn there_are_never_too_many() {
        let (rates, start) = (Rates::default(), Instant::now());
        for n in 0..10_000 {
            assert_eq!(rates.take(stranger(n), RATE, start), Ok(()));
        }
        assert!(rates.0.lock().expect("nobody panics").len() <= BUCKETS);
    }
}

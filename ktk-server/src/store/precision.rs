//! Times as stores keep them: whole microseconds.

use jiff::Timestamp;

/// Microseconds since 1970. The first and last second that a [`Timestamp`] knows have no
/// microseconds of their own: what lies in them becomes their beginning.
pub(super) fn micros(at: Timestamp) -> i64 {
    const PER_SECOND: i64 = 1_000_000;
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    at.as_microsecond().clamp(first * PER_SECOND, last * PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_microseconds_that_are_a_time() {
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let kept = Timestamp::from_microsecond(micros(at)).unwrap();
            assert_eq!(micros(kept), micros(at));
            assert_eq!(kept.as_second(), at.as_second());
        }
    }
}

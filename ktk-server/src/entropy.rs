//! Randomness and new ids: the only place that draws them. Seeded in tests.

use std::sync::Mutex;

use jiff::Timestamp;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// A source of chance.
#[derive(Debug)]
pub struct Entropy {
    common: Mutex<Draw>,
    /// For secrets alone, so that how long they are changes nothing else that a seed leads to.
    secret: Mutex<StdRng>,
}

#[derive(Debug)]
struct Draw {
    draw: StdRng,
    /// The last id's millisecond and what is random in it.
    last: (u64, u128),
}

impl Draw {
    fn new(draw: StdRng) -> Mutex<Self> {
        Mutex::new(Self { draw, last: (0, 0) })
    }
}

impl Entropy {
    /// Seeded by the operating system.
    #[expect(clippy::disallowed_methods, reason = "the home of randomness")]
    pub fn system() -> Self {
        let draw = || StdRng::from_rng(&mut rand::rng());
        Self { common: Draw::new(draw()), secret: Mutex::new(draw()) }
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        let draw = StdRng::seed_from_u64;
        Self { common: Draw::new(draw(seed)), secret: Mutex::new(draw(!seed)) }
    }

    /// A UUIDv7 of this time, above all before it: what is made stands in the order in which it was made. (RFC 9562,
    /// section 6.2, method 2: within a millisecond, what is random grows by a random step. Where the time lies before
    /// that of the last id, because the clock went back or somebody else drew meanwhile, it has the last id's.)
    pub fn id(&self, now: Timestamp) -> Uuid {
        const BITS_BEHIND_THE_VARIANT: u32 = 62;
        const HALF_OF_74_BITS: u128 = (1 << 73) - 1;
        let now = now.as_millisecond().unsigned_abs();
        let mut common = self.common.lock().expect("nobody panics while holding it");
        let (millis, random) = match common.last {
            (last, random) if now <= last => (last, random + 1 + u128::from(common.draw.random::<u32>())),
            _ => (now, common.draw.random::<u128>() & HALF_OF_74_BITS),
        };
        common.last = (millis, random);
        let mut bytes = [0; 10];
        let (before, behind) = bytes.split_at_mut(2);
        before.copy_from_slice(&((random >> BITS_BEHIND_THE_VARIANT) as u16).to_be_bytes());
        behind.copy_from_slice(&(random as u64).to_be_bytes());
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// 256 bits that nobody can guess.
    pub fn key(&self) -> [u8; 32] {
        let mut random = [0; 32];
        let (common, secret) = random.split_at_mut(16);
        self.common.lock().expect("nobody panics while holding it").draw.fill_bytes(common);
        self.secret.lock().expect("nobody panics while holding it").fill_bytes(secret);
        random
    }

    /// A number from 0 (included) to 1 (not included).
    pub fn chance(&self) -> f64 {
        self.common.lock().expect("nobody panics while holding it").draw.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_stand_in_the_order_in_which_they_were_drawn() {
        for entropy in [Entropy::system(), Entropy::seeded(7)] {
            let now = "2026-11-23T10:00:00.123456Z".parse().unwrap();
            let ids: Vec<Uuid> = (0..100_000).map(|_| entropy.id(now)).collect();
            assert!(ids.is_sorted_by(|a, b| a < b));
            for id in [ids[0], ids[99_999]] {
                assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
                let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
                assert_eq!((seconds, nanos), (1_795_428_000, 123_000_000));
            }
        }
    }

    #[test]
    fn ids_stand_in_the_order_in_which_they_were_drawn_whatever_the_clock_does() {
        let entropy = Entropy::seeded(7);
        let at = |second: u32| format!("2026-11-23T10:00:{second:02}Z").parse().unwrap();
        let ids: Vec<Uuid> = [5, 6, 5, 5, 7, 1, 8].map(at).into_iter().map(|now| entropy.id(now)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        let random = |id: &Uuid| id.as_u128() & ((1 << 62) - 1);
        assert!(random(&ids[0]).abs_diff(random(&ids[1])) > 1 << 33, "a later time is drawn anew");
    }
}

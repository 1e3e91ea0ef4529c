//! Randomness and new ids: the only place that draws them. Seeded in tests.

use std::sync::Mutex;

use jiff::Timestamp;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// A source of chance.
#[derive(Debug)]
pub struct Entropy {
    common: Mutex<StdRng>,
    /// For secrets alone, so that how long they are changes nothing else that a seed leads to.
    secret: Mutex<StdRng>,
}

impl Entropy {
    /// Seeded by the operating system.
    #[expect(clippy::disallowed_methods, reason = "the home of randomness")]
    pub fn system() -> Self {
        let draw = || Mutex::new(StdRng::from_rng(&mut rand::rng()));
        Self { common: draw(), secret: draw() }
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        let draw = |seed| Mutex::new(StdRng::seed_from_u64(seed));
        Self { common: draw(seed), secret: draw(!seed) }
    }

    /// A UUIDv7 of this time.
    pub fn id(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.common.lock().expect("nobody panics while holding it").fill_bytes(&mut random);
        Builder::from_unix_timestamp_millis(now.as_millisecond().unsigned_abs(), &random).into_uuid()
    }

    /// 256 bits that nobody can guess.
    pub fn key(&self) -> [u8; 32] {
        let mut random = [0; 32];
        let (common, secret) = random.split_at_mut(16);
        self.common.lock().expect("nobody panics while holding it").fill_bytes(common);
        self.secret.lock().expect("nobody panics while holding it").fill_bytes(secret);
        random
    }

    /// A number from 0 (included) to 1 (not included).
    pub fn chance(&self) -> f64 {
        self.common.lock().expect("nobody panics while holding it").random()
    }
}

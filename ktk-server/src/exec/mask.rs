//! Secrets in what a process writes: each is shown as `***`, also where it comes in pieces.

use ktk_client::api::Secret;

/// What stands for a secret.
const MASK: &[u8] = b"***";

/// Values shorter than this are no secrets that could be told from other text.
const SECRET_BYTES: usize = 4;

/// Takes secrets out of one stream.
#[derive(Default)]
pub struct Mask {
    secrets: Vec<Vec<u8>>,
    /// What may be the beginning of a secret.
    held: Vec<u8>,
}

impl Mask {
    /// A mask of these secrets.
    pub fn new(secrets: &[Secret]) -> Self {
        let long_enough = |secret: &&Secret| secret.expose().len() >= SECRET_BYTES;
        let secrets = secrets.iter().filter(long_enough).map(|secret| secret.expose().as_bytes().to_vec());
        Self { secrets: secrets.collect(), held: Vec::new() }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The next bytes, as far as they can be shown yet.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut shown = Vec::with_capacity(all.len());
        let mut rest = &*all;
        while !rest.is_empty() {
            // Of two that begin alike the longer one counts, if it still may come.
            if self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest)) {
                break;
            }
            let found = self.secrets.iter().filter(|secret| rest.starts_with(secret)).map(Vec::len).max();
            match found {
                Some(length) => {
                    shown.extend_from_slice(MASK);
                    rest = &rest[length..];
                }
                None => {
                    shown.push(rest[0]);
                    rest = &rest[1..];
                }
            }
        }
        self.held = rest.to_vec();
        shown
    }

    /// What was held back, once nothing comes any more.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        let mut rest = std::mem::take(&mut self.held);
        while !rest.is_empty() {
            let found = self.secrets.iter().filter(|secret| rest.starts_with(secret)).map(Vec::len).max();
            match found {
                Some(length) => {
                    shown.extend_from_slice(MASK);
                    rest.drain(..length);
                }
                None => shown.push(rest.remove(0)),
            }
        }
        shown
    }

    /// All there is of something.
    pub fn bytes(mut self, bytes: Vec<u8>) -> Vec<u8> {
        if self.is_empty() {
            return bytes;
        }
        let mut shown = self.pass(&bytes);
        shown.extend(self.rest());
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Mask::new(&secrets)
    }

    #[test]
    fn secrets_are_found_however_they_come() {
        let text = "a hush-hush b hush-hush-hush c hush d";
        for size in 1..text.len() {
            let mut mask = mask(&["hush-hush", "hush-hush-hush", "ab"]);
            let mut shown = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                shown.extend(mask.pass(piece));
            }
            shown.extend(mask.rest());
            assert_eq!(String::from_utf8_lossy(&shown), "a *** b *** c hush d", "{size}");
        }
    }

    #[test]
    fn what_ends_in_the_middle_of_a_secret_is_shown() {
        let mut mask = mask(&["secret", "secretive"]);
        assert_eq!(mask.pass(b"x secr"), b"x ");
        assert_eq!(mask.pass(b"et"), b"");
        assert_eq!(mask.rest(), b"***");
        assert_eq!(mask.pass(b"sec"), b"");
        assert_eq!(mask.rest(), b"sec");
        assert_eq!(
            super::tests::mask(&["abc"]).bytes(b"abc".to_vec()),
            b"abc",
            "too short to be told from other text"
        );
    }
}

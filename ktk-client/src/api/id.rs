//! Identity: one frozen value per object.
//!
//! A [`TaskId`] is built once from a UUIDv7 and never recomputed: the digest is the first 16
//! bytes of SHA-256 over the UUID's bytes, and the human name is a function of the digest's
//! first 8 bytes. That function keeps order and can be inverted to a range ([`human_name_range`]),
//! so a store finds human names and digest prefixes with one and the same index.

use std::{fmt, ops::RangeInclusive, sync::LazyLock};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Digits of the digest that tables show.
pub const SHORT_DIGITS: usize = 12;

/// The fewest digits of a digest that name an object.
pub const MIN_PREFIX_DIGITS: usize = 4;

/// An object's identity: UUID, digest and human name, each derived from the one before.
///
/// ```
/// use ktk_client::api::TaskId;
/// use uuid::Uuid;
/// let id = TaskId::new(Uuid::from_u128(7));
/// assert_eq!(id, TaskId::new(Uuid::from_u128(7)), "a value is computed once, and always the same");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    id: Uuid,
    digest: [u8; 16],
    name: String,
}

impl TaskId {
    /// Derives digest and human name from a UUID.
    ///
    /// ```
    /// use ktk_client::api::TaskId;
    /// let id = TaskId::new("01936f2e-8c00-7000-8000-000000000001".parse().unwrap());
    /// assert_eq!(id.digest_hex().len(), 32);
    /// assert_eq!(id.human_name().split('-').count(), 3);
    /// ```
    pub fn new(id: Uuid) -> Self {
        let hash = Sha256::digest(id.as_bytes());
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash[..16]);
        let name = human_name(head_of(&digest));
        Self { id, digest, name }
    }

    /// The UUIDv7.
    ///
    /// ```
    /// # use ktk_client::api::TaskId;
    /// # use uuid::Uuid;
    /// assert_eq!(TaskId::new(Uuid::from_u128(7)).id(), Uuid::from_u128(7));
    /// ```
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The digest: 16 bytes.
    ///
    /// ```
    /// # use ktk_client::api::TaskId;
    /// # use uuid::Uuid;
    /// let (one, next) = (TaskId::new(Uuid::from_u128(7)), TaskId::new(Uuid::from_u128(8)));
    /// assert_ne!(one.digest()[..4], next.digest()[..4]);
    /// ```
    pub fn digest(&self) -> &[u8; 16] {
        &self.digest
    }

    /// The digest as 32 lower-case hexadecimal digits.
    ///
    /// ```
    /// # use ktk_client::api::TaskId;
    /// # use uuid::Uuid;
    /// assert_eq!(TaskId::new(Uuid::from_u128(7)).digest_hex().len(), 32);
    /// ```
    pub fn digest_hex(&self) -> String {
        hex(&self.digest)
    }

    /// The first 8 bytes of the digest as a number: what stores index.
    ///
    /// ```
    /// # use ktk_client::api::{TaskId, id};
    /// # use uuid::Uuid;
    /// let id = TaskId::new(Uuid::from_u128(7));
    /// assert_eq!(id::human_name(id.head()), id.human_name());
    /// ```
    pub fn head(&self) -> u64 {
        head_of(&self.digest)
    }

    /// The human name: an adverb, an adjective and a noun.
    ///
    /// ```
    /// # use ktk_client::api::{TaskId, id};
    /// # use uuid::Uuid;
    /// assert!(id::is_human_name(TaskId::new(Uuid::from_u128(7)).human_name()));
    /// ```
    pub fn human_name(&self) -> &str {
        &self.name
    }

    /// The heads of all digests that have the same human name.
    ///
    /// ```
    /// # use ktk_client::api::TaskId;
    /// # use uuid::Uuid;
    /// let id = TaskId::new(Uuid::from_u128(7));
    /// assert!(id.namesakes().contains(&id.head()));
    /// ```
    pub fn namesakes(&self) -> RangeInclusive<u64> {
        let words = &*WORDS;
        words.heads_of(words.index_of(self.head()))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

fn head_of(digest: &[u8; 16]) -> u64 {
    u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"))
}

/// Lower-case hexadecimal digits of some bytes.
///
/// ```
/// assert_eq!(ktk_client::api::id::hex(&[0x0a, 0xff]), "0aff");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

struct Words {
    adverbs: Vec<&'static str>,
    adjectives: Vec<&'static str>,
    nouns: Vec<&'static str>,
}

/// The word lists, sorted and without doubles, so that a name has one place in them.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let names: petname::Petnames<'static> = petname::Petnames::default();
    let list = |words: &[&'static str]| {
        let mut words: Vec<&'static str> = words
            .iter()
            .copied()
            .filter(|word| word.len() <= 10 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    Words { adverbs: list(&names.adverbs), adjectives: list(&names.adjectives), nouns: list(&names.nouns) }
});

impl Words {
    fn count(&self) -> u128 {
        (self.adverbs.len() * self.adjectives.len() * self.nouns.len()) as u128
    }

    /// The place of a head's name among all names.
    fn index_of(&self, head: u64) -> usize {
        ((u128::from(head) * self.count()) >> 64) as usize
    }

    /// The heads whose name has this place.
    fn heads_of(&self, index: usize) -> RangeInclusive<u64> {
        let (index, count) = (index as u128, self.count());
        let first = (index << 64).div_ceil(count);
        let end = ((index + 1) << 64).div_ceil(count);
        first as u64..=(end - 1) as u64
    }
}

/// The human name that belongs to the head of a digest.
///
/// ```
/// use ktk_client::api::id::{human_name, is_human_name};
/// assert!(is_human_name(&human_name(42)));
/// ```
pub fn human_name(head: u64) -> String {
    let words = &*WORDS;
    let index = words.index_of(head);
    let noun = words.nouns[index % words.nouns.len()];
    let rest = index / words.nouns.len();
    let adjective = words.adjectives[rest % words.adjectives.len()];
    let adverb = words.adverbs[rest / words.adjectives.len()];
    format!("{adverb}-{adjective}-{noun}")
}

/// The heads of all digests whose human name is `name`; `None` where no object can have it.
///
/// ```
/// use ktk_client::api::id::{human_name, human_name_range};
/// assert!(human_name_range(&human_name(42)).unwrap().contains(&42));
/// assert_eq!(human_name_range("thumbnails"), None);
/// ```
pub fn human_name_range(name: &str) -> Option<RangeInclusive<u64>> {
    let words = &*WORDS;
    let mut parts = name.split('-');
    let (adverb, adjective, noun) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let adverb = words.adverbs.binary_search(&adverb).ok()?;
    let adjective = words.adjectives.binary_search(&adjective).ok()?;
    let noun = words.nouns.binary_search(&noun).ok()?;
    let index = (adverb * words.adjectives.len() + adjective) * words.nouns.len() + noun;
    Some(words.heads_of(index))
}

/// The heads of all digests that begin with these hexadecimal digits (4 to 32).
/// More than 16 digits give the one head; compare the whole digest as well.
///
/// ```
/// use ktk_client::api::id::prefix_range;
/// assert!(prefix_range("ab12").unwrap().contains(&0xab12_3456_789a_bcde));
/// assert_eq!(prefix_range("no digits"), None);
/// ```
pub fn prefix_range(digits: &str) -> Option<RangeInclusive<u64>> {
    let valid = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !valid || !(MIN_PREFIX_DIGITS..=32).contains(&digits.len()) {
        return None;
    }
    let head = &digits[..digits.len().min(16)];
    let value = u64::from_str_radix(head, 16).ok()?;
    let free_bits = 64 - 4 * head.len() as u32;
    let first = value.checked_shl(free_bits).unwrap_or(0);
    let last = if free_bits == 0 { first } else { first | (u64::MAX >> (64 - free_bits)) };
    Some(first..=last)
}

/// Whether text has the form of a human name: made only of words that human names are made of.
///
/// ```
/// assert!(!ktk_client::api::id::is_human_name("thumbnails"));
/// ```
pub fn is_human_name(name: &str) -> bool {
    human_name_range(name).is_some()
}

/// Two words for a name that has to differ (`NAME-quick-otter`), drawn from a head.
///
/// ```
/// assert_eq!(ktk_client::api::id::two_words(42).split('-').count(), 2);
/// ```
pub fn two_words(head: u64) -> String {
    let name = human_name(head);
    let tail = name.split_once('-').map_or(name.as_str(), |(_, tail)| tail);
    tail.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_digest_is_sha256_of_the_bytes() {
        let id = TaskId::new(Uuid::nil());
        assert_eq!(id.digest_hex(), "374708fff7719dd5979ec875d56cd228");
    }

    #[test]
    fn namesakes_are_those_whose_name_is_equal() {
        let id = TaskId::new(Uuid::nil());
        assert_eq!(Some(id.namesakes()), human_name_range(id.human_name()));
    }

    proptest! {
        #[test]
        fn a_human_name_finds_the_head_it_came_from(head: u64) {
            let range = human_name_range(&human_name(head)).expect("a name of our own");
            prop_assert!(range.contains(&head));
            prop_assert_eq!(human_name(*range.start()), human_name(head));
            prop_assert_eq!(human_name(*range.end()), human_name(head));
        }

        #[test]
        fn a_prefix_finds_the_head_it_came_from(head: u64, digits in 4usize..=16) {
            let text = format!("{head:016x}");
            let range = prefix_range(&text[..digits]).expect("hexadecimal digits");
            prop_assert!(range.contains(&head));
            prop_assert_eq!(format!("{:016x}", range.start())[..digits].to_owned(), text[..digits].to_owned());
            prop_assert_eq!(format!("{:016x}", range.end())[..digits].to_owned(), text[..digits].to_owned());
        }
    }

    #[test]
    fn short_or_foreign_prefixes_name_nothing() {
        assert_eq!(prefix_range("abc"), None);
        assert_eq!(prefix_range("ABCD"), None);
        assert_eq!(prefix_range("wxyz"), None);
    }
}

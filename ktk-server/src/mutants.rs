//! Mutants: small faults that are built in, each at one place, to see that a suite finds them. There are none without
//! the feature `mutants`, which no release has.

/// Whether this mutant was chosen by `KTK_MUTANT`.
#[cfg(feature = "mutants")]
pub fn lives(name: &str) -> bool {
    use std::sync::OnceLock;

    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(crate::env::mutant).as_deref() == Some(name)
}

/// There are none.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn lives(_name: &str) -> bool {
    false
}

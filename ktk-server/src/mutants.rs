//! Mutants: small faults that are built in, each at one place, to see that a suite finds them. There are none without
//! the feature `mutants`, which no release has.

/// Whether this mutant was chosen by `KTK_MUTANT`.
pub fn lives(name: &str) -> bool {
    chosen() == Some(name)
}

/// What a process of our own that inherits nothing is told all the same.
pub fn environment() -> Option<(&'static str, &'static str)> {
    Some(("KTK_MUTANT", chosen()?))
}

#[cfg(feature = "mutants")]
fn chosen() -> Option<&'static str> {
    use std::sync::OnceLock;

    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(crate::env::mutant).as_deref()
}

/// There are none.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
const fn chosen() -> Option<&'static str> {
    None
}

//! The environment: the only place that reads it.

/// Which mutant is to live, in a build that has them.
#[expect(clippy::disallowed_methods, reason = "the home of environment variables")]
pub fn mutant() -> Option<String> {
    std::env::var("KTK_MUTANT").ok()
}

//! How a broken rule is shown: all places at once, each with what to do.

/// Fails with all that was found; says nothing where nothing was.
#[track_caller]
pub(crate) fn require_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "\n{rule}\n  {}\n{} in all\n", found.join("\n  "), found.len());
}

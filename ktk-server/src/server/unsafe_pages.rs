//! The one system call of `resident.rs` that no safe crate offers.
#![expect(unsafe_code, reason = "the block says why it is sound")]

use std::{io, ops::Range, ptr};

use rustix::mm::{Advice, madvise};

/// Unmaps the pages of code that is mapped from a file and never written: the next access maps them again, from the
/// kernel's cache or from the file.
pub(super) fn unmap(code: Range<usize>) -> io::Result<()> {
    // SAFETY: `MADV_DONTNEED` changes no content of a private mapping of a file that was never written: it is read from
    // the file again. A file that is executed cannot be written, and a replaced one stays as long as it is mapped.
    // The addresses are the kernel's own words, and a part of them that is no mapping any more is refused.
    Ok(unsafe { madvise(ptr::with_exposed_provenance_mut(code.start), code.len(), Advice::LinuxDontNeed) }?)
}

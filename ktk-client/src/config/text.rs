//! Reading files that people write by hand.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

/// The most that such a file has. A device that never ends is no file of theirs.
const LIMIT_BYTES: u64 = 1 << 20;

/// The text of a file that a person wrote by hand: settings, contexts, a patch, a template. UTF-8, at most 1 MiB.
///
/// ```
/// use ktk_client::config::text_of;
/// assert!(text_of("/dev/zero".as_ref()).is_err());
/// ```
///
/// # Errors
/// Where it cannot be read, is larger, or is no text.
pub fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}

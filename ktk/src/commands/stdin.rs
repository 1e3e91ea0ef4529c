//! `-i`: the caller's standard input, read to its end before the task is created.

use std::io::{self, Read};

use crate::error::CliError;

/// The most that is read: what a task may be given.
const LIMIT_BYTES: u64 = 1024 * 1024;

/// Reads standard input to its end.
pub(crate) fn read() -> Result<String, CliError> {
    read_from(io::stdin().lock())
}

fn read_from(input: impl Read) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    input
        .take(LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::failed(format!("cannot read standard input: {error}")))?;
    if bytes.len() as u64 > LIMIT_BYTES {
        let error = CliError::failed("standard input is more than 1 MiB");
        return Err(error.with_hint("write it to a file and give the file's name to the command"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let error = CliError::failed(format!("standard input is no UTF-8 text (byte {at})"));
        error.with_hint("write it to a file and give the file's name to the command")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mebibyte_is_the_most() {
        assert_eq!(read_from(&b"x\n"[..]).expect("text"), "x\n");
        let most = vec![b'x'; LIMIT_BYTES as usize];
        assert_eq!(read_from(&*most).expect("just fits").len(), most.len());
        assert!(read_from(&*[most, vec![b'x']].concat()).is_err());
    }

    #[test]
    fn only_text_is_taken() {
        let error = read_from(&b"ab\xff"[..]).expect_err("no UTF-8");
        assert_eq!(error.lines()[0], "error: standard input is no UTF-8 text (byte 2)");
    }
}

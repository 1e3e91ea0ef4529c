//! What a quiet server gives back: the pages of its own program. Its start alone goes through most of them, and they
//! would count as its memory for as long as it lives. They stay in the kernel's cache: what is called again is mapped
//! again, without a read.

use std::{fs, ops::Range, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::unsafe_pages;

/// Nothing was asked and nothing has changed for so long.
const QUIET: Duration = Duration::from_secs(1);

/// Gives the pages back each time it has become quiet, once. Who is busy is looked at once a second.
pub(super) async fn keep_small(mut calls: watch::Receiver<Instant>, mut versions: watch::Receiver<u64>) {
    loop {
        calls.mark_unchanged();
        versions.mark_unchanged();
        tokio::time::sleep(QUIET).await;
        match (calls.has_changed(), versions.has_changed()) {
            (Ok(false), Ok(false)) => give_back(),
            (Ok(_), Ok(_)) => continue,
            _ => return,
        }
        let stirred = tokio::select! {
            stirred = calls.changed() => stirred,
            stirred = versions.changed() => stirred,
        };
        if stirred.is_err() {
            return;
        }
    }
}

/// A program whose place cannot be found keeps its pages.
fn give_back() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = fs::read_link("/proc/self/exe") else { return };
    let own = program.to_string_lossy();
    for code in maps.lines().filter_map(|line| code_of(line, &own)) {
        if let Err(error) = unsafe_pages::unmap(code) {
            tracing::debug!(%error, "the pages of the program stay mapped");
        }
    }
}

/// The addresses of a line of `/proc/PID/maps` that is code of this program as its file has it: readable and
/// executable, private, and never written.
fn code_of(line: &str, program: &str) -> Option<Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (addresses, rights) = (fields.next()?, fields.next()?);
    // Offset, device and inode come between, and blanks before the path.
    let path = line.split_once('/').map(|(_, path)| path)?;
    if rights != "r-xp" || Some(path) != program.strip_prefix('/') {
        return None;
    }
    let (begin, end) = addresses.split_once('-')?;
    Some(usize::from_str_radix(begin, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "55e0f2a4d000-55e0f46f6000 r-xp 00676000 fe:00 131 /opt/my tools/ktk";

    #[test]
    fn code_of_the_program_is_found_and_nothing_else() {
        let program = "/opt/my tools/ktk";
        assert_eq!(code_of(LINE, program), Some(0x55e0_f2a4_d000..0x55e0_f46f_6000));
        for other in [
            LINE.replace("r-xp", "r--p"),
            LINE.replace("r-xp", "rwxp"),
            LINE.replace("r-xp", "r-xs"),
            LINE.replace("tools/ktk", "tools/libktk.so"),
            "7ffd1c5f2000-7ffd1c5f4000 r-xp 00000000 00:00 0 [vdso]".to_owned(),
            "7ffd1c5f2000-7ffd1c5f4000 r-xp 00000000 00:00 0".to_owned(),
            String::new(),
        ] {
            assert_eq!(code_of(&other, program), None, "{other}");
        }
    }
}

//! Which of two builds is the older one: a newer program does not want an older local server to answer.

/// Sent with a call: the version and the build, with a space between, that the server must not be older than. An older
/// one carries nothing out and answers 412.
pub const NOT_OLDER_HEADER: &str = "ktk-not-older-than";

/// Whether a server is older than a program, each a version and a build: by version, then by build. One that does not
/// say is not.
///
/// ```
/// use ktk_client::api::age::is_older;
/// assert!(is_older(("0.1.0", "20261101"), ("0.1.0", "20261122")));
/// assert!(!is_older(("0.2.0", "20261101"), ("0.1.0", "20261122")));
/// ```
#[must_use]
pub fn is_older(server: (&str, &str), program: (&str, &str)) -> bool {
    match (numbers(server.0), numbers(program.0)) {
        (Some(server), Some(own)) if server != own => server < own,
        (Some(_), Some(_)) => !server.1.is_empty() && !program.1.is_empty() && server.1 < program.1,
        _ => false,
    }
}

/// What a program sends of itself.
///
/// ```
/// assert_eq!(ktk_client::api::age::header_value(("0.1.0", "20261122")), "0.1.0 20261122");
/// ```
#[must_use]
pub fn header_value((version, build): (&str, &str)) -> String {
    format!("{version} {build}")
}

/// What [`header_value`] was made of.
///
/// ```
/// assert_eq!(ktk_client::api::age::read_header("0.1.0 20261122"), ("0.1.0", "20261122"));
/// ```
#[must_use]
pub fn read_header(value: &str) -> (&str, &str) {
    value.split_once(' ').unwrap_or((value, ""))
}

/// `1.2.3` as numbers; a release is newer than its `1.2.3-rc`.
fn numbers(version: &str) -> Option<([u64; 3], bool)> {
    let version = version.split('+').next()?;
    let (numbers, pre) = version.split_once('-').map_or((version, ""), |(numbers, pre)| (numbers, pre));
    let mut parts = numbers.split('.').map(str::parse);
    let numbers = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some((numbers, pre.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_version_then_build() {
        let own = ("0.10.0", "2026-11-22T10:00:00Z");
        assert!(is_older(("0.9.3", "2027-01-01T00:00:00Z"), own));
        assert!(is_older(("0.10.0", "2026-11-22T09:59:59Z"), own));
        assert!(is_older(("0.10.0-rc.1", "2026-11-22T10:00:00Z"), own));
        assert!(!is_older(("0.10.0", "2026-11-22T10:00:00Z"), own));
        assert!(!is_older(("0.10.0", "2026-11-23T00:00:00Z"), own));
        assert!(!is_older(("0.11.0", ""), own));
        assert!(!is_older(("0.10.0", ""), own));
        assert!(!is_older(("", ""), own));
    }

    #[test]
    fn a_build_is_sent_and_read() {
        for build in [("0.10.0", "2026-11-22T10:00:00Z"), ("0.10.0", "")] {
            assert_eq!(read_header(&header_value(build)), build);
        }
    }
}

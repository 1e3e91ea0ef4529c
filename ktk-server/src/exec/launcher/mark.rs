//! The mark: the three environment variables by which a process says whose it is. Reading them out of `/proc` is
//! `tree`'s part.

/// Which attempt of which task of which store a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    pub store_id: String,
    pub task_id: String,
    pub attempt: u32,
}

pub(super) const STORE_ID: &str = "KTK_STORE_ID";
pub(super) const TASK_ID: &str = "KTK_TASK_ID";
pub(super) const ATTEMPT: &str = "KTK_ATTEMPT";

impl Mark {
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        [
            (STORE_ID, self.store_id.clone()),
            (TASK_ID, self.task_id.clone()),
            (ATTEMPT, self.attempt.to_string()),
        ]
    }

    pub(super) fn is_variable(name: &str) -> bool {
        [STORE_ID, TASK_ID, ATTEMPT].contains(&name)
    }

    /// The mark in an environment as `/proc/PID/environ` shows it, if it is whole.
    pub(super) fn from_environ(environ: &[u8]) -> Option<Mark> {
        Mark::from_variables(environ.split(|&byte| byte == 0))
    }

    pub(super) fn from_variables<'a>(variables: impl Iterator<Item = &'a [u8]>) -> Option<Mark> {
        let (mut store_id, mut task_id, mut attempt) = (None, None, None);
        for variable in variables {
            let Some((name, value)) =
                std::str::from_utf8(variable).ok().and_then(|text| text.split_once('='))
            else {
                continue;
            };
            match name {
                STORE_ID => store_id = Some(value.to_owned()),
                TASK_ID => task_id = Some(value.to_owned()),
                ATTEMPT => attempt = value.parse().ok(),
                _ => {}
            }
        }
        Some(Mark { store_id: store_id?, task_id: task_id?, attempt: attempt? })
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_mark_is_found_among_other_variables_and_only_whole() {
        let mark = Mark { store_id: "s".into(), task_id: "t".into(), attempt: 3 };
        let environ = b"KTK_ATTEMPT=3\0PATH=/bin\0bad\xff=x\0KTK_TASK_ID=t\0KTK_STORE_ID=s\0";
        assert_eq!(Mark::from_environ(environ), Some(mark));
        assert_eq!(Mark::from_environ(b"KTK_ATTEMPT=3\0KTK_TASK_ID=t\0"), None);
        assert_eq!(Mark::from_environ(b""), None);
    }
}

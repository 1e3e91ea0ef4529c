//! Help topics: what no single command's help can say.

/// Every topic: name and text.
pub(crate) const TOPICS: &[(&str, &str)] = &[("exit-codes", EXIT_CODES)];

const EXIT_CODES: &str = "\
Exit codes of ktk:

    0    done; an empty list too (with --error-if-empty: 3)
    1    what was asked about failed (a task in run or wait), or any other error
    2    wrong usage: flags, formats, selectors, types that do not exist; or a
         prompt that was declined or could not be shown
    3    not found
    4    not authenticated or not allowed
    5    conflict, or already exists
    6    server not reachable
    7    invalid: the manifest or request was refused
    124  a timeout ran out
    130  interrupted

`ktk run -- COMMAND` passes the process's own code on, 128 + n for signal n;
127 where the command was not found, 126 where it is not executable, 124 for
its timeout, 130 where it was cancelled, 2 for wrong usage, and 125 for
everything else of ktk's own.

Several objects in one command: several failures of one code give that code,
else 1.
";

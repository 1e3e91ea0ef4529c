//! Help topics: what no single command's help can say.

/// Every topic: name and text.
pub(crate) const TOPICS: &[(&str, &str)] = &[
    ("environment", include_str!("topics/environment.txt")),
    ("exit-codes", EXIT_CODES),
    ("jsonpath", JSONPATH),
    ("manifests", include_str!("topics/manifests.txt")),
    ("preferences", include_str!("topics/preferences.txt")),
    ("restarts", include_str!("topics/restarts.txt")),
    ("selectors", SELECTORS),
];

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

const JSONPATH: &str = r#"JSONPath in ktk: kubectl's, and a little more.

    -o jsonpath=TEMPLATE            prints the template, without a line end of its own
    -o jsonpath-file=FILE           the same, the template from a file
    -o jsonpath-as-json=TEMPLATE    prints all results as one JSON array
    -o custom-columns=TITLE:PATH,…  a table; age(PATH) shows how long ago a time was
    -o custom-columns-file=FILE     the same: a line of titles, a line of paths
    --sort-by PATH                  sorts a list
    --for=jsonpath=PATH=VALUE       what `ktk wait` waits for

A template is text with {expressions}. A list of objects is one object with
the field items; one object that was named is itself. A PATH is the inside of
one expression, with or without its braces and its first dot.

    {.metadata.name}                a field; $ and @ stand for where one is
    {.metadata.labels.app\.io/x}    a dot in a name has a backslash
    {.metadata['name','namespace']} several; ['a.b'] is the path from a to b
    {.items[0]}  {.items[-1]}       by number, from the end too
    {.items[1:5:2]}  {.items[*]}    some of them, all of them
    {..exitCode}                    at any depth
    {"\n"}  {'\t'}                  characters that are hard to type
    {range .items[*]}…{end}         once for each; ranges can stand in ranges
    {.items[?(@.spec.priority>5)]}  those that fit

In a filter there are == != < <= > >= with texts in either quotes, numbers,
true, false and null; =~ with a regular expression in quotes, which finds a
part of a text; a path alone, which holds where it leads somewhere; and && || !
(or: and or not) with parentheses. Numbers compare as numbers.

Fields that kubectl's objects call otherwise have their names there too, where
no field is called so: creationTimestamp (createdAt), uid (id), resourceVersion
(version), startTime (startedAt) and completionTime (finishedAt).

What is not there is nothing, with --allow-missing-template-keys=false an
error; a number out of bounds is an error always. Texts are printed raw, all
else as JSON.

    ktk get tasks -o jsonpath='{.items[?(@.status.phase=="Failed")].metadata.name}'
    ktk get tasks -o jsonpath='{range .items[*]}{.metadata.name}{"\t"}{.status.phase}{"\n"}{end}'
    ktk get tasks -o custom-columns=NAME:.metadata.name,AGE:'age(.metadata.createdAt)'
    ktk get tasks --jq '.items[] | select(.status.attempt > 1) | .metadata.name'
"#;

const SELECTORS: &str = "\
Selectors choose objects. Those of labels (-l) and those of fields
(--field-selector) can be repeated and combined: all must hold.

Labels:

    -l team                has the label
    -l '!team'             has it not
    -l team=media          has this value (== is the same)
    -l team!=media         has another value, or not the label
    -l 'team in (a,b)'     one of these
    -l 'team notin (a,b)'  none of these, or not the label
    -l 'size>5'            a whole number above 5; < is below

Fields:

    --field-selector status.phase=Failed
    --field-selector status.phase!=Succeeded,spec.queue=gpu
    --field-selector 'status.finishedAt>2026-11-21T00:00:00Z'
    --field-selector 'status.exitCode>=2'

    = == !=     the text of the field; what is absent is empty
    < <= > >=   of whole numbers and times; what is absent never fits
    \\, \\= \\\\   these characters in a value

    tasks      metadata.name, .namespace, .id, .createdAt, .executionId,
               .spawnedBy, .pipeline, .pipeline.id, .pipeline.step,
               .restart.contextId, .restart.incarnation; status.phase, .reason,
               .message, .node, .exitCode, .attempt, .readyAt, .startedAt,
               .finishedAt; spec.queue, .priority, .type
    pipelines  metadata.name, .namespace, .id, .createdAt, .restart.contextId,
               .restart.incarnation; status.phase, .reason, .message,
               .startedAt, .finishedAt
    others     metadata.name, .id, .createdAt

The server chooses; a list of many pages brings only what fits.
";

//! Manifests from files, directories and standard input: read, completed, and put in order.

use std::{
    fs,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use clap::{Args, ValueHint};
use ktk_client::{
    Error,
    api::{DEFAULT_NAMESPACE, task::RunSpec},
    client::read_document,
    manifest::{self, Document, Manifest, Problem, Problems, ReadError, Source},
};

use serde_json::Value;

use super::{new_task::place, suspect};
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// What files in a directory are called.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// What standard input is called in messages.
const STDIN: &str = "STDIN";

/// Flags of all verbs that read manifests.
#[derive(Args, Clone, Debug)]
pub(crate) struct FileFlags {
    /// File, directory, URL, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH", value_delimiter = ',', value_hint = ValueHint::AnyPath)]
    pub(crate) filenames: Vec<PathBuf>,

    /// Directories inside directories too
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,

    /// What becomes of unknown fields: refused (strict), told and left out (warn), left out (ignore)
    #[arg(
        long,
        value_name = "strict|warn|ignore",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "strict"
    )]
    validate: Option<String>,
}

/// What becomes of unknown fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Validation {
    Strict,
    Warn,
    Ignore,
    /// Refused; but what the server sets is left out.
    Back,
}

impl FileFlags {
    /// Of these, read strictly.
    pub(crate) fn of(filenames: Vec<PathBuf>, recursive: bool) -> Self {
        Self { filenames, recursive, validate: None }
    }

    /// Refuses to read nothing.
    ///
    /// # Errors
    /// Code 2.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        self.validation()?;
        match self.filenames.is_empty() {
            true => {
                Err(CliError::usage("must specify -f").with_hint("-f takes a file, a directory, a URL, or -"))
            }
            false => Ok(()),
        }
    }

    fn validation(&self) -> Result<Validation, CliError> {
        match self.validate.as_deref() {
            None | Some("strict" | "true") => Ok(Validation::Strict),
            Some("warn") => Ok(Validation::Warn),
            Some("ignore" | "false") => Ok(Validation::Ignore),
            Some(other) => {
                let words =
                    format!("Invalid validate value ({other}). Must be \"strict\", \"warn\", or \"ignore\".");
                Err(CliError::usage(words))
            }
        }
    }
}

/// Reads and checks all manifests that paths name: files, directories, URLs, `-` for standard input.
///
/// # Errors
/// Every problem of all of them, with file, line and column.
pub(crate) async fn read(files: &FileFlags, verb: &str, cx: &Context) -> Result<Vec<Document>, CliError> {
    some(read_any(files, cx).await?, files, verb)
}

fn some(documents: Vec<Document>, files: &FileFlags, verb: &str) -> Result<Vec<Document>, CliError> {
    if documents.is_empty() {
        let names: Vec<String> = files.filenames.iter().map(|path| name(path)).collect();
        let error = CliError::new(Exit::Invalid, format!("no objects passed to {verb}"));
        return Err(
            error.with_hint(format!("there is nothing but blanks and comments in {}", names.join(", ")))
        );
    }
    Ok(documents)
}

/// As [`read`], of objects as `get` printed them: what the server sets is left out.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_back(
    files: &FileFlags,
    verb: &str,
    cx: &Context,
) -> Result<Vec<Document>, CliError> {
    let validation = match files.validation()? {
        Validation::Strict => Validation::Back,
        other => other,
    };
    some(read_with(files, validation, cx).await?, files, verb)
}

/// As [`read`]; it may be none.
pub(crate) async fn read_any(flags: &FileFlags, cx: &Context) -> Result<Vec<Document>, CliError> {
    read_with(flags, flags.validation()?, cx).await
}

async fn read_with(
    flags: &FileFlags,
    validation: Validation,
    cx: &Context,
) -> Result<Vec<Document>, CliError> {
    let mut documents = Vec::new();
    let mut errors = Vec::new();
    let mut wrong: Vec<Problems> = Vec::new();
    for path in &flags.filenames {
        let files = match files(path, flags.recursive) {
            Ok(files) => files,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for file in files {
            match text(&file, cx).await.map(|text| parsed(&name(&file), &text, validation, cx)) {
                Ok(Ok(read)) => documents.extend(read),
                Ok(Err(ReadError::NoObjects { .. })) => {}
                Ok(Err(ReadError::Problems(problems))) => wrong.push(problems),
                Err(error) => errors.push(error),
            }
        }
    }
    if !wrong.is_empty() {
        suspect::ask(&mut wrong, &documents, cx).await;
    }
    for problems in &wrong {
        errors.extend(problems.list.iter().map(problem));
        if problems.left_out > 0 {
            errors.push(CliError::new(Exit::Invalid, format!("and {} more problems", problems.left_out)));
        }
    }
    CliError::of_all(errors)?;
    Ok(documents)
}

fn parsed(name: &str, text: &str, validation: Validation, cx: &Context) -> Result<Vec<Document>, ReadError> {
    let source = Source { name, text };
    match validation {
        Validation::Strict => return manifest::read(&source),
        Validation::Back => return manifest::read_back(&source),
        Validation::Warn | Validation::Ignore => {}
    }
    let (documents, unknown) = manifest::read_leniently(&source)?;
    if validation == Validation::Warn {
        unknown.iter().for_each(|problem| cx.ui.warning(&problem.to_string()));
    }
    Ok(documents)
}

/// An object of a manifest as JSON, as it would be sent.
pub(crate) fn to_value(manifest: &Manifest) -> serde_json::Result<Value> {
    match manifest {
        Manifest::Task(task) => serde_json::to_value(task),
        Manifest::Pipeline(pipeline) => serde_json::to_value(pipeline),
        Manifest::Queue(queue) => serde_json::to_value(queue),
        Manifest::Semaphore(semaphore) => serde_json::to_value(semaphore),
        Manifest::TaskType(task_type) => serde_json::to_value(task_type),
    }
}

fn problem(problem: &Problem) -> CliError {
    CliError::new(Exit::Invalid, problem)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The URL that a path is.
fn url(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

fn name(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

/// The files that a path stands for, by name.
fn files(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, CliError> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            CliError::failed(format!("the path {:?} does not exist", path.display().to_string()))
        }
        _ => CliError::failed(format!("cannot read {}: {error}", path.display())),
    };
    if is_stdin(path) || url(path).is_some() || !fs::metadata(path).map_err(|error| failed(&error))?.is_dir()
    {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, recursive, &mut found).map_err(|error| failed(&error))?;
    if found.is_empty() {
        let extensions = EXTENSIONS.map(|extension| format!(".{extension}")).join(" ");
        let text =
            format!("error reading [{}]: recognized file extensions are [{extensions}]", path.display());
        return Err(CliError::failed(text));
    }
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        // Of links only those to files are followed: a link to a directory may be a circle.
        if entry.file_type()?.is_dir() {
            if recursive {
                collect(&path, recursive, found)?;
            }
        } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

async fn text(path: &Path, cx: &Context) -> Result<String, CliError> {
    let failed = |error: io::Error| CliError::failed(format!("cannot read {}: {error}", name(path)));
    let limit = u64::try_from(manifest::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    if let Some(url) = url(path) {
        bytes = read_document(url, cx.certificate_authority()).await?.into();
    } else if is_stdin(path) {
        if io::stdin().is_terminal() {
            cx.ui.message("reading a manifest from the terminal: Ctrl-D ends it, Ctrl-C leaves");
        }
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        fs::File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        CliError::new(Exit::Invalid, format!("{}:{line}: this is no UTF-8 text", name(path)))
    })
}

/// Completes documents with what the caller stands for: the namespace where none is given, the
/// directory of each process.
///
/// # Errors
/// Where a document names another namespace than `-n`.
pub(crate) fn complete(
    documents: &mut [Document],
    base: Option<&Path>,
    cx: &Context,
) -> Result<(), CliError> {
    enter(documents, cx)?;
    runs(documents).try_for_each(|run| place(run, base))
}

/// The same for what is applied: a directory that is left open stays so, for the manifest to be the same everywhere.
///
/// # Errors
/// As [`complete`].
pub(crate) fn root(documents: &mut [Document], cx: &Context) -> Result<(), CliError> {
    let base = cx.base()?;
    enter(documents, cx)?;
    runs(documents).filter(|run| run.working_dir.is_some()).try_for_each(|run| place(run, base.as_deref()))
}

fn runs(documents: &mut [Document]) -> impl Iterator<Item = &mut RunSpec> {
    documents.iter_mut().flat_map(|document| -> Vec<&mut RunSpec> {
        match &mut document.value {
            Manifest::Task(task) => task.spec.run.iter_mut().collect(),
            Manifest::Pipeline(pipeline) => {
                pipeline.spec.steps.iter_mut().filter_map(|step| step.run.as_mut()).collect()
            }
            Manifest::Queue(_) | Manifest::Semaphore(_) | Manifest::TaskType(_) => Vec::new(),
        }
    })
}

/// Puts documents without a namespace into the command's.
fn enter(documents: &mut [Document], cx: &Context) -> Result<(), CliError> {
    let namespace = cx.namespace();
    let is_meant = cx.settings.typed_namespace.is_some() || namespace != DEFAULT_NAMESPACE;
    for document in documents {
        if !document.value.is_namespaced() {
            continue;
        }
        let metadata = document.value.metadata_mut();
        match &metadata.namespace {
            Some(own) if own != namespace && is_meant => {
                return Err(CliError::usage(format!(
                    "{}: the namespace from the provided object {own:?} does not match the namespace {namespace:?}. \
                     You must pass '--namespace={own}' to perform this operation.",
                    document.source
                )));
            }
            Some(_) => {}
            None => metadata.namespace = Some(namespace.to_owned()),
        }
    }
    Ok(())
}

/// What a manifest leaves open stays as it is: the directory of each process, and the version of a type.
pub(crate) fn settle(given: &mut Value, live: &Value) {
    let is_version_of = |own: &str, made: &str| made.split_once('@').is_some_and(|(name, _)| name == own);
    let one = |given: &mut Value, live: &Value| {
        let directory = &live["run"]["workingDir"];
        if let Some(run) = given.get_mut("run").and_then(Value::as_object_mut)
            && directory.is_string()
        {
            run.entry("workingDir").or_insert_with(|| directory.clone());
        }
        if let (Some(own), Some(made)) = (given["type"].as_str(), live["type"].as_str())
            && is_version_of(own, made)
        {
            given["type"] = made.into();
        }
    };
    let (given, live) = (&mut given["spec"], &live["spec"]);
    if !given.is_object() {
        return;
    }
    match given.get_mut("steps").and_then(Value::as_array_mut) {
        Some(steps) => {
            for step in steps {
                let there = live["steps"].as_array().into_iter().flatten();
                let there = there.clone().find(|there| there["name"] == step["name"]);
                there.into_iter().for_each(|there| one(step, there));
            }
        }
        None => one(given, live),
    }
}

/// The documents, each behind those that it needs.
///
/// # Errors
/// Every cycle, with file, line and column.
pub(crate) fn ordered(documents: Vec<Document>) -> Result<Vec<Document>, CliError> {
    let order = manifest::order(&documents)
        .map_err(|cycles| CliError::several(cycles.iter().map(problem).collect()))?;
    let mut documents: Vec<Option<Document>> = documents.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|number| documents.get_mut(number)?.take()).collect())
}

/// A refusal by the server, with the place in the file that it is about.
pub(crate) fn refused(error: Error, doing: &str, document: &Document) -> CliError {
    let Error::Api(mut refused) = error else { return error.into() };
    let place = match refused.causes.as_slice() {
        [cause, ..] => {
            let (line, column) = document.locate(&cause.field);
            format!("{}:{line}:{column}", document.source)
        }
        [] => document.source.clone(),
    };
    refused.message = format!("error when {doing} {place:?}: {}", refused.message);
    for cause in &mut refused.causes {
        let (line, column) = document.locate(&cause.field);
        cause.field = format!("{}:{line}:{column}: {}", document.source, cause.field);
    }
    refused.into()
}

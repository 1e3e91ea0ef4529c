//! Manifests from files, directories and standard input: read, completed, and put in order.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use ktk_client::{
    Error,
    api::DEFAULT_NAMESPACE,
    manifest::{self, Document, Manifest, Problem, Problems, ReadError, Source},
};

use super::{new_task::place, suspect};
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// What files in a directory are called.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// What standard input is called in messages.
const STDIN: &str = "STDIN";

/// Reads and checks all manifests that paths name: files, directories, `-` for standard input.
///
/// # Errors
/// Every problem of all of them, with file, line and column.
pub(crate) async fn read(
    paths: &[PathBuf],
    recursive: bool,
    cx: &Context,
) -> Result<Vec<Document>, CliError> {
    let documents = read_any(paths, recursive, cx).await?;
    if documents.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| name(path)).collect();
        let error = CliError::new(Exit::Invalid, "no objects passed to create");
        return Err(
            error.with_hint(format!("there is nothing but blanks and comments in {}", names.join(", ")))
        );
    }
    Ok(documents)
}

/// As [`read`]; it may be none.
pub(crate) async fn read_any(
    paths: &[PathBuf],
    recursive: bool,
    cx: &Context,
) -> Result<Vec<Document>, CliError> {
    let mut documents = Vec::new();
    let mut errors = Vec::new();
    let mut wrong: Vec<Problems> = Vec::new();
    let mut empty = Vec::new();
    for path in paths {
        let files = match files(path, recursive) {
            Ok(files) => files,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for file in files {
            match text(&file).map(|text| manifest::read(&Source { name: &name(&file), text: &text })) {
                Ok(Ok(read)) => documents.extend(read),
                Ok(Err(ReadError::NoObjects { source_name })) => empty.push(source_name),
                Ok(Err(ReadError::Problems(problems))) => wrong.push(problems),
                Err(error) => errors.push(error),
            }
        }
    }
    if documents.is_empty() && errors.is_empty() && wrong.is_empty() {
        let error = CliError::new(Exit::Invalid, "no objects passed to create");
        return Err(
            error.with_hint(format!("there is nothing but blanks and comments in {}", empty.join(", ")))
        );
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

fn problem(problem: &Problem) -> CliError {
    CliError::new(Exit::Invalid, problem)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
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
    if is_stdin(path) || !fs::metadata(path).map_err(|error| failed(&error))?.is_dir() {
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

fn text(path: &Path) -> Result<String, CliError> {
    let failed = |error: io::Error| CliError::failed(format!("cannot read {}: {error}", name(path)));
    let limit = u64::try_from(manifest::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    match is_stdin(path) {
        true => io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(failed)?,
        false => {
            fs::File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?
        }
    };
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
    namespace: &str,
    base: Option<&Path>,
) -> Result<(), CliError> {
    for document in documents {
        if !document.value.is_namespaced() {
            continue;
        }
        let metadata = document.value.metadata_mut();
        match &metadata.namespace {
            Some(own) if own != namespace && namespace != DEFAULT_NAMESPACE => {
                return Err(CliError::usage(format!(
                    "{}: the namespace from the provided object {own:?} does not match the namespace {namespace:?}. \
                     You must pass '--namespace={own}' to perform this operation.",
                    document.source
                )));
            }
            Some(_) => {}
            None => metadata.namespace = Some(namespace.to_owned()),
        }
        match &mut document.value {
            Manifest::Task(task) => task.spec.run.iter_mut().try_for_each(|run| place(run, base))?,
            Manifest::Pipeline(pipeline) => pipeline
                .spec
                .steps
                .iter_mut()
                .filter_map(|step| step.run.as_mut())
                .try_for_each(|run| place(run, base))?,
            Manifest::Queue(_) | Manifest::Semaphore(_) | Manifest::TaskType(_) => {}
        }
    }
    Ok(())
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
pub(crate) fn refused(error: Error, document: &Document) -> CliError {
    let Error::Api(mut refused) = error else { return error.into() };
    let place = match refused.causes.as_slice() {
        [cause, ..] => {
            let (line, column) = document.locate(&cause.field);
            format!("{}:{line}:{column}", document.source)
        }
        [] => document.source.clone(),
    };
    refused.message = format!("error when creating {place:?}: {}", refused.message);
    for cause in &mut refused.causes {
        let (line, column) = document.locate(&cause.field);
        cause.field = format!("{}:{line}:{column}: {}", document.source, cause.field);
    }
    refused.into()
}

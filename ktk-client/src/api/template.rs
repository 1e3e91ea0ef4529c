//! `{{ params.a.b }}` and `{{ inputs.a.b }}` in arguments and environment values, and in requests.
//!
//! What is no string becomes compact JSON; an unknown name under the two roots is refused; any
//! other `{{…}}` is left alone. No value ever becomes shell text.

mod reference;
mod request;
mod shell;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::{Cause, env_value::EnvValue, field, names::printable, task::RunSpec};
pub(super) use reference::holds_reference;
use reference::{Part, Scope};
pub use request::{check as check_http, render as render_http};

/// The most that arguments and environment come to together once filled in: what Linux takes.
pub const MAX_RENDERED: usize = 2 << 20;

const SHELL_ADVICE: &str = "a value must not become shell text: write \"$1\" here and put the reference \
                            after the script, behind one argument for $0, or pass it by env";

/// All references of a process that cannot be filled in, or may not stand where they do.
/// `field_prefix` is the process's own field, as `spec.run` or `spec.steps[3].run`.
///
/// ```
/// use ktk_client::api::{task::RunSpec, template};
/// let run = RunSpec { command: vec!["echo".into(), "{{ params.dat }}".into()], ..RunSpec::default() };
/// let params = [("date".to_owned(), "2026-11-22".into())].into();
/// assert_eq!(template::check(&run, "spec.run", &params, &Default::default())[0].field, "spec.run.command[1]");
/// ```
pub fn check(
    run: &RunSpec,
    field_prefix: &str,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Vec<Cause> {
    let has_reference = |text: &String| text.contains("}}");
    if !run.command.iter().any(has_reference)
        && !run.env.values().filter_map(EnvValue::as_text).any(|text| text.contains("}}"))
    {
        return Vec::new();
    }
    filled(run, field_prefix, Scope { params, inputs }).1
}

/// The process with every reference filled in.
///
/// ```
/// use ktk_client::api::{task::TaskSpec, template};
/// use serde_json::json;
/// let run = TaskSpec::command(["echo", "{{ params.date }}"]).run.unwrap();
/// let params = [("date".to_owned(), json!("2026-11-22"))].into();
/// let run = template::render(&run, &params, &Default::default()).unwrap();
/// assert_eq!(run.command, ["echo", "2026-11-22"]);
/// ```
///
/// # Errors
/// The first reference that cannot be filled in, its field beginning with `spec.run`.
pub fn render(
    run: &RunSpec,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Result<RunSpec, Cause> {
    let (run, causes) = filled(run, "spec.run", Scope { params, inputs });
    causes.into_iter().next().map_or(Ok(run), Err)
}

/// A text that is needed before anything is evaluated, with every reference filled in.
///
/// ```
/// use ktk_client::api::template;
/// let params = [("date".to_owned(), "2026-11-22".into())].into();
/// let text = template::render_text("of {{ params.date }}", &params, &Default::default());
/// assert_eq!(text.unwrap(), "of 2026-11-22");
/// ```
///
/// # Errors
/// A message for each reference that cannot be filled in, or not yet: an input that an expression makes.
pub fn render_text(
    text: &str,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Result<String, Vec<String>> {
    let made = reference::parts(text).into_iter().filter_map(|part| match part {
        Part::Reference(reference) if reference::is_made(reference, inputs) => Some(format!(
            "{} is made by an expression: its value is not known yet",
            printable(reference.to_owned())
        )),
        _ => None,
    });
    let made: Vec<String> = made.collect();
    if !made.is_empty() {
        return Err(made);
    }
    let mut budget = MAX_RENDERED;
    fill(text, Scope { params, inputs }, &mut budget).map(Cow::into_owned)
}

/// The process with what can be filled in, and what is wrong with the rest.
fn filled(run: &RunSpec, prefix: &str, scope: Scope<'_>) -> (RunSpec, Vec<Cause>) {
    let mut causes = Vec::new();
    let mut budget = MAX_RENDERED;
    let mut text = |field: &dyn Fn() -> String, text: &str| match fill(text, scope, &mut budget) {
        Ok(text) => text.into_owned(),
        Err(messages) => {
            causes.extend(messages.into_iter().map(|message| Cause::new(field(), message)));
            text.to_owned()
        }
    };
    let argument_field = |index| field::item(&field::member(prefix, "command"), index);
    let env_field = |name: &String| field::member(&field::member(prefix, "env"), name);
    let command: Vec<String> = run
        .command
        .iter()
        .enumerate()
        .map(|(index, argument)| text(&|| argument_field(index), argument))
        .collect();
    let mut variable = |name: &String, value: &EnvValue| match value {
        EnvValue::Text(value) => EnvValue::Text(text(&|| env_field(name), value)),
        secret => secret.clone(),
    };
    let env = run.env.iter().map(|(name, value)| (name.clone(), variable(name, value))).collect();
    let has_reference = |index: &usize| reference::holds_reference(&run.command[*index]);
    let mut scripts = shell::scripts(&run.command);
    scripts.extend(shell::scripts(&command));
    for index in scripts.into_iter().filter(has_reference) {
        causes.push(Cause::new(argument_field(index), SHELL_ADVICE));
    }
    (RunSpec { command, env, working_dir: run.working_dir.clone(), stdin: run.stdin.clone() }, causes)
}

/// One text with its references filled in, or a message for each that cannot be.
fn fill<'a>(text: &'a str, scope: Scope<'_>, budget: &mut usize) -> Result<Cow<'a, str>, Vec<String>> {
    fill_with(text, scope, budget, |value, _| Ok(value))
}

fn too_much() -> String {
    format!("filled in, all texts together have more than {MAX_RENDERED} bytes")
}

/// The same, with each value changed before it is put in; whether it is the very beginning of the text is said too.
fn fill_with<'a, 's>(
    text: &'a str,
    scope: Scope<'s>,
    budget: &mut usize,
    change: impl Fn(Cow<'s, str>, bool) -> Result<Cow<'s, str>, String>,
) -> Result<Cow<'a, str>, Vec<String>> {
    if !text.contains("}}") {
        return Ok(text.into());
    }
    let mut filled = String::with_capacity(text.len());
    let mut messages = Vec::new();
    for (index, part) in reference::parts(text).into_iter().enumerate() {
        // The first part is a text, perhaps an empty one.
        let is_beginning = index == 1 && filled.is_empty();
        let value = match part {
            Part::Text(text) => Cow::Borrowed(text),
            Part::Reference(reference) => {
                match scope.value_of(reference).and_then(|value| change(value, is_beginning)) {
                    Ok(value) => value,
                    Err(message) => {
                        messages.push(printable(message));
                        continue;
                    }
                }
            }
        };
        match budget.checked_sub(value.len()) {
            Some(left) => *budget = left,
            None => return Err(vec![too_much()]),
        }
        filled.push_str(&value);
    }
    if filled.contains('\0') && !text.contains('\0') {
        messages.push("filled in, it holds a NUL character, which no process can be given".to_owned());
    }
    if messages.is_empty() { Ok(filled.into()) } else { Err(messages) }
}

#[cfg(test)]
mod tests;

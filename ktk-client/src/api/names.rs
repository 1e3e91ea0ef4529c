//! What things may be called, and how references to them are read.

mod reference;

pub use reference::Reference;

/// The longest name that a user gives.
pub const MAX_NAME: usize = 63;

/// The longest name of a step.
pub const MAX_STEP: usize = 100;

/// The longest `generateName`: two words still fit behind it.
pub const MAX_GENERATE_NAME: usize = 40;

/// Step names that mean something else in expressions.
pub const RESERVED_STEPS: [&str; 4] = ["params", "item", "index", "needs"];

/// A name that breaks its rule: says which, and what to do.
///
/// ```
/// assert!(ktk_client::api::names::name("Hello").unwrap_err().to_string().contains("Hello"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

/// A name that a user gives to a task or pipeline: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::name("thumbnails").is_ok());
/// assert!(names::name("thumb.nails").is_err(), "dots are ktk's own");
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn name(text: &str) -> Result<(), InvalidName> {
    dns_label("name", text, MAX_NAME)
}

/// A namespace: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::namespace("media").is_ok());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn namespace(text: &str) -> Result<(), InvalidName> {
    dns_label("namespace", text, MAX_NAME)
}

/// A queue: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::queue("nightly").is_ok() && names::queue("").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn queue(text: &str) -> Result<(), InvalidName> {
    dns_label("queue", text, MAX_NAME)
}

/// A semaphore: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::semaphore("gpu").is_ok() && names::semaphore("GPU").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn semaphore(text: &str) -> Result<(), InvalidName> {
    dns_label("semaphore", text, MAX_NAME)
}

/// A task type: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::type_name("resize").is_ok() && names::type_name("resize@3").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn type_name(text: &str) -> Result<(), InvalidName> {
    dns_label("type", text, MAX_NAME)
}

/// A task type as a task names it: `NAME`, or `NAME@VERSION` for one version of it.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::type_reference("resize").is_ok() && names::type_reference("resize@3").is_ok());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn type_reference(text: &str) -> Result<(), InvalidName> {
    let Some((name, version)) = text.split_once('@') else { return type_name(text) };
    type_name(name)?;
    match version.parse::<u32>() {
        Ok(1..) if !version.starts_with(['0', '+']) => Ok(()),
        _ => Err(InvalidName(format!("type {}: behind @ stands a version, from 1", quoted(text)))),
    }
}

/// A step: a DNS label of up to 100 characters that begins with a letter and is not reserved.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::step("fetch").is_ok() && names::step("params").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn step(text: &str) -> Result<(), InvalidName> {
    dns_label("step name", text, MAX_STEP)?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(InvalidName(format!(
            "step name {text:?} must begin with a letter: write \"step-{text}\""
        )));
    }
    if RESERVED_STEPS.contains(&text) {
        let reserved = RESERVED_STEPS.join(", ");
        return Err(InvalidName(format!(
            "{text:?} is no step name: {reserved} mean something else in expressions"
        )));
    }
    Ok(())
}

/// What an item under `forEach` is called behind its step: a DNS label of up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::item_key("a-png").is_ok() && names::item_key("a.png").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn item_key(text: &str) -> Result<(), InvalidName> {
    dns_label("key", text, MAX_NAME)
}

/// The beginning of a name that the server completes: a DNS label of up to 40 characters that
/// may end in `-`.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::generate_name("thumbnails-").is_ok());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn generate_name(text: &str) -> Result<(), InvalidName> {
    let stem = text.trim_end_matches('-');
    if stem.is_empty() || text.len() > MAX_GENERATE_NAME {
        return dns_label("generateName", text, MAX_GENERATE_NAME);
    }
    dns_label("generateName", stem, MAX_GENERATE_NAME)
}

/// A parameter: a letter or `_`, then letters, digits, `_` and `-`, up to 63 characters.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::param("max_size").is_ok() && names::param("3d").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn param(text: &str) -> Result<(), InvalidName> {
    rules_of_all("parameter", text, MAX_NAME)?;
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Ok(());
    }
    let rule = "a letter or `_` first, then letters, digits, `_` and `-`";
    Err(InvalidName(format!("parameter {} is not valid: {rule}", quoted(text))))
}

/// A label's or annotation's key: `[prefix/]name`, as in kubectl.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::label_key("example.com/team").is_ok() && names::label_key("a/b/c").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn label_key(text: &str) -> Result<(), InvalidName> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let invalid = |why: &str| Err(InvalidName(format!("label key {} is not valid: {why}", quoted(text))));
    if let Some(prefix) = prefix
        && !is_dns_subdomain(prefix)
    {
        return invalid("its prefix must be a lower-case DNS name of up to 253 characters, as example.com");
    }
    if name.is_empty() || name.len() > MAX_NAME || !is_label_text(name) {
        return invalid(&format!(
            "its name must be 1 to {MAX_NAME} letters, digits, `-`, `_` or `.`, a letter or digit first and last"
        ));
    }
    Ok(())
}

/// A label's value: empty or up to 63 characters, as in kubectl.
///
/// ```
/// # use ktk_client::api::names;
/// assert!(names::label_value("").is_ok() && names::label_value("two words").is_err());
/// ```
///
/// # Errors
/// The rule that it breaks.
pub fn label_value(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() || text.len() <= MAX_NAME && is_label_text(text) {
        return Ok(());
    }
    let why = if text.len() > MAX_NAME {
        format!(
            "it has {} characters, {MAX_NAME} are allowed; longer text belongs in an annotation",
            text.chars().count()
        )
    } else {
        "letters, digits, `-`, `_` and `.`, a letter or digit first and last".to_owned()
    };
    Err(InvalidName(format!("label value {} is not valid: {why}", quoted(text))))
}

/// Text in double quotes, control characters escaped, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}", format!("{}…", &text[..cut])),
        None => format!("{text:?}"),
    }
}

/// Text with its control characters escaped: safe to print.
pub(crate) fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_debug())
        } else {
            out.push(c)
        }
        out
    })
}

fn is_label_text(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_dns_text(text: &str) -> bool {
    let is_end = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_end)
        && bytes.last().is_some_and(is_end)
        && bytes.iter().all(|byte| is_end(byte) || *byte == b'-')
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_text)
}

/// What holds for each kind of name: not empty, no control characters, not too long.
fn rules_of_all(what: &str, text: &str, max: usize) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName(format!("{what} must not be empty")));
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        let shown = control.escape_debug();
        return Err(InvalidName(format!(
            "{what} {} holds the control character `{shown}`: remove it",
            quoted(text)
        )));
    }
    let length = text.chars().count();
    if length > max {
        return Err(InvalidName(format!(
            "{what} {} has {length} characters: {max} are allowed",
            quoted(text)
        )));
    }
    Ok(())
}

fn dns_label(what: &str, text: &str, max: usize) -> Result<(), InvalidName> {
    rules_of_all(what, text, max)?;
    if is_dns_text(text) {
        return Ok(());
    }
    let mut message = format!("{what} {} ", quoted(text));
    if text.contains('.') {
        message.push_str("may hold no dot (dots join a pipeline's name and its step's): ");
    } else {
        message.push_str("is not valid: ");
    }
    message.push_str("lower-case letters, digits and `-`, a letter or digit first and last");
    let lower = text.to_ascii_lowercase();
    let mended: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mended = mended.trim_matches('-');
    if !mended.is_empty() {
        message.push_str(&format!("; write {mended:?}"));
    }
    Err(InvalidName(message))
}

#[cfg(test)]
mod tests;

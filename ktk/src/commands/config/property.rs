//! `ktk config set` and `unset`: one value of the files by its path.

use clap::Args;
use ktk_client::{
    client::ServerAddress,
    config::{Config, Context as Entry},
};

use super::{read, unchanged};
use crate::{
    context::Context,
    error::{CliError, Exit},
    suggest,
    ui::escape,
};

/// What of a context can be set.
const FIELDS: [&str; 5] = ["server", "namespace", "certificateAuthority", "tokenFile", "protected"];

/// Set one value: currentContext, or contexts.NAME.FIELD
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Another namespace
  ktk config set contexts.work.namespace ci

  # Another current context
  ktk config set currentContext work")]
pub(super) struct SetArgs {
    /// currentContext, or contexts.NAME.FIELD; fields are server, namespace, certificateAuthority, tokenFile, protected
    #[arg(value_name = "PROPERTY")]
    property: String,

    /// What it is to be
    #[arg(value_name = "VALUE")]
    value: String,
}

/// Take one value out: currentContext, contexts.NAME.FIELD, or contexts.NAME as a whole
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The default namespace again
  ktk config unset contexts.work.namespace

  # No current context
  ktk config unset currentContext")]
pub(super) struct UnsetArgs {
    /// currentContext, contexts.NAME.FIELD, or contexts.NAME; fields are those of set, and token
    #[arg(value_name = "PROPERTY")]
    property: String,
}

/// What a path leads to.
enum Property<'p> {
    Current,
    Field(&'p str, &'static str),
    Whole(&'p str),
}

pub(super) fn set(args: SetArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    let done = match property(&args.property, &config, &FIELDS)? {
        Property::Current => config.set_current(Some(&args.value)),
        Property::Whole(_) => {
            let error = format!("{:?} is a whole context", args.property);
            let hint = format!("name one of its fields: {}", FIELDS.join(", "));
            return Err(CliError::usage(error).with_hint(hint));
        }
        Property::Field(name, field) => {
            check(field, &args.value)?;
            config.set(name, |context| put(context, field, Some(args.value.clone()))).map(|_| ())
        }
    };
    done.map_err(|error| unchanged(error, &config))?;
    cx.ui.println(&escape(&format!("Property {:?} set.", args.property)))
}

pub(super) fn unset(args: UnsetArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    let fields: Vec<&'static str> = FIELDS.into_iter().chain(["token"]).collect();
    let done = match property(&args.property, &config, &fields)? {
        Property::Current => config.set_current(None),
        Property::Whole(name) => config.remove(name).map(|_| ()),
        Property::Field(name, _) if config.file_of(name).is_none() => {
            let error = format!("no context exists with the name: {name:?}");
            return Err(CliError::new(Exit::NotFound, error));
        }
        Property::Field(name, field) => config.set(name, |context| put(context, field, None)).map(|_| ()),
    };
    done.map_err(|error| unchanged(error, &config))?;
    cx.ui.println(&escape(&format!("Property {:?} unset.", args.property)))
}

/// Reads a path. A context's name may have dots: what stands last is its field, unless a context is called so.
fn property<'p>(text: &'p str, config: &Config, fields: &[&'static str]) -> Result<Property<'p>, CliError> {
    if matches!(text, "currentContext" | "current-context") {
        return Ok(Property::Current);
    }
    let Some(rest) = text.strip_prefix("contexts.").filter(|rest| !rest.is_empty()) else {
        let error = CliError::usage(format!("there is no property {text:?}"));
        return Err(error.with_hint("there are currentContext and contexts.NAME.FIELD"));
    };
    if config.file_of(rest).is_some() {
        return Ok(Property::Whole(rest));
    }
    let Some((name, typed)) = rest.rsplit_once('.').filter(|(name, _)| !name.is_empty()) else {
        return Ok(Property::Whole(rest));
    };
    let plain = |field: &str| field.replace('-', "").to_lowercase();
    match fields.iter().find(|field| plain(field) == plain(typed)) {
        Some(field) => Ok(Property::Field(name, field)),
        // Nothing is taken out of what is not there.
        None if fields.contains(&"token") && config.file_of(name).is_none() => Ok(Property::Whole(rest)),
        None if typed == "token" => {
            let error = CliError::usage("a token is no argument: others could read it");
            Err(error.with_hint(format!("ktk login {name} takes it, or set contexts.{name}.tokenFile")))
        }
        None => {
            let error = CliError::usage(format!("a context has no field {typed:?}"));
            Err(match suggest::nearest(typed, fields.iter().copied()) {
                Some(near) => error.with_hint(format!("did you mean {near:?}?")),
                None => error.with_hint(format!("there are {}", fields.join(", "))),
            })
        }
    }
}

fn check(field: &str, value: &str) -> Result<(), CliError> {
    match field {
        "server" => {
            value.parse::<ServerAddress>()?;
        }
        "protected" if value.parse::<bool>().is_err() => {
            return Err(CliError::usage(format!("protected is true or false, not {value:?}")));
        }
        _ if value.is_empty() => return Err(CliError::usage(format!("the value of {field} is empty"))),
        _ => {}
    }
    Ok(())
}

fn put(context: &mut Entry, field: &str, value: Option<String>) {
    match field {
        "server" => context.server = value,
        "namespace" => context.namespace = value,
        "certificateAuthority" => context.certificate_authority = value.map(Into::into),
        "tokenFile" => {
            // One of the two says it.
            context.token = context.token.take().filter(|_| value.is_none());
            context.token_file = value.map(Into::into);
        }
        "token" => context.token = None,
        _ => context.protected = value.is_some_and(|value| value == "true"),
    }
}

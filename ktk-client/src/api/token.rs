//! Tokens: credentials that people make for programs and for other people. What a token itself is leaves the server
//! once, with the answer to `token.create`.
//!
//! ```
//! use ktk_client::api::token::{Role, Token, TokenSpec};
//! let spec = TokenSpec { role: Role::Operator, namespaces: vec!["media".into()], expires_at: None };
//! assert_eq!(Token::new("ci", spec).metadata.name(), "ci");
//! ```

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Cause, List, ListParams, Metadata, Method, ObjectRef, Secret,
    entity::{CreateParams, Entity, NamedParams},
    names,
    task::Deleted,
};

/// The most namespaces that one token is for.
pub const MAX_NAMESPACES: usize = 100;

/// A token, as it is shown: never the token itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Token`.
    pub kind: String,
    /// Name, labels, identity; not namespaced.
    pub metadata: Metadata,
    /// Whom it lets do what, and until when.
    pub spec: TokenSpec,
}

impl Token {
    /// A token to create.
    ///
    /// ```
    /// use ktk_client::api::{Token, token::{Role, TokenSpec}};
    /// let ci = Token::new("ci", TokenSpec { role: Role::Operator, ..TokenSpec::default() });
    /// assert_eq!(ci.spec.role.as_str(), "operator");
    /// ```
    pub fn new(name: impl Into<String>, spec: TokenSpec) -> Self {
        Self::assemble(Metadata { name: Some(name.into()), ..Metadata::default() }, spec)
    }
}

/// What a token lets its holder do, and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenSpec {
    /// What its holder may do.
    pub role: Role,
    /// The namespaces in which that holds; empty for all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// From when on it is refused; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Everything.
    Admin,
    /// Makes, changes and deletes all but tokens; does not end the server.
    Operator,
    /// Looks.
    #[default]
    Viewer,
    /// Takes work and reports on it.
    Worker,
    /// A running attempt: speaks of itself and of what it made. No token that people make has it.
    Attempt,
}

impl Role {
    /// The roles that a token can be made with.
    pub const GIVEN: [Self; 4] = [Self::Admin, Self::Operator, Self::Viewer, Self::Worker];

    /// The word itself.
    ///
    /// ```
    /// # use ktk_client::api::token::Role;
    /// assert_eq!(Role::Viewer.as_str(), "viewer");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Worker => "worker",
            Self::Attempt => "attempt",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::GIVEN.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no role: write admin, operator, viewer or worker"))
    }
}

impl Entity for Token {
    const KIND: &'static str = "Token";
    type Spec = TokenSpec;

    fn assemble(metadata: Metadata, spec: TokenSpec) -> Self {
        Self { api_version: super::API_VERSION.into(), kind: Self::KIND.into(), metadata, spec }
    }

    fn header(&self) -> (&str, &str) {
        (&self.api_version, &self.kind)
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn spec(&self) -> &TokenSpec {
        &self.spec
    }

    fn has_status(&self) -> bool {
        false
    }

    fn check(spec: &TokenSpec) -> Vec<Cause> {
        let mut causes = Vec::new();
        if spec.role == Role::Attempt {
            causes.push(Cause::new("spec.role", "attempts get their tokens from the server"));
        }
        if spec.role == Role::Worker && !spec.namespaces.is_empty() {
            let why = "a worker takes the work of all namespaces: remove this";
            causes.push(Cause::new("spec.namespaces", why));
        }
        if spec.namespaces.len() > MAX_NAMESPACES {
            let why = format!("{} namespaces: {MAX_NAMESPACES} are allowed", spec.namespaces.len());
            causes.push(Cause::new("spec.namespaces", why));
        }
        for (index, namespace) in spec.namespaces.iter().enumerate() {
            let field = || format!("spec.namespaces[{index}]");
            if let Err(why) = names::namespace(namespace) {
                causes.push(Cause::new(field(), why.to_string()));
            }
            if spec.namespaces[..index].contains(namespace) {
                causes.push(Cause::new(field(), format!("{namespace:?} is there twice")));
            }
        }
        causes
    }
}

/// What `token.create` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// The object.
    pub object: Token,
    /// Whether this call made it.
    pub created: bool,
    /// The token itself, this once: a repeated request gives the first answer without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// `token.create`: makes a token.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

impl Method for Create {
    const NAME: &'static str = "token.create";
    type Params = CreateParams<Token>;
    type Output = Issued;
}

/// `token.get`: one token, by any reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "token.get";
    type Params = ObjectRef;
    type Output = Token;
}

/// `token.list`: a page of tokens, by name.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListTokens;

impl Method for ListTokens {
    const NAME: &'static str = "token.list";
    type Params = ListParams;
    type Output = List<Token>;
}

/// `token.delete`: from now on the token is refused, and what is open with it ends.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

impl Method for Delete {
    const NAME: &'static str = "token.delete";
    type Params = NamedParams;
    type Output = Deleted<Token>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_says_is_checked() {
        let fields = |spec: TokenSpec| -> Vec<String> {
            Token::check(&spec).into_iter().map(|cause| cause.field).collect()
        };
        let of = |role, namespaces: &[&str]| TokenSpec {
            role,
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            expires_at: None,
        };
        assert!(fields(of(Role::Operator, &["ci", "web"])).is_empty());
        assert_eq!(fields(of(Role::Attempt, &[])), ["spec.role"]);
        assert_eq!(fields(of(Role::Worker, &["ci"])), ["spec.namespaces"]);
        assert_eq!(
            fields(of(Role::Viewer, &["No", "ci", "ci"])),
            ["spec.namespaces[0]", "spec.namespaces[2]"]
        );
    }

    #[test]
    fn roles_are_words_and_attempt_is_none_to_give() {
        for role in Role::GIVEN {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).expect("a word"), role.as_str());
        }
        assert!("attempt".parse::<Role>().is_err());
    }
}

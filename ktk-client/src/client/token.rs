//! Tokens: the verbs of the typed client.

use super::{
    Client, Result,
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Token,
    entity::{CreateParams, NamedParams},
    task::Deleted,
    token::{self, Issued, ListTokens},
};

/// Tokens: they belong to no namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// for token in client.tokens().list(Default::default()).await?.items {
///     println!("{}: {}", token.metadata.name(), token.spec.role);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    client: Client,
}

impl Tokens {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes a token. The token itself is in the answer and nowhere else, so this is not repeated by itself.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::token::{Role, Token, TokenSpec};
    /// let spec = TokenSpec { role: Role::Viewer, namespaces: vec!["media".into()], expires_at: None };
    /// let issued = client.tokens().create(&Token::new("dashboard", spec)).await?;
    /// // It is shown this once.
    /// let secret = issued.token.expect("a new token");
    /// # drop(secret);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken; `Forbidden` for all but admins.
    pub async fn create(&self, object: &Token) -> Result<Issued> {
        let params = CreateParams { object: object.clone(), request_id: None, dry_run: false };
        self.client.call::<token::Create>(&params).await
    }

    /// One token, by any reference; never the token itself.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{:?}", client.tokens().get("dashboard").await?.spec.expires_at);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Token> {
        self.client.call::<token::Get>(&self.client.reference(name)).await
    }

    /// One token, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let is_there = client.tokens().get_opt("dashboard").await?.is_some();
    /// # let _ = is_there;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tokens::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Token>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of tokens.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{} tokens", client.tokens().list(Default::default()).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Token>> {
        self.client.call::<ListTokens>(&params).await
    }

    /// All tokens, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let tokens: Vec<_> = client.tokens().list_all(Default::default()).try_collect().await?;
    /// println!("{} tokens", tokens.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, params: ListParams) -> ListStream<Token> {
        paging::list_all::<ListTokens, _>(self.client.clone(), params)
    }

    /// Deletes a token: it is refused from now on, and what is open with it ends.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tokens().delete("dashboard").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Token>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<token::Delete>(params).await
    }
}

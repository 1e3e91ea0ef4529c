//! Tokens that people make: how one is drawn, stored and deleted. Those of attempts are made with each claim.

use ktk_client::api::{
    ApiError, Cause, Entity, ErrorReason, Method as _, ObjectRef, Secret, Token, check,
    entity::CreateParams,
    id,
    task::Deleted,
    token::{Create, Issued},
};

use super::{
    create_task::FirstAnswer,
    credentials::{self, Credential},
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    requests::Remembered,
    unit::Unit,
};
use crate::{
    limits,
    store::{Operation, Tx},
};

/// How a token begins: one that turns up in a log can be told from other text.
pub const PREFIX: &str = "ktkt_";

impl Kind for Token {
    async fn users<T: Tx>(_unit: &mut Unit<'_, T>, _name: &str) -> EngineResult<Vec<String>> {
        // Whoever has it is out from now on: that is what deleting it is for.
        Ok(Vec::new())
    }

    async fn complete<T: Tx>(_tx: &mut T, _object: &mut Self) -> EngineResult<()> {
        Ok(())
    }
}

/// `token.create`.
pub struct CreateToken {
    ask: Ask,
    params: CreateParams<Token>,
    request: Option<Remembered>,
}

impl CreateToken {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` with all causes.
    pub fn new(ask: Ask, params: CreateParams<Token>) -> EngineResult<Self> {
        let request = Remembered::new(&ask, Create::NAME, params.request_id.as_deref(), &params)?;
        let mut causes = check::entity(&params.object);
        if params.object.spec.expires_at.is_some_and(|end| end <= ask.now) {
            causes.push(Cause::new("spec.expiresAt", "is over already"));
        }
        if !causes.is_empty() {
            return Err(
                ApiError::invalid(&format!("Token {:?}", params.object.metadata.name()), causes).into()
            );
        }
        Ok(Self { ask, params, request })
    }
}

impl Operation for CreateToken {
    type Output = Done<Issued>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let given = &self.params.object;
        let name = given.key();
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            let gone = || ApiError::new(ErrorReason::NotFound, "what this request made has been deleted");
            let object = entity::named(unit.tx, &name).await?.ok_or_else(gone)?;
            return Ok(Done::quiet(Issued { object, created: first.created, token: None }));
        }
        let there = unit.tx.all_entities(Token::KIND).await?;
        if there.iter().any(|row| row.name == name) {
            let words = format!("token {name:?} already exists");
            return Err(ApiError::new(ErrorReason::AlreadyExists, words).into());
        }
        if there.len() >= limits::TOKENS {
            let words = format!("there are {} tokens: delete some that nobody needs", there.len());
            return Err(ApiError::conflict(words).into());
        }
        let text = Secret::new(format!("{PREFIX}{}", id::hex(&unit.shared.entropy.key())));
        let row = unit.put_secret_entity(given, credentials::digest(text.expose())).await?;
        unit.remember(self.request.as_ref(), &FirstAnswer { id: row.id, created: true }).await?;
        unit.finish().await?;
        let issued = Issued { object: entity::object(&row)?, created: true, token: Some(text) };
        Ok(Done { answer: issued, effects: unit.effects })
    }
}

/// `token.delete`.
pub struct DeleteToken {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for DeleteToken {
    type Output = Done<Deleted<Token>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let object: Token = entity::resolve(unit.tx, &self.reference).await?;
        let id = object.metadata.id.unwrap_or_default();
        unit.shared.credentials.bar(id);
        let removed = async {
            unit.remove_entity(&object).await?;
            unit.finish().await
        };
        if let Err(error) = removed.await {
            unit.shared.credentials.unbar(id);
            return Err(error);
        }
        Ok(Done { answer: Deleted { object, gone: true, also: Vec::new() }, effects: unit.effects })
    }
}

/// All tokens as they are stored, for those who judge.
pub struct LoadCredentials;

impl Operation for LoadCredentials {
    /// The version of the store, and what it holds.
    type Output = (u64, Vec<Credential>);
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let rows = tx.list_entities(Token::KIND, None, usize::MAX).await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(digest) = entity::secret_digest(row)? else { continue };
            let Token { metadata, spec, .. } = entity::object(row)?;
            known.push(Credential {
                id: row.id,
                name: metadata.name().to_owned(),
                digest,
                role: spec.role,
                namespaces: (!spec.namespaces.is_empty())
                    .then(|| spec.namespaces.into_iter().collect::<std::collections::BTreeSet<_>>().into()),
                expires_at: spec.expires_at,
            });
        }
        Ok((tx.version().await?, known))
    }
}

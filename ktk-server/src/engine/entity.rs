//! Objects without a namespace: made, read and deleted the same for all their kinds. What a kind means is in a file
//! of its own.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ktk_client::api::{
    ApiError, Cause, Entity, ErrorReason, List, ListParams, Metadata, ObjectRef, TaskId, check,
    entity::CreateParams, id, list::Created, meta::StringMap, selector::ENTITY_FIELDS, task::Deleted,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    apply::Applied,
    body,
    create_task::FirstAnswer,
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    read::{self, Selectors},
    requests::Remembered,
    unit::Unit,
};
use crate::{
    limits,
    model::{entity::EntityRow, row::TombstoneRow},
    store::{Operation, Tx},
};

/// A kind of objects without a namespace, as the engine needs it.
pub trait Kind: Entity {
    /// What exists although nobody made it.
    fn built_in() -> Option<Self> {
        None
    }

    /// Who uses it and would be lost without it, in words.
    fn users<T: Tx>(
        unit: &mut Unit<'_, T>,
        name: &str,
    ) -> impl Future<Output = EngineResult<Vec<String>>> + Send;

    /// The object that a name means.
    fn find<T: Tx>(tx: &mut T, name: &str) -> impl Future<Output = EngineResult<Option<Self>>> + Send {
        named(tx, name)
    }

    /// What keeps an object from being made, beside what everybody can check.
    fn refuse<T: Tx>(_tx: &mut T, _object: &Self) -> impl Future<Output = EngineResult<Vec<Cause>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// What keeps its spec from being changed, unless a kind says how that is done.
    fn fixed() -> Option<Cause> {
        let words = format!("stays as it was made: make another {}", word::<Self>());
        Some(Cause::new("spec", words))
    }

    /// Writes another spec, which is sound.
    fn amend<T: Tx>(
        unit: &mut Unit<'_, T>,
        before: &Self,
        spec: Self::Spec,
    ) -> impl Future<Output = EngineResult<Self>> + Send {
        unit.change_entity(before, spec)
    }

    /// Adds the status.
    fn complete<T: Tx>(tx: &mut T, object: &mut Self) -> impl Future<Output = EngineResult<()>> + Send;
}

/// `queue`, as refusals call a kind.
fn word<K: Kind>() -> String {
    K::KIND.to_lowercase()
}

/// What is stored of an object beside its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<S> {
    spec: S,
    #[serde(default, skip_serializing_if = "StringMap::is_empty")]
    annotations: StringMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    /// What the secret of a token comes to, in base64. No object shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// What an apply has set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Applied>,
}

/// What an apply has set of the object of a row.
pub fn applied(row: &EntityRow) -> EngineResult<Option<Applied>> {
    Ok(read_body::<serde::de::IgnoredAny>(row)?.applied)
}

/// The object of a row.
pub fn object<K: Entity>(row: &EntityRow) -> EngineResult<K> {
    let stored: Body<K::Spec> = read_body(row)?;
    let id = TaskId::new(row.id);
    let metadata = Metadata {
        // Of what stands side by side in versions, the row has the version behind the name.
        name: row.name.split('@').next().map(str::to_owned),
        labels: body::labels(row.labels.as_deref()),
        annotations: stored.annotations,
        id: Some(row.id),
        digest: Some(id.digest_hex()),
        human_name: Some(id.human_name().to_owned()),
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        created_by: stored.created_by,
        version: Some(row.version),
        ..Metadata::default()
    };
    Ok(K::assemble(metadata, stored.spec))
}

/// What the secret that belongs to a row comes to.
pub fn secret_digest(row: &EntityRow) -> EngineResult<Option<[u8; 32]>> {
    let stored: Body<serde::de::IgnoredAny> = read_body(row)?;
    let bytes = stored.digest.map(|text| BASE64_STANDARD.decode(text)).transpose();
    let broken = || EngineError::Bug(format!("{} {:?} has no digest", row.kind, row.name));
    let bytes = bytes.map_err(|_| broken())?.map(<[u8; 32]>::try_from).transpose();
    bytes.map_err(|_| broken())
}

fn read_body<S: DeserializeOwned>(row: &EntityRow) -> EngineResult<Body<S>> {
    body::from_text(&format!("{} {:?}", row.kind, row.name), &row.body)
}

/// The object with this very key.
pub async fn named<K: Kind, T: Tx>(tx: &mut T, name: &str) -> EngineResult<Option<K>> {
    match tx.entities(K::KIND, &[name.to_owned()]).await?.first() {
        Some(row) => object(row).map(Some),
        None => Ok(K::built_in().filter(|built_in| built_in.metadata().name() == name)),
    }
}

/// The object that is meant: by name, human name, id, or a prefix of the digest.
///
/// # Errors
/// `NotFound`, `Ambiguous` with the candidates.
pub async fn resolve<K: Kind, T: Tx>(tx: &mut T, reference: &ObjectRef) -> EngineResult<K> {
    let text = &*reference.name;
    if let Some(object) = K::find(tx, text).await? {
        return Ok(object);
    }
    let is_prefix = text.len() >= id::MIN_PREFIX_DIGITS;
    let is_meant = |row: &EntityRow| {
        let id = TaskId::new(row.id);
        row.id.to_string() == text
            || id.human_name() == text
            || is_prefix && id.digest_hex().starts_with(text)
    };
    let mut candidates = tx.list_entities(K::KIND, None, usize::MAX).await?;
    candidates.retain(is_meant);
    match candidates.as_slice() {
        [row] => object(row),
        [] => Err(ApiError::not_found(&word::<K>(), text).into()),
        several => {
            let names: Vec<&str> =
                several.iter().take(limits::CANDIDATES).map(|row| row.name.as_str()).collect();
            let words = format!("{text:?} fits several {}s: {}", word::<K>(), names.join(", "));
            Err(ApiError::new(ErrorReason::Ambiguous, words)
                .with_hint("give more digits, or the name")
                .into())
        }
    }
}

/// Makes an object.
pub struct CreateEntity<K> {
    ask: Ask,
    params: CreateParams<K>,
    request: Option<Remembered>,
}

impl<K: Kind> CreateEntity<K> {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` with all causes.
    pub fn new(ask: Ask, params: CreateParams<K>) -> EngineResult<Self> {
        let method = format!("{}.create", word::<K>());
        let request = Remembered::new(&ask, &method, params.request_id.as_deref(), &params)?;
        let causes = check::entity(&params.object);
        if !causes.is_empty() {
            let what = format!("{} {:?}", K::KIND, params.object.metadata().name());
            return Err(ApiError::invalid(&what, causes).into());
        }
        Ok(Self { ask, params, request })
    }
}

impl<K: Kind> Operation for CreateEntity<K> {
    type Output = Done<Created<K>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let given = &self.params.object;
        let name = given.key();
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            let gone = || ApiError::new(ErrorReason::NotFound, "what this request made has been deleted");
            let mut object: K = named(unit.tx, &name).await?.ok_or_else(gone)?;
            K::complete(unit.tx, &mut object).await?;
            return Ok(Done::quiet(Created { object, created: first.created }));
        }
        if named::<K, T>(unit.tx, &name).await?.is_some() {
            let words = format!("{} {name:?} already exists", word::<K>());
            return Err(ApiError::new(ErrorReason::AlreadyExists, words).into());
        }
        let causes = K::refuse(unit.tx, given).await?;
        if !causes.is_empty() {
            return Err(
                ApiError::invalid(&format!("{} {:?}", K::KIND, given.metadata().name()), causes).into()
            );
        }
        let row = unit.put_entity(given).await?;
        unit.remember(self.request.as_ref(), &FirstAnswer { id: row.id, created: true }).await?;
        unit.finish().await?;
        let mut object: K = object(&row)?;
        K::complete(unit.tx, &mut object).await?;
        Ok(Done { answer: Created { object, created: true }, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Writes an object as it is given; what has its key keeps its identity.
    pub async fn put_entity<K: Kind>(&mut self, given: &K) -> EngineResult<EntityRow> {
        self.put(given, None).await
    }

    /// Writes an object that has a secret, of which the digest is kept.
    pub async fn put_secret_entity<K: Kind>(
        &mut self,
        given: &K,
        digest: [u8; 32],
    ) -> EngineResult<EntityRow> {
        self.put(given, Some(BASE64_STANDARD.encode(digest))).await
    }

    async fn put<K: Kind>(&mut self, given: &K, digest: Option<String>) -> EngineResult<EntityRow> {
        let name = given.key();
        let there = self.tx.entities(K::KIND, std::slice::from_ref(&name)).await?.pop();
        let (created_by, applied) = match &there {
            Some(row) => {
                let stored: Body<K::Spec> = read_body(row)?;
                (stored.created_by, stored.applied)
            }
            None => (Some(self.by.to_owned()), None),
        };
        let row = EntityRow {
            id: there.as_ref().map_or_else(|| self.shared.entropy.id(self.now), |row| row.id),
            kind: K::KIND.into(),
            name,
            labels: body::labels_text(&given.metadata().labels)?,
            body: body::to_text(&Body {
                spec: given.spec().clone(),
                annotations: given.metadata().annotations.clone(),
                created_by,
                digest,
                applied,
            })?,
            created_at: there.as_ref().map_or(self.now, |row| row.created_at),
            updated_at: self.now,
            version: self.tx.next_version(),
        };
        self.tx.put_entities(std::slice::from_ref(&row)).await?;
        self.effects.version = row.version;
        Ok(row)
    }

    /// Remembers what was applied of an object; what is built in is stored with that.
    pub async fn note_applied_entity<K: Kind>(&mut self, given: &K, applied: &Applied) -> EngineResult<()> {
        let name = given.key();
        let row = match self.tx.entities(K::KIND, std::slice::from_ref(&name)).await?.pop() {
            Some(row) => row,
            None => self.put_entity(given).await?,
        };
        let stored: Body<K::Spec> = read_body(&row)?;
        let body = body::to_text(&Body { applied: Some(applied.clone()), ..stored })?;
        let row = EntityRow { body, updated_at: self.now, version: self.tx.next_version(), ..row };
        self.tx.put_entities(std::slice::from_ref(&row)).await?;
        self.effects.version = row.version;
        Ok(())
    }

    /// Writes another spec of an object; what is built in is stored with its first change.
    pub async fn change_entity<K: Kind>(&mut self, given: &K, spec: K::Spec) -> EngineResult<K> {
        let name = given.metadata().name().to_owned();
        let stored = self.tx.entities(K::KIND, std::slice::from_ref(&name)).await?.pop();
        let row = match stored {
            Some(row) => {
                let old: Body<K::Spec> = read_body(&row)?;
                EntityRow { body: body::to_text(&Body { spec, ..old })?, ..row }
            }
            None => EntityRow {
                id: self.shared.entropy.id(self.now),
                kind: K::KIND.into(),
                name,
                labels: None,
                body: body::to_text(&Body {
                    spec,
                    annotations: StringMap::new(),
                    created_by: None,
                    digest: None,
                    applied: None,
                })?,
                created_at: self.now,
                updated_at: self.now,
                version: 0,
            },
        };
        let row = EntityRow { updated_at: self.now, version: self.tx.next_version(), ..row };
        self.tx.put_entities(std::slice::from_ref(&row)).await?;
        self.effects.version = row.version;
        object(&row)
    }
}

/// Reads one object.
pub struct GetEntity<K> {
    pub reference: ObjectRef,
    pub kind: std::marker::PhantomData<fn() -> K>,
}

impl<K> GetEntity<K> {
    pub fn new(reference: ObjectRef) -> Self {
        Self { reference, kind: std::marker::PhantomData }
    }
}

impl<K: Kind> Operation for GetEntity<K> {
    type Output = K;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<K> {
        let mut object = resolve::<K, T>(tx, &self.reference).await?;
        K::complete(tx, &mut object).await?;
        Ok(object)
    }
}

/// A field of an object as field selectors see it.
pub fn field(row: &EntityRow, field: &str) -> String {
    match field {
        "metadata.name" => row.name.clone(),
        "metadata.id" => row.id.to_string(),
        "metadata.createdAt" => row.created_at.to_string(),
        "metadata.source" => {
            applied(row).ok().flatten().and_then(|applied| applied.source).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// A page of objects, by name.
pub struct ListEntities<K> {
    params: ListParams,
    selectors: Selectors,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K> ListEntities<K> {
    /// Parses the selectors.
    ///
    /// # Errors
    /// `Invalid` that names the selector.
    pub fn new(params: ListParams) -> EngineResult<Self> {
        let (labels, fields) = (params.label_selector.as_deref(), params.field_selector.as_deref());
        let selectors = Selectors::parse(labels, fields, ENTITY_FIELDS)?;
        Ok(Self { params, selectors, kind: std::marker::PhantomData })
    }
}

impl<K: Kind> Operation for ListEntities<K> {
    type Output = List<K>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<K>> {
        let after = match &self.params.continue_from {
            None => None,
            Some(token) => Some(serde_json::from_str::<String>(token).map_err(|_| {
                EngineError::invalid("the list", "continue", "is no token of a page of this server")
            })?),
        };
        let limit = read::page_limit(&self.params);
        // There are few of them, and what is built in has its place among them.
        let mut rows = tx.list_entities(K::KIND, None, usize::MAX).await?;
        let built_in = K::built_in().filter(|built_in| {
            !rows.iter().any(|row| row.name == built_in.metadata().name()) && self.selectors.is_empty()
        });
        rows.retain(|row| self.selectors.entity(row));
        let mut items: Vec<K> = rows.iter().map(object).collect::<EngineResult<_>>()?;
        items.extend(built_in);
        items.sort_by(|a, b| a.metadata().name.cmp(&b.metadata().name));
        items.retain(|item| after.as_deref().is_none_or(|after| item.metadata().name() > after));
        let has_more = items.len() > limit;
        items.truncate(limit);
        for item in &mut items {
            K::complete(tx, item).await?;
        }
        let next = items.last().filter(|_| has_more).map(|item| body::to_text(&item.metadata().name()));
        let mut list = List::new(items, tx.version().await?);
        list.continue_from = next.transpose()?;
        Ok(list)
    }
}

/// Removes an object that nobody uses.
pub struct DeleteEntity<K> {
    pub ask: Ask,
    pub reference: ObjectRef,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K> DeleteEntity<K> {
    pub fn new(ask: Ask, reference: ObjectRef) -> Self {
        Self { ask, reference, kind: std::marker::PhantomData }
    }
}

impl<K: Kind> Operation for DeleteEntity<K> {
    type Output = Done<Deleted<K>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let mut object = resolve::<K, T>(unit.tx, &self.reference).await?;
        let (kind, name) = (word::<K>(), object.metadata().name().to_owned());
        if K::built_in().is_some_and(|built_in| built_in.metadata().name() == name) {
            return Err(EngineError::conflict(format!("{kind} {name:?} always exists")));
        }
        let mut users = K::users(&mut unit, &name).await?;
        if !users.is_empty() {
            let more = users.len() > limits::CANDIDATES;
            users.truncate(limits::CANDIDATES);
            let list = users.join(", ");
            let words = format!("{kind} {name:?} is in use by {list}{}", if more { ", …" } else { "" });
            return Err(ApiError::conflict(words).with_hint("cancel or delete those first").into());
        }
        K::complete(unit.tx, &mut object).await?;
        unit.remove_entity(&object).await?;
        unit.finish().await?;
        Ok(Done { answer: Deleted { object, gone: true, also: Vec::new() }, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    pub async fn remove_entity<K: Kind>(&mut self, object: &K) -> EngineResult<()> {
        let metadata = object.metadata();
        let id = metadata.id.unwrap_or(Uuid::nil());
        self.tx.delete_entities(K::KIND, &[object.key()]).await?;
        self.tx.delete_events(&[id]).await?;
        let version = self.tx.next_version();
        self.effects.version = version;
        self.insert_tombstone(TombstoneRow {
            version,
            kind: K::KIND.into(),
            id,
            context_id: id,
            pipeline_id: None,
            namespace: String::new(),
            name: metadata.name().to_owned(),
            incarnation: 1,
            labels: body::labels_text(&metadata.labels)?,
            at: self.now,
        });
        Ok(())
    }
}

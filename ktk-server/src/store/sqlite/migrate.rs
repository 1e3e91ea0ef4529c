//! Schemas: from any older one to the newest, forward only, in one transaction.

use rusqlite::Connection;

use super::{
    fault::Outcome,
    schema::{APPLICATION_ID, SCHEMA, SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4},
};
use crate::store::{StoreError, StoreResult};

/// Step `n` leads from schema `n` to schema `n + 1`. A step that has landed never changes.
pub(super) const STEPS: [&str; SCHEMA as usize] = [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4];

/// What a file holds, looked at without touching it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// A store of a schema that this program knows.
    Store(u32),
}

/// Looks at what is there; refuses newer schemas and what is no store of ours.
pub(super) fn look(connection: &Connection) -> StoreResult<Found> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let objects = "SELECT count(*) FROM sqlite_schema";
    let found = (|| {
        let objects = connection.query_row(objects, [], |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>((pragma("application_id")?, pragma("user_version")?, objects))
    })();
    let (application, schema, objects) =
        found.map_err(|error| StoreError::Failed(format!("ktk.db cannot be read: {error}")))?;
    match (application, u32::try_from(schema).unwrap_or(u32::MAX)) {
        (0, 0) if objects == 0 => Ok(Found::Empty),
        (APPLICATION_ID, found) if found > SCHEMA => Err(StoreError::NewerSchema { found, known: SCHEMA }),
        (APPLICATION_ID, found @ 1..) => Ok(Found::Store(found)),
        _ => Err(StoreError::Failed("ktk.db was made by another program".into())),
    }
}

/// Brings a store to the newest schema: whole, or not at all.
pub(super) fn migrate(connection: &mut Connection, found: Found) -> Outcome<()> {
    let from = match found {
        Found::Store(SCHEMA) => return Ok(()),
        Found::Store(schema) => schema,
        Found::Empty => 0,
    };
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(from as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()?;
    tracing::info!(from, to = SCHEMA, "the store's schema is up to date");
    Ok(())
}

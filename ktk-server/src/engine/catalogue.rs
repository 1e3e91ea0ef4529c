//! The task types as they are stored, at hand: every task that names a type, or a handler, asks for one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use ktk_client::api::{Entity, TaskType, names};

use super::{entity, error::EngineResult};
use crate::{model::entity::EntityRow, store::Tx};

/// All task types that are stored. Each is read when it is first wanted, and once.
#[derive(Debug)]
pub struct Catalogue {
    /// By name, which is `NAME@VERSION`.
    rows: Arc<Vec<EntityRow>>,
    read: Mutex<BTreeMap<usize, Arc<TaskType>>>,
    /// Of each type's newest version, with the type's name.
    aliases: OnceLock<BTreeMap<String, String>>,
}

impl Catalogue {
    pub async fn load<T: Tx>(tx: &mut T) -> EngineResult<Self> {
        Ok(Self::new(tx.all_entities(TaskType::KIND).await?))
    }

    pub fn new(rows: Arc<Vec<EntityRow>>) -> Self {
        Self { rows, read: Mutex::default(), aliases: OnceLock::new() }
    }

    /// Whether it was made of these very rows.
    pub fn is_of(&self, rows: &Arc<Vec<EntityRow>>) -> bool {
        Arc::ptr_eq(&self.rows, rows)
    }

    /// The version that a task means: `NAME@VERSION`, or the newest of a name or an alias.
    ///
    /// # Errors
    /// When that very one cannot be read.
    pub fn find(&self, reference: &str) -> EngineResult<Option<Arc<TaskType>>> {
        if self.rows.is_empty() || names::type_reference(reference).is_err() {
            return Ok(None);
        }
        let (name, version) = match reference.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (reference, None),
        };
        let place = self.place(name, version).or_else(|| self.place(self.aliases().get(name)?, version));
        place.map(|place| self.read(place)).transpose()
    }

    /// All that can be read.
    pub fn readable(&self) -> impl Iterator<Item = Arc<TaskType>> + '_ {
        (0..self.rows.len()).filter_map(|place| self.read(place).ok())
    }

    fn place(&self, name: &str, version: Option<&str>) -> Option<usize> {
        if let Some(version) = version {
            let wanted = format!("{name}@{version}");
            return self.rows.binary_search_by(|row| row.name.as_str().cmp(&wanted)).ok();
        }
        let begin = self.rows.partition_point(|row| *row.name < *format!("{name}@"));
        let of_name =
            |row: &EntityRow| row.name.split_once('@').filter(|(own, _)| *own == name)?.1.parse::<u32>().ok();
        let versions = self.rows[begin..].iter().map_while(of_name);
        let newest = versions.enumerate().max_by_key(|(_, version)| *version)?;
        Some(begin + newest.0)
    }

    fn read(&self, place: usize) -> EngineResult<Arc<TaskType>> {
        if let Some(known) = self.read.lock().expect("nobody panics while holding it").get(&place) {
            return Ok(Arc::clone(known));
        }
        let object: Arc<TaskType> = Arc::new(entity::object(&self.rows[place])?);
        self.read.lock().expect("nobody panics while holding it").insert(place, Arc::clone(&object));
        Ok(object)
    }

    fn aliases(&self) -> &BTreeMap<String, String> {
        self.aliases.get_or_init(|| {
            let mut newest: BTreeMap<String, Arc<TaskType>> = BTreeMap::new();
            for known in self.readable() {
                let name = known.metadata.name().to_owned();
                if newest.get(&name).is_none_or(|other| other.spec.version < known.spec.version) {
                    newest.insert(name, known);
                }
            }
            let aliases = newest.iter().flat_map(|(name, known)| {
                known.spec.aliases.iter().map(move |alias| (alias.clone(), name.clone()))
            });
            aliases.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn row(name: &str, body: &str) -> EntityRow {
        EntityRow {
            id: Uuid::from_u128(1),
            kind: TaskType::KIND.into(),
            name: name.into(),
            labels: None,
            body: body.into(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    fn versions(of: &[(&str, u32, &str)]) -> Vec<EntityRow> {
        let rows = of.iter().map(|(name, version, alias)| {
            row(
                &format!("{name}@{version}"),
                &format!(r#"{{"spec":{{"version":{version},"aliases":["{alias}"]}}}}"#),
            )
        });
        let mut rows: Vec<EntityRow> = rows.collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    fn found(catalogue: &Catalogue, reference: &str) -> Option<String> {
        catalogue.find(reference).expect("it can be read").map(|found| found.reference())
    }

    #[test]
    fn versions_are_numbers_and_names_no_beginnings_of_names() {
        let rows = versions(&[("a", 2, "x"), ("a", 10, "y"), ("a-b", 3, "z"), ("ab", 4, "w")]);
        let catalogue = Catalogue::new(Arc::new(rows));
        for (reference, is) in [
            ("a", Some("a@10")),
            ("a@2", Some("a@2")),
            ("a@3", None),
            ("a-b", Some("a-b@3")),
            ("ab", Some("ab@4")),
            // The alias of an older version is none.
            ("x", None),
            ("y", Some("a@10")),
            ("y@2", Some("a@2")),
            ("none", None),
        ] {
            assert_eq!(found(&catalogue, reference).as_deref(), is, "{reference}");
        }
    }

    #[test]
    fn a_type_that_cannot_be_read_is_an_error_on_itself_alone() {
        let mut rows = versions(&[("a", 1, "x"), ("c", 1, "y")]);
        rows.insert(1, row("b@1", "{"));
        let catalogue = Catalogue::new(Arc::new(rows));
        assert_eq!(found(&catalogue, "y").as_deref(), Some("c@1"));
        assert!(catalogue.find("b").is_err());
    }
}

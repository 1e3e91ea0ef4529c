//! Rows to columns and back. Each row type has one list of columns; binding and decoding follow
//! its order. Text and numbers are checked here: what does not fit is a broken row, not a panic.

mod entity;
mod event;
mod hook;
mod part;
mod pipeline;
mod task;
mod whole;

use jiff::Timestamp;
use ktk_client::api::{Phase, Reason, worker::Fence};
use rusqlite::{Row, types::ValueRef};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::model::row::StopWish;
pub(super) use crate::store::precision::micros;

pub(super) use entity::{bind_entity, entity_columns};
pub(super) use event::{bind_event, bind_tombstone, event_columns, tombstone_columns};
pub(super) use part::{attempt_columns, bind_attempt, bind_node, bind_request, node_columns};
pub(super) use pipeline::{bind_pipeline, pipeline_columns};
pub(super) use task::{bind_course, bind_task, line_columns, task_columns};
pub(super) use whole::whole_columns;

/// Why a stored row cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("column {column}: {why}")]
pub(super) struct Broken {
    column: usize,
    why: &'static str,
}

type Decoded<T> = Result<T, Broken>;

/// A row type that can be read from its columns.
pub(super) trait Stored: Sized {
    /// What logs call it.
    const KIND: &'static str;

    /// Reads its columns in order.
    fn decode(cells: &mut Cells<'_>) -> Decoded<Self>;
}

/// The columns of a row, read one after another.
pub(super) struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    /// Begins at a column.
    pub(super) fn from(row: &'r Row<'r>, next: usize) -> Self {
        Self { row, next }
    }

    fn broken<T>(&self, why: &'static str) -> Decoded<T> {
        Err(Broken { column: self.next - 1, why })
    }

    fn value(&mut self) -> Decoded<ValueRef<'r>> {
        self.next += 1;
        self.row.get_ref(self.next - 1).or_else(|_| self.broken("is not there"))
    }

    fn opt<T>(&mut self, read: impl FnOnce(&Self, ValueRef<'r>) -> Decoded<T>) -> Decoded<Option<T>> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            value => read(self, value).map(Some),
        }
    }

    fn some<T>(&mut self, read: impl FnOnce(&Self, ValueRef<'r>) -> Decoded<T>) -> Decoded<T> {
        let value = self.value()?;
        read(self, value)
    }

    fn as_uuid(&self, value: ValueRef<'r>) -> Decoded<Uuid> {
        match value {
            ValueRef::Blob(bytes) => Uuid::from_slice(bytes).or_else(|_| self.broken("is not an id")),
            _ => self.broken("is not an id"),
        }
    }

    fn as_text(&self, value: ValueRef<'r>) -> Decoded<String> {
        match value {
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(str::to_owned).or_else(|_| self.broken("is not UTF-8"))
            }
            _ => self.broken("is not text"),
        }
    }

    fn as_number<N: TryFrom<i64>>(&self, value: ValueRef<'r>) -> Decoded<N> {
        match value {
            ValueRef::Integer(number) => number.try_into().or_else(|_| self.broken("is out of range")),
            _ => self.broken("is not a number"),
        }
    }

    fn as_time(&self, value: ValueRef<'r>) -> Decoded<Timestamp> {
        let micros = self.as_number(value)?;
        Timestamp::from_microsecond(micros).or_else(|_| self.broken("is not a time"))
    }

    fn as_reason(&self, value: ValueRef<'r>) -> Decoded<Reason> {
        let number = self.as_number(value)?;
        Reason::from_number(number).map_or_else(|| self.broken("is not a reason"), Ok)
    }

    fn uuid(&mut self) -> Decoded<Uuid> {
        self.some(Self::as_uuid)
    }

    fn opt_uuid(&mut self) -> Decoded<Option<Uuid>> {
        self.opt(Self::as_uuid)
    }

    fn text(&mut self) -> Decoded<String> {
        self.some(Self::as_text)
    }

    fn opt_text(&mut self) -> Decoded<Option<String>> {
        self.opt(Self::as_text)
    }

    fn number<N: TryFrom<i64>>(&mut self) -> Decoded<N> {
        self.some(Self::as_number)
    }

    fn opt_number<N: TryFrom<i64>>(&mut self) -> Decoded<Option<N>> {
        self.opt(Self::as_number)
    }

    /// A number of 64 bits, kept bit by bit.
    fn bits(&mut self) -> Decoded<u64> {
        Ok(self.number::<i64>()?.cast_unsigned())
    }

    fn head(&mut self) -> Decoded<u64> {
        Ok(head_of(self.number()?))
    }

    fn flag(&mut self) -> Decoded<bool> {
        match self.number::<u8>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => self.broken("is neither 0 nor 1"),
        }
    }

    fn as_digest(&self, value: ValueRef<'r>) -> Decoded<[u8; 32]> {
        match value {
            ValueRef::Blob(bytes) => bytes.try_into().or_else(|_| self.broken("is not a digest")),
            _ => self.broken("is not a digest"),
        }
    }

    fn digest(&mut self) -> Decoded<[u8; 32]> {
        self.some(Self::as_digest)
    }

    fn opt_digest(&mut self) -> Decoded<Option<[u8; 32]>> {
        self.opt(Self::as_digest)
    }

    fn time(&mut self) -> Decoded<Timestamp> {
        self.some(Self::as_time)
    }

    fn opt_time(&mut self) -> Decoded<Option<Timestamp>> {
        self.opt(Self::as_time)
    }

    fn phase(&mut self) -> Decoded<Phase> {
        let number = self.number()?;
        Phase::from_number(number).map_or_else(|| self.broken("is not a phase"), Ok)
    }

    fn opt_reason(&mut self) -> Decoded<Option<Reason>> {
        self.opt(Self::as_reason)
    }

    /// Two columns.
    fn opt_fence(&mut self) -> Decoded<Option<Fence>> {
        let epoch = self.opt_number::<i64>()?;
        let counter = self.opt_number::<i64>()?;
        match (epoch, counter) {
            (Some(epoch), Some(counter)) => {
                Ok(Some(Fence { epoch: epoch.cast_unsigned(), counter: counter.cast_unsigned() }))
            }
            (None, None) => Ok(None),
            _ => self.broken("is half a fence"),
        }
    }

    /// Two columns.
    fn opt_stop(&mut self) -> Decoded<Option<StopWish>> {
        let reason = self.opt_reason()?;
        let now = self.opt_number::<u8>()?;
        match (reason, now) {
            (Some(reason), Some(now @ 0..=1)) => Ok(Some(StopWish { reason, now: now == 1 })),
            (None, None) => Ok(None),
            _ => self.broken("is half a wish to stop"),
        }
    }

    /// JSON, or nothing where all is as for most.
    fn rare<T: DeserializeOwned + Default>(&mut self) -> Decoded<T> {
        match self.opt_text()? {
            None => Ok(T::default()),
            Some(text) => serde_json::from_str(&text).or_else(|_| self.broken("is not its JSON")),
        }
    }

    fn json<T: DeserializeOwned>(&mut self) -> Decoded<T> {
        let text = self.text()?;
        serde_json::from_str(&text).or_else(|_| self.broken("is not its JSON"))
    }

    fn opt_json<T: DeserializeOwned>(&mut self) -> Decoded<Option<T>> {
        match self.opt_text()? {
            None => Ok(None),
            Some(text) => serde_json::from_str(&text).map(Some).or_else(|_| self.broken("is not its JSON")),
        }
    }

    /// One of these, by its place.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> Decoded<T> {
        let number = self.number::<usize>()?;
        all.get(number).copied().map_or_else(|| self.broken("is not one of its words"), Ok)
    }
}

/// A head as an integer of the same order.
pub(super) fn head_key(head: u64) -> i64 {
    (head ^ (1 << 63)).cast_signed()
}

fn head_of(key: i64) -> u64 {
    key.cast_unsigned() ^ (1 << 63)
}

fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(micros)
}

fn opt_bytes(id: &Option<Uuid>) -> Option<&[u8]> {
    id.as_ref().map(|id| id.as_bytes().as_slice())
}

/// What few have: nothing is written for all others.
fn opt_rare<T: Serialize + Default + PartialEq>(rare: &T) -> Option<String> {
    (*rare != T::default()).then(|| serde_json::to_string(rare).expect("its fields are plain data"))
}

fn opt_reason(reason: Option<Reason>) -> Option<u8> {
    reason.map(Reason::number)
}

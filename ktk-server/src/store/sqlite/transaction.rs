//! A transaction of the sqlite store: a connection, what it may do, and what went wrong in it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    fault::{Fault, Outcome, Reach},
    numbers::Numbers,
    session::Session,
};
use crate::{
    model::{entity::EntityRow, lane::LaneRow},
    store::{StoreError, StoreResult, drive::Trouble},
};

/// What an operation may do in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    /// Writes; whether the commit is synced.
    Write {
        synced: bool,
    },
}

/// A connection and what its transaction knows.
#[derive(Debug)]
pub(super) struct SqliteTx {
    pub(super) session: Session,
    pub(super) numbers: Numbers,
    pub(super) mode: Mode,
    /// Of the operation that runs.
    pub(super) trouble: Trouble,
    /// How far its first fault reaches.
    pub(super) reach: Option<Reach>,
    /// The lanes, once they were asked for: nobody else writes this store. Forgotten with every change of them that
    /// is made or taken back.
    pub(super) lanes: Option<Arc<Vec<LaneRow>>>,
    /// The same of objects, by kind.
    pub(super) entities: BTreeMap<String, Arc<Vec<EntityRow>>>,
    /// How much had been written before the part that runs.
    part: usize,
}

impl SqliteTx {
    pub(super) fn new(session: Session, numbers: Numbers, mode: Mode) -> Self {
        Self {
            session,
            numbers,
            mode,
            trouble: Trouble::default(),
            reach: None,
            lanes: None,
            entities: BTreeMap::new(),
            part: 0,
        }
    }

    /// What it knew of the file may have been taken back.
    pub(super) fn forget(&mut self) {
        self.lanes = None;
        self.entities.clear();
        self.session.warm.get_mut().forget_all();
    }

    pub(super) fn begin_part(&mut self) -> StoreResult<()> {
        self.part = self.session.written.get_mut().len();
        self.change(|session| session.execute("SAVEPOINT part", []).map(drop))
    }

    pub(super) fn end_part(&mut self, stays: bool) -> StoreResult<()> {
        if !stays {
            self.change(|session| session.execute("ROLLBACK TO part", []).map(drop))?;
            self.forget();
            self.session.written.get_mut().truncate(self.part);
            self.numbers.rolled_back(&self.session).map_err(|fault| self.note(&fault))?;
        }
        self.change(|session| session.execute("RELEASE part", []).map(drop))
    }

    /// Forgets the operation before.
    pub(super) fn begin_operation(&mut self) {
        self.trouble = Trouble::default();
        self.reach = None;
    }

    pub(super) fn note(&mut self, fault: &Fault) -> StoreError {
        self.reach.get_or_insert(fault.reach());
        let error = fault.store_error();
        self.trouble.note(&error);
        error
    }

    pub(super) fn load<T>(&mut self, load: impl FnOnce(&Session) -> Outcome<T>) -> StoreResult<T> {
        self.trouble.check()?;
        load(&self.session).map_err(|fault| self.note(&fault))
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&Session) -> Outcome<()>) -> StoreResult<()> {
        self.load(|_| Ok(()))?;
        match self.mode {
            Mode::Read => Err(self.note(&Fault::ReadOnly)),
            Mode::Write { .. } => self.load(change),
        }
    }
}

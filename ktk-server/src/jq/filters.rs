//! Filters that were compiled, and calls of them.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
};

use jaq_core::{Ctx, Filter, Vars, unwrap_valr};
use jaq_json::Val;
use serde_json::value::RawValue;

use super::{
    Fault, Item, Problem, Scope,
    budget::{Budget, Limits, Meter, Metered},
    compile, value,
};

/// The most filters that are kept compiled.
const KEPT: usize = 256;

/// Filters that were compiled, and what they are given.
pub(super) struct Filters {
    limits: Limits,
    compiled: HashMap<String, Rc<Filter<Metered>>>,
    input: Val,
}

/// One call of a filter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) filter: &'a str,
    pub(super) item: Option<&'a Item>,
    /// The most values that it may yield, and the most bytes of all of them.
    pub(super) values: usize,
    pub(super) bytes: usize,
}

impl Filters {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, compiled: HashMap::new(), input: Val::Null }
    }

    /// What is wrong with a filter's text, if anything is.
    pub(super) fn check(&mut self, text: &str) -> Option<Problem> {
        self.guarded(|filters, _| Ok(filters.compiled(text).err()))
            .unwrap_or_else(|fault| Some(Problem { message: fault.to_string() }))
    }

    /// What the next calls are given.
    pub(super) fn enter(&mut self, scope: &Scope) -> Result<(), Fault> {
        self.guarded(|filters, _| {
            filters.input = value::input(scope)?;
            Ok(())
        })
    }

    /// The same with a value as it is.
    pub(super) fn take(&mut self, value: &serde_json::Value) -> Result<(), Fault> {
        self.guarded(|filters, _| {
            filters.input = value::of_json(value)?;
            Ok(())
        })
    }

    /// Calls a filter: what it yields, as JSON.
    pub(super) fn call(&mut self, call: Call<'_>) -> Result<Vec<Box<RawValue>>, Fault> {
        self.guarded(|filters, budget| filters.run(call, budget))
    }

    fn run(&mut self, call: Call<'_>, budget: &Budget) -> Result<Vec<Box<RawValue>>, Fault> {
        let filter = self.compiled(call.filter).map_err(|problem| Fault::Text(problem.message))?;
        let input = match call.item {
            Some(item) => value::with_item(&self.input, item)?,
            None => self.input.clone(),
        };
        let ctx = Ctx::<Metered>::new(Meter { lut: &filter.lut, budget }, Vars::new([]));
        let mut values = Vec::new();
        let mut left = call.bytes;
        for output in filter.id.run((ctx, input)).map(unwrap_valr) {
            budget.look();
            if values.len() == call.values {
                return Err(Fault::TooMany(call.values));
            }
            let output = output.map_err(|error| Fault::Error(value::words(&error.into_val())))?;
            let text = value::output(&output, left).map_err(|fault| match fault {
                Fault::TooLong(_) => Fault::TooLong(call.bytes),
                fault => fault,
            })?;
            left -= text.get().len().min(left);
            values.push(text);
        }
        Ok(values)
    }

    fn compiled(&mut self, text: &str) -> Result<Rc<Filter<Metered>>, Problem> {
        if let Some(filter) = self.compiled.get(text) {
            return Ok(Rc::clone(filter));
        }
        let filter = Rc::new(compile::compile(text)?);
        if self.compiled.len() == KEPT {
            self.compiled.clear();
        }
        self.compiled.insert(text.to_owned(), Rc::clone(&filter));
        Ok(filter)
    }

    /// Runs something that unwinds with a fault where it is over its limits.
    fn guarded<A>(&mut self, work: impl FnOnce(&mut Self, &Budget) -> Result<A, Fault>) -> Result<A, Fault> {
        let budget = Budget::begin(self.limits);
        match catch_unwind(AssertUnwindSafe(|| work(self, &budget))) {
            Ok(result) => result,
            Err(panic) => match panic.downcast::<Fault>() {
                Ok(fault) => Err(*fault),
                Err(panic) => resume_unwind(panic),
            },
        }
    }
}

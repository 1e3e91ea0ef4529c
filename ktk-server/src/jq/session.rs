//! Asking for values: one worker for as long as a session lasts, another one where a filter has killed it.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    Fault, Item, Problem, Scope,
    pool::{Pool, Seat},
    protocol::{Answer, Request},
};

/// Where filters are evaluated.
#[derive(Clone, Debug)]
pub struct Jq {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// In processes of their own.
    Pool(Arc<Pool>),
    /// Here: for tests that have no program to start and ask nothing evil.
    #[cfg(any(test, feature = "testing"))]
    Here,
}

/// A worker for calls on one scope.
#[derive(Debug)]
pub struct Session<'j> {
    /// None where the calls are evaluated here.
    seat: Option<Seat<'j>>,
    scope: Scope,
}

impl Jq {
    /// Evaluates in the processes of a pool.
    pub fn new(pool: Arc<Pool>) -> Self {
        Self { place: Place::Pool(pool) }
    }

    /// Evaluates in this process, without protection.
    #[cfg(any(test, feature = "testing"))]
    pub fn here() -> Self {
        Self { place: Place::Here }
    }

    /// For each text, what is wrong with it as a filter.
    ///
    /// # Errors
    /// `Unavailable` when no worker can be started.
    pub async fn check(&self, texts: &[&str]) -> Result<Vec<Option<Problem>>, Fault> {
        let mut session = self.session(Scope::default()).await;
        let mut problems = Vec::with_capacity(texts.len());
        // Each text in a request of its own: the time is one filter's.
        for text in texts {
            match session.ask(Request::Check((*text).to_owned())).await {
                Ok(Answer::Checked(problem)) => problems.push(problem),
                Ok(_) => return Err(confused()),
                Err(fault) if fault.is_passing() => return Err(fault),
                Err(fault) => problems.push(Some(Problem { message: fault.to_string() })),
            }
        }
        Ok(problems)
    }

    /// A worker for calls on this scope. It waits for its turn.
    pub async fn session(&self, scope: Scope) -> Session<'_> {
        let seat = match &self.place {
            Place::Pool(pool) => Some(pool.seat().await),
            #[cfg(any(test, feature = "testing"))]
            Place::Here => None,
        };
        Session { seat, scope }
    }
}

impl Session<'_> {
    /// Calls a filter: what it yields, `values` values and `bytes` bytes of JSON at most.
    ///
    /// # Errors
    /// [`Fault`]; the session can be used further after each.
    pub async fn call(
        &mut self,
        filter: &str,
        item: Option<&Item>,
        values: usize,
        bytes: usize,
    ) -> Result<Vec<Box<RawValue>>, Fault> {
        let request = Request::Call { filter: filter.to_owned(), item: item.cloned(), values, bytes };
        match self.ask(request).await? {
            Answer::Called(result) => result,
            _ => Err(confused()),
        }
    }

    async fn ask(&mut self, request: Request) -> Result<Answer, Fault> {
        let Some(seat) = &mut self.seat else { return ask_here(&self.scope, &request) };
        let (mut worker, is_new) = seat.take().await?;
        if is_new {
            let entered = worker.ask(&Request::Enter(self.scope.clone())).await?;
            if let Answer::Entered(Err(fault)) = entered {
                return Err(fault);
            }
        }
        // Whoever stops waiting loses the worker: its answer would be taken for another's.
        let answer = worker.ask(&request).await?;
        seat.give_back(worker);
        Ok(answer)
    }
}

#[cfg(any(test, feature = "testing"))]
fn ask_here(scope: &Scope, request: &Request) -> Result<Answer, Fault> {
    use std::{cell::RefCell, time::Duration};

    use super::{budget::Limits, filters::Filters, worker};
    thread_local! {
        // As in a worker's process, what was compiled once is kept.
        static FILTERS: RefCell<Filters> =
            RefCell::new(Filters::new(Limits { time: Duration::from_secs(1), stack: 512 << 10 }));
    }
    FILTERS.with_borrow_mut(|filters| {
        filters.enter(scope)?;
        Ok(worker::answer(filters, request))
    })
}

#[cfg(not(any(test, feature = "testing")))]
fn ask_here(_: &Scope, _: &Request) -> Result<Answer, Fault> {
    Err(confused())
}

fn confused() -> Fault {
    Fault::Unavailable("the worker gave the answer to another question".to_owned())
}

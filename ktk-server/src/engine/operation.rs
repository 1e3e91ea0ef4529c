//! What every operation is given, and what it answers.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use ktk_client::api::{ApiError, ErrorReason, token::Role};
use uuid::Uuid;

use super::{
    credentials::Credential,
    error::EngineResult,
    shared::Shared,
    unit::{Effects, Unit},
};
use crate::{
    model::row::TaskRow,
    store::{Durability, Operation, Tx},
};

/// On whose behalf something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// As objects show it: `uid:1000`, `task/build`.
    pub name: String,
    /// What an attempt that speaks with its own token may reach; everything for everybody else.
    pub scope: Option<Scope>,
    /// What may be called on its behalf.
    pub role: Role,
    /// The token that it speaks with; an attempt's is none of these.
    pub token: Option<Arc<Credential>>,
}

/// The namespaces that somebody may reach.
pub type Namespaces = Arc<BTreeSet<String>>;

impl By {
    /// Whoever speaks with a token.
    pub fn token(token: Arc<Credential>) -> Self {
        Self { name: format!("token/{}", token.name), scope: None, role: token.role, token: Some(token) }
    }

    /// The namespaces that it may reach; all of them when absent.
    pub fn namespaces(&self) -> Option<&Namespaces> {
        self.token.as_ref()?.namespaces.as_ref()
    }

    /// Whether it may reach a namespace.
    pub fn reaches(&self, namespace: &str) -> bool {
        self.namespaces().is_none_or(|own| own.contains(namespace))
    }
}

impl<N: Into<String>> From<N> for By {
    fn from(name: N) -> Self {
        Self { name: name.into(), scope: None, role: Role::Admin, token: None }
    }
}

/// Somebody whose requests are told from everybody else's.
pub trait Asker {
    /// Names it, and nobody who is called the same at another time or in another namespace. It has no blanks.
    fn identity(&self) -> Cow<'_, str>;
}

impl Asker for By {
    fn identity(&self) -> Cow<'_, str> {
        identity(&self.name, self.token.as_ref().map(|token| token.id), self.scope.as_ref())
    }
}

impl Asker for Ask {
    fn identity(&self) -> Cow<'_, str> {
        identity(&self.by, self.token, self.scope.as_ref())
    }
}

/// All attempts of a task are one: the next one asks for what the one before has asked for.
fn identity<'a>(name: &'a str, token: Option<Uuid>, scope: Option<&Scope>) -> Cow<'a, str> {
    match (token, scope) {
        (Some(token), _) => format!("token/{token}").into(),
        (None, Some(scope)) => format!("task/{}", scope.task).into(),
        (None, None) => name.into(),
    }
}

/// What an attempt may reach by its own token: its task, and what it made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub task: Uuid,
    pub attempt: u32,
    pub execution: Uuid,
    pub namespace: String,
}

impl Scope {
    /// Whether it may see a task.
    pub fn sees(&self, row: &TaskRow) -> bool {
        row.id == self.task || row.rare.spawned_by == Some(self.task)
    }
}

/// What every operation is given.
#[derive(Clone, Debug)]
pub struct Ask {
    pub shared: Arc<Shared>,
    pub now: Timestamp,
    /// Who asks: `uid:1000`, a node, the server.
    pub by: String,
    /// What the asker may reach; everything where it is absent.
    pub scope: Option<Scope>,
    /// The namespaces that the asker may reach; all of them when absent.
    pub namespaces: Option<Namespaces>,
    /// The token that the asker speaks with.
    pub token: Option<Uuid>,
}

impl Ask {
    /// Whether the asker may see a task.
    pub fn sees(&self, row: &TaskRow) -> bool {
        self.reaches(&row.namespace) && self.scope.as_ref().is_none_or(|scope| scope.sees(row))
    }

    /// Whether the asker may reach a namespace.
    pub fn reaches(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|own| own.contains(namespace))
    }

    /// Whether there is anything that the asker may not see.
    pub fn is_limited(&self) -> bool {
        self.scope.is_some() || self.namespaces.is_some()
    }

    /// Refuses a namespace that the asker may not reach.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn enter(&self, namespace: &str) -> EngineResult<()> {
        match &self.namespaces {
            Some(own) if !own.contains(namespace) => Err(out_of_reach(own, namespace).into()),
            _ => Ok(()),
        }
    }

    /// Refuses what the asker may not see.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_sees(&self, row: &TaskRow) -> EngineResult<()> {
        if self.sees(row) {
            return Ok(());
        }
        let words = format!(
            "an attempt sees its own task and those that it made, and task {:?} is neither",
            row.name
        );
        Err(ApiError::new(ErrorReason::Forbidden, words).into())
    }

    /// The working set of one run of an operation.
    pub fn unit<'u, T: Tx>(&'u self, tx: &'u mut T) -> Unit<'u, T> {
        Unit::new(tx, &self.shared, self.now, &self.by)
    }
}

/// The refusal of a namespace.
pub fn out_of_reach(own: &Namespaces, namespace: &str) -> ApiError {
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let words = format!("this token is for namespace {}, not for {namespace:?}", own.join(", "));
    ApiError::new(ErrorReason::Forbidden, words)
}

/// What every operation answers.
#[derive(Clone, Debug)]
pub struct Done<A> {
    pub answer: A,
    /// What has to be told after the commit.
    pub effects: Effects,
}

/// An operation whose work is taken by who stands for it.
pub(super) struct Working<O>(pub O);

impl<O, A> Operation for Working<O>
where
    O: Operation<Output = Done<A>>,
    A: Send + 'static,
{
    type Output = Done<A>;
    type Error = O::Error;

    fn durability(&self) -> Durability {
        self.0.durability()
    }

    fn is_rehearsal(&self) -> bool {
        self.0.is_rehearsal()
    }

    fn goes_ahead(&self) -> bool {
        self.0.goes_ahead()
    }

    fn makes_work(done: &Done<A>) -> bool {
        done.effects.work
    }

    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        self.0.run(tx)
    }
}

/// An operation of whoever may be in the server's own process: what takes back what it wrote takes the asker too, who
/// need not wait for the disk.
pub struct Near<O> {
    pub operation: O,
    pub is_near: bool,
}

impl<O: Operation> Operation for Near<O> {
    type Output = O::Output;
    type Error = O::Error;

    fn durability(&self) -> Durability {
        self.operation.durability()
    }

    fn is_rehearsal(&self) -> bool {
        self.operation.is_rehearsal()
    }

    fn goes_ahead(&self) -> bool {
        self.is_near || self.operation.goes_ahead()
    }

    fn makes_work(output: &Self::Output) -> bool {
        O::makes_work(output)
    }

    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        self.operation.run(tx)
    }
}

impl<A> Done<A> {
    /// An answer without effects: a read, or a refusal to do anything twice.
    pub fn quiet(answer: A) -> Self {
        Self { answer, effects: Effects::default() }
    }
}

//! Waiting until tasks and pipelines are as they should be. Nothing polls: a watch tells.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt};
use uuid::Uuid;

pub use super::condition::{Condition, Verdict};
use super::{
    Client, Error, Result,
    feed::{Source, stream_of},
    follow::{Change, Follow, Target},
    object::Object,
};

/// How is waited.
///
/// ```
/// use ktk_client::client::wait::{Condition, WaitParams};
/// let params = WaitParams { conditions: vec![Condition::Succeeded, Condition::Failed], any: true, allow_missing: false };
/// # drop(params);
/// ```
#[derive(Clone, Debug)]
pub struct WaitParams {
    /// What is waited for; `Succeeded` where there is none.
    pub conditions: Vec<Condition>,
    /// One of the conditions is enough; otherwise each must have been met.
    pub any: bool,
    /// What does not exist is waited for, instead of being `NotFound`. [`Condition::Created`]
    /// and [`Condition::Deleted`] bring it with them.
    pub allow_missing: bool,
}

impl WaitParams {
    /// Waits for one condition.
    ///
    /// ```
    /// use ktk_client::client::wait::{Condition, WaitParams};
    /// let params = WaitParams { allow_missing: true, ..WaitParams::until(Condition::Running) };
    /// # drop(params);
    /// ```
    pub fn until(condition: Condition) -> Self {
        Self { conditions: vec![condition], any: false, allow_missing: false }
    }
}

/// An object that was decided on.
///
/// ```
/// use ktk_client::client::wait::{Verdict, Waited};
/// fn line(waited: &Waited) -> String {
///     let name = waited.object.as_ref().map_or("nothing", |object| object.metadata().name());
///     format!("{name}: {}", if waited.verdict == Verdict::Met { "met" } else { "will not be met" })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Waited {
    /// The place of its target among those that are waited for.
    pub target: usize,
    /// The object; the last that was seen of it where it is gone, none where it never was.
    pub object: Option<Object>,
    /// `Met` or `Never`.
    pub verdict: Verdict,
}

/// What a wait has decided: one item for each object that meets its conditions, or cannot. Who
/// wants to stop at the first that cannot, stops reading; who goes on may see the same object
/// again, after a restart. It ends when every object is decided on at the same time.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// use ktk_client::client::{follow::Target, wait::{Condition, WaitParams}};
/// let targets = ["fetch", "resize"].map(|name| Target::Task(client.tasks().reference(name)));
/// let mut wait = client.wait(targets, WaitParams::until(Condition::Succeeded));
/// while let Some(waited) = wait.try_next().await? {
///     println!("{:?}", waited.verdict);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct WaitStream(Pin<Box<dyn Stream<Item = Result<Waited>> + Send>>);

impl Stream for WaitStream {
    type Item = Result<Waited>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Client {
    /// Waits until objects are as they should be; without a time limit.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use ktk_client::{Client, client::{follow::Target, wait::{Condition, Verdict, WaitParams}}};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let task = Target::Task(client.tasks().reference("build-web"));
    /// let mut wait = client.wait([task], WaitParams::until(Condition::Succeeded));
    /// let waited = wait.try_next().await?.expect("one target, one answer");
    /// assert_eq!(waited.verdict, Verdict::Met);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, targets: impl IntoIterator<Item = Target>, mut params: WaitParams) -> WaitStream {
        if params.conditions.is_empty() {
            params.conditions.push(Condition::Succeeded);
        }
        let brings = |condition: &Condition| matches!(condition, Condition::Created | Condition::Deleted);
        let allows_missing = params.allow_missing || params.conditions.iter().any(brings);
        let targets: Vec<Target> = targets.into_iter().collect();
        let singles = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| !matches!(target, Target::Tasks(_) | Target::Pipelines(_)))
            .map(|(target, _)| target)
            .collect();
        let waiting = Waiting {
            follow: self.follow(targets).allow_missing(allows_missing),
            params,
            singles,
            judged: HashMap::new(),
            decided: VecDeque::new(),
            is_synced: false,
        };
        WaitStream(stream_of(move || Ok(waiting)))
    }
}

/// Waits for one object, which can become as it should be.
pub(super) async fn one(client: &Client, target: Target, condition: Condition) -> Result<Object> {
    let mut waiting = client.wait([target], WaitParams::until(condition));
    let waited =
        waiting.next().await.unwrap_or_else(|| Err(Error::Protocol("a wait without an answer".into())))?;
    match (waited.object, waited.verdict) {
        (Some(object), Verdict::Met) => Ok(object),
        (Some(object), _) => Err(Error::Unmet { object: Box::new(object) }),
        (None, _) => Err(Error::Protocol("a wait for nothing".into())),
    }
}

struct Judged {
    object: Option<Object>,
    has_met: Vec<bool>,
    verdict: Verdict,
}

struct Waiting {
    follow: Follow,
    params: WaitParams,
    /// Targets that are one object: they are waited for even where they do not exist.
    singles: Vec<usize>,
    /// By target and context; a single target that does not exist has no context.
    judged: HashMap<(usize, Uuid), Judged>,
    decided: VecDeque<Waited>,
    is_synced: bool,
}

impl Source for Waiting {
    type Item = Waited;

    async fn next(&mut self) -> Result<Option<Waited>> {
        loop {
            if let Some(waited) = self.decided.pop_front() {
                return Ok(Some(waited));
            }
            if self.is_synced && self.judged.values().all(|judged| judged.verdict != Verdict::Open) {
                return Ok(None);
            }
            match self.follow.next().await {
                Some(Ok(change)) => self.take(change),
                Some(Err(error)) => return Err(error),
                None => return Ok(None),
            }
        }
    }
}

impl Waiting {
    fn take(&mut self, change: Change) {
        match change {
            Change::Set { target, object } => {
                let is_new = !self.judged.contains_key(&(target, object.context_id()));
                if is_new && self.is_synced && !self.singles.contains(&target) {
                    // What comes to match a list later was not asked for.
                    return;
                }
                self.judged.remove(&(target, Uuid::nil()));
                self.judge((target, object.context_id()), Some(object));
            }
            Change::Gone { target, id, .. } => {
                let is_it = |((of, _), judged): &(&(usize, Uuid), &Judged)| {
                    *of == target && judged.object.as_ref().is_some_and(|object| object.id() == id)
                };
                if let Some(key) = self.judged.iter().find(is_it).map(|(key, _)| *key) {
                    self.judge(key, None);
                }
            }
            Change::Synced => {
                self.is_synced = true;
                for target in self.singles.clone() {
                    if !self.judged.keys().any(|(of, _)| *of == target) {
                        self.judge((target, Uuid::nil()), None);
                    }
                }
            }
        }
    }

    fn judge(&mut self, key: (usize, Uuid), object: Option<Object>) {
        let conditions = &self.params.conditions;
        let judged = self.judged.entry(key).or_insert_with(|| Judged {
            object: None,
            has_met: vec![false; conditions.len()],
            verdict: Verdict::Open,
        });
        if judged.verdict == Verdict::Met {
            return;
        }
        let mut can_never = Vec::with_capacity(conditions.len());
        for (condition, has_met) in conditions.iter().zip(&mut judged.has_met) {
            let verdict = condition.judge(object.as_ref());
            *has_met |= verdict == Verdict::Met;
            can_never.push(!*has_met && verdict == Verdict::Never);
        }
        let combine = |words: &[bool], any: bool| {
            if any { words.iter().any(|word| *word) } else { words.iter().all(|word| *word) }
        };
        let is_gone = object.is_none() && judged.object.is_some() && !self.params.allow_missing;
        let verdict = if combine(&judged.has_met, self.params.any) {
            Verdict::Met
        } else if combine(&can_never, !self.params.any) || is_gone {
            Verdict::Never
        } else {
            Verdict::Open
        };
        if object.is_some() {
            judged.object = object;
        }
        if std::mem::replace(&mut judged.verdict, verdict) != verdict && verdict != Verdict::Open {
            self.decided.push_back(Waited { target: key.0, object: judged.object.clone(), verdict });
        }
    }
}

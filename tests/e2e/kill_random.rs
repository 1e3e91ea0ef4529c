//! kill -9 at random moments of a busy server: what was acknowledged is there, what was not is there once when it is
//! asked for again, no version is used twice, no process of an old attempt lives on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst},
    thread,
    time::Duration,
};

use ktk_client::{
    Client, Error,
    api::{
        ErrorReason, Phase, Task,
        list::ListParams,
        restart::RestartParams,
        task::{CreateParams, RetrySpec, TaskSpec},
    },
};
use ktk_tests::{Place, eventually, is_alive, is_long_run, kill};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(60);
const WRITERS: u64 = 4;

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What is asked of the server.
#[derive(Clone, Debug)]
enum Wish {
    Create { request: String, is_long: bool },
    Restart { of: Uuid, request: String },
    Cancel { id: Uuid },
    Delete { name: String },
}

/// A task and its restarts, as their maker knows them.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    newest: Uuid,
    is_long: bool,
}

/// What one writer has asked for, and what it was told.
struct Writer {
    name: u64,
    dice: Dice,
    requests: u64,
    known: Vec<Known>,
    /// The one object of each request, and its name.
    made: BTreeMap<String, (Uuid, String)>,
    cancelled: BTreeSet<Uuid>,
    deleted: BTreeSet<String>,
    /// What nobody knows of whether it was done.
    open: Option<Wish>,
}

impl Writer {
    fn new(name: u64, seed: u64) -> Self {
        Self {
            name,
            dice: Dice(seed * 1_000 + name),
            requests: 0,
            known: Vec::new(),
            made: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            deleted: BTreeSet::new(),
            open: None,
        }
    }

    fn next_wish(&mut self) -> Wish {
        self.requests += 1;
        let request = format!("w{}-{}", self.name, self.requests);
        let of = |dice: &mut Dice, known: &[Known]| known[dice.below(known.len() as u64) as usize].clone();
        let roll = self.dice.below(10);
        if self.known.len() < 3 || roll < 4 {
            return Wish::Create { request, is_long: self.dice.below(3) == 0 };
        }
        let chosen = of(&mut self.dice, &self.known);
        match roll {
            4..7 => Wish::Restart { of: chosen.newest, request },
            7..9 if chosen.is_long => Wish::Cancel { id: chosen.newest },
            7..9 => Wish::Restart { of: chosen.newest, request },
            _ => Wish::Delete { name: chosen.name },
        }
    }

    /// Asks until told to stop, or until an answer does not come.
    async fn work(&mut self, client: &Client, enough: &AtomicBool, told: &Told) {
        while self.open.is_none() && !enough.load(SeqCst) {
            let wish = self.next_wish();
            self.ask(client, wish, told).await;
        }
    }

    async fn ask(&mut self, client: &Client, wish: Wish, told: &Told) {
        let outcome = match &wish {
            Wish::Create { request, is_long } => {
                let params = CreateParams {
                    object: task(request, *is_long),
                    request_id: Some(request.clone()),
                    caller_env: None,
                    dry_run: false,
                };
                client.tasks().create_with(params).await.map(|made| Some(made.object))
            }
            Wish::Restart { of, request } => {
                let params = RestartParams {
                    reference: client.tasks().reference(of.to_string()),
                    reason: Some(request.clone()),
                    request_id: Some(request.clone()),
                    ..RestartParams::default()
                };
                client.tasks().restart_with(params).await.map(|made| made.created.then_some(made.object))
            }
            Wish::Cancel { id } => client.tasks().cancel(id.to_string()).await.map(Some),
            Wish::Delete { name } => client.tasks().delete(name.as_str()).await.map(|_| None),
        };
        match outcome {
            Ok(object) => {
                told.acknowledged(object.as_ref());
                self.note(&wish, object.as_ref());
            }
            Err(Error::Api(error)) => {
                let is_refusal = matches!(error.reason, ErrorReason::Conflict | ErrorReason::NotFound);
                assert!(is_refusal, "{wish:?}: {error:?}");
                self.note_refusal(&wish, error.reason);
            }
            // Nobody knows whether it was done.
            Err(_) => self.open = Some(wish),
        }
    }

    fn note(&mut self, wish: &Wish, object: Option<&Task>) {
        let made = object.and_then(|object| Some((object.metadata.id?, object.metadata.name.clone()?)));
        match wish {
            Wish::Create { request, is_long } => {
                let (newest, name) = made.expect("what is created has an id and a name");
                self.made.insert(request.clone(), (newest, name.clone()));
                self.known.push(Known { name, newest, is_long: *is_long });
            }
            Wish::Restart { of, request } => {
                let Some((id, name)) = made else { return };
                self.made.insert(request.clone(), (id, name));
                self.known.iter_mut().filter(|known| known.newest == *of).for_each(|known| known.newest = id);
            }
            Wish::Cancel { id } => drop(self.cancelled.insert(*id)),
            Wish::Delete { name } => self.forget(name),
        }
    }

    fn note_refusal(&mut self, wish: &Wish, reason: ErrorReason) {
        match wish {
            // It has been done: nothing but this deletes it, or ends it.
            Wish::Delete { name } if reason == ErrorReason::NotFound => self.forget(name),
            Wish::Cancel { id } if reason == ErrorReason::Conflict => drop(self.cancelled.insert(*id)),
            // The one before has not ended yet.
            Wish::Restart { .. } if reason == ErrorReason::Conflict => {}
            _ => panic!("refused with {reason}: {wish:?}"),
        }
    }

    fn forget(&mut self, name: &str) {
        self.deleted.insert(name.to_owned());
        self.known.retain(|known| known.name != name);
    }
}

/// A task whose name nobody gave: nothing but its request keeps it from being made twice.
fn task(request: &str, is_long: bool) -> Task {
    let retry = RetrySpec { limit: Some(1_000), ..RetrySpec::default() };
    let command: &[&str] = if is_long { &["sleep", "1000"] } else { &["true"] };
    let spec = TaskSpec { retry: Some(retry), ..TaskSpec::command(command.iter().copied()) };
    let mut task = Task::new("", spec);
    task.metadata.name = None;
    task.metadata.labels.insert("request".into(), request.into());
    task
}

/// What all writers were told.
#[derive(Default)]
struct Told {
    count: AtomicU32,
    /// The newest version of a life of the server, and of all lives before.
    newest: AtomicU64,
    before: AtomicU64,
}

impl Told {
    fn acknowledged(&self, object: Option<&Task>) {
        if let Some(version) = object.and_then(|object| object.metadata.version) {
            // A request that is answered again shows the object as it is, which may be older.
            self.newest.fetch_max(version, SeqCst);
        }
        self.count.fetch_add(1, SeqCst);
    }

    fn next_life(&self) {
        self.count.store(0, SeqCst);
        self.before.store(self.newest.load(SeqCst), SeqCst);
    }
}

fn on_a_runtime<R>(work: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn each_request_is_done_once_over_many_deaths() {
    let (rounds, seed) = if is_long_run() { (120, u64::from(std::process::id())) } else { (5, 1) };
    println!("seed {seed}");
    let place = Place::new();
    let mut dice = Dice(seed);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|name| Writer::new(name, seed)).collect();
    let told = Told::default();
    for _ in 0..rounds {
        place.start();
        let pid = place.server();
        told.next_life();
        let (enough, moment) = (AtomicBool::new(false), 5 + dice.below(60) as u32);
        thread::scope(|scope| {
            for writer in &mut writers {
                let (place, enough, told) = (&place, &enough, &told);
                scope.spawn(move || {
                    on_a_runtime(async {
                        let client = place.client();
                        // What has had no answer is asked for again before anything else.
                        if let Some(wish) = writer.open.take() {
                            writer.ask(&client, wish, told).await;
                        }
                        writer.work(&client, enough, told).await;
                    });
                });
            }
            eventually("the server is busy", SOON, || (told.count.load(SeqCst) >= moment).then_some(()));
            kill(pid);
            enough.store(true, SeqCst);
        });
        eventually("the server is dead", SOON, || (!is_alive(pid)).then_some(()));
        // No process of an attempt outlives it.
        place.until_nothing_is_left();
    }
    place.start();
    on_a_runtime(async {
        let client = place.client();
        for writer in &mut writers {
            if let Some(wish) = writer.open.take() {
                writer.ask(&client, wish, &told).await;
            }
            assert!(writer.open.is_none(), "{:?} has no answer", writer.open);
        }
        everything_is_there_once(&client, &writers, told.before.load(SeqCst)).await;
        come_to_rest(&client).await;
        let kept = all(&client).await;
        for writer in &writers {
            for id in writer.cancelled.iter().filter(|id| kept.contains_key(id)) {
                assert_eq!(kept[id].status.as_ref().unwrap().phase, Phase::Cancelled, "{id} was cancelled");
            }
            for task in kept.values() {
                let name = task.metadata.name();
                assert!(!writer.deleted.contains(name), "{name} was deleted");
            }
        }
    });
}

/// Every incarnation of every task.
async fn all(client: &Client) -> BTreeMap<Uuid, Task> {
    let params = ListParams { all_incarnations: true, ..ListParams::default() };
    let list = client.tasks().list_whole(params).await.unwrap();
    list.items.into_iter().map(|task| (task.metadata.id.unwrap(), task)).collect()
}

async fn everything_is_there_once(client: &Client, writers: &[Writer], newest: u64) {
    let kept = all(client).await;
    let mut by_request: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
    let (mut versions, mut live) = (BTreeSet::new(), BTreeSet::new());
    for (id, task) in &kept {
        let restart = task.metadata.restart.as_ref().unwrap();
        let request = match restart.incarnation {
            1 => task.metadata.labels.get("request"),
            _ => restart.reason.as_ref(),
        };
        by_request.entry(request.expect("all were asked for")).or_default().push(*id);
        assert!(versions.insert(task.metadata.version), "a version twice: {task:#?}");
        let is_live = !task.status.as_ref().unwrap().phase.is_terminal();
        assert!(!is_live || live.insert(restart.context_id), "two live incarnations: {task:#?}");
    }
    for (request, ids) in &by_request {
        assert_eq!(ids.len(), 1, "{request} was done {} times", ids.len());
    }
    let mut count = 0;
    for writer in writers {
        for (request, (id, name)) in &writer.made {
            match by_request.get(request.as_str()) {
                Some(ids) => assert_eq!(ids, &[*id], "{request} made another than was said"),
                None => assert!(writer.deleted.contains(name), "{request} was acknowledged and is lost"),
            }
        }
        count += writer.made.len();
    }
    assert!(count > 30, "only {count} were made");
    // What is new now is newer than all that was there before the last death.
    let object = task("last", false);
    let made = client.tasks().create(&object).await.unwrap().object;
    assert!(made.metadata.version.unwrap() > newest, "a version is used again");
}

/// Cancels what would run for long, and waits for the ends of all.
async fn come_to_rest(client: &Client) {
    for task in all(client).await.into_values() {
        let is_long = task.spec.run.as_ref().unwrap().command.first().is_some_and(|word| word == "sleep");
        if is_long && !task.status.as_ref().unwrap().phase.is_terminal() {
            let id = task.metadata.id.unwrap().to_string();
            let cancelled = client.tasks().cancel(id).await;
            // A deletion that was asked for before has cancelled it, or taken it away.
            assert!(
                cancelled.is_ok()
                    || cancelled.is_err_and(|error| error.is_not_found() || error.is_conflict())
            );
        }
    }
    ktk_tests::eventually_async("all come to an end", SOON, async || {
        let kept = all(client).await;
        let is_over = |task: &Task| {
            task.status.as_ref().unwrap().phase.is_terminal() && task.metadata.deleted_at.is_none()
        };
        kept.values().all(is_over).then_some(())
    })
    .await;
}

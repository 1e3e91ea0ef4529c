//! Runs a scientific workflow (WfFormat, <https://wfcommons.org/format>) as a pipeline of processes that
//! sleep as long as its tasks ran, and compares the makespan with the critical path.
//!
//! ```sh
//! cargo run --release -p ktk-client --example wfformat -- --scale 0.001 ../shared/data/workflows/blast-chameleon-medium-001.json
//! ```
//!
//! `main` only reads its arguments: everything else is functions that a test calls.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use ktk_client::{
    Client,
    api::{
        Phase, Pipeline,
        pipeline::{PipelineSpec, Step},
        task::RunSpec,
    },
    client::{
        follow::{Change, Target},
        object::Object,
    },
};
use serde::Deserialize;

/// The annotation that holds a task's id in the workflow.
pub const ID_ANNOTATION: &str = "wfformat/id";

/// The longest step name that is made of an id: a number still fits behind it.
const MAX_NAME: usize = 90;

const USAGE: &str = "usage: wfformat [--scale FACTOR] [--name NAME] [--namespace NAMESPACE] FILE";

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks to its user")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let workflow = Workflow::read(&options.file)?;
    let mut builder = Client::builder();
    if let Some(namespace) = &options.namespace {
        builder = builder.namespace(namespace);
    }
    let outcome = run(&builder.build()?, &workflow, &options.name(), options.scale).await?;
    print!("{outcome}");
    ensure!(outcome.phase == Phase::Succeeded, "the pipeline has not succeeded: {}", outcome.phase);
    Ok(())
}

/// What the command line says.
pub struct Options {
    /// Seconds of sleep for each second of run time; 0 runs `true`.
    pub scale: f64,
    /// The pipeline's name.
    pub name: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The workflow.
    pub file: PathBuf,
}

impl Options {
    /// Reads arguments, without the program's name.
    pub fn parse(args: impl IntoIterator<Item = String>) -> anyhow::Result<Self> {
        let mut args = args.into_iter();
        let (mut scale, mut name, mut namespace, mut file) = (1.0, None, None, None);
        while let Some(arg) = args.next() {
            let (flag, inline) = match arg.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (arg, None),
            };
            let mut value =
                || inline.clone().or_else(|| args.next()).with_context(|| format!("{flag} needs a value"));
            match &*flag {
                "--scale" => scale = value()?.parse().context("--scale wants a number")?,
                "--name" => name = Some(value()?),
                "--namespace" => namespace = Some(value()?),
                _ if flag.starts_with('-') || file.is_some() => bail!("unexpected {flag}\n{USAGE}"),
                _ => file = Some(PathBuf::from(&flag)),
            }
        }
        ensure!(scale >= 0.0 && f64::is_finite(scale), "--scale wants a number that is not negative");
        Ok(Self { scale, name, namespace, file: file.context(USAGE)? })
    }

    /// The name that was given, else one made of the file's.
    pub fn name(&self) -> String {
        let stem = self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        self.name.clone().unwrap_or_else(|| {
            let name = label(stem.as_deref().unwrap_or("workflow"));
            name[..name.len().min(ktk_client::api::names::MAX_NAME)].trim_end_matches('-').to_owned()
        })
    }
}

/// The part of a WfFormat document that is used.
#[derive(Deserialize)]
struct Document {
    workflow: Parts,
}

#[derive(Deserialize)]
struct Parts {
    specification: Tasks<Specified>,
    execution: Option<Tasks<Executed>>,
}

#[derive(Deserialize)]
struct Tasks<T> {
    tasks: Vec<T>,
}

#[derive(Deserialize)]
struct Specified {
    id: String,
    #[serde(default)]
    parents: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Executed {
    id: String,
    runtime_in_seconds: f64,
}

/// A task of a workflow; `needs` are places among the workflow's tasks.
struct WorkflowTask {
    id: String,
    needs: Vec<usize>,
    seconds: f64,
}

/// A workflow: a DAG of run times.
pub struct Workflow {
    tasks: Vec<WorkflowTask>,
}

impl Workflow {
    /// Reads a file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a workflow in WfFormat", path.display()))
    }

    /// Reads a document.
    pub fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let Document { workflow } = serde_json::from_slice(text)?;
        let executed = workflow.execution.map(|execution| execution.tasks).unwrap_or_default();
        let seconds: HashMap<&str, f64> =
            executed.iter().map(|task| (&*task.id, task.runtime_in_seconds)).collect();
        let specified = &workflow.specification.tasks;
        let places: HashMap<&str, usize> =
            specified.iter().enumerate().map(|(place, task)| (&*task.id, place)).collect();
        ensure!(places.len() == specified.len(), "two tasks have one id");
        let task = |task: &Specified| {
            let need = |id: &String| {
                places
                    .get(&**id)
                    .copied()
                    .with_context(|| format!("{} needs {id}, which is not there", task.id))
            };
            let mut needs = task.parents.iter().map(need).collect::<anyhow::Result<Vec<_>>>()?;
            needs.sort_unstable();
            needs.dedup();
            let seconds = seconds.get(&*task.id).copied().unwrap_or(0.0);
            Ok(WorkflowTask { id: task.id.clone(), needs, seconds })
        };
        Ok(Self { tasks: specified.iter().map(task).collect::<anyhow::Result<_>>()? })
    }

    /// Tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// All run times together, in seconds.
    pub fn work(&self) -> f64 {
        self.tasks.iter().map(|task| task.seconds).sum()
    }

    /// The longest chain of run times, in seconds: no schedule is shorter. A cycle has none.
    pub fn critical_path(&self) -> anyhow::Result<f64> {
        let mut open: Vec<usize> = self.tasks.iter().map(|task| task.needs.len()).collect();
        let mut followers = vec![Vec::new(); self.tasks.len()];
        for (place, task) in self.tasks.iter().enumerate() {
            task.needs.iter().for_each(|need| followers[*need].push(place));
        }
        let mut ends = vec![0.0_f64; self.tasks.len()];
        let mut ready: Vec<usize> = (0..self.tasks.len()).filter(|place| open[*place] == 0).collect();
        let mut seen = 0;
        while let Some(place) = ready.pop() {
            seen += 1;
            ends[place] += self.tasks[place].seconds;
            for follower in &followers[place] {
                ends[*follower] = ends[*follower].max(ends[place]);
                open[*follower] -= 1;
                if open[*follower] == 0 {
                    ready.push(*follower);
                }
            }
        }
        ensure!(seen == self.tasks.len(), "the tasks need each other in a circle");
        Ok(ends.into_iter().fold(0.0, f64::max))
    }

    /// The pipeline: each task a process that sleeps its run time times `scale`.
    pub fn pipeline(&self, name: &str, scale: f64) -> Pipeline {
        let names = step_names(self.tasks.iter().map(|task| &*task.id));
        let step = |(task, name): (&WorkflowTask, &String)| Step {
            name: name.clone(),
            annotations: BTreeMap::from([(ID_ANNOTATION.to_owned(), task.id.clone())]),
            run: Some(RunSpec { command: command(task.seconds * scale), ..RunSpec::default() }),
            needs: task.needs.iter().map(|need| names[*need].clone()).collect(),
            ..Step::default()
        };
        let steps = self.tasks.iter().zip(&names).map(step).collect();
        Pipeline::new(name, PipelineSpec { steps, ..PipelineSpec::default() })
    }
}

fn command(seconds: f64) -> Vec<String> {
    if seconds == 0.0 { vec!["true".to_owned()] } else { vec!["sleep".to_owned(), format!("{seconds:.6}")] }
}

/// Step names of ids, in their order: numbered where two meet.
pub fn step_names<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut unique = |id: &str| {
        let name = label(id);
        let mut unique = name.clone();
        while ktk_client::api::names::RESERVED_STEPS.contains(&&*unique) || !taken.insert(unique.clone()) {
            let number = numbers.entry(name.clone()).or_insert(1);
            *number += 1;
            unique = format!("{name}-{number}");
        }
        unique
    };
    ids.into_iter().map(&mut unique).collect()
}

/// A DNS label that begins with a letter: lower-cased, any other character a `-`, cut.
fn label(text: &str) -> String {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    let label: String = text.chars().map(letter).collect();
    let label = label.trim_matches('-');
    let label = if label.starts_with(|c: char| c.is_ascii_lowercase()) {
        label.to_owned()
    } else {
        format!("task-{label}")
    };
    label[..label.len().min(MAX_NAME)].trim_end_matches('-').to_owned()
}

/// How a run went. Its `Display` is what the example prints.
pub struct Outcome {
    /// The pipeline's last phase.
    pub phase: Phase,
    /// Steps.
    pub steps: usize,
    /// How long creating it took.
    pub created_in: Duration,
    /// From its creation to its end, as the server's clock has it.
    pub makespan: Duration,
    /// What no schedule can be shorter than.
    pub critical_path: Duration,
    /// All sleeps together.
    pub work: Duration,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = |duration: Duration| duration.as_secs_f64();
        writeln!(f, "{} steps: {}", self.steps, self.phase)?;
        writeln!(f, "created in     {:>12.3} s", seconds(self.created_in))?;
        writeln!(f, "makespan       {:>12.3} s", seconds(self.makespan))?;
        writeln!(f, "critical path  {:>12.3} s", seconds(self.critical_path))?;
        writeln!(f, "work           {:>12.3} s", seconds(self.work))?;
        if self.critical_path.is_zero() {
            writeln!(f, "tasks a second {:>12.0}", self.steps as f64 / seconds(self.makespan))
        } else {
            writeln!(
                f,
                "makespan is {:.2} times the critical path",
                seconds(self.makespan) / seconds(self.critical_path)
            )
        }
    }
}

/// Creates the workflow's pipeline and follows it to its end.
pub async fn run(client: &Client, workflow: &Workflow, name: &str, scale: f64) -> anyhow::Result<Outcome> {
    let pipeline = workflow.pipeline(name, scale);
    let critical_path = Duration::from_secs_f64(workflow.critical_path()? * scale);
    let begun = Instant::now();
    let created = client.pipelines().create(&pipeline).await?.object;
    let created_in = begun.elapsed();
    let id = created.metadata.id.context("the server gave the pipeline no id")?;
    let target = Target::Pipeline(client.pipelines().reference(id.to_string()));
    let mut changes = client.follow([target]).summary(true);
    while let Some(change) = changes.next().await {
        let ended = match change? {
            Change::Set { object: Object::Pipeline(pipeline), .. } => *pipeline,
            Change::Gone { .. } => bail!("the pipeline was deleted"),
            _ => continue,
        };
        let (Some(status), Some(begun)) = (ended.status, ended.metadata.created_at) else { continue };
        let Some(end) = status.finished_at else { continue };
        return Ok(Outcome {
            phase: status.phase,
            steps: workflow.len(),
            created_in,
            makespan: end.duration_since(begun).try_into().unwrap_or_default(),
            critical_path,
            work: Duration::from_secs_f64(workflow.work() * scale),
        });
    }
    bail!("the server ended before the pipeline did")
}

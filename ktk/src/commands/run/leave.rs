//! What signals do to a command that is attached: the first asks the server to cancel, the
//! second leaves, a hang-up leaves at once.

use std::{future::pending, pin::Pin};

use ktk_client::{
    Client, Error,
    api::{pipeline, task, task::CancelParams},
};

use crate::{
    commands::interrupts::{Interrupt, Interrupts},
    context::Context,
    error::Exit,
    kinds::Kind,
};

/// Left because the terminal went away: 128 and SIGHUP's number.
const HUNG_UP: Exit = Exit::Code(129);

type Cancelling = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// The state of leaving.
pub(super) struct Leaving<'a> {
    interrupts: &'a mut Interrupts,
    client: Client,
    kind: Kind,
    name: String,
    id: String,
    is_cancelled: bool,
    cancelling: Option<Cancelling>,
    cx: &'a Context,
}

impl<'a> Leaving<'a> {
    /// `name` is for people, `id` for the server.
    pub(super) fn new(
        kind: Kind,
        name: &str,
        id: String,
        client: &Client,
        interrupts: &'a mut Interrupts,
        cx: &'a Context,
    ) -> Self {
        let (client, name) = (client.clone(), name.to_owned());
        Self { interrupts, client, kind, name, id, is_cancelled: false, cancelling: None, cx }
    }

    /// Whether a signal of this command asked for the end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// Waits until it is time to leave. A call that is dropped loses nothing.
    pub(super) async fn requested(&mut self) -> Exit {
        loop {
            tokio::select! {
                interrupt = self.interrupts.next() => match interrupt {
                    Interrupt::HangUp => return HUNG_UP,
                    Interrupt::Stop if self.is_cancelled => {
                        self.cx.ui.message(&format!("left; {}/{} is being cancelled", self.kind, self.name));
                        return Exit::Interrupted;
                    }
                    Interrupt::Stop => self.begin(),
                },
                result = finished(&mut self.cancelling) => {
                    self.cancelling = None;
                    if let Some(exit) = self.answered(result) {
                        return exit;
                    }
                }
            }
        }
    }

    fn begin(&mut self) {
        self.is_cancelled = true;
        self.cx.ui.message(&format!("cancelling {}/{}; once more leaves at once", self.kind, self.name));
        let (client, kind, id) = (self.client.clone(), self.kind, self.id.clone());
        self.cancelling = Some(Box::pin(async move {
            match kind {
                Kind::Pipeline => {
                    let params = CancelParams {
                        reference: client.pipelines().reference(id),
                        ..CancelParams::default()
                    };
                    let options = client.call_options::<pipeline::Cancel>().following();
                    client.call_with::<pipeline::Cancel>(&params, options).await.map(drop)
                }
                _ => {
                    let params =
                        CancelParams { reference: client.tasks().reference(id), ..CancelParams::default() };
                    let options = client.call_options::<task::Cancel>().following();
                    client.call_with::<task::Cancel>(&params, options).await.map(drop)
                }
            }
        }));
    }

    /// A `Conflict` says that it has ended by itself: the end is on its way. Who may not cancel it, as a running task may
    /// not cancel what it made, has nothing to wait for.
    fn answered(&mut self, result: Result<(), Error>) -> Option<Exit> {
        let error = match result {
            Ok(()) => return None,
            Err(error) if error.is_conflict() || error.is_not_found() => return None,
            Err(error) => error,
        };
        let what = format!("{}/{}", self.kind, self.name);
        if error.is_forbidden() {
            self.cx.ui.warning(&format!("left; {what} goes on, as this may not cancel it: {error}"));
            return Some(Exit::Interrupted);
        }
        self.cx.ui.warning(&format!("cannot cancel {what}: {error}"));
        self.is_cancelled = false;
        None
    }
}

async fn finished(cancelling: &mut Option<Cancelling>) -> Result<(), Error> {
    match cancelling {
        Some(cancelling) => cancelling.await,
        None => pending().await,
    }
}

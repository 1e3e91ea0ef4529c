//! External tasks: they take no slot and no place, and run until somebody says how they ended.

use uuid::Uuid;

use super::{body, error::EngineResult, lanes::Starter, room::starts_by_itself, unit::Unit};
use crate::store::Tx;

impl<T: Tx> Unit<'_, T> {
    /// Starts an external task that is ready: nobody has to claim it. One that something limits stands in line.
    pub(super) async fn start_external(&mut self, id: Uuid) -> EngineResult<()> {
        let Some(row) = self.tasks.get(&id).filter(|row| row.is_claimable()) else { return Ok(()) };
        let lane = row.lane;
        if self.is_limited(lane).await? {
            self.looks_for_externals = true;
            return Ok(());
        }
        self.begin_external(id).await
    }

    /// Starts those for which there is room now, in the order of the line.
    pub(super) async fn start_limited_externals(&mut self) -> EngineResult<()> {
        let lanes = self.tx.lanes().await?;
        let is_any = lanes.iter().any(|row| starts_by_itself(&row.lane));
        if !is_any && !self.is_limited(crate::model::lane::PLAIN).await? {
            return Ok(());
        }
        self.flush().await?;
        for starter in self.open_starters().await? {
            match starter {
                Starter::Task(id) => self.begin_external(id).await?,
                Starter::Pipeline(id) => self.take_permits(id).await?,
            }
        }
        Ok(())
    }

    async fn begin_external(&mut self, id: Uuid) -> EngineResult<()> {
        let is_waiting = self.tasks.get(&id).is_some_and(|row| row.is_claimable());
        if !is_waiting {
            return Ok(());
        }
        let Some(body) = self.body(id).await? else {
            return self.refuse(id, "its stored manifest cannot be read".into()).await.map(drop);
        };
        let row = self.task(id)?.clone();
        let taken = self.taken(&row, &body).await?;
        if !taken.is_empty() {
            self.result_mut(id).resolved = Some(body::to_text(&taken)?);
        }
        let (now, fence) = (self.now, self.tx.next_fence());
        let timeout = body.spec.timeout.map(ktk_client::api::Duration::get);
        self.begin_attempt(id, fence).await?.begin_clocks(now, timeout, body.spec.keepalive);
        Ok(())
    }
}

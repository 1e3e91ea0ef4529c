//! What running attempts take of this machine, as `/proc` shows it: processor time over a moment, and memory.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ktk_client::api::usage::Measured;
use rustix::process::Pid;
use uuid::Uuid;

use super::launcher::{Ticks, ticks_of};

/// The moment over which processor time is counted.
const MOMENT: Duration = Duration::from_millis(500);

/// The attempts whose processes run on this machine, and who leads each.
#[derive(Debug, Default)]
pub struct Roster {
    leaders: Mutex<BTreeMap<(Uuid, u32), Pid>>,
}

/// An attempt that is on the roster until this is dropped.
#[derive(Debug)]
pub struct Listed {
    roster: Arc<Roster>,
    attempt: (Uuid, u32),
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.roster.lock().remove(&self.attempt);
    }
}

impl Roster {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Uuid, u32), Pid>> {
        self.leaders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an attempt on the roster.
    pub fn enter(self: &Arc<Self>, task: Uuid, attempt: u32, leader: u32) -> Option<Listed> {
        let leader = Pid::from_raw(i32::try_from(leader).ok()?)?;
        self.lock().insert((task, attempt), leader);
        Some(Listed { roster: Arc::clone(self), attempt: (task, attempt) })
    }

    /// What each of these attempts takes, in their order; nothing of one that is not here, or has ended meanwhile.
    pub async fn measure(&self, store_id: &str, attempts: &[(Uuid, u32)]) -> Vec<Option<Measured>> {
        let leaders: Vec<Option<Pid>> = {
            let known = self.lock();
            attempts.iter().map(|attempt| known.get(attempt).copied()).collect()
        };
        if leaders.iter().all(Option::is_none) {
            return vec![None; attempts.len()];
        }
        let (store, wanted) = (store_id.to_owned(), attempts.to_vec());
        let of_leaders = leaders.clone();
        let look = move || ticks_of(&store, &wanted, &of_leaders);
        let Ok(before) = tokio::task::spawn_blocking(look.clone()).await else {
            return vec![None; attempts.len()];
        };
        let begun = tokio::time::Instant::now();
        tokio::time::sleep(MOMENT).await;
        let passed = begun.elapsed();
        let measured = tokio::task::spawn_blocking(move || {
            let after = look();
            before.iter().zip(&after).map(|(before, after)| measured(before, after, passed)).collect()
        });
        let measured: Vec<Option<Measured>> = measured.await.unwrap_or_default();
        let still = self.lock();
        let is_there = |index: usize| still.get(&attempts[index]) == leaders[index].as_ref();
        let known = measured.into_iter().enumerate();
        known.map(|(index, found)| found.filter(|_| leaders[index].is_some() && is_there(index))).collect()
    }
}

fn measured(before: &Ticks, after: &Ticks, passed: Duration) -> Option<Measured> {
    if after.is_empty() {
        return None;
    }
    let sum = |ticks: &Ticks| ticks.values().sum::<u64>();
    // The time of children that have ended is their parents' then, so that the sums only grow; it may go with a parent.
    let ticks = sum(after).saturating_sub(sum(before));
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let millis = u128::from(ticks) * 1_000_000 / u128::from(per_second) / passed.as_millis().max(1);
    let memory = after.keys().filter_map(|(pid, _)| memory_of(*pid)).sum();
    Some(Measured {
        processes: u32::try_from(after.len()).unwrap_or(u32::MAX),
        cpu_millis: u64::try_from(millis).unwrap_or(u64::MAX),
        memory_bytes: memory,
    })
}

/// The process's share of memory; all that it has resident where the share may not be read.
fn memory_of(pid: i32) -> Option<u64> {
    let share = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    share.or_else(|| {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn time_is_counted_over_the_moment_and_never_below_nothing() {
        let per_second = rustix::param::clock_ticks_per_second();
        let before = Ticks::from([((1, 7), 100), ((2, 8), 50)]);
        let after = Ticks::from([((1, 7), 100 + per_second), ((2, 8), 50)]);
        let cpu = |before: &Ticks, after: &Ticks| {
            measured(before, after, Duration::from_secs(2)).map(|measured| measured.cpu_millis)
        };
        assert_eq!(cpu(&before, &after), Some(500));
        assert_eq!(cpu(&after, &before), Some(0));
        assert_eq!(cpu(&before, &Ticks::new()), None);
    }

    #[tokio::test]
    async fn only_who_is_on_the_roster_is_measured() {
        use std::os::unix::process::CommandExt as _;
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let (task, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let roster = Arc::new(Roster::default());
        let listed = roster.enter(task, 1, busy.id()).expect("a process");
        let seen = roster.measure("store", &[(task, 1), (task, 2), (other, 1)]).await;
        let one = seen[0].expect("it runs");
        assert_eq!((one.processes, &seen[1..]), (1, &[None, None][..]));
        assert!(one.cpu_millis > 0 && one.memory_bytes > 10_000, "{one:?}");
        drop(listed);
        assert_eq!(roster.measure("store", &[(task, 1)]).await, [None]);
        busy.kill().expect("it is ours");
        busy.wait().expect("it ends");
    }
}

//! How much processor time the processes of attempts have had so far.

use std::collections::BTreeMap;

use rustix::process::Pid;
use uuid::Uuid;

use super::tree;

/// In the clock's ticks, by process: a number alone could be another process by now.
pub type Ticks = BTreeMap<(i32, u64), u64>;

/// The processes of each attempt, by their times: those of its leader's session or group, and those with its mark.
pub fn ticks_of(store_id: &str, attempts: &[(Uuid, u32)], leaders: &[Option<Pid>]) -> Vec<Ticks> {
    let mut found = vec![Ticks::new(); attempts.len()];
    for pid in tree::all_pids() {
        let Some((process, ticks)) = tree::read_with_ticks(pid) else { continue };
        let is_led = |leader: &Option<Pid>| {
            leader.is_some() && (process.session == *leader || process.group == *leader)
        };
        let place = leaders.iter().position(is_led).or_else(|| {
            let mark = tree::mark(pid).filter(|mark| mark.store_id == store_id)?;
            let is_marked =
                |(task, attempt): &(Uuid, u32)| *attempt == mark.attempt && task.to_string() == mark.task_id;
            attempts.iter().position(is_marked)
        });
        if let Some(place) = place {
            found[place].insert((pid.as_raw_nonzero().get(), process.start), ticks);
        }
    }
    found
}

//! An idle server does nothing.

use std::{fs, time::Duration};

use ktk_tests::{Place, eventually};

/// How often the threads of a process have gone to sleep so far.
fn switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    statuses
        .map(|status| {
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0)
        })
        .sum()
}

/// How much of the files that it is made of a process has mapped.
fn mapped_kilobytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
    size.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn it_gives_the_pages_of_its_program_back_each_time() {
    let place = Place::started();
    let pid = place.server();
    for name in ["x", "y"] {
        place.ok(&format!("run --name {name} -- true"));
        let busy = mapped_kilobytes(pid);
        eventually("half of the program's pages are given back", Duration::from_secs(25), || {
            (mapped_kilobytes(pid) < busy / 2).then_some(())
        });
    }
    assert!(place.ok("get task y --no-headers").contains("Succeeded"));
}

#[test]
fn it_is_not_woken() {
    let place = Place::started();
    place.ok("run --name x -- true");
    let pid = place.server();
    // What follows the last call has passed when nothing moves for a while.
    let seconds = Duration::from_secs(3);
    let mut before = switches(pid);
    let mut since = std::time::Instant::now();
    let mut calm = 0;
    eventually("three seconds without waking", Duration::from_secs(25), || {
        if since.elapsed() >= seconds {
            let now = switches(pid);
            calm = now - before;
            (before, since) = (now, std::time::Instant::now());
            return (calm <= 2).then_some(());
        }
        None
    });
    assert!(calm <= 2);
}

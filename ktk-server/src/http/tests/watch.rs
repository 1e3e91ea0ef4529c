//! Watches: in order, without gaps, resumed where they were cut.

use ktk_client::api::{ApiError, ErrorReason};
use serde_json::json;

use super::super::{Config, Lifecycle};
use super::peer::{Event, Events, ask, request};
use super::running::{Running, impatient};

fn versions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id.parse().unwrap()).collect()
}

#[tokio::test]
async fn changes_come_in_order_and_as_they_are_made() {
    let server = Running::start().await;
    for n in 1..=20 {
        server.fake.change(n % 5 != 0);
    }
    let mut watch = Events::open(&server.socket, "/watch?version=2&kinds=Task", None).await;
    let old = watch.take(14).await;
    let expected: Vec<u64> = (3..=19).filter(|n| n % 5 != 0).collect();
    assert_eq!(versions(&old), expected);
    assert_eq!(old[0].name, "change");
    assert_eq!(old[0].data, json!({"type": "change", "version": 3, "object": {"kind": "Task", "n": 3}}));
    for _ in 0..30 {
        let version = server.fake.change(true);
        assert_eq!(versions(&watch.take(1).await), [version]);
    }
}

#[tokio::test]
async fn a_watch_from_now_begins_with_a_place_to_resume_from() {
    let server = Running::start().await;
    server.fake.change(true);
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    let first = watch.take(1).await;
    assert_eq!((first[0].name.as_str(), first[0].id.as_str()), ("bookmark", "1"));
    drop(watch);
    server.fake.change(true);
    let mut resumed = Events::open(&server.socket, "/watch", Some("1")).await;
    assert_eq!(versions(&resumed.take(1).await), [2]);
}

#[tokio::test]
async fn a_cut_watch_goes_on_without_loss_or_repeat() {
    let server = Running::start().await;
    for n in 0..40 {
        server.fake.change(n % 3 != 0);
    }
    let whole = Events::open(&server.socket, "/watch?version=0", None).await.take(26).await;
    for cut in 1..whole.len() {
        let mut joined = Events::open(&server.socket, "/watch?version=0", None).await.take(cut).await;
        let last = joined[cut - 1].id.clone();
        let mut resumed = Events::open(&server.socket, "/watch?version=0", Some(&last)).await;
        joined.extend(resumed.take(whole.len() - cut).await);
        assert_eq!(joined, whole, "cut after {cut}");
    }
}

#[tokio::test]
async fn silence_is_filled_and_moves_the_place_to_resume_from() {
    let server = Running::start_with(Config { timeouts: impatient(), ..Config::default() }).await;
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    assert_eq!(watch.take(1).await[0].name, "bookmark");
    watch.comment().await;
    let newest = (0..10).fold(0, |_, _| server.fake.change(false));
    let mut bookmark = watch.take(1).await.remove(0);
    while bookmark.id != newest.to_string() {
        bookmark = watch.take(1).await.remove(0);
    }
    assert_eq!(bookmark.data, json!({"type": "bookmark", "version": newest}));
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_with_its_reason() {
    let server = Running::start().await;
    for _ in 0..10 {
        server.fake.change(true);
    }
    server.fake.forget_before(5);
    for (path, last_id, status, reason) in [
        ("/watch?version=3", None, 410, "Expired"),
        ("/watch", Some("3"), 410, "Expired"),
        ("/watch?version=7", Some("3"), 410, "Expired"),
        ("/watch", Some("x"), 400, "Invalid"),
        ("/watch?kinds=Cow", None, 422, "Invalid"),
        ("/watch?version=x", None, 400, "Invalid"),
        ("/watch?version=1&version=2", None, 400, "Invalid"),
        ("/watch?nmaespace=x", None, 400, "Invalid"),
    ] {
        let resume = last_id.map(|id| format!("last-event-id: {id}"));
        let headers: Vec<_> = resume.iter().map(String::as_str).collect();
        let reply = ask(&server.socket, &request(&format!("GET {path}"), &headers, "")).await;
        assert_eq!((reply.status, reply.json()["reason"].as_str()), (status, Some(reason)), "{path}");
    }
    let reply = ask(&server.socket, &request("GET /watch?nmaespace=x&version=y", &[], "")).await;
    let causes = reply.json()["causes"].clone();
    assert_eq!((&causes[0]["field"], &causes[1]["field"]), (&json!("version"), &json!("nmaespace")));
    let resumed = Events::open(&server.socket, "/watch?version=3", Some("8")).await.take(2).await;
    assert_eq!(versions(&resumed), [9, 10], "the last event's id beats the parameter");
}

#[tokio::test]
async fn an_error_in_between_ends_the_watch() {
    let server = Running::start().await;
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    watch.take(1).await;
    server.fake.fail_with(ApiError::new(ErrorReason::Expired, "too slow"));
    let last = watch.rest().await;
    assert_eq!(last.len(), 1);
    assert_eq!((last[0].name.as_str(), last[0].id.as_str()), ("error", ""));
    assert_eq!(last[0].data["reason"], "Expired");
}

#[tokio::test]
async fn a_stop_is_told_after_everything_before_it() {
    let server = Running::start().await;
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    watch.take(1).await;
    let expected: Vec<u64> = (0..10).map(|_| server.fake.change(true)).collect();
    server.fake.live(Lifecycle::Stopping);
    let events = watch.rest().await;
    let (stopping, changes) = events.split_last().unwrap();
    assert_eq!(versions(changes), expected);
    assert_eq!(stopping.data, json!({"type": "stopping", "version": 10}));
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_nobody_and_is_not_read_for() {
    let server = Running::start().await;
    server.fake.pad(64 << 10);
    for _ in 0..300 {
        server.fake.change(true);
    }
    let mut slow = Events::open(&server.socket, "/watch?version=0", None).await;
    let all = Events::open(&server.socket, "/watch?version=0", None).await.take(300).await;
    let looks = *server.fake.looks.borrow();
    assert!((100..130).contains(&looks), "{looks}");
    assert_eq!(slow.take(300).await, all);
}

#[tokio::test]
async fn those_who_watch_the_same_are_looked_for_once() {
    let server = Running::start().await;
    let mut watches = Vec::new();
    for _ in 0..60 {
        let mut watch = Events::open(&server.socket, "/watch?kinds=Task", None).await;
        assert_eq!(watch.take(1).await[0].name, "bookmark");
        watches.push(watch);
    }
    // From here on each knows what its neighbours know.
    let warm = server.fake.change(true);
    for watch in &mut watches {
        assert_eq!(versions(&watch.take(1).await), [warm]);
    }
    let before = *server.fake.looks.borrow();
    for _ in 0..10 {
        let version = server.fake.change(true);
        for watch in &mut watches {
            assert_eq!(versions(&watch.take(1).await), [version]);
        }
    }
    let looks = *server.fake.looks.borrow() - before;
    assert!((10..=20).contains(&looks), "{looks} looks for 10 changes and 60 watches");
}

#[tokio::test]
async fn nobody_looks_when_nobody_watches() {
    let server = Running::start().await;
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    let version = server.fake.change(true);
    let mut seen = watch.take(1).await;
    while seen[0].id != version.to_string() {
        seen = watch.take(1).await;
    }
    drop(watch);
    // The server finds out when it writes; a look may be under way.
    let mut settled = None;
    for _ in 0..200 {
        let before = *server.fake.looks.borrow();
        server.fake.change(true);
        ask(&server.socket, &request("GET /healthz", &[], "")).await;
        if *server.fake.looks.borrow() == before {
            settled = Some(before);
            break;
        }
    }
    let settled = settled.expect("looks end when nobody watches");
    for _ in 0..20 {
        server.fake.change(true);
        ask(&server.socket, &request("GET /healthz", &[], "")).await;
    }
    assert_eq!(*server.fake.looks.borrow(), settled);
    assert_eq!(server.fake.waiting(), 0, "a server that nobody watches can end by itself");
}

#[tokio::test]
async fn wherever_a_watch_begins_it_loses_and_repeats_nothing() {
    let server = Running::start().await;
    for n in 0..10 {
        server.fake.change(n % 4 != 0);
    }
    let expected: Vec<u64> = (1..=310).filter(|n| (n - 1) % 4 != 0).collect();
    let mut watches = Vec::new();
    for n in 10..310_u64 {
        server.fake.change(n % 4 != 0);
        if n % 10 == 0 {
            let start = n % 70 * n / 70;
            let place =
                format!("/watch?version={start}&kinds={}", ["Task", "Task,Pipeline"][(n / 10 % 2) as usize]);
            watches.push((start, Events::open(&server.socket, &place, None).await));
        }
    }
    for (start, mut watch) in watches {
        let expected: Vec<u64> = expected.iter().copied().filter(|version| *version > start).collect();
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < expected.len() {
            let event = watch.take(1).await.remove(0);
            if event.name == "change" {
                seen.push(event.id.parse().unwrap());
            }
        }
        assert_eq!(seen, expected, "from {start}");
    }
}

#[tokio::test]
async fn what_is_too_much_to_remember_is_read_by_each() {
    let server = Running::start().await;
    let mut watches = Vec::new();
    for _ in 0..3 {
        let mut watch = Events::open(&server.socket, "/watch", None).await;
        watch.take(1).await;
        watches.push(watch);
    }
    let mut expected = Vec::new();
    for pad in [10, crate::limits::FEED_BYTES + 1, 10, crate::limits::FEED_BYTES, 10] {
        server.fake.pad(pad);
        let before = *server.fake.looks.borrow();
        expected.push(server.fake.change(true));
        for watch in &mut watches {
            let event = watch.take(1).await.remove(0);
            assert_eq!(event.id, expected[expected.len() - 1].to_string());
            assert_eq!(event.data["object"]["pad"].as_str().map(str::len), Some(pad));
        }
        let looks = *server.fake.looks.borrow() - before;
        assert!(pad == 10 || looks > watches.len(), "{looks} looks at {pad} bytes");
    }
}

//! `Last-Event-ID` as a program that is not the SDK sends it: from each event on exactly the rest, of `/watch` and of
//! `/logs`, also from a server that has been killed and started again.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use ktk_tests::Place;
use serde_json::Value;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// A stream that is read line by line.
struct Events(BufReader<UnixStream>);

/// Opens a stream; an answer that is none is its status.
fn open(place: &Place, path: &str, last_id: Option<&str>) -> Result<Events, u16> {
    let mut stream = UnixStream::connect(place.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let resume = last_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
    // HTTP/1.0: the body ends with the connection and is in no chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: localhost\r\n{resume}\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the answer ends in its head: {head:?}");
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    match head[0].split(' ').nth(1).unwrap().parse().unwrap() {
        200 => Ok(Events(reader)),
        status => Err(status),
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut event = Event { id: String::new(), name: String::new(), data: Value::Null };
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                _ if event.name.is_empty() => {}
                _ => return Some(event),
            }
        }
    }
}

/// The events up to the one with this id.
fn until(place: &Place, path: &str, from: Option<&str>, last: &str) -> Vec<Event> {
    let mut seen = Vec::new();
    for event in open(place, path, from).unwrap() {
        let is_last = event.id == last;
        seen.push(event);
        if is_last {
            return seen;
        }
    }
    panic!("the stream ends before {last}: {seen:#?}");
}

#[test]
fn a_watch_goes_on_behind_each_event() {
    let place = Place::started();
    for number in 0..6 {
        place.ok(&format!("create task t{number} -- true"));
    }
    place.ok("wait --all");
    place.ok("delete task t3");
    let path = "/watch?kinds=Task&version=1";
    let deleted = |event: &Event| event.name == "delete";
    let mut whole = Vec::new();
    for event in open(&place, path, None).unwrap() {
        let is_last = deleted(&event);
        whole.push(event);
        if is_last {
            break;
        }
    }
    assert_eq!(whole.len(), 6, "five tasks and a deletion: {whole:#?}");
    let last = whole.last().unwrap().id.clone();
    for round in 0..2 {
        for (index, event) in whole.iter().enumerate().take(whole.len() - 1) {
            // The header counts, whatever the query says.
            let rest = until(&place, path, Some(&event.id), &last);
            assert_eq!(rest, whole[index + 1..], "behind {}, round {round}", event.id);
        }
        place.kill_server();
        place.start();
    }
    // Behind the last there is what happens from now on.
    let mut behind = open(&place, path, Some(&last)).unwrap();
    assert_eq!(behind.next().unwrap().name, "bookmark");
    place.ok("create task later -- true");
    let next = behind.find(|event| event.name == "change").unwrap();
    assert_eq!(next.data["object"]["metadata"]["name"], "later");
    assert!(next.id.parse::<u64>().unwrap() > last.parse::<u64>().unwrap());
    for nonsense in ["x", "-1", "1.5"] {
        assert_eq!(open(&place, path, Some(nonsense)).err(), Some(400), "{nonsense}");
    }
    assert_eq!(open(&place, path, Some("999999999999999")).err(), Some(410), "from a store that knew more");
}

#[test]
fn a_log_goes_on_behind_each_event() {
    let place = Place::started();
    place.ok(
        "create task x -- sh -c 'for i in 1 2 3 4 5 6; do echo out $i; echo err $i >&2; sleep 0.02; done'",
    );
    place.ok("wait x");
    let path = "/logs?name=x";
    let whole: Vec<Event> = open(&place, path, None).unwrap().collect();
    let text = |events: &[Event]| -> Vec<String> {
        let lines = events.iter().filter_map(|event| event.data["text"].as_str());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(text(&whole).concat().lines().collect::<BTreeSet<_>>().len(), 12, "{whole:#?}");
    assert_eq!(whole.last().unwrap().name, "end");
    for round in 0..2 {
        for (index, event) in whole.iter().enumerate().take(whole.len() - 1) {
            let rest: Vec<Event> = open(&place, path, Some(&event.id)).unwrap().collect();
            assert_eq!(text(&rest).concat(), text(&whole[index + 1..]).concat(), "round {round}");
            assert_eq!(rest.last().unwrap().name, "end");
        }
        place.kill_server();
        place.start();
    }
    assert_eq!(open(&place, path, Some("7")).err(), Some(400));
    // The id names the task: another one of that name is not mistaken for it.
    let behind_first = whole[0].id.clone();
    place.ok("delete task x");
    place.ok("run --name x -- echo other");
    let resumed = open(&place, path, Some(&behind_first));
    assert!(!resumed.is_ok_and(|events| text(&events.collect::<Vec<_>>()).concat().contains("other")));
}

//! `http` tasks: what is sent, what becomes of the answer, and how one ends that has none.

use std::{
    io::{Read as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ktk_tests::{HttpPeer, Place, eventually, reply};

const SOON: Duration = Duration::from_secs(30);

/// A place whose server may send requests to this machine.
fn place() -> Place {
    let place = Place::new().with_env("KTK_ALLOW_HTTP_TO", "127.0.0.1");
    place.start();
    place
}

/// Creates the task `x` that sends this, with more fields of its spec behind it.
fn create(place: &Place, http: &str, more: &str) {
    let text =
        format!("apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec:\n  http: {http}\n{more}");
    place.file("x.yaml", text);
    place.ok("create -f x.yaml");
}

fn status(place: &Place) -> (String, String, String) {
    let field = |name: &str| place.field("task", "x", &format!("/status/{name}"));
    (field("phase"), field("reason"), field("message"))
}

#[test]
fn the_answer_is_the_output() {
    let (place, peer) = (
        place(),
        HttpPeer::saying(
            "201 Created",
            "content-type: application/json\r\nx-id: 7\r\n",
            r#"{"id": 7, "l": [1]}"#,
        ),
    );
    let http = format!(
        "{{method: POST, url: '{}', headers: {{X-Team: 'team {{{{ inputs.team }}}}'}}, \
         body: {{width: '{{{{ inputs.width }}}}', say: 'w={{{{ inputs.width }}}}'}}, expect: [201, 409]}}",
        peer.url("/things/{{ inputs.team }}?w={{ inputs.width }}")
    );
    create(&place, &http, "  inputs: {width: 200, team: a/b}\n");
    place.ok("wait x");
    let asked = peer.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /things/a%2Fb?w=200 HTTP/1.1");
    assert_eq!(asked[0].body, r#"{"say":"w=200","width":200}"#);
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_eq!(asked[0].header("x-team"), "team a/b");
    assert_eq!(asked[0].header("host"), format!("127.0.0.1:{}", peer.port()));
    assert!(asked[0].header("user-agent").starts_with("ktk/"));
    assert_eq!(place.field("task", "x", "/status/outputs/status"), "201");
    assert_eq!(place.field("task", "x", "/status/outputs/body"), r#"{"id":7,"l":[1]}"#);
    assert_eq!(place.field("task", "x", "/status/outputs/headers/x-id"), "7");
    let log = place.ok("logs x");
    assert!(log.contains(&format!("> POST {}?…\n", peer.url("/things/a%2Fb"))), "{log}");
    assert!(log.contains("< 201 Created, 19 bytes, "), "{log}");
    let table = place.ok("get tasks -o wide");
    assert!(table.contains(&format!("POST {}?…", peer.url("/things/{{ inputs.team }}"))), "{table}");
    let page = place.ok("describe task x");
    for part in ["Header Fields:", "X-Team", "201 or 409", "bytes of JSON"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_step_takes_the_answer_of_another() {
    let (place, peer) =
        (place(), HttpPeer::saying("200 OK", "content-type: application/json\r\n", r#"{"name": "ada"}"#));
    let text = format!(
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n  params: {{base: '{}'}}\n  steps:\n    \
         - {{name: ask, http: {{url: '{{{{ params.base }}}}/who'}}}}\n    \
         - {{name: greet, needs: [ask], inputs: {{who: {{jq: .ask.body.name}}}}, \
              run: {{command: [echo, 'hello {{{{ inputs.who }}}}']}}}}\n",
        peer.url("/api")
    );
    place.file("p.yaml", text);
    place.ok("run -f p.yaml");
    assert_eq!(place.ok("logs p.greet"), "hello ada\n");
    assert_eq!(peer.asked()[0].line, "GET /api/who HTTP/1.1");
}

#[test]
fn an_unexpected_status_fails_and_is_tried_again() {
    let place = place();
    let peer = HttpPeer::new(|asked, stream| match asked.line.contains("again") {
        true => reply(stream, "200 OK", "", "fine"),
        false => {
            reply(stream, "503 Service Unavailable", "", &format!("no: {}\n", asked.header("authorization")))
        }
    });
    let http =
        format!("{{url: '{}', headers: {{Authorization: Bearer canary-1}}}}", peer.url("/x?key=canary-2"));
    create(&place, &http, "  retry: {limit: 2, backoff: 10ms}\n");
    place.ktk("wait x").code(1);
    assert_eq!(peer.asked().len(), 3);
    let (phase, reason, message) = status(&place);
    assert_eq!((&*phase, &*reason), ("Failed", "HandlerError"));
    assert_eq!(message, "answered 503 Service Unavailable, expected 2xx");
    let log = place.ok("logs x");
    assert!(log.contains("no: *** ***") || log.contains("no: Bearer ***"), "{log}");
    // A secret is where it was put, and nowhere else.
    let said = [
        log,
        place.ok("events"),
        place.ok("describe task x"),
        place.ok("get tasks -o wide"),
        place.ok("get events -o yaml"),
        std::fs::read_to_string(place.data().join("server.log")).unwrap_or_default(),
    ];
    for text in said {
        assert!(!text.contains("canary"), "{text}");
    }
    place.ok(&format!("restart x --set http.url={}", peer.url("/again")));
    place.ok("wait x");
    assert_eq!(place.field("task", "x", "/status/outputs/body"), "fine");
    assert_eq!(peer.asked().last().unwrap().header("authorization"), "Bearer canary-1");
}

#[test]
fn nobody_is_waited_for_for_ever() {
    let (place, peer) = (place(), HttpPeer::silent());
    create(&place, &format!("{{url: '{}'}}", peer.url("/")), "  timeout: 300ms\n");
    place.ktk("wait x").code(1);
    let (_, reason, message) = status(&place);
    assert_eq!((&*reason, &*message), ("Timeout", "took longer than its timeout of 300ms"));
    eventually("the connection ends", SOON, || peer.has_closed().then_some(()));

    let drip = HttpPeer::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x: y\r\n").is_ok() {
            std::thread::yield_now();
        }
    });
    place.ok(&format!("restart x --set http.url={} --set timeout=20s", drip.url("/")));
    place.ktk("wait x").code(1);
    let (_, reason, message) = status(&place);
    assert_eq!(reason, "HandlerError", "endless header fields are not read on: {message}");
}

#[test]
fn an_endless_body_is_not_read_on() {
    let place = place();
    let endless = HttpPeer::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    create(&place, &format!("{{url: '{}'}}", endless.url("/")), "  timeout: 20s\n");
    place.ktk("wait x").code(1);
    let (_, reason, message) = status(&place);
    assert_eq!((&*reason, &*message), ("InvalidOutput", "the answer's body has more than 983040 bytes"));
    eventually("the connection ends", SOON, || endless.has_closed().then_some(()));
}

#[test]
fn an_answer_that_breaks_off_is_none() {
    let place = place();
    let broken = HttpPeer::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    create(&place, &format!("{{url: '{}'}}", broken.url("/")), "");
    place.ktk("wait x").code(1);
    assert_eq!(status(&place).1, "HandlerError");
    assert_eq!(place.field("task", "x", "/status/outputs"), "");
    let garbage = HttpPeer::new(|_, stream| {
        let _ = stream.write_all(b"220 mail.test ESMTP\r\n");
    });
    place.ok(&format!("restart x --set http.url={}", garbage.url("/")));
    place.ktk("wait x").code(1);
    assert_eq!(status(&place).1, "HandlerError");
}

#[test]
fn a_cancel_breaks_it_off() {
    let (place, peer) = (place(), HttpPeer::silent());
    create(&place, &format!("{{url: '{}'}}", peer.url("/")), "  retry: {limit: 3}\n");
    eventually("it is asked", SOON, || (peer.asked().len() == 1).then_some(()));
    place.ok("cancel x");
    place.ktk("wait x").code(1);
    let (phase, reason, _) = status(&place);
    assert_eq!((&*phase, &*reason), ("Cancelled", "ByUser"));
    eventually("the connection ends", SOON, || peer.has_closed().then_some(()));
    assert_eq!(peer.asked().len(), 1);
}

#[test]
fn one_that_was_cut_off_with_its_server_is_sent_again() {
    let place = place();
    let is_first = AtomicBool::new(true);
    let peer = HttpPeer::new(move |_, stream| match is_first.swap(false, Ordering::Relaxed) {
        // The first waits until the other side has gone.
        true => drop(stream.read(&mut [0; 1])),
        false => reply(stream, "200 OK", "", "second"),
    });
    create(&place, &format!("{{url: '{}'}}", peer.url("/")), "");
    eventually("it is asked", SOON, || (peer.asked().len() == 1).then_some(()));
    place.kill_server();
    place.start();
    place.ok("wait x --timeout 30s");
    assert_eq!(place.field("task", "x", "/status/outputs/body"), "second");
    assert_eq!(place.field("task", "x", "/status/attempts/0/reason"), "NodeLost");
    assert_eq!(peer.asked().len(), 2);
}

#[test]
fn what_cannot_be_sent_is_refused_with_all_causes() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x}\nspec:\n  http:\n    method: FETCH\n    \
                url: ftp://u:p@h/\n    headers: {'a b': c, Host: x, \"X\": \"a\\r\\nY: b\"}\n    redirects: 9\n  \
                run: {command: ['true']}\n";
    place.file("x.yaml", text);
    let refused = place.ktk("create -f x.yaml").code(7);
    for part in [
        "x.yaml:6:",
        "spec.http.method: \"FETCH\" is no method",
        "spec.http.url: must begin with http:// or https://",
        "spec.http.headers[\"a b\"]: is no name of a header field",
        "spec.http.headers.Host: is set by ktk itself",
        "spec.http.headers.X: holds a control character",
        "spec.http.redirects: must be 3 at most",
        "spec.http: either `run` or `http`",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    place.file(
        "y.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: y}\nspec: {http: {url: 'http://a', expect: 7}}\n",
    );
    place.ktk("create -f y.yaml").code(7).says("7 is no status of an answer");
    place.file("z.yaml", "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: z}\nspec: {http: {url: 'http://{{ inputs.host }}/'}}\n");
    place.ktk("create -f z.yaml").code(7).says("spec.http.url: {{ inputs.host }}");
    assert_eq!(place.ok("get tasks -o name"), "");
}

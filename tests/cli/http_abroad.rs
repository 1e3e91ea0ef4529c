//! Where requests go: not into this machine's network, unless the server's configuration says so, and not into this
//! machine itself where the server can be reached from the network; by no detour.

use std::time::Duration;

use ktk_tests::{HttpPeer, Place, eventually, reply};

const SOON: Duration = Duration::from_secs(30);

fn task(name: &str, http: &str) -> String {
    format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec: {{http: {http}, timeout: 20s}}\n---\n"
    )
}

fn ended(place: &Place, name: &str) -> String {
    place.ktk(&format!("wait {name} --timeout 60s")).code(1);
    let field = |path: &str| place.field("task", name, path);
    format!("{}: {}", field("/status/reason"), field("/status/message"))
}

#[test]
fn nobody_near_is_reached() {
    let (place, peer) = (Place::listening(), HttpPeer::saying("200 OK", "", "inside"));
    let port = peer.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
    ];
    let texts = hosts.iter().enumerate();
    let texts: String = texts
        .map(|(index, host)| task(&format!("t{index}"), &format!("{{url: 'http://{host}:{port}/'}}")))
        .collect();
    place.file("all.yaml", texts);
    place.ok("create -f all.yaml");
    for (index, host) in hosts.iter().enumerate() {
        let end = ended(&place, &format!("t{index}"));
        assert!(end.starts_with("SpawnError: ") && end.contains("is no public address"), "{host}: {end}");
        assert!(end.contains("--allow-http-to"), "{end}");
    }
    assert_eq!(peer.asked(), []);
}

#[test]
fn a_redirect_is_judged_anew() {
    let inside = HttpPeer::saying("200 OK", "", "inside");
    let (to, own) = (inside.url("/secret"), inside.port());
    let outside = HttpPeer::new(move |asked, stream| match &*asked.line {
        "GET /near HTTP/1.1" => reply(stream, "302 Found", &format!("location: {to}\r\n"), ""),
        "GET /round HTTP/1.1" => reply(stream, "302 Found", "location: /round\r\n", ""),
        "GET /file HTTP/1.1" => reply(stream, "302 Found", "location: file:///etc/passwd\r\n", ""),
        "POST /post HTTP/1.1" => reply(stream, "303 See Other", "location: there\r\n", ""),
        _ => reply(stream, "200 OK", "", &format!("{} {}", asked.line, asked.header("x-key"))),
    });
    assert_ne!(outside.port(), own);
    let place = Place::new()
        .with_env("KTK_LISTEN", "127.0.0.1:0")
        .with_env("KTK_ALLOW_HTTP_TO", format!("127.0.0.1:{}", outside.port()));
    place.start();
    let url = |path: &str| outside.url(path);
    let texts = [
        task("near", &format!("{{url: '{}', redirects: 3}}", url("/near"))),
        task("unasked", &format!("{{url: '{}'}}", url("/near"))),
        task("round", &format!("{{url: '{}', redirects: 2}}", url("/round"))),
        task("file", &format!("{{url: '{}', redirects: 1}}", url("/file"))),
        task(
            "post",
            &format!(
                "{{method: POST, url: '{}', redirects: 1, body: hi, headers: {{X-Key: k}}}}",
                url("/post")
            ),
        ),
    ];
    place.file("all.yaml", texts.concat());
    place.ok("create -f all.yaml");
    assert!(ended(&place, "near").contains("SpawnError: 127.0.0.1 is no public address"));
    assert_eq!(ended(&place, "unasked"), "HandlerError: answered 302 Found, expected 2xx");
    assert_eq!(ended(&place, "round"), "HandlerError: answered 302 Found, expected 2xx");
    assert_eq!(outside.asked().iter().filter(|asked| asked.line.contains("/round")).count(), 3);
    assert!(
        ended(&place, "file").starts_with("SpawnError: 302 Found: the address that it leads to must begin")
    );
    place.ok("wait post");
    assert_eq!(place.field("task", "post", "/status/outputs/body"), "GET /there HTTP/1.1 k");
    assert_eq!(inside.asked(), []);
}

#[test]
fn hooks_are_posted_with_their_delivery() {
    let peer = HttpPeer::new(|asked, stream| match asked.line.contains("broken") {
        true => reply(stream, "500 Internal Server Error", "", "oh no"),
        false => reply(stream, "204 No Content", "", ""),
    });
    let place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0").with_env("KTK_ALLOW_HTTP_TO", "127.0.0.1");
    place.start();
    let text = format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec:\n  run: {{command: ['true']}}\n  hooks:\n    \
         onStart: {{url: '{}'}}\n    onFinish: {{url: '{}', headers: {{Authorization: Bearer canary-1}}}}\n",
        peer.url("/broken?key=canary-2"),
        peer.url("/hook")
    );
    place.file("x.yaml", &text);
    place.ok("create -f x.yaml");
    place.ok("wait x");
    let asked = eventually("both are told", SOON, || Some(peer.asked()).filter(|asked| asked.len() == 2));
    assert_eq!(asked[0].line, "POST /broken?key=canary-2 HTTP/1.1");
    assert_eq!(asked[0].header("ktk-hook"), "onStart");
    let finish = &asked[1];
    assert_eq!((finish.header("ktk-hook"), finish.header("content-type")), ("onFinish", "application/json"));
    assert_eq!(finish.header("authorization"), "Bearer canary-1");
    let notice: serde_json::Value = serde_json::from_str(&finish.body).unwrap();
    assert_eq!((&notice["phase"], &notice["name"]), (&"Succeeded".into(), &"x".into()));
    assert_eq!(finish.header("ktk-hook-id"), notice["id"]);
    let events = eventually("the failure is recorded", SOON, || {
        Some(place.ok("events --for task/x")).filter(|events| events.contains("HookFailed"))
    });
    assert!(events.contains("onStart of attempt 1: answered 500 Internal Server Error"), "{events}");
    assert!(!events.contains("onFinish of"), "{events}");
    let page = place.ok("describe task x");
    assert!(page.contains(&format!("onStart: POST {}?…", peer.url("/broken"))), "{page}");
    assert!(!events.contains("canary") && !page.contains("canary"));
    for (wrong, says) in [
        ("onFinish: {url: 'ftp://x'}", "spec.hooks.onFinish.url: must begin with http"),
        ("onFinish: {url: 'http://x', command: [a]}", "spec.hooks.onFinish.url: either `command` or `url`"),
        (
            "onFinish: {command: [a], headers: {a: b}}",
            "spec.hooks.onFinish.headers: are for hooks that are a `url`",
        ),
        ("onFinish: {}", "spec.hooks.onFinish.command: must not be empty"),
    ] {
        let text = format!(
            "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: y}}\nspec: {{run: {{command: ['true']}}, hooks: {{{wrong}}}}}\n"
        );
        place.file("y.yaml", text);
        place.ktk("create -f y.yaml").code(7).says(says);
    }
}

#[test]
fn a_hook_reaches_nobody_near_either_and_is_harmless() {
    let (place, peer) = (Place::listening(), HttpPeer::saying("200 OK", "", ""));
    let text = format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec: {{run: {{command: ['true']}}, hooks: {{onFinish: {{url: '{}'}}}}}}\n",
        peer.url("/")
    );
    place.file("x.yaml", text);
    place.ok("create -f x.yaml");
    place.ok("wait x");
    eventually("it is refused", SOON, || {
        place.ok("events --for task/x").contains("is no public address").then_some(())
    });
    assert_eq!(peer.asked(), []);
}

#[test]
fn the_same_delivery_again_after_a_crash() {
    let peer = HttpPeer::silent();
    let place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0").with_env("KTK_ALLOW_HTTP_TO", "127.0.0.1");
    place.start();
    let text = format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec: {{run: {{command: ['true']}}, hooks: {{onFinish: {{url: '{}'}}}}}}\n",
        peer.url("/")
    );
    place.file("x.yaml", text);
    place.ok("create -f x.yaml");
    place.ok("wait x");
    eventually("it is told", SOON, || (peer.asked().len() == 1).then_some(()));
    place.kill_server();
    place.start();
    let asked = eventually("it is told again", SOON, || Some(peer.asked()).filter(|asked| asked.len() > 1));
    assert_eq!(asked[0].header("ktk-hook-id"), asked[1].header("ktk-hook-id"));
    assert_eq!(asked[0].body, asked[1].body);
    // A silent receiver is given up, and holds nobody up meanwhile.
    place.ok("run -- true");
}

#[test]
fn the_list_is_a_setting_like_others() {
    let place = Place::new();
    let dump = place.ok("server run --allow-http-to 10.0.0.0/8,db.internal:80 --dump-config");
    assert!(dump.contains("allowHttpTo:\n- 10.0.0.0/8\n- db.internal:80\n"), "{dump}");
    place.ktk("server run --allow-http-to 10.0.0.0/99 --dump-config").code(2).says("10.0.0.0/99");
}

#[test]
fn a_server_without_a_port_reaches_its_own_machine() {
    let (place, peer) = (Place::started(), HttpPeer::saying("200 OK", "", "inside"));
    place.file(
        "near.yaml",
        task("near", &format!("{{url: '{}'}}", peer.url("/"))) + &task("far", "{url: 'http://10.0.0.1/'}"),
    );
    place.ok("create -f near.yaml");
    place.ktk("wait near --timeout 30s").code(0);
    assert!(ended(&place, "far").contains("is no public address"));
}

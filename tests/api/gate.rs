//! The gate: every route, by every method, with every kind of token, for every Host and from every Origin.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;
use ktk_client::{
    Client,
    api::{
        Token,
        token::{Role, TokenSpec},
    },
};
use ktk_tests::Place;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

const ROUTES: [&str; 10] = [
    "/healthz",
    "/rpc",
    "/watch?namespace=default",
    "/logs?name=a",
    "/api/v1/namespaces/default/tasks/a",
    "/healthz/",
    "/healthz/../rpc",
    "/tasks/healthz",
    "/metrics",
    "/",
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"task.get","params":{"name":"a"}}"#;

/// What a request carries as its authorization.
#[derive(Clone)]
struct Bearer {
    what: &'static str,
    /// The header's value.
    value: Option<String>,
    holds: bool,
    /// Whether it may look at tasks of the namespace `default`.
    looks: bool,
}

/// What a request is answered with, by one rule after the other: an HTTP status, and whether a call was carried out.
fn expected(route: &str, method: &str, bearer: &Bearer, own_host: bool, own_origin: bool) -> (u16, bool) {
    let path = route.split('?').next().unwrap();
    match (path, method) {
        _ if !own_host || !own_origin => (403, false),
        ("/healthz", "GET") => (200, false),
        _ if !bearer.holds => (401, false),
        ("/rpc", "POST") => (200, bearer.looks),
        ("/watch" | "/logs", "GET") if !bearer.looks => (403, false),
        ("/watch" | "/logs", "GET") => (200, false),
        (object, "GET") if object.starts_with("/api/v1/") => (if bearer.looks { 200 } else { 403 }, false),
        (object, _) if object.starts_with("/api/v1/") => (405, false),
        ("/healthz" | "/rpc" | "/watch" | "/logs", _) => (405, false),
        _ => (404, false),
    }
}

async fn bearers(client: &Client) -> Vec<Bearer> {
    let make = async |name: &str, role, namespaces: &[&str], expires_at| {
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        let token = Token::new(name, TokenSpec { role, namespaces, expires_at });
        let issued = client.tokens().create(&token).await.unwrap();
        Some(format!("Bearer {}", issued.token.unwrap().expose()))
    };
    let soon = Timestamp::now() + Duration::from_millis(50);
    let viewer = make("viewer", Role::Viewer, &[], None).await;
    let bearer = |what, value, holds, looks| Bearer { what, value, holds, looks };
    let mut all = vec![
        bearer("none", None, false, false),
        bearer("wrong", Some(format!("Bearer ktkt_{}", "0".repeat(64))), false, false),
        bearer("malformed", viewer.clone().map(|value| value.replace("Bearer", "Basic")), false, false),
        bearer("expired", make("expired", Role::Admin, &[], Some(soon)).await, false, false),
        bearer("deleted", make("deleted", Role::Admin, &[], None).await, false, false),
        bearer("other namespace's", make("ci", Role::Operator, &["ci"], None).await, true, false),
        bearer("viewer's", viewer, true, true),
        bearer("worker's", make("worker", Role::Worker, &[], None).await, true, false),
    ];
    all.push(bearer("operator's", make("operator", Role::Operator, &["default"], None).await, true, true));
    client.tokens().delete("deleted").await.unwrap();
    ktk_tests::eventually_async("a token's time is over", Duration::from_secs(5), || async {
        (Timestamp::now() > soon).then_some(())
    })
    .await;
    all
}

/// Sends one request from an address of its own, and reads what is answered as far as it says what it is.
async fn ask(to: SocketAddr, from: Ipv4Addr, request: &str) -> (u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match tokio::time::timeout(Duration::from_secs(20), stream.read(&mut piece)).await.unwrap() {
            Ok(count @ 1..) => bytes.extend_from_slice(&piece[..count]),
            Ok(0) | Err(_) => break,
        }
        // A stream stays open.
        if bytes.windows(17).any(|window| window == b"text/event-stream") {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
}

#[test]
fn every_row_of_the_walk_is_answered_as_the_table_says() {
    let place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0");
    place.start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        client.tasks().create(&crate::process("a", &["true"])).await.unwrap();
        crate::ended(&client, "a").await;
        let address = client.server().status().await.unwrap().listen.unwrap();
        let own = address.strip_prefix("http://").unwrap();
        let to: SocketAddr = own.parse().unwrap();
        let own_name = format!("localhost:{}", to.port());
        let hosts = [
            (own.to_owned(), true),
            (own_name, true),
            ("evil.test".to_owned(), false),
            (format!("127.0.0.1.evil.test:{}", to.port()), false),
            ("127.0.0.1:1".to_owned(), false),
            (String::new(), false),
        ];
        let mut rows = 0_u32;
        for bearer in bearers(&client).await {
            for route in ROUTES {
                for method in METHODS {
                    for (host, own_host) in &hosts {
                        let itself = format!("http://{host}");
                        for (origin, own_origin) in [
                            (None, true),
                            (Some("http://evil.test"), false),
                            (Some("null"), false),
                            (Some(&*itself), true),
                        ] {
                            let mut request =
                                format!("{method} {route} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
                            request += "content-type: application/json\r\n";
                            if let Some(value) = &bearer.value {
                                request += &format!("authorization: {value}\r\n");
                            }
                            if let Some(origin) = origin {
                                request += &format!("origin: {origin}\r\n");
                            }
                            let body = if method == "POST" { CALL } else { "" };
                            request += &format!("content-length: {}\r\n\r\n{body}", body.len());
                            // Each address may ask so often without a token, and no more.
                            let from = Ipv4Addr::from_bits(0x7f00_0100 + rows / 100);
                            let (status, text) = ask(to, from, &request).await;
                            let row = format!(
                                "{method} {route} with {}, to {host:?}, from {origin:?}",
                                bearer.what
                            );
                            let (wanted, is_done) = expected(route, method, &bearer, *own_host, own_origin);
                            assert_eq!(status, wanted, "{row}: {text}");
                            assert_eq!(text.contains("\"result\""), is_done, "{row}: {text}");
                            assert!(!text.to_ascii_lowercase().contains("access-control-"), "{row}: {text}");
                            assert!(!text.to_ascii_lowercase().contains("set-cookie"), "{row}: {text}");
                            rows += 1;
                        }
                    }
                }
            }
        }
        println!("{rows} rows of the gate walk");
        assert!(rows > 10_000);
    });
}

#[test]
fn what_is_no_json_is_not_read() {
    let place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0");
    place.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        let issued = client.tokens().create(&Token::new("v", TokenSpec::default())).await.unwrap();
        let token = issued.token.unwrap();
        let address = client.server().status().await.unwrap().listen.unwrap();
        let own = address.strip_prefix("http://").unwrap();
        for (content, status) in [
            ("application/json", 200),
            ("application/json; charset=utf-8", 200),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data", 415),
            ("", 415),
        ] {
            let request = format!(
                "POST /rpc HTTP/1.1\r\nhost: {own}\r\nconnection: close\r\ncontent-type: {content}\r\n\
                 authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{CALL}",
                token.expose(),
                CALL.len()
            );
            assert_eq!(ask(own.parse().unwrap(), Ipv4Addr::LOCALHOST, &request).await.0, status, "{content}");
        }
    });
}

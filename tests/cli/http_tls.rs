//! `https`: a host is who its certificate says, by an authority that this machine trusts.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ktk_tests::Place;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server that says `hello` to each request, as `localhost`.
struct TlsPeer {
    port: u16,
    /// Its certificate, which is its own authority.
    certificate: String,
    asked: Arc<AtomicUsize>,
}

impl TlsPeer {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                // Whoever does not trust it goes in the middle of the handshake.
                if matches!(tls.read(&mut [0; 4096]), Ok(1..)) {
                    count.fetch_add(1, Ordering::Relaxed);
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            }
        });
        Self { port, certificate: made.cert.pem(), asked }
    }
}

fn ask(place: &Place, host: &str, peer: &TlsPeer) {
    let url = format!("https://{host}:{}/", peer.port);
    place.file(
        "x.yaml",
        format!("apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec: {{http: {{url: '{url}'}}, timeout: 20s}}\n"),
    );
    place.ok("create -f x.yaml");
}

#[test]
fn a_trusted_host_is_asked() {
    let (place, peer) = (Place::new().with_env("KTK_ALLOW_HTTP_TO", "localhost"), TlsPeer::new());
    let authorities = place.file("authorities.pem", &peer.certificate);
    let place = place.with_env("SSL_CERT_FILE", authorities);
    place.start();
    ask(&place, "localhost", &peer);
    place.ok("wait x");
    assert_eq!(place.field("task", "x", "/status/outputs/body"), "hello");
}

#[test]
fn nobody_else_is() {
    let allowed = "localhost,127.0.0.1";
    let (place, peer) = (Place::new().with_env("KTK_ALLOW_HTTP_TO", allowed), TlsPeer::new());
    let authorities = place.file("authorities.pem", &peer.certificate);
    let place = place.with_env("SSL_CERT_FILE", authorities);
    place.start();
    // The certificate is of another name.
    ask(&place, "127.0.0.1", &peer);
    place.ktk("wait x").code(1);
    assert_eq!(place.field("task", "x", "/status/reason"), "HandlerError");
    let message = place.field("task", "x", "/status/message");
    assert!(message.starts_with("no TLS with 127.0.0.1: "), "{message}");
    // It is of somebody whom nobody vouches for.
    let stranger = TlsPeer::new();
    place.ok(&format!("restart x --set http.url=https://localhost:{}/", stranger.port));
    place.ktk("wait x").code(1);
    let message = place.field("task", "x", "/status/message");
    assert!(message.starts_with("no TLS with localhost: "), "{message}");
    assert_eq!((peer.asked.load(Ordering::Relaxed), stranger.asked.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn k9_103_a_manifest_over_https_is_from_who_is_trusted() {
    let place = Place::new();
    let peer = TlsPeer::new();
    place.file("authority.pem", &peer.certificate);
    let line =
        |host: &str, more: &str| format!("create -f https://{host}:{}/m.yaml --dry-run {more}", peer.port);
    place.ktk(&line("localhost", "")).code(6).says("certificate");
    assert_eq!(peer.asked.load(Ordering::Relaxed), 0);
    // What is there is no manifest.
    place.ktk(&line("localhost", "--certificate-authority authority.pem")).code(7).says("m.yaml:1:1");
    place.ktk(&line("127.0.0.1", "--certificate-authority authority.pem")).code(6);
    assert_eq!(peer.asked.load(Ordering::Relaxed), 1);
}

//! The typed client against this server: what one writes the other reads.

use futures_util::StreamExt;
use ktk_client::Client;
use ktk_client::api::{
    ErrorReason,
    log::{LogEvent, LogParams},
    watch::WatchParams,
};
use ktk_client::client::{Autostart, ServerAddress, log::chunk_bytes};

use super::super::Lifecycle;
use super::fake::{Who, Words};
use super::running::Running;
use crate::limits::BODY_BYTES;
use crate::logs::Stream;

fn client(server: &Running) -> Client {
    let address = ServerAddress::Unix(server.socket.clone());
    Client::builder().address(address).autostart(Autostart::Never).build().expect("a client")
}

fn log() -> LogParams {
    LogParams { name: "build".into(), follow: true, ..LogParams::default() }
}

#[tokio::test]
async fn calls_are_answered_and_refused() {
    let server = Running::start().await;
    let client = client(&server);
    let own = format!("uid:{}", rustix::process::geteuid().as_raw());
    assert_eq!(client.call::<Who>(&Words::default()).await.expect("a name"), own);
    let long = Words { text: Some("x".repeat(BODY_BYTES + (4 << 20))) };
    let error = client.call::<Who>(&long).await.expect_err("too long");
    assert_eq!(error.reason(), Some(ErrorReason::TooLarge), "{error:?}");
    let many: Vec<_> = (0..2_500).map(|_| Words::default()).collect();
    let answers = client.call_batch::<Who>(&many).await.expect("answers");
    assert!(answers.into_iter().all(|answer| answer == Ok(own.clone())));
}

/// Whatever the server says of a refusal reaches the program, and each question about it is answered with yes by one
/// reason alone.
#[tokio::test]
async fn a_refusal_can_be_asked() {
    let server = Running::start().await;
    let tasks = client(&server).tasks();
    for reason in ErrorReason::ALL {
        let error = tasks.get(reason.as_str()).await.expect_err("refused");
        assert_eq!(error.reason(), Some(reason));
        assert_eq!(error.to_string(), format!("{reason}, said the server"));
        assert_eq!((error.hint(), error.request_id()), (Some("ask again"), Some("r-17")));
        assert_eq!(error.causes().len(), 1);
        let answers = [
            (ErrorReason::NotFound, error.is_not_found()),
            (ErrorReason::AlreadyExists, error.is_already_exists()),
            (ErrorReason::Conflict, error.is_conflict()),
            (ErrorReason::Fenced, error.is_fenced()),
            (ErrorReason::Invalid, error.is_invalid()),
            (ErrorReason::Ambiguous, error.is_ambiguous()),
            (ErrorReason::Unauthorized, error.is_unauthorized()),
            (ErrorReason::Forbidden, error.is_forbidden()),
            (ErrorReason::Expired, error.is_expired()),
            (ErrorReason::TooLarge, error.is_too_large()),
            (ErrorReason::Unavailable, error.is_unavailable()),
            (ErrorReason::Timeout, error.is_timeout()),
        ];
        assert!(answers.iter().all(|(asked, answer)| *answer == (*asked == reason)), "{reason}: {answers:?}");
        let may_pass = [ErrorReason::Unavailable, ErrorReason::Timeout].contains(&reason);
        assert_eq!((error.is_retryable(), error.is_unreachable()), (may_pass, false), "{reason}");
    }
}

#[tokio::test]
async fn watches_are_read() {
    let server = Running::start().await;
    server.fake.change(true);
    let mut changes = client(&server).watch(WatchParams { version: Some(0), ..WatchParams::default() });
    for version in 1..5 {
        assert_eq!(changes.next().await.expect("an event").expect("no error").version(), version);
        server.fake.change(true);
    }
    changes.next().await;
    server.fake.live(Lifecycle::Stopping);
    assert!(changes.next().await.expect("an error").expect_err("the server stops").is_stopping());
    server.fake.forget_before(9);
    let mut late = client(&server).watch(WatchParams { version: Some(1), ..WatchParams::default() });
    assert!(late.next().await.expect("an error").expect_err("it is too old").is_expired());
}

#[tokio::test]
async fn logs_are_read() {
    let server = Running::start().await;
    server.fake.set_target(1, false, true);
    server.fake.write(1, Stream::Stdout, "zeile ä\n".as_bytes()).await;
    server.fake.write(1, Stream::Stderr, b"\xff").await;
    let events: Vec<_> = client(&server).logs(log()).map(|event| event.expect("no error")).collect().await;
    assert_eq!(events.len(), 4);
    assert_eq!(events.last(), Some(&LogEvent::End));
    let bytes: Vec<u8> = events.iter().flat_map(|event| chunk_bytes(event).into_owned()).collect();
    assert_eq!(bytes, "zeile ä\n".bytes().chain([0xff]).collect::<Vec<_>>());
    let mut none = client(&server).logs(LogParams { name: "nobody".into(), ..log() });
    assert!(none.next().await.expect("an error").expect_err("nobody is there").is_not_found());
}

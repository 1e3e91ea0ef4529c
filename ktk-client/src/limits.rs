//! What the client bounds: every queue, batch, answer and pause has its limit here.

use std::time::Duration;

/// The most calls in one JSON-RPC batch: the server takes no more.
pub const BATCH_CALLS: usize = 1_000;

/// The most bytes of one batch; the server takes request bodies of 16 MiB.
pub const BATCH_BYTES: usize = 12 << 20;

/// The most bytes of a request: what a server takes.
pub const REQUEST_BYTES: usize = 16 << 20;

/// The longest answer that is read.
pub const ANSWER_BYTES: usize = 256 << 20;

/// The longest event of a stream that is read.
pub const STREAM_EVENT_BYTES: usize = 64 << 20;

/// How long a call may take, unless the caller says otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most connections to a server in the network that are kept open for the next call.
pub const IDLE_CONNECTIONS: usize = 8;

/// How often a repeatable call is tried after the first time.
pub const CALL_RETRIES: u32 = 4;

/// The first and the longest pause between tries of one call.
pub const CALL_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The first and the longest pause while something that follows waits for its server.
pub const FOLLOW_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long a server that was started by itself may take until it answers.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);

/// The first and the longest pause between looks whether a server that somebody else starts answers.
pub const START_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// How long a server that is stopping is waited for.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(300);

/// The size at which the local server's log is rotated.
pub const SERVER_LOG_BYTES: u64 = 10 << 20;

/// How many of the log's last lines go into the error of a start that failed.
pub const SERVER_LOG_LINES: usize = 10;

/// The longest path of a unix socket that every system takes, in bytes.
pub const SOCKET_PATH_BYTES: usize = 100;

/// How many ended attempts a worker remembers, so that it starts no fence twice.
pub const REMEMBERED_FENCES: usize = 16_384;

/// How long a worker that leaves tries to say goodbye to a server that is away.
pub const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest outputs of an attempt, as JSON.
pub const OUTPUT_BYTES: usize = 1 << 20;

/// The longest message of an attempt's end; what is longer is cut.
pub const MESSAGE_BYTES: usize = 4 << 10;

/// The first and the longest pause of a worker whose calls are answered at once with nothing.
pub const EMPTY_ANSWER_PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// The longest text that is read from somewhere in the network, such as manifests.
pub const DOCUMENT_BYTES: usize = 16 << 20;

/// How long that may take.
pub const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most redirects of such a text.
pub const DOCUMENT_REDIRECTS: usize = 3;

//! Every limit with its number. SEMANTICS has those that users meet.

use std::time::Duration;

/// Bytes of a task's inputs, and of its outputs.
pub const VALUES_BYTES: usize = 1 << 20;
/// Items of a step with `forEach`.
pub const ITEMS: usize = 10_000;
/// Bytes of all values of a `forEach`, of the inputs of all its items, and of all their outputs.
pub const ITEMS_BYTES: usize = 16 << 20;
/// The most objects of one page of a list.
pub const PAGE: usize = 10_000;
/// The most rows that one look into the store takes while a selector filters them.
pub const SCAN_PAGE: usize = 2_000;
/// Rows of all plans that one call makes: while it makes them, nobody else writes.
pub const PLAN_ROWS: usize = 100_000;
/// The most operations of one JSON patch.
pub const PATCH_OPERATIONS: usize = 1_000;
/// The largest object that a patch may make.
pub const PATCHED_BYTES: usize = 1 << 20;
/// The most changes that a watch reads at once.
pub const WATCH_PAGE: usize = 500;
/// The most events that one look makes for all who watch, as far as it has more than one change.
pub const WATCH_ROUND: usize = 100_000;
/// The most events that one list gives.
pub const EVENTS_PAGE: usize = 1_000;
/// Objects that an ambiguous reference lists.
pub const CANDIDATES: usize = 10;
/// The most attempts that one call of a worker claims.
pub const CLAIM_BATCH: usize = 512;

/// Schemas of task types that are kept ready to judge.
pub const SCHEMA_CACHE: usize = 64;

/// Versions of task types, all together.
pub const TASK_TYPES: usize = 10_000;
/// Tokens that people make: each request is compared with all of them.
pub const TOKENS: usize = 1_000;
/// The most timed changes of one transaction.
pub const DUE_BATCH: usize = 500;
/// The most wholes that one plan of the collector takes.
pub const HARVEST: usize = 5_000;
/// The most tasks that one transaction of the collector removes, unless one whole alone has more.
pub const COLLECT_BATCH: usize = 200;
/// The collector looks at counts again when this share of all tasks, or of its smallest limit, has ended beyond what
/// there was room for (a tenth), and at each sweep.
pub const COLLECT_SLACK: u64 = 10;
/// The collector looks for what goes for its age this share of the age later (a hundredth), so that it finds more
/// than one at once, and at most so much later.
pub const AGE_SLACK: u32 = 100;
pub const AGE_SLACK_MAX: Duration = Duration::from_secs(3600);
/// A jump of the clock from this on keeps the collector from removing more than this share of all tasks (a tenth).
pub const CLOCK_JUMP: Duration = Duration::from_secs(3600);
pub const JUMP_SHARE: u64 = 10;
/// How old the note of the last look at the clock may become.
pub const CLOCK_NOTE: Duration = Duration::from_secs(600);
/// Deletions that are kept for those who watch.
pub const HISTORY_ROWS: u64 = 1_000_000;
/// Files whose owners are looked up at once.
pub const FILES_BATCH: usize = 500;
/// The least that what has ended is kept, whatever it asks for: whoever follows it has to learn of its end.
pub const FAREWELL: Duration = Duration::from_secs(3);
/// Offers of tasks to the nodes that they prefer, until those that nobody took are forgotten.
pub const OFFERS: usize = 10_000;
/// Holders of a semaphore that are listed, and waiters.
pub const LINE: usize = 100;
/// Steps of a pipeline of which one answer says what they wait for, and tasks in a row over which it looks for the one
/// that failed.
pub const WHY_STEPS: usize = 20;
/// Times that a human name is drawn again when it is taken.
pub const NAME_DRAWS: usize = 16;
/// Digits of a command in tables.
pub const COMMAND_CHARS: usize = 120;
/// How long request ids are remembered.
pub const REQUESTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long deletions and events are kept for those who watch.
pub const HISTORY_KEPT: Duration = Duration::from_secs(24 * 3600);
/// What a node must be heard of within while it runs something.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often the slow sweep looks for what a lost wake-up left behind.
pub const SWEEP: Duration = Duration::from_secs(60);
/// Bytes of one message that is kept with a task or an attempt.
pub const MESSAGE_BYTES: usize = 4096;
/// The most hooks that are looked at at once, and that are called at once.
pub const HOOK_WINDOW: usize = 1_000;
pub const HOOKS_AT_ONCE: usize = 8;
/// How long one hook may take.
pub const HOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request of a task may take that has no timeout.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long one address may take until it is connected to, and TLS until it is agreed on.
pub const HTTP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most addresses of one name that are tried.
pub const HTTP_ADDRESSES: usize = 16;
/// Bytes of an answer's body: what is left of a task's outputs beside its header fields.
pub const HTTP_BODY_BYTES: usize = VALUES_BYTES - HEADER_BYTES;
/// Bytes of an unexpected answer's body that are logged.
pub const HTTP_ERROR_BYTES: usize = 8 << 10;
/// Bytes of what an attempt says it is doing.
pub const PROGRESS_BYTES: usize = 1024;
/// The most pipelines whose parameters are kept in memory.
pub const HEADER_CACHE: usize = 256;
/// The first bytes of an attempt's log: kept for good.
pub const LOG_HEAD_BYTES: u64 = 8 << 20;
/// The last bytes of an attempt's log: kept beside the head. What lies between is dropped and counted.
pub const LOG_TAIL_BYTES: u64 = 56 << 20;
/// A line is split after this many bytes.
pub const LOG_LINE_BYTES: usize = 64 << 10;
/// The most bytes that one frame holds; longer entries are stored as several.
pub const LOG_FRAME_BYTES: usize = 64 << 10;
/// The tail is kept in segments of this size: the oldest goes as a whole.
pub const LOG_SEGMENT_BYTES: u64 = LOG_TAIL_BYTES / 8;
/// Eight full segments and the one that is being written.
pub const LOG_SEGMENTS: u8 = 9;
/// A log file may take this many times its share of the log. Output in tiny pieces is mostly framing;
/// where it would need more, less than the promised head and tail is kept.
pub const LOG_FRAMING_FACTOR: u64 = 2;
/// The most bytes that one read of a log returns.
pub const LOG_READ_BYTES: usize = 1 << 20;
/// Appends up to this size are written at once, larger ones on a thread that may block.
pub const LOG_INLINE_BYTES: usize = 8 << 10;
/// A writer flushes by itself when it has buffered this much.
pub const LOG_FLUSH_BYTES: usize = 64 << 10;
/// A writer whose store fails keeps this much for the next try, and counts what comes after it as lost.
pub const LOG_BACKLOG_BYTES: usize = 1 << 20;
/// How long the end of an attempt waits for a store that cannot take the end of its log, as on a full disk.
pub const LOG_END_PATIENCE: Duration = Duration::from_secs(300);
/// The same, of an attempt that was told to stop.
pub const LOG_END_STOPPED_PATIENCE: Duration = Duration::from_secs(3);
/// The first pause before the end of a log is written again, and the longest.
pub const LOG_END_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Logs without a writer whose layout stays in memory, so that paging through one does not scan it each time.
pub const LOG_RECENT: usize = 32;
/// The most lines that a reader looks for backwards from the end.
pub const LOG_TAIL_LINES: usize = 1_000_000;
/// The most calls of one batch.
pub const BATCH_CALLS: usize = 1_000;
/// How deep a request may nest.
pub const REQUEST_DEPTH: usize = 128;
/// The most causes that one refusal lists.
pub const CAUSES: usize = 100;
/// Bytes of a request's body.
pub const BODY_BYTES: usize = 16 << 20;
/// Bytes of a request's line and headers.
pub const HEADER_BYTES: usize = 64 << 10;
/// Headers of a request.
pub const HEADER_COUNT: usize = 100;
/// Bytes that a connection holds back before it waits for its other end.
pub const BUFFER_BYTES: usize = 128 << 10;
/// How long a connection may take until its first byte, and then until its request's headers are whole.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a body may stand still.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection is kept between requests. Longer than anyone thinks between two commands of a program,
/// since a request that meets the end of its connection fails.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// The most connections at once; the next ones wait in the socket's queue.
pub const CONNECTIONS: usize = 1_024;
/// The same over the network, as long as descriptors reach. What strangers hold there is nobody's place at the socket.
pub const NET_CONNECTIONS: usize = 16_384;
/// Requests of one token over the network, in a second and at once.
pub const REQUESTS_PER_SECOND: f64 = 1_000.0;
pub const REQUESTS_AT_ONCE: f64 = 5_000.0;
/// Requests without a token that holds, from one address.
pub const STRANGERS_PER_SECOND: f64 = 20.0;
pub const STRANGERS_AT_ONCE: f64 = 200.0;
/// The slowest that a body may come, on the whole, in bytes a second, once it has taken longer than it may stand still.
pub const BODY_PACE: usize = 4 << 10;
/// A pause after a connection could not be taken for want of descriptors or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long, and how much, is read on of a request that was refused before its end, and in what pieces.
pub const LINGER: Duration = Duration::from_secs(2);
pub const LINGER_BYTES: usize = 256 << 20;
pub const UNWANTED_PIECE: usize = 64 << 10;
/// How long requests may still run once the server closes its socket.
pub const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// The longest path of a socket: what the system's address holds, without its final zero.
pub const SOCKET_PATH_BYTES: usize = 107;
/// A stream says after this much silence that it is still there.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The most bytes of a watch that are written at once, unless one event alone is longer.
pub const WATCH_WRITE_BYTES: usize = 64 << 10;
/// What is remembered for those who watch, so that they need not read the store each for itself.
pub const FEED_BYTES: usize = 8 << 20;
/// Between two looks for those who watch, for each of them that was woken: about what it costs to write to one.
pub const FEED_PAUSE_EACH: Duration = Duration::from_micros(20);
/// The same at most.
pub const FEED_PAUSE: Duration = Duration::from_millis(300);
/// How often it is looked, while the server changes, whether the attempt that holds a stream open still runs.
pub const ATTEMPT_TOKEN_PAUSE: Duration = Duration::from_secs(1);
/// A follower of a log looks at its task at most this often, however fast the server changes.
pub const LOG_TARGET_PAUSE: Duration = Duration::from_millis(10);

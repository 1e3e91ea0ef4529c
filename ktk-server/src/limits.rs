//! Every limit with its number. SEMANTICS has those that users meet.

use std::time::Duration;

/// Bytes of a task's inputs, and of its outputs.
pub const VALUES_BYTES: usize = 1 << 20;
/// The most objects of one page of a list.
pub const PAGE: usize = 10_000;
/// The most rows that one look into the store takes while a selector filters them.
pub const SCAN_PAGE: usize = 2_000;
/// The most changes that a watch reads at once.
pub const WATCH_PAGE: usize = 500;
/// The most events that one list gives.
pub const EVENTS_PAGE: usize = 1_000;
/// Objects that an ambiguous reference lists.
pub const CANDIDATES: usize = 10;
/// The most attempts that one call of a worker claims.
pub const CLAIM_BATCH: usize = 512;
/// The most timed changes of one transaction.
pub const DUE_BATCH: usize = 500;
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
/// The most pipelines whose parameters are kept in memory.
pub const HEADER_CACHE: usize = 256;

//! What went wrong on purpose, counted.

/// How often what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Calls of the store that failed without effect, and operations that took effect and said that they failed.
    pub cuts: u64,
    pub hidden: u64,
    /// Answers that got lost on their way.
    pub lost_answers: u64,
    pub server_crashes: u64,
    pub worker_crashes: u64,
    pub pauses: u64,
    pub jumps: u64,
    pub late_reports: u64,
    /// Calls that arrived twice.
    pub repeated_calls: u64,
    /// Expressions whose values came after their needs had moved on, or never.
    pub late_values: u64,
    pub lost_values: u64,
    /// Hooks that were being called when the server died.
    pub interrupted_hooks: u64,
    /// Words of attempts that had ended, or were about to.
    pub late_words: u64,
}

impl Faults {
    /// Each kind by its name.
    pub fn kinds(&self) -> [(&'static str, u64); 13] {
        [
            ("cut calls", self.cuts),
            ("hidden commits", self.hidden),
            ("lost answers", self.lost_answers),
            ("server crashes", self.server_crashes),
            ("worker crashes", self.worker_crashes),
            ("pauses", self.pauses),
            ("clock jumps", self.jumps),
            ("late reports", self.late_reports),
            ("repeated calls", self.repeated_calls),
            ("late values", self.late_values),
            ("lost values", self.lost_values),
            ("interrupted hooks", self.interrupted_hooks),
            ("late words", self.late_words),
        ]
    }
}

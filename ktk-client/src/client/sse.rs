//! Server-Sent Events, read from bytes that are cut anywhere.

use std::collections::VecDeque;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// Where a stream that was cut goes on; as of the newest event that had one.
    pub(crate) id: Option<String>,
    /// Its name; `message` when it has none.
    pub(crate) name: String,
    /// Its data, lines joined by `\n`.
    pub(crate) data: String,
}

/// An event is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Reads events. Lines end in LF, CR LF or CR; lines that begin with `:` are comments.
#[derive(Debug)]
pub(crate) struct SseParser {
    limit: usize,
    line: Vec<u8>,
    has_started: bool,
    last_was_cr: bool,
    id: Option<String>,
    name: String,
    data: Option<String>,
}

impl SseParser {
    /// A parser of events of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            has_started: false,
            last_was_cr: false,
            id: None,
            name: String::new(),
            data: None,
        }
    }

    /// Forgets a half-read event: a new connection begins.
    pub(crate) fn reset(&mut self) {
        *self = Self { id: self.id.take(), ..Self::new(self.limit) };
    }

    /// Takes bytes and appends the events that they complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8], events: &mut VecDeque<SseEvent>) -> Result<(), TooLong> {
        if self.last_was_cr && !bytes.is_empty() {
            self.last_was_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&bytes[..end])?;
            let ended_by_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if ended_by_cr {
                match bytes.first() {
                    Some(b'\n') => bytes = &bytes[1..],
                    Some(_) => {}
                    None => self.last_was_cr = true,
                }
            }
            let line = std::mem::take(&mut self.line);
            self.end_line(&line, events);
            self.line = line;
            self.line.clear();
        }
        self.extend_line(bytes)
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held + bytes.len() > self.limit {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8], events: &mut VecDeque<SseEvent>) {
        let text = String::from_utf8_lossy(line);
        let mut line = &*text;
        if !self.has_started {
            self.has_started = true;
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            if let Some(data) = self.data.take() {
                let name = if name.is_empty() { "message".to_owned() } else { name };
                events.push_back(SseEvent { id: self.id.clone(), name, data });
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.name),
            "id" if !value.contains('\0') => self.id = (!value.is_empty()).then(|| value.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(chunks: &[&[u8]]) -> Vec<SseEvent> {
        let mut parser = SseParser::new(1_000_000);
        let mut events = VecDeque::new();
        for chunk in chunks {
            parser.push(chunk, &mut events).expect("short events");
        }
        events.into()
    }

    fn event(id: Option<&str>, name: &str, data: &str) -> SseEvent {
        SseEvent { id: id.map(Into::into), name: name.into(), data: data.into() }
    }

    #[test]
    fn events_comments_and_unknown_fields_are_read() {
        let text = "\u{feff}: hello\nid: 7\nevent: change\ndata: {\"a\":1}\nretry: 3\n\n\
                    data:one\ndata\ndata:  two\r\n\r\nevent: lonely\n\nid\ndata: x\r\r";
        assert_eq!(
            parse(&[text.as_bytes()]),
            [
                event(Some("7"), "change", "{\"a\":1}"),
                event(Some("7"), "message", "one\n\n two"),
                event(None, "message", "x"),
            ]
        );
    }

    #[test]
    fn what_is_not_complete_is_no_event() {
        assert_eq!(parse(&[b"data: half\n"]), []);
        assert_eq!(parse(&[b"data: half"]), []);
    }

    #[test]
    fn a_new_connection_forgets_the_half_event_but_keeps_the_id() {
        let mut parser = SseParser::new(1_000);
        let mut events = VecDeque::new();
        parser.push(b"id: 4\ndata: a\n\nid: 4\ndata: ha", &mut events).expect("short");
        parser.reset();
        parser.push(b"lf\ndata: b\n\n", &mut events).expect("short");
        assert_eq!(Vec::from(events), [event(Some("4"), "message", "a"), event(Some("4"), "message", "b")]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = SseParser::new(100);
        let mut events = VecDeque::new();
        assert_eq!(parser.push(&[b'x'; 101], &mut events), Err(TooLong));
        let mut parser = SseParser::new(100);
        let lines = b"data: 0123456789\n".repeat(20);
        assert_eq!(parser.push(&lines, &mut events), Err(TooLong));
        assert!(events.is_empty());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            text in "(id|event|data|:|: ?|[a-zé]{0,3}|\r|\n|\r\n|\n\n){0,40}",
            cuts in proptest::collection::vec(0usize..200, 0..12),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut start = 0;
            let chunks: Vec<&[u8]> = cuts
                .into_iter()
                .map(|cut| &bytes[std::mem::replace(&mut start, cut)..cut])
                .collect();
            prop_assert_eq!(parse(&chunks), parse(&[bytes]));
        }

        #[test]
        fn what_was_written_is_read(
            events in proptest::collection::vec(("[a-z0-9]{1,5}", "[a-z]{1,5}", "[a-z é:]{0,9}(\n[a-z]{0,4}){0,2}"), 0..6)
        ) {
            let mut text = String::new();
            for (id, name, data) in &events {
                text.push_str(&format!("id: {id}\nevent: {name}\n"));
                for line in data.split('\n') {
                    text.push_str(&format!("data: {line}\n"));
                }
                text.push('\n');
            }
            let read: Vec<_> =
                parse(&[text.as_bytes()]).into_iter().map(|e| (e.id.expect("an id"), e.name, e.data)).collect();
            prop_assert_eq!(read, events);
        }
    }
}

//! A request's body: read as a whole, within its limits.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use ktk_client::api::ErrorReason;
use tokio::time::Instant;

use super::refusal::Refusal;
use crate::limits::{BODY_BYTES, BODY_PACE};

/// Reads a body. Where it is too long, or stands still, the connection ends without reading on.
pub(super) async fn read(mut incoming: Incoming, patience: Duration) -> Result<Bytes, Refusal> {
    let too_long = || {
        let message = format!("a request has at most {} MiB", BODY_BYTES >> 20);
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorReason::TooLarge, message).closing()
    };
    if incoming.size_hint().lower() > BODY_BYTES as u64 {
        return Err(too_long());
    }
    let mut whole = Pieces::None;
    let begun = Instant::now();
    loop {
        let due = patience + Duration::from_secs((whole.len() / BODY_PACE) as u64);
        if begun.elapsed() > due {
            let message = "the request's body comes too slowly";
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorReason::Timeout, message).closing());
        }
        let piece = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx));
        let Ok(piece) = tokio::time::timeout(patience, piece).await else {
            let message = format!("no byte of the request's body for {} s", patience.as_secs_f32());
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorReason::Timeout, message).closing());
        };
        let Some(piece) = piece else { return Ok(whole.join()) };
        let piece = piece.map_err(|error| {
            let message = format!("the request broke off: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, ErrorReason::Invalid, message).closing()
        })?;
        // Trailers mean nothing here.
        if let Ok(data) = piece.into_data() {
            whole = whole.with(data);
        }
        if whole.len() > BODY_BYTES {
            return Err(too_long());
        }
    }
}

/// What has come: most bodies are one piece, which is not copied.
enum Pieces {
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Pieces {
    fn with(self, piece: Bytes) -> Self {
        match self {
            Self::None => Self::One(piece),
            Self::One(first) => {
                let mut many = BytesMut::with_capacity((first.len() + piece.len()) * 2);
                many.extend_from_slice(&first);
                many.extend_from_slice(&piece);
                Self::Many(many)
            }
            Self::Many(mut many) => {
                many.extend_from_slice(&piece);
                Self::Many(many)
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(piece) => piece.len(),
            Self::Many(many) => many.len(),
        }
    }

    fn join(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(piece) => piece,
            Self::Many(many) => many.freeze(),
        }
    }
}

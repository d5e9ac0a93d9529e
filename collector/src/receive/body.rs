//! Reads the body of a request within its limits.

use crate::{
    intake::{Intake, Refusal},
    reservation::Reservation,
};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::time::Duration;
use tokio::time::timeout;

/// How long a refused client may go on sending before the answer. A client that is cut off while it writes sees
/// a broken connection instead of the answer, and sends the same again (O-071).
const LINGER: Duration = Duration::from_secs(2);

/// The least that a buffer grows to, in bytes.
const MIN_BUFFER: usize = 16 * 1024;

/// Bytes that come piece by piece. Whatever is allocated for them was set aside before.
pub(super) struct Buffer<'a> {
    bytes: Vec<u8>,
    max_bytes: usize,
    reservation: &'a mut Reservation,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(max_bytes: usize, reservation: &'a mut Reservation) -> Self {
        Buffer { bytes: Vec::new(), max_bytes, reservation }
    }

    /// Whether so many bytes more would be more than the limit.
    pub(super) fn is_too_small_for(&self, count: usize) -> bool {
        count > self.max_bytes - self.bytes.len()
    }

    /// Takes a piece that is not too large.
    pub(super) fn extend(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        let (length, before) = (self.bytes.len(), self.bytes.capacity());
        if piece.len() > before - length {
            let wanted =
                before.saturating_mul(2).max(MIN_BUFFER).min(self.max_bytes).max(length + piece.len());
            // Both the old and the new buffer are there while one is copied into the other.
            self.reservation.grow(wanted)?;
            self.bytes.reserve_exact(wanted - length);
            self.reservation.shrink(before);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a whole body: a request of so many bytes at most, behind some bytes of framing, within a time. The reservation
/// holds as long as the bytes are needed. A client that waits for leave to send (`Expect`) is not made to send what is refused anyway.
pub(crate) async fn read(
    mut body: Incoming,
    intake: &Intake,
    framing: usize,
    (most, limit): (usize, Duration),
    is_waiting: bool,
    reservation: &mut Reservation,
) -> Result<Vec<u8>, Refusal> {
    let max_bytes = most.saturating_add(framing);
    let too_large = || Refusal::larger_than(most);
    // What is announced is not set aside: whoever announces much and sends nothing would hold up everybody.
    if !intake.has_room(body.size_hint().lower()) {
        linger(body, is_waiting).await;
        return Err(Refusal::Busy("too many requests are on their way in; come again".to_owned()));
    }
    let read = async {
        let mut buffer = Buffer::new(max_bytes, reservation);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|fault| {
                Refusal::Malformed(format!("the body of the request ends too early: {fault}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if buffer.is_too_small_for(data.len()) {
                return Err(too_large());
            }
            buffer.extend(&data)?;
        }
        Ok(buffer.bytes)
    };
    match timeout(limit, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(refusal)) => {
            reservation.release();
            linger(body, false).await;
            Err(refusal)
        }
        Err(_) => Err(Refusal::Slow(format!("the body of the request took longer than {limit:?}"))),
    }
}

/// Lets a refused client finish sending, unless it has not begun.
pub(crate) async fn linger(mut body: Incoming, is_waiting: bool) {
    if is_waiting {
        return;
    }
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // Whoever still sends afterwards is cut off.
    let _ = timeout(LINGER, rest).await;
}

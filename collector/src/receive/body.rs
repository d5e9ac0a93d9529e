//! Reads the body of a request within its limits.

use crate::{
    intake::{Intake, Refusal},
    reservation::Reservation,
};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::{
    io::{self, Read},
    time::Duration,
};
use tokio::time::timeout;

/// How long a refused client may go on sending before the answer. A client that is cut off while it writes sees
/// a broken connection instead of the answer, and sends the same again (O-071).
const LINGER: Duration = Duration::from_secs(2);

/// The least that a buffer grows to, in bytes.
const MIN_BUFFER: usize = 16 * 1024;

/// Bytes that come piece by piece. Whatever is allocated for them was set aside before.
struct Buffer<'a> {
    bytes: Vec<u8>,
    max_bytes: usize,
    reservation: &'a mut Reservation,
}

impl<'a> Buffer<'a> {
    fn new(max_bytes: usize, reservation: &'a mut Reservation) -> Self {
        Buffer { bytes: Vec::new(), max_bytes, reservation }
    }

    /// Whether so many bytes more would be more than the limit.
    fn is_too_small_for(&self, count: usize) -> bool {
        count > self.max_bytes - self.bytes.len()
    }

    /// Takes a piece that is not too large.
    fn extend(&mut self, piece: &[u8]) -> Result<(), Refusal> {
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
}

/// Reads a whole body: a request, behind some bytes of framing. The reservation holds as long as the bytes are
/// needed. A client that waits for leave to send (`Expect`) is not made to send what is refused anyway.
pub(crate) async fn read(
    mut body: Incoming,
    intake: &Intake,
    framing: usize,
    limit: Duration,
    is_waiting: bool,
    reservation: &mut Reservation,
) -> Result<Vec<u8>, Refusal> {
    let max_bytes = intake.max_request_bytes.saturating_add(framing);
    let too_large = || Refusal::larger_than(intake.max_request_bytes);
    let announced = body.size_hint().exact();
    if announced.is_some_and(|announced| announced > max_bytes as u64) {
        linger(body, is_waiting).await;
        return Err(too_large());
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

/// Takes gzip off. A small body can become a large one: no more than the limit is ever set aside or written.
pub(crate) fn unzip(
    max_bytes: usize,
    zipped: &[u8],
    reservation: &mut Reservation,
) -> Result<Vec<u8>, Refusal> {
    let mut decoder = MultiGzDecoder::new(zipped);
    let mut buffer = Buffer::new(max_bytes, reservation);
    let mut piece = vec![0; MIN_BUFFER];
    loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => return Ok(buffer.bytes),
            Ok(count) => count,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
            Err(fault) => return Err(Refusal::Malformed(format!("the gzip data is broken: {fault}"))),
        };
        if buffer.is_too_small_for(count) {
            return Err(Refusal::TooLarge(format!(
                "the request is larger than the limit of {max_bytes} bytes when decompressed; send less at a time"
            )));
        }
        buffer.extend(piece.get(..count).unwrap_or_default())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::Budget;
    use std::io::Write;

    /// As many zeros, in a thousandth of the bytes.
    fn bomb(bytes: usize) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        (0..bytes >> 16).for_each(|_| encoder.write_all(&[0; 1 << 16]).unwrap());
        encoder.finish().unwrap()
    }

    // O-054, O-065: whatever is behind the limit is not even set aside.
    #[test]
    fn a_bomb_never_takes_more_than_two_buffers_of_the_limit() {
        let (limit, zipped) = (1 << 20, bomb(64 << 20));
        let budget = Budget::new(2 * limit);
        let refusal = unzip(limit, &zipped, &mut budget.reserve()).unwrap_err();
        assert!(refusal.cause().contains("when decompressed"), "{refusal:?}");
        assert_eq!(unzip(limit, &bomb(limit), &mut budget.reserve()).unwrap().len(), limit);
    }

    #[test]
    fn what_is_decompressed_is_set_aside_and_refused_before_it_is_there() {
        let budget = Budget::new(1 << 20);
        let mut held = budget.reserve();
        let bytes = unzip(1 << 18, &bomb(1 << 18), &mut held).unwrap();
        let mut rest = budget.reserve();
        assert!(rest.grow((1 << 20) - bytes.capacity() + 1).is_err());
        assert_eq!(rest.grow((1 << 20) - bytes.capacity()), Ok(()));
        assert!(matches!(unzip(1 << 18, &bomb(1 << 18), &mut budget.reserve()), Err(Refusal::Busy(_))));
    }
}

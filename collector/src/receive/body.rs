//! Reads the body of a request within its limits.

use crate::intake::{Intake, Refusal, Reservation};
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

/// Reads a whole body: a request, behind some bytes of framing. The reservation holds as long as the bytes are
/// needed.
pub(crate) async fn read(
    mut body: Incoming,
    intake: &Intake,
    framing: usize,
    limit: Duration,
    reservation: &mut Reservation<'_>,
) -> Result<Vec<u8>, Refusal> {
    let max_bytes = intake.max_request_bytes.saturating_add(framing);
    let too_large = || Refusal::larger_than(intake.max_request_bytes);
    let announced = body.size_hint().exact();
    if announced.is_some_and(|announced| announced > max_bytes as u64) {
        linger(body).await;
        return Err(too_large());
    }
    let read = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|fault| {
                Refusal::Malformed(format!("the body of the request ends too early: {fault}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > max_bytes - bytes.len() {
                return Err(too_large());
            }
            reservation.grow(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    match timeout(limit, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(refusal)) => {
            linger(body).await;
            Err(refusal)
        }
        Err(_) => Err(Refusal::Slow(format!("the body of the request took longer than {limit:?}"))),
    }
}

async fn linger(mut body: Incoming) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // Whoever still sends afterwards is cut off.
    let _ = timeout(LINGER, rest).await;
}

/// Takes gzip off. A small body can become a large one: no more than the limit is ever written.
pub(crate) fn unzip(
    intake: &Intake,
    zipped: &[u8],
    reservation: &mut Reservation<'_>,
) -> Result<Vec<u8>, Refusal> {
    let max_bytes = intake.max_request_bytes;
    let mut decoder = MultiGzDecoder::new(zipped);
    let mut bytes = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(count) => count,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
            Err(fault) => return Err(Refusal::Malformed(format!("the gzip data is broken: {fault}"))),
        };
        if count > max_bytes - bytes.len() {
            return Err(Refusal::TooLarge(format!(
                "the request is larger than the limit of {max_bytes} bytes when decompressed; send less at a time"
            )));
        }
        reservation.grow(count)?;
        bytes.extend_from_slice(&piece[..count]);
    }
}

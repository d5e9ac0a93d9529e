//! The two forms of OTLP/HTTP (O-060, O-061): a request is answered in its own.

use crate::{intake::Refusal, reservation::Reservation};
use http::{HeaderMap, header::CONTENT_TYPE};
use throughline_sender::{Signal, json::from_json};

/// How many times as large as its JSON a request is at most.
const MOST: usize = 4;

/// What the bytes of a message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Protobuf,
    Json,
}

impl Form {
    /// What the content type says; parameters do not matter (O-063).
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
        [Form::Protobuf, Form::Json].into_iter().find(|form| kind.eq_ignore_ascii_case(form.content_type()))
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Protobuf => "application/x-protobuf",
            Form::Json => "application/json",
        }
    }

    /// The request in protobuf; JSON is read once, and nothing of it is kept.
    pub(super) fn read(
        self,
        signal: Signal,
        body: Vec<u8>,
        max_bytes: usize,
        reservation: &mut Reservation,
    ) -> Result<Vec<u8>, Refusal> {
        if self == Form::Protobuf {
            return Ok(body);
        }
        // Nearly always it is smaller than its JSON. Only what is not is read twice, so that what it takes is set aside.
        for most in [body.len() + 64, body.len().saturating_mul(MOST) + 64] {
            let most = most.min(max_bytes);
            reservation.grow(most)?;
            let request = from_json(signal, &body, most).map_err(|fault| {
                Refusal::Malformed(format!("not a request of {} in JSON: {fault}", signal.name()))
            })?;
            if let Some(request) = request {
                reservation.shrink(body.capacity());
                return Ok(request);
            }
            reservation.shrink(most);
        }
        Err(Refusal::larger_than(max_bytes))
    }
}

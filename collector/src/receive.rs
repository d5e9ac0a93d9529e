//! Takes OTLP over HTTP and over gRPC, each on either port.
//!
//! A request is told by its content type: `application/grpc` is a frame of five bytes and a message,
//! `application/x-protobuf` is the message alone. From there on both are the same bytes. JSON is not taken yet.

mod body;
mod grpc;
mod http;

use crate::{
    forward::Promise,
    intake::{Intake, Refusal, Taken},
    origin::{is_for_address, is_from_elsewhere},
    reply::Reply,
    reservation::Reservation,
    serve::Handler,
};
use ::http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{CONTENT_TYPE, EXPECT},
};
use hyper::body::{Body, Incoming};
use std::{mem, sync::Arc, time::Duration};
use throughline_sender::Signal;
use tokio::task::spawn_blocking;

const GRPC: &str = "application/grpc";

/// Larger requests, and all compressed ones, are decoded beside the thread that receives, in bytes.
const AT_ONCE: usize = 64 * 1024;

/// Answers requests of OTLP.
#[derive(Clone)]
pub(crate) struct Receiver {
    intake: Arc<Intake>,
    /// How long the body of a request may take.
    limit: Duration,
    /// Whether only programs on this machine reach the port.
    is_local: bool,
}

impl Receiver {
    pub(crate) fn new(intake: Arc<Intake>, limit: Duration) -> Self {
        Receiver { intake, limit, is_local: true }
    }

    /// For a port with an address of this kind.
    pub(crate) fn at(self, is_local: bool) -> Self {
        Receiver { is_local, ..self }
    }

    /// Answers before the body is read: counts, and lets the client finish sending (O-071).
    async fn turn_away(&self, refusal: Option<&Refusal>, request: Request<Incoming>) {
        match refusal {
            Some(refusal) => self.intake.count(refusal),
            None => self.intake.count_refused(),
        }
        let is_waiting = is_waiting(request.headers());
        body::linger(request.into_body(), is_waiting).await;
    }

    /// Reads the body and takes what is in it.
    async fn take(
        &self,
        signal: Signal,
        request: Request<Incoming>,
        framing: usize,
        message: impl FnOnce(&[u8]) -> Result<bool, Refusal>,
    ) -> Result<Taken, Refusal> {
        let mut reservation = self.intake.reserve();
        let is_waiting = is_waiting(request.headers());
        let body = request.into_body();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if let Err(refusal) = self.intake.admit(signal, announced) {
            body::linger(body, is_waiting).await;
            return Err(refusal);
        }
        let body = body::read(body, &self.intake, framing, self.limit, is_waiting, &mut reservation).await?;
        let is_zipped = message(&body)?;
        Parcel { signal, body, framing, is_zipped, reservation }.deliver(&self.intake).await
    }
}

/// Why a request is turned away although it may be a good one.
fn foreign(receiver: &Receiver, request: &Request<Incoming>) -> Option<Refusal> {
    let cause = if is_from_elsewhere(request.headers()) {
        "pages of other sites may not send telemetry here"
    } else if receiver.is_local && !is_for_address(request) {
        "this port answers only to localhost and to addresses, not to other names"
    } else {
        return None;
    };
    Some(Refusal::Foreign(cause.to_owned()))
}

/// Whether the client sends its body only when it is told to.
fn is_waiting(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

impl Handler for Receiver {
    async fn answer(self, request: Request<Incoming>) -> Response<Reply> {
        let grpc = request.headers().get(CONTENT_TYPE).is_some_and(is_grpc);
        match grpc {
            true => grpc::answer(&self, request).await,
            false => http::answer(&self, request).await,
        }
    }
}

/// A whole request, as it was sent.
struct Parcel {
    signal: Signal,
    body: Vec<u8>,
    /// How many bytes stand before the message.
    framing: usize,
    is_zipped: bool,
    reservation: Reservation,
}

impl Parcel {
    async fn deliver(self, intake: &Arc<Intake>) -> Result<Taken, Refusal> {
        if !self.is_zipped && self.body.len() <= AT_ONCE {
            return intake.kept(self.open(intake)?).await;
        }
        let beside = Arc::clone(intake);
        let opened = spawn_blocking(move || self.open(&beside)).await;
        let stops = |_| Err(Refusal::Busy("the collector stops".to_owned()));
        intake.kept(opened.unwrap_or_else(stops)?).await
    }

    fn open(mut self, intake: &Intake) -> Result<(Taken, Promise), Refusal> {
        let message = self.body.get(self.framing..).unwrap_or_default();
        if !self.is_zipped || message.is_empty() {
            return intake.take(self.signal, message, &mut self.reservation);
        }
        let unzipped = body::unzip(intake.max_request_bytes, message, &mut self.reservation)?;
        let zipped = mem::take(&mut self.body).capacity();
        self.reservation.shrink(zipped);
        intake.take(self.signal, &unzipped, &mut self.reservation)
    }
}

/// `application/grpc`, alone or with `+proto` or parameters behind it; not its sister for browsers,
/// `application/grpc-web`.
fn is_grpc(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes();
    let (name, rest) = kind.split_at(kind.len().min(GRPC.len()));
    name.eq_ignore_ascii_case(GRPC.as_bytes())
        && (rest.is_empty() || rest.starts_with(b";") || rest.to_ascii_lowercase().starts_with(b"+proto"))
}

//! Takes OTLP over HTTP and over gRPC, each on either port.
//!
//! A request is told by its content type: `application/grpc` is a frame of five bytes and a message,
//! `application/x-protobuf` is the message alone, `application/json` the same in JSON. From there on all are the same
//! bytes.

mod guard; // from whom
mod cors; // … and from which pages
mod http; // a request
mod grpc; // … or a call
mod body; // … within its limits
mod coding; // … decompressed
mod form; // … in protobuf
mod status; // why not

use crate::{
    Error, Receive,
    forward::Promise,
    intake::{Intake, Refusal, Taken},
    origin::{is_for_address, is_from_elsewhere},
    plan::Source,
    process::Client,
    reply::Reply,
    reservation::Reservation,
    serve::{Handler, Peer, Stream},
    tls::Security,
    voice,
};
use ::http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{CONTENT_TYPE, EXPECT},
};
use coding::Coding;
use cors::Policy;
use form::Form;
use guard::Guard;
use hyper::body::{Body, Incoming};
use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use throughline_sender::Signal;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

const GRPC: &str = "application/grpc";

/// Larger requests, and all compressed ones, are decoded beside the thread that receives, in bytes.
const AT_ONCE: usize = 64 * 1024;

/// Answers requests of OTLP.
#[derive(Clone)]
pub(crate) struct Receiver {
    intake: Arc<Intake>,
    /// Where what it takes comes from.
    source: Source,
    /// How many bytes a request may have.
    max_bytes: usize,
    /// How long the body of a request may take.
    limit: Duration,
    /// Whether only programs on this machine reach the port.
    is_local: bool,
    security: Arc<Security>,
    guard: Arc<Guard>,
    cors: Option<Arc<Policy>>,
    /// Requests under way, on all ports.
    places: Arc<Semaphore>,
    /// Whether it was said that strangers may send.
    is_said: Arc<AtomicBool>,
}

impl Receiver {
    /// For ports of this source, where a client may take so long.
    pub(crate) fn new(
        intake: Arc<Intake>,
        receive: &Receive,
        source: Source,
        limit: Duration,
    ) -> Result<Self, Error> {
        let largest = intake.max_request_bytes;
        Ok(Receiver {
            intake,
            source,
            max_bytes: receive.max_request_bytes.map_or(largest, |bytes| bytes.min(largest)),
            limit,
            is_local: true,
            security: Arc::new(Security::new(receive.tls.as_ref())?),
            guard: Arc::new(Guard::new(&receive.credentials)?),
            cors: receive.cors.as_ref().map(Policy::new).transpose()?.map(Arc::new),
            places: Arc::new(Semaphore::new(receive.max_requests.min(Semaphore::MAX_PERMITS))),
            is_said: Arc::default(),
        })
    }

    /// For a port with an address of this kind.
    pub(crate) fn at(self, is_local: bool) -> Self {
        Receiver { is_local, ..self }
    }

    /// Whether a request may come in, by its head: what it holds, if so, is its place among those under way.
    fn enter<B>(&self, request: &Request<B>, is_invited: bool) -> Result<OwnedSemaphorePermit, Refusal> {
        if let Some(refusal) = foreign(self, request, is_invited) {
            return Err(refusal);
        }
        self.guard.admit(request.headers())?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Refusal::Busy("too many requests are under way; come again".to_owned()))
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
        form: Form,
        framing: usize,
        coding: impl FnOnce(&[u8]) -> Result<Coding, Refusal>,
    ) -> Result<Taken, Refusal> {
        let mut reservation = self.intake.reserve();
        let is_waiting = is_waiting(request.headers());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let client = self.intake.asked().answers(request.headers(), peer, !self.guard.is_absent());
        let body = request.into_body();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        // What will never be taken is not told to come again.
        let admitted = match announced > self.max_bytes.saturating_add(framing) {
            true => Err(Refusal::larger_than(self.max_bytes)),
            false => self.intake.admit(signal, self.source, announced),
        };
        if let Err(refusal) = admitted {
            body::linger(body, is_waiting).await;
            return Err(refusal);
        }
        let limits = (self.max_bytes, self.limit);
        let body = body::read(body, &self.intake, framing, limits, is_waiting, &mut reservation).await?;
        let coding = coding(&body)?;
        let (source, max_bytes) = (self.source, self.max_bytes);
        Parcel { signal, source, body, framing, max_bytes, coding, form, client, reservation }
            .deliver(&self.intake)
            .await
    }
}

/// Why a request is turned away although it may be a good one.
fn foreign<B>(receiver: &Receiver, request: &Request<B>, is_invited: bool) -> Option<Refusal> {
    let cause = if !is_invited && is_from_elsewhere(request.headers()) {
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

    async fn shake(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        self.security.shake(stream).await
    }

    fn meet(&self, peer: IpAddr) {
        let is_open = self.guard.is_absent() && !self.security.knows_clients();
        if is_open && !peer.to_canonical().is_loopback() && !self.is_said.swap(true, Relaxed) {
            voice::warn(format!(
                "the collector takes telemetry from other machines, {peer} first, and asks nobody who they are; \
                 set its credentials or a client authority, or listen on loopback"
            ));
        }
    }
}

/// A whole request, as it was sent.
struct Parcel {
    signal: Signal,
    source: Source,
    body: Vec<u8>,
    /// How many bytes stand before the message.
    framing: usize,
    /// How many bytes the message may have.
    max_bytes: usize,
    coding: Coding,
    form: Form,
    client: Client,
    reservation: Reservation,
}

impl Parcel {
    async fn deliver(self, intake: &Arc<Intake>) -> Result<Taken, Refusal> {
        if self.coding == Coding::Identity && self.body.len() <= AT_ONCE {
            return intake.kept(self.open(intake)?).await;
        }
        let beside = Arc::clone(intake);
        let opened = spawn_blocking(move || self.open(&beside)).await;
        let stops = |_| Err(Refusal::Busy("the collector stops".to_owned()));
        intake.kept(opened.unwrap_or_else(stops)?).await
    }

    fn open(self, intake: &Intake) -> Result<(Taken, Promise), Refusal> {
        let Parcel { signal, source, mut body, mut framing, max_bytes: most, .. } = self;
        let (coding, form, client, mut reservation) = (self.coding, self.form, self.client, self.reservation);
        // Nobody compresses nothing.
        if coding != Coding::Identity && body.len() > framing {
            let decoded = coding.decode(most, body.get(framing..).unwrap_or_default(), &mut reservation)?;
            reservation.shrink(body.capacity());
            (body, framing) = (decoded, 0);
        }
        let body = form.read(signal, body, most, &mut reservation)?;
        let message = body.get(framing..).unwrap_or_default();
        intake.take(signal, source, message, &client, &mut reservation)
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

//! One request and its response, from the moment it begins until it ends, once.
//!
//! ```text
//! request ──► Exchange ──► response future ──► response body ──► end
//!                 └─ dropped anywhere on the way: the same end, with the outcome "dropped"
//! ```
//!
//! An exchange owns the span and the measurement of one request and moves by value from the request into
//! the future and from there into the body. Whoever sees the end says so with [`Exchange::end`]; where nobody
//! does, its drop is the end. What is left afterwards is its context: a body may be dropped long after its last
//! byte.

mod opening;
mod side;
mod started;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderMap, Response, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};

use crate::{
    attributes,
    exception::Exception,
    failure::Failure,
    instruments::Instruments,
    peer::Peer,
    route::Route,
    rpc,
    rules::Rules,
    series::{Convention, ErrorType, Series},
};

use self::{opening::Settled, started::Started};
pub(crate) use self::{
    opening::{Opening, Tell},
    side::Side,
};

const NO_ROUTE: &str = "requests come without a route, so spans and measurements have the method alone; put the server \
                        layer into the router, as its last Router::layer, or a Route into the extensions";

/// How an exchange ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It came to its end: the status tells whether that is an error.
    Complete,
    /// It failed.
    Failed(Failure),
    /// It was dropped on the way.
    Dropped,
}

/// How it stands with the name of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpanName {
    Current,
    /// More became known since.
    Outdated,
    /// The program chose it.
    Chosen,
}

/// One request on its way, see the module page.
#[derive(Debug)]
pub(crate) struct Exchange {
    instruments: Arc<Instruments>,
    context: Context,
    is_recorded: bool,
    name: SpanName,
    is_route_told: bool,
    /// No router has seen it before: if its route stays unknown, the layer is at the wrong place.
    is_unrouted: bool,
    /// Where it is not known here, the span has it from the tracer.
    began: Option<SystemTime>,
    clock: Instant,
    series: Series,
    claim: Option<String>,
    is_claim_proven: bool,
    /// How long the caller of a call waits.
    deadline: Option<Duration>,
    request_size: Option<u64>,
    response_size: Option<u64>,
    is_over: bool,
}

impl Exchange {
    /// Starts the span and the clock; `tell` is called only if the span is, or is about to be, recorded.
    pub(crate) fn begin(
        instruments: &Arc<Instruments>,
        parent: &Context,
        opening: Opening<'_>,
        tell: Tell<'_>,
    ) -> Box<Self> {
        let clock = Instant::now();
        let Started { context, is_recorded, began, settled } =
            Started::start(instruments, parent, &opening, tell);
        let Settled { is_name_chosen, is_route_told } = settled;
        let is_call = opening.series.convention == Convention::Rpc;
        let deadline = is_call.then(|| rpc::deadline(opening.head.headers)).flatten();
        let exchange = Box::new(Self {
            instruments: Arc::clone(instruments),
            context,
            is_recorded,
            name: if is_name_chosen { SpanName::Chosen } else { SpanName::Current },
            is_route_told,
            is_unrouted: opening.is_unrouted,
            began,
            clock,
            series: opening.series,
            claim: opening.claim,
            is_claim_proven: false,
            deadline,
            request_size: opening.request_size,
            response_size: None,
            is_over: false,
        });
        if exchange.counts_active() {
            exchange.instruments.count_active(1, &exchange.series);
        }
        exchange
    }

    #[inline]
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    #[inline]
    pub(crate) fn rules(&self) -> &Rules {
        self.instruments.rules()
    }

    #[inline]
    pub(crate) fn side(&self) -> Side {
        self.instruments.side()
    }

    #[inline]
    pub(crate) fn convention(&self) -> Convention {
        self.series.convention
    }

    /// Takes what the head of the response tells.
    #[inline]
    pub(crate) fn respond<B>(&mut self, response: &Response<B>) {
        match self.series.convention {
            Convention::Http => self.respond_http(response),
            Convention::Rpc => {
                self.take_status(response.headers());
                if self.series.status.is_none() && response.status() != StatusCode::OK {
                    self.series.status = Some(rpc::status_of_http(response.status()));
                }
            }
        }
        if self.is_recorded {
            self.tell_response(response);
        }
    }

    #[inline]
    fn respond_http<B>(&mut self, response: &Response<B>) {
        self.series.status = Some(response.status().as_u16());
        match self.instruments.side() {
            Side::Server => {
                self.response_size = Some(0);
                // The route by which a sampler decided stays: the span has it, and can have no other beside it.
                let is_settled = self.rules().sampled_by_attributes && self.series.target.is_some();
                let route = Route::of_response(response.extensions()).filter(|_| !is_settled);
                if route.is_some() && self.series.target != route {
                    self.series.target = route;
                    self.outdate_name();
                }
                if self.is_unrouted && self.series.target.is_none() && response.status().is_success() {
                    self.instruments.notice_no_route(NO_ROUTE);
                }
            }
            // Only the answer tells which version was negotiated.
            Side::Client => self.series.version = Some(response.version()),
        }
    }

    /// Tells the span the attributes that a response's head has and the measurement does not.
    fn tell_response<B>(&self, response: &Response<B>) {
        let rules = self.instruments.rules();
        let captures = match self.series.convention {
            Convention::Http => &rules.http_headers,
            Convention::Rpc => &rules.rpc_metadata,
        };
        let mut told = Vec::new();
        captures.response.tell(response.headers(), &mut told);
        if self.instruments.side() == Side::Client
            && let Some(peer) = Peer::of_response(response.extensions())
        {
            peer.tell(peer.address(), &mut told);
        }
        rules.omit_from(&mut told);
        if !told.is_empty() {
            self.context.span().set_attributes(told);
        }
    }

    /// Takes what the trailers tell: of a call, its status.
    pub(crate) fn trail(&mut self, trailers: &HeaderMap) {
        if self.series.convention == Convention::Rpc {
            self.take_status(trailers);
        }
    }

    /// Takes the status that a call was answered with, if that is among these headers. Only such a status proves
    /// a method: one that stands for HTTP's, or for none, comes also of services that answer every path.
    fn take_status(&mut self, headers: &HeaderMap) {
        if let Some(status) = rpc::status(headers) {
            self.series.status = Some(status);
            self.is_claim_proven = rpc::proves_method(status);
        }
    }

    /// Counts bytes of the response's body.
    pub(crate) fn send(&mut self, bytes: u64) {
        self.response_size = Some(self.response_size.unwrap_or(0).saturating_add(bytes));
    }

    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Ends the exchange: the measurement is taken and the span is ended at the same instant. Its context has to be
    /// active, since whatever listens to one of the two asks for it.
    pub(crate) fn end(&mut self, outcome: &Outcome) {
        self.is_over = true;
        let duration = self.clock.elapsed();
        self.conclude(outcome, duration);
        // The request's `tracing` span may have made one of its own active.
        let _active = self.rules().request_span.then(|| self.context.clone().attach());
        let closing = self.record(duration, outcome);
        if self.is_recorded {
            self.end_span(duration, closing);
        }
    }

    fn counts_active(&self) -> bool {
        self.instruments.rules().active_requests
            && self.series.convention == Convention::Http
            && !self.context.is_telemetry_suppressed()
    }

    /// Reads `error.type` off the outcome, and what status a call has that was given none.
    fn conclude(&mut self, outcome: &Outcome, duration: Duration) {
        let side = self.instruments.side();
        let is_rpc = self.series.convention == Convention::Rpc;
        if is_rpc && self.series.status.is_none() {
            let is_late = self.deadline.is_some_and(|deadline| duration >= deadline);
            self.series.status = Some(rpc::status_of_end(outcome, is_late));
        }
        self.series.error = match outcome {
            Outcome::Failed(failure) => Some(ErrorType::Named(failure.error_type)),
            Outcome::Dropped if side == Side::Server && thread::panicking() => {
                Some(ErrorType::Named(attributes::PANIC))
            }
            // A caller that lost interest is an error to the server that worked for it, not to itself.
            Outcome::Dropped if !is_rpc => {
                (side == Side::Server).then_some(ErrorType::Named(attributes::CANCELLED))
            }
            Outcome::Dropped | Outcome::Complete => {
                let is_error = |status: &u16| side.is_error(self.series.convention, *status);
                self.series.status.filter(is_error).map(|_| ErrorType::Status)
            }
        };
        if let Some(claim) = &self.claim {
            if self.is_claim_proven {
                self.series.method = self.instruments.names().shared(claim);
            } else {
                self.series.method = attributes::OTHER.into();
                self.outdate_name();
            }
        }
    }

    fn outdate_name(&mut self) {
        if self.name == SpanName::Current {
            self.name = SpanName::Outdated;
        }
    }

    /// Takes the measurement and returns the attributes of it that the span does not have yet, if they are at hand.
    fn record(&self, duration: Duration, outcome: &Outcome) -> Option<&[KeyValue]> {
        let mut closing = None;
        if !self.context.is_telemetry_suppressed() {
            let recorder = self.instruments.measure(duration, &self.series);
            closing = recorder.closing();
            if self.instruments.rules().body_sizes && self.series.convention == Convention::Http {
                self.instruments.measure_sizes(self.request_size, self.response_size, &recorder.labels);
            }
            if self.counts_active() {
                self.instruments.count_active(-1, &self.series);
            }
        }
        if let Outcome::Failed(failure) = outcome {
            let with_message = self.instruments.rules().exception_messages;
            self.instruments.tell(Exception {
                side: self.instruments.side(),
                convention: self.series.convention,
                failure,
                with_message,
            });
        }
        closing
    }

    fn end_span(&self, duration: Duration, closing: Option<&[KeyValue]>) {
        let span = self.context.span();
        let rules = self.instruments.rules();
        let is_http = self.series.convention == Convention::Http;
        if self.name == SpanName::Outdated {
            span.update_name(self.series.span_name());
        }
        if let Some(closing) = closing {
            let closing = match closing {
                [route, rest @ ..] if self.is_route_told && route.key.as_str() == attributes::HTTP_ROUTE => {
                    rest
                }
                all => all,
            };
            span.set_attributes(closing.iter().filter(|attribute| !rules.omit(attribute)).cloned());
        }
        let mut rare = Vec::new();
        if closing.is_none() {
            self.series.route(&mut rare);
            self.series.close(&mut rare);
        }
        if let Some(claim) = &self.claim {
            rare.push(KeyValue::new(attributes::RPC_METHOD, self.series.method.clone()));
            if self.series.method.as_str() == attributes::OTHER {
                rare.push(KeyValue::new(attributes::RPC_METHOD_ORIGINAL, claim.clone()));
            }
        }
        if rules.body_sizes && is_http {
            let size = |key, bytes: u64| KeyValue::new(key, i64::try_from(bytes).unwrap_or(i64::MAX));
            rare.extend(self.request_size.map(|bytes| size(attributes::HTTP_REQUEST_BODY_SIZE, bytes)));
            rare.extend(self.response_size.map(|bytes| size(attributes::HTTP_RESPONSE_BODY_SIZE, bytes)));
        }
        if !rare.is_empty() {
            rules.omit_from(&mut rare);
            span.set_attributes(rare);
        }
        if self.series.error.is_some() {
            // No description: the status code or the error's type says it all.
            span.set_status(Status::error(""));
        }
        let end = self.began.and_then(|began| began.checked_add(duration));
        span.end_with_timestamp(end.unwrap_or_else(SystemTime::now));
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_over {
            let _active = self.context.clone().attach();
            self.end(&Outcome::Dropped);
        }
    }
}

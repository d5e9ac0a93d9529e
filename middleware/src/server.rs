//! The layer of a server: one span and one duration for each request that arrives.
//!
//! ```
//! use axum::{Router, routing::get};
//! use throughline_middleware::ServerLayer;
//!
//! let app: Router = Router::new()
//!     .route("/hello/{name}", get(|| async { "hello" }))
//!     .layer(ServerLayer::default());
//! ```
//!
//! A request `GET /hello/ada` becomes a SERVER span `GET /hello/{name}` and a value of the histogram
//! `http.server.request.duration` in seconds, with one end for both: see [`ExchangeBody`] for when that is.
//!
//! **Place.** Outermost: the last `.layer` of a `Router`, the first of a `ServiceBuilder`. What is further in
//! (`TraceLayer`, `CatchPanicLayer`, timeouts) has the span active, so that its lines carry the ids, and what
//! it answers is told. A second layer on the same request records nothing: it passes the request through and
//! hands its route to the outer one in the response's extensions. Under `nest_service` the outer layer knows
//! the route only in this way: put a layer into the nested router too, or a [`Route`] into the response.
//!
//! **Parent.** What the caller sent, never what happens to be active on the thread: a request without a
//! valid `traceparent` starts a trace. The span's context is active while the service is called and while
//! its future and its body are polled or dropped. What is spawned leaves the trace unless it takes the
//! context along:
//!
//! ```
//! use opentelemetry::{Context, trace::FutureExt};
//!
//! async fn order() -> &'static str {
//!     tokio::spawn(confirm().with_current_context());
//!
//!     let context = Context::current();
//!     tokio::task::spawn_blocking(move || {
//!         let _active = context.attach();
//!         print_invoice()
//!     });
//!     "ordered"
//! }
//! # async fn confirm() {}
//! # fn print_invoice() {}
//! # let _: axum::Router = axum::Router::new().route("/orders", axum::routing::post(order));
//! ```
//!
//! **End.** With the last byte of the body that the HTTP server takes, see [`ExchangeBody`]; what happens to that byte on
//! the way nobody tells a layer. An upgrade (a WebSocket, CONNECT) ends with its answer's head. A stream of events ends
//! when its reader leaves, which is an error by the standard: `cancelled`, with the code that was sent.
//!
//! **Attributes of the span.** `http.request.method`, `http.request.method_original` (unknown methods),
//! `url.scheme` (`http` or `https`: as the request target or HTTP/2's `:scheme` has it, else as an
//! [option](ServerOptions::scheme) says), `url.path` (as it was sent, with the prefix of every nest), `url.query`
//! (secrets redacted), `http.route` (see [`Route`]), `server.address` and `server.port` (as the caller wrote them:
//! request target, `:authority`, else `Host`; no default port), `client.address`, `network.peer.address` and
//! `network.peer.port` (the socket's peer, if the router is served with axum's connect info or a
//! [`Peer`](crate::Peer) is among the request's extensions), `network.protocol.version`, `user_agent.original`,
//! `http.response.status_code`, `error.type`. Each text from outside is cut after 4,096 bytes.
//!
//! What a proxy says of the original request counts if it is one of the [trusted](crate::options::TrustedProxies), by
//! default none. A handler adds attributes through [`ServerSpan`], code that sees every request through
//! [`OnRequest`](crate::options::OnRequest). Headers, sizes, methods, paths and what else can be told or left out are in
//! [`ServerOptions`].
//!
//! **Attributes of the duration.** `http.request.method`, `url.scheme`, `http.route`,
//! `http.response.status_code`, `network.protocol.version`, `error.type`: nothing a caller can make grow.
//!
//! **Errors.** 5xx: `error.type` is the code. A service or body that fails: `timeout`, `connect` or `reset`
//! where an `std::io::Error` or tower's timeout is the cause and the error can be seen through (itself, `axum::Error`,
//! boxed errors), else the type path of the error, `_OTHER` if that is a box. A panic: `panic`, unless a catcher further
//! in answers for it. Dropped before the end, because the client went away or a timeout further out ran off:
//! `cancelled`. 4xx are none.
//!
//! **Exceptions.** Where there is a [provider](ServerLayer::with_exceptions) for them, what fails and what panics is also
//! one log record `http.server.request.exception` of severity ERROR, with the ids of the span, `exception.type` and, as
//! far as it can be seen, `exception.message`; never with a stack trace, since errors have none. Codes and cancelled
//! requests are no exceptions.
//!
//! **gRPC.** A POST of `application/grpc` is told as a call: a span `package.Service/Method` with `rpc.method`,
//! `rpc.system.name` and the status of the trailers, and the histogram `rpc.server.call.duration`.
//!
//! **Sampling.** The sampler is asked, unless [an option](ServerOptions::parent_decides) says that it would only follow the
//! caller. Where the caller's trace is sampled it sees name, kind and attributes;
//! where a trace begins, name and kind, since attributes are built for recorded spans only; where the caller's is not
//! sampled, the method and the kind. [`sampled_by_attributes`](ServerOptions::sampled_by_attributes) shows it all of
//! them always. An unsampled request still passes its ids on.
//!
//! **Limits.** What the HTTP server refuses itself (a malformed head, too many headers) never comes here. A request body
//! has the size that its head announces, or none. Two thousand series are kept apart, what comes after them is one,
//! with `otel.metric.overflow`. What else of the standards is missing is in [`conformance`](crate::conformance).
//!
//! # tracing
//!
//! The span is started with the OpenTelemetry API, at a third of the price of one that goes through `tracing`. What
//! asks OpenTelemetry finds it active: `tracing` spans inside become its children by way of tracing-opentelemetry. But
//! `tracing::Span::current()` is none, until a handler's `#[instrument]` makes one. For code that relies on it there is
//! the option [`request_span`](ServerOptions::request_span):
//!
//! ```
//! # #[cfg(feature = "tracing")] {
//! use throughline_middleware::{ServerLayer, ServerOptions};
//!
//! async fn orders() -> &'static str {
//!     tracing::Span::current().record("user", "ada");
//!     "none"
//! }
//!
//! let mut options = ServerOptions::default();
//! options.request_span = true;
//! let layer = ServerLayer::default().with_options(options);
//! # let _: axum::Router = axum::Router::new().route("/orders", axum::routing::get(orders)).layer(layer);
//! # }
//! ```
//!
//! A span `request` (target `throughline`, level INFO) is then current wherever the request is served: in the call,
//! in each poll of the future and of the body, and where they are dropped. It has the fields `method` (as
//! `http.request.method`) and `route` (if it is known beforehand), and waits for `user` and `tenant`. `tracing` lets
//! nobody record others: for fields of your own put `#[instrument]` on the handler or, inside this layer, tower-http's
//! `TraceLayer` with a span of yours.
//!
//! With tracing-opentelemetry it is an INTERNAL child of the SERVER span, and log lines have its `span_id`. It ends with
//! the body, or with the last task that was given it. A request that is excluded, or that a layer further out records,
//! has none. Of an unsampled one OpenTelemetry learns nothing.
//!
//! It more than doubles what the layer costs: by 20,000 instructions and 13 allocations for a request that is sampled,
//! by 12,000 and 5 for one that is not, measured with the `tracing` layers of throughline.

mod forwarded;
mod request;

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use opentelemetry::{
    logs::{Logger, LoggerProvider},
    metrics::MeterProvider,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{self, Ends, ExchangeBody},
    exchange::{Exchange, Outcome, Side},
    failure::Failure,
    instruments::{Instruments, Settings},
    leg::{Leg, Surroundings},
    options::{RequestHead, ServerOptions},
    propagation::{Composite, HeaderInjector, TraceContext},
    request_span::RequestSpan,
    route::Route,
    rules::Rules,
    server_span::ServerSpan,
};

/// Makes a [`ServerService`] of a service; see the module page for what that records.
///
/// The default uses the global providers and the global propagator. It asks for them at the first request,
/// so that it may be made before they are set.
#[derive(Clone, Debug)]
pub struct ServerLayer {
    instruments: Arc<Instruments>,
}

impl ServerLayer {
    /// Makes a layer that records with the providers given and reads parents with the propagator given.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
    /// use throughline_middleware::{ServerLayer, propagation::Composite};
    ///
    /// let tracers = SdkTracerProvider::builder().build();
    /// let meters = SdkMeterProvider::builder().build();
    /// let layer = ServerLayer::new(&tracers, &meters, Arc::new(Composite::default()));
    /// ```
    pub fn new<P>(tracers: &P, meters: &dyn MeterProvider, propagator: Arc<Composite>) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let rules = Rules::from(ServerOptions::default());
        Self {
            instruments: Instruments::new(Settings::new(Side::Server, rules, tracers, meters, propagator)),
        }
    }

    /// Goes by these options instead of the default ones; see [`options`](crate::options).
    #[must_use]
    pub fn with_options(self, options: ServerOptions) -> Self {
        Self { instruments: self.instruments.changed(|settings| settings.rules = options.into()) }
    }

    /// Tells panics and errors also as log records, of this provider; see the module page. The API has no global
    /// provider of loggers, so that by default nobody is told.
    ///
    /// ```
    /// let loggers = opentelemetry_sdk::logs::SdkLoggerProvider::builder().build();
    /// let layer = throughline_middleware::ServerLayer::default().with_exceptions(&loggers);
    /// ```
    #[must_use]
    pub fn with_exceptions<P>(self, loggers: &P) -> Self
    where
        P: LoggerProvider,
        P::Logger: Logger + Send + Sync + 'static,
    {
        Self { instruments: self.instruments.changed(|settings| settings.with_exceptions(loggers)) }
    }

    /// Tells this function, once each, if requests come without the address of their peer, which an axum router has
    /// only when it is served with connect info, and if they are answered well without a [`Route`] because the
    /// layer is around an axum router instead of in it. The crate itself writes no log. Default: nobody is told.
    ///
    /// ```
    /// let layer = throughline_middleware::ServerLayer::default().on_notice(|text| eprintln!("{text}"));
    /// ```
    #[must_use]
    pub fn on_notice(self, tell: fn(&'static str)) -> Self {
        Self { instruments: self.instruments.changed(|settings| settings.notice = Some(tell)) }
    }
}

impl Default for ServerLayer {
    fn default() -> Self {
        let rules = Rules::from(ServerOptions::default());
        Self { instruments: Instruments::new(Settings::global(Side::Server, rules)) }
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService { inner, instruments: Arc::clone(&self.instruments) }
    }
}

/// A service that records each request it passes on; made by [`ServerLayer`].
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    instruments: Arc<Instruments>,
}

impl<S, B, R> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: 'static>,
    R: Body<Error: 'static>,
{
    type Response = Response<ExchangeBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let ends = Ends::of(request.method());
        if request.extensions().get::<Served>().is_some() {
            let learned = Route::of_request(request.extensions());
            let leg = Leg::begin(Surroundings::Nothing, || self.inner.call(request));
            return ResponseFuture { leg, ends, learned };
        }
        let mut surroundings = request::begin(&self.instruments, RequestHead::of(&request));
        request.extensions_mut().insert(Served);
        match ServerSpan::of(&surroundings) {
            Some(span) => request.extensions_mut().insert(span),
            // Of a request that this one was made from.
            None => request.extensions_mut().remove::<ServerSpan>(),
        };
        let span = match surroundings.exchange() {
            Some(exchange) if exchange.rules().request_span => {
                request::span(&self.instruments, exchange, &request)
            }
            _ => RequestSpan::none(),
        };
        let leg = Leg::begin_in(span, surroundings, || self.inner.call(request));
        ResponseFuture { leg, ends, learned: None }
    }
}

/// Marks a request that a layer serves already: one further in lets it pass.
#[derive(Clone, Copy)]
struct Served;

pin_project! {
    /// The future of a [`ServerService`]: carries the exchange from the request to the response's body.
    ///
    /// Dropped before its response it ends the exchange with `error.type` `cancelled` and no status code.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        leg: Leg<F>,
        ends: Ends,
        // What a layer further out may not know.
        learned: Option<Route>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: 'static,
{
    type Output = Result<Response<ExchangeBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut announced = None;
        let polled = this.leg.as_mut().inside(|mut future, surroundings| {
            let Some(carried) = future.as_mut().as_pin_mut() else { return Poll::Pending };
            let mut polled = carried.poll(task);
            let Poll::Ready(result) = &mut polled else { return polled };
            future.set(None);
            match result {
                Ok(response) => {
                    if let Some(route) = this.learned.take() {
                        response.extensions_mut().get_or_insert_with(|| route);
                    }
                    let teller = surroundings.exchange().filter(|exchange| exchange.rules().server_timing);
                    if let Some(timing) = teller.and_then(|exchange| timing(exchange)) {
                        // Refused only after 32,768 headers.
                        let _ = response.headers_mut().try_append(SERVER_TIMING, timing);
                    }
                    announced = body::respond(surroundings, *this.ends, response);
                }
                Err(error) => surroundings.end(&Outcome::Failed(Failure::of(error))),
            }
            polled
        });
        polled.map_ok(|response| ExchangeBody::carry(this.leg, announced, response))
    }
}

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Writes the ids of a span as the level 3 draft of W3C Trace Context has it. Without a span of its own the context has
/// its caller's, which are not told.
fn timing(exchange: &Exchange) -> Option<HeaderValue> {
    if exchange.context().span().span_context().is_remote() {
        return None;
    }
    let mut headers = HeaderMap::new();
    TraceContext::default().inject_context(exchange.context(), &mut HeaderInjector(&mut headers));
    let ids = headers.get("traceparent")?.to_str().ok()?;
    HeaderValue::try_from(format!("trace;desc={ids}")).ok()
}

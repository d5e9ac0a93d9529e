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
//! **Parent.** What the caller sent, never what happens to be active on the thread: a request without a
//! valid `traceparent` starts a trace. The span's context is active while the service is called, while its
//! future is polled and while the body is polled.
//!
//! **Attributes of the span.** `http.request.method`, `http.request.method_original` (unknown methods),
//! `url.scheme`, `url.path`, `url.query` (secrets redacted), `http.route` (see [`Route`]), `server.address`
//! and `server.port` (as the caller wrote them: request target, `:authority`, else `Host`; no default port),
//! `client.address`, `network.peer.address` and `network.peer.port` (the socket's peer, if the router is
//! served with axum's connect info), `network.protocol.version`, `user_agent.original`,
//! `http.response.status_code`, `error.type`. Forwarding headers are not believed. Each text from outside
//! is cut after 4,096 bytes.
//!
//! **Attributes of the duration.** `http.request.method`, `url.scheme`, `http.route`,
//! `http.response.status_code`, `network.protocol.version`, `error.type`: nothing a caller can make grow.
//!
//! **Errors.** 5xx: `error.type` is the code. A service that fails: the type path of its error. A panic:
//! `panic`. Dropped before the end, for example because the client went away: `cancelled`. 4xx are none.
//!
//! **Sampling.** The sampler is always asked, with name and kind; attributes are built afterwards, for
//! recorded spans only, so that a sampler does not see them. An unsampled request still passes its ids on.

use std::{
    any,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
};

use http::{Extensions, Method, Request, Response, header};
use http_body::Body;
use opentelemetry::{
    Context, KeyValue,
    metrics::MeterProvider,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    attributes::{self, bounded},
    body::ExchangeBody,
    exchange::{Entered, Exchange, Opening, Outcome, Side},
    instruments::{Instruments, SharedPropagator},
    propagation::HeaderExtractor,
    route::Route,
    url,
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
    pub fn new<P>(tracers: &P, meters: &dyn MeterProvider, propagator: SharedPropagator) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        Self { instruments: Instruments::new(Side::Server, tracers, meters, propagator) }
    }
}

impl Default for ServerLayer {
    fn default() -> Self {
        Self { instruments: Instruments::global(Side::Server) }
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
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ExchangeBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = request.method().clone();
        let mut exchange = Some(begin(&self.instruments, &request));
        let inner = {
            let _entered = Entered::new(&mut exchange);
            self.inner.call(request)
        };
        ResponseFuture { inner, exchange, method }
    }
}

pin_project! {
    /// The future of a [`ServerService`]: carries the exchange from the request to the response's body.
    ///
    /// Dropped before its response it ends the exchange with `error.type` `cancelled` and no status code.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // Before the exchange: what the future drops still belongs to it.
        #[pin]
        inner: F,
        exchange: Option<Exchange>,
        method: Method,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ExchangeBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = {
            let _entered = Entered::new(this.exchange);
            ready!(this.inner.poll(task))
        };
        Poll::Ready(match result {
            Ok(response) => Ok(ExchangeBody::carry(this.exchange.take(), this.method, response)),
            Err(error) => {
                if let Some(exchange) = this.exchange.take() {
                    exchange.end(Outcome::Failed(any::type_name::<E>()));
                }
                Err(error)
            }
        })
    }
}

fn begin<B>(instruments: &Arc<Instruments>, request: &Request<B>) -> Exchange {
    let parent =
        instruments.propagator().extract_with_context(&without_span(), &HeaderExtractor(request.headers()));
    let opening = Opening {
        method: request.method(),
        route: Route::of_request(request.extensions()),
        version: attributes::protocol_version(request.version()),
        labels: &[KeyValue::new(attributes::URL_SCHEME, url::scheme(request.uri()))],
    };
    Exchange::begin(instruments, &parent, opening, &|set| describe(request, set))
}

/// Returns the current context or, if a span is active in it, an empty one that is suppressed as it is. The
/// API cannot take a span out of a context, and samplers take an invalid span for an unsampled parent.
fn without_span() -> Context {
    let current = Context::current();
    match (current.has_active_span(), current.is_telemetry_suppressed()) {
        (false, _) => current,
        (true, false) => Context::new(),
        (true, true) => Context::new().with_telemetry_suppressed(),
    }
}

/// Tells the attributes of a request, except those that [`Exchange`] knows itself.
fn describe<B>(request: &Request<B>, set: &mut dyn FnMut(KeyValue)) {
    let uri = request.uri();
    set(KeyValue::new(attributes::URL_SCHEME, url::scheme(uri)));
    set(KeyValue::new(attributes::URL_PATH, bounded(uri.path()).to_owned()));
    if let Some(query) = uri.query() {
        set(KeyValue::new(attributes::URL_QUERY, bounded(&url::redacted_query(query)).to_owned()));
    }
    if let Some((host, port)) = url::authority(request).and_then(url::split_authority) {
        set(KeyValue::new(attributes::SERVER_ADDRESS, bounded(host).to_owned()));
        if let Some(port) = port {
            set(KeyValue::new(attributes::SERVER_PORT, i64::from(port)));
        }
    }
    if let Some(peer) = peer(request.extensions()) {
        // A listener for both families shows IPv4 peers as mapped IPv6 ones.
        let address = Arc::<str>::from(peer.ip().to_canonical().to_string());
        set(KeyValue::new(attributes::CLIENT_ADDRESS, Arc::clone(&address)));
        set(KeyValue::new(attributes::NETWORK_PEER_ADDRESS, address));
        set(KeyValue::new(attributes::NETWORK_PEER_PORT, i64::from(peer.port())));
    }
    if let Some(agent) = request.headers().get(header::USER_AGENT) {
        let agent = String::from_utf8_lossy(agent.as_bytes());
        set(KeyValue::new(attributes::USER_AGENT_ORIGINAL, bounded(&agent).to_owned()));
    }
}

#[cfg(feature = "axum")]
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0)
}

#[cfg(not(feature = "axum"))]
fn peer(_extensions: &Extensions) -> Option<SocketAddr> {
    None
}

//! The layer of a client: one span and one duration for each request that leaves.
//!
//! ```
//! use http::{Request, Response};
//! use throughline_middleware::ClientLayer;
//! use tower::{ServiceBuilder, service_fn};
//!
//! let client = ServiceBuilder::new()
//!     .layer(ClientLayer::default())
//!     .service(service_fn(async |request: Request<String>| {
//!         // A real one sends the request: by now it carries `traceparent`.
//!         Ok::<_, std::io::Error>(Response::new(request.into_body()))
//!     }));
//! ```
//!
//! A call becomes a CLIENT span `GET` and a value of the histogram `http.client.request.duration` in
//! seconds. The span's parent is what is active when the service is *called*, and its ids are written into
//! the request's headers, in the place of any that were there.
//!
//! **Attempts.** One span for each: put the layer inside of what retries or follows redirects, and every request
//! that reaches the inner service has a span and ids of its own. With [`Attempts`](crate::Attempts) in the
//! request's extensions they are numbered. A layer outside tells the call as a whole, and not what it overcame.
//!
//! **End.** The exchange ends with the head of the response: a caller may leave the body unread for as long
//! as it likes, and the time it takes to read is the caller's own. A gRPC call lasts until its status.
//!
//! **Attributes of the span.** `http.request.method`, `http.request.method_original` (unknown methods),
//! `http.request.resend_count`, `url.full` (credentials and secrets redacted, cut after 4,096 bytes; absent if
//! neither URL nor `Host` names a host), `url.template` (of [`UrlTemplate`](crate::UrlTemplate), which then is in
//! the name, too), `server.address`, `server.port` (80 or 443 where the URL has none, for `http`, `https`, `ws`
//! and `wss`; a URL without scheme counts as `http`), `network.peer.address` and `network.peer.port` (of
//! [`Peer`](crate::Peer), which the client has to tell), `network.protocol.version` (as negotiated),
//! `http.response.status_code`, `error.type`.
//!
//! **Attributes of the duration.** `http.request.method`, `url.template`, `server.address`, `server.port`,
//! `http.response.status_code`, `network.protocol.version`, `error.type`.
//!
//! **Errors.** 4xx and 5xx: `error.type` is the code. Without a response it is `timeout`, `connect` or `reset` by
//! the cause, if the error can be seen through: an `std::io::Error`, or a boxed one, as
//! `.map_err(tower::BoxError::from)` inside the layer makes it of any. Known are the timeouts of tower, tokio and
//! tonic, the failed connections of hyper and hyper-util, and all I/O errors that have such a kind; any other in a
//! box is `_OTHER`. An error that cannot be seen through is told by the path of its type. A panic: `panic`. A call that
//! its caller drops, also because of a timeout *outside* of the layer, is no error: the span ends without status
//! and without code. [`with_exceptions`](ClientLayer::with_exceptions) tells failures also as log records.
//!
//! **Options** are those of [`ClientOptions`]: which hosts get ids, captured headers, known methods, redacted
//! keys, one closure, and measurements beyond the duration (`http.client.active_requests`,
//! `http.client.request.body.size`, `http.client.response.body.size`).
//!
//! **Limits.** What only the client knows is not told: how many connections are open and for how long
//! (`http.client.open_connections`, `http.client.connection.duration`), attempts inside of it, sizes of heads.
//!
//! # With hyper-util's client
//!
//! It knows its peer and the kind of its errors: two lines tell the layer.
//!
//! ```
//! // axum = "0.8"
//! // hyper = "1"
//! // hyper-util = { version = "0.1", features = ["client-legacy", "http1", "tokio"] }
//! // tower = { version = "0.5", features = ["util"] }
//! use axum::{Router, body::Body, extract::State, http::{Request, StatusCode}, response::Response, routing::get};
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use throughline_middleware::{ClientLayer, ExchangeBody};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
//!
//! type Prices = BoxCloneSyncService<Request<Body>, Response<ExchangeBody<hyper::body::Incoming>>, BoxError>;
//!
//! async fn price(State(prices): State<Prices>) -> Result<Response, StatusCode> {
//!     let request = Request::get("http://prices:8080/today").body(Body::empty());
//!     let request = request.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
//!     let response = prices.oneshot(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
//!     Ok(response.map(Body::new))
//! }
//!
//! let client = ServiceBuilder::new()
//!     .layer(ClientLayer::default())
//!     .map_response(with_peer) // of the page of `Peer`
//!     .map_err(BoxError::from)
//!     .service(Client::builder(TokioExecutor::new()).build_http());
//! let app: Router = Router::new().route("/price", get(price)).with_state(Prices::new(client));
//! # fn with_peer<B>(response: Response<B>) -> Response<B> { response }
//! ```
//!
//! # With reqwest
//!
//! The feature `reqwest` has `ClientLayer::reqwest`, a middleware for clients of reqwest-middleware: see the
//! module `client::reqwest`.
//!
//! # With tonic
//!
//! A POST of `application/grpc` is told as a gRPC call, by this layer as by the server's: a CLIENT span
//! `package.Service/Method` and a value of `rpc.client.call.duration`, with `rpc.system.name`, `rpc.method`,
//! `rpc.response.status_code` (`OK`, `NOT_FOUND`, …), `server.address`, `server.port` and `error.type`, which is
//! the code if it is any but `OK`. Where no status came it is what gRPC makes of the end: `UNAVAILABLE` without a
//! connection, `DEADLINE_EXCEEDED` after the time of `grpc-timeout`, `CANCELLED` if the caller left, else
//! `UNKNOWN`. Captured headers become `rpc.request.metadata.…` and `rpc.response.metadata.…`.
//!
//! ```
//! // tonic = "0.14"
//! use throughline_middleware::ClientLayer;
//! use tonic::{client::Grpc, transport::Channel};
//! use tower::{BoxError, ServiceBuilder};
//!
//! # async fn prices() {
//! let origin = http::Uri::from_static("http://prices:50051");
//! let channel = Channel::builder(origin.clone()).connect_lazy();
//! let channel = ServiceBuilder::new().layer(ClientLayer::default()).map_err(BoxError::from).service(channel);
//! // In generated code: `PricesClient::with_origin(channel, origin)`.
//! let mut client = Grpc::with_origin(channel, origin);
//! # let _ = client.ready().await;
//! # }
//! ```
//!
//! Generated code tells the layer where it calls only if it is made `with_origin`: without it, there is no
//! `server.address`. `Channel` does not tell the peer's address.

mod request;
#[cfg(feature = "reqwest")]
pub mod reqwest;

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use http::{Request, Response};
use http_body::Body;
use opentelemetry::{
    logs::{Logger, LoggerProvider},
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use self::request::Departure;
use crate::{
    body::{self, Ends, ExchangeBody},
    exchange::{Outcome, Side},
    failure::Failure,
    instruments::{Instruments, Settings},
    leg::{Leg, Surroundings},
    options::ClientOptions,
    propagation::Composite,
    rules::Rules,
};

/// Makes a [`ClientService`] of a service; see the module page for what that records.
///
/// The default uses the global providers and the global propagator. It asks for them at the first request,
/// so that it may be made before they are set.
#[derive(Clone, Debug)]
pub struct ClientLayer {
    instruments: Arc<Instruments>,
}

impl ClientLayer {
    /// Makes a layer that records with the providers given and passes ids on with the propagator given.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
    /// use throughline_middleware::{ClientLayer, propagation::Composite};
    ///
    /// let tracers = SdkTracerProvider::builder().build();
    /// let meters = SdkMeterProvider::builder().build();
    /// let layer = ClientLayer::new(&tracers, &meters, Arc::new(Composite::default()));
    /// ```
    pub fn new<P>(tracers: &P, meters: &dyn MeterProvider, propagator: Arc<Composite>) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let rules = Rules::from(ClientOptions::default());
        Self {
            instruments: Instruments::new(Settings::new(Side::Client, rules, tracers, meters, propagator)),
        }
    }

    /// Goes by these options instead of the default ones; see [`options`](crate::options).
    #[must_use]
    pub fn with_options(self, options: ClientOptions) -> Self {
        Self { instruments: self.instruments.changed(|settings| settings.rules = options.into()) }
    }

    /// Tells panics and errors also as log records, of this provider: `http.client.request.exception`, or of gRPC
    /// calls `rpc.client.call.exception`, of severity WARN, with the ids of the CLIENT span. Default: nobody is told.
    #[must_use]
    pub fn with_exceptions<P>(self, loggers: &P) -> Self
    where
        P: LoggerProvider,
        P::Logger: Logger + Send + Sync + 'static,
    {
        Self { instruments: self.instruments.changed(|settings| settings.with_exceptions(loggers)) }
    }
}

impl Default for ClientLayer {
    fn default() -> Self {
        let rules = Rules::from(ClientOptions::default());
        Self { instruments: Instruments::new(Settings::global(Side::Client, rules)) }
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService { inner, instruments: Arc::clone(&self.instruments) }
    }
}

/// A service that records each request it sends on; made by [`ClientLayer`].
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    instruments: Arc<Instruments>,
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: 'static>,
    B: Body,
    R: Body<Error: 'static>,
{
    type Response = Response<ExchangeBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let departure = Departure::of(&request);
        let is_told_ids = departure.is_told_ids(&self.instruments);
        let exchange = request::begin(&self.instruments, departure);
        if is_told_ids {
            self.instruments.inject(exchange.context(), request.headers_mut());
        }
        let ends = Ends::of(request.method());
        ResponseFuture {
            leg: Leg::begin(Surroundings::Exchange(exchange), || self.inner.call(request)),
            ends,
        }
    }
}

pin_project! {
    /// The future of a [`ClientService`]: carries the exchange to the head of the response.
    ///
    /// Dropped before its response it ends the exchange without an error.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        leg: Leg<F>,
        ends: Ends,
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
        let polled = this.leg.as_mut().inside(|mut future, surroundings| {
            let Some(carried) = future.as_mut().as_pin_mut() else { return Poll::Pending };
            let polled = carried.poll(task);
            let Poll::Ready(result) = &polled else { return polled };
            future.set(None);
            match result {
                Ok(response) => drop(body::respond(surroundings, *this.ends, response)),
                Err(error) => surroundings.end(&Outcome::Failed(Failure::of(error))),
            }
            // What the response is still to tell belongs to a call, but not to an exchange that is over.
            if surroundings.exchange().is_none() {
                *surroundings = Surroundings::Nothing;
            }
            polled
        });
        polled.map_ok(|response| ExchangeBody::carry(this.leg, None, response))
    }
}

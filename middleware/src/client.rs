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
//! **One span per attempt.** Put the layer inside what retries or follows redirects: each request that
//! reaches the inner service has a span and an id of its own.
//!
//! **End.** The exchange ends with the head of the response: a caller may leave the body unread for as long
//! as it likes, and the time it takes to read is the caller's own.
//!
//! **Attributes of the span.** `http.request.method`, `http.request.method_original` (unknown methods),
//! `url.full` (credentials and secrets redacted, cut after 4,096 bytes; absent if neither URL nor `Host` names
//! a host), `server.address`, `server.port` (80 or 443 where the URL has none, for `http`, `https`, `ws` and
//! `wss`), `network.protocol.version` (as negotiated), `http.response.status_code`,
//! `error.type`. The peer's address is not known to a layer.
//!
//! **Attributes of the duration.** `http.request.method`, `server.address`, `server.port`,
//! `http.response.status_code`, `network.protocol.version`, `error.type`.
//!
//! **Errors.** 4xx and 5xx: `error.type` is the code. A client that fails: the type path of its error or, if
//! it fails with a boxed error (`.map_err(tower::BoxError::from)` inside the layer) or an `std::io::Error`,
//! `timeout`, `connect` or `reset` by its cause. A panic: `panic`. A call that its caller drops is no error:
//! the span ends without status and without code.
//!
//! # With hyper-util's client
//!
//! A [`ClientService`] is `Clone` where the client is, and has a name for axum's state:
//!
//! ```
//! // axum = "0.8"
//! // hyper-util = { version = "0.1", features = ["client-legacy", "http1", "tokio"] }
//! // tower = { version = "0.5", features = ["util"] }
//! use axum::{Router, body::Body, extract::State, http::{Request, StatusCode}, response::Response, routing::get};
//! use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::TokioExecutor};
//! use throughline_middleware::{ClientLayer, ClientService};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! type Prices = ClientService<Client<HttpConnector, Body>>;
//!
//! async fn price(State(mut prices): State<Prices>) -> Result<Response, StatusCode> {
//!     let request = Request::get("http://prices:8080/today").body(Body::empty());
//!     let request = request.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
//!     let ready = prices.ready().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
//!     let response = ready.call(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
//!     Ok(response.map(Body::new))
//! }
//!
//! let client = Client::builder(TokioExecutor::new()).build_http();
//! let prices: Prices = ServiceBuilder::new().layer(ClientLayer::default()).service(client);
//! let app: Router = Router::new().route("/price", get(price)).with_state(prices);
//! ```
//!
//! # With reqwest
//!
//! Its client takes and gives types of its own, which are turned into those of `http` inside the layer:
//!
//! ```ignore
//! // http = "1"
//! // reqwest = "0.12"
//! // tower = { version = "0.5", features = ["util"] }
//! use throughline_middleware::ClientLayer;
//! use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
//!
//! type Prices =
//!     BoxCloneSyncService<http::Request<reqwest::Body>, http::Response<reqwest::Body>, reqwest::Error>;
//!
//! let prices = Prices::new(
//!     ServiceBuilder::new()
//!         .layer(ClientLayer::default())
//!         .map_request(|request: http::Request<reqwest::Body>| {
//!             reqwest::Request::try_from(request).expect("an absolute URL")
//!         })
//!         .map_response(http::Response::<reqwest::Body>::from)
//!         .service(reqwest::Client::new()),
//! );
//!
//! // In a handler with `State(prices): State<Prices>`:
//! let request = http::Request::get("http://prices:8080/today").body(reqwest::Body::default())?;
//! let response = reqwest::Response::from(prices.oneshot(request).await?);
//! let text = response.text().await?;
//! ```
//!
//! Redirects that reqwest follows on its own are one call: its URL is that of the first request.

mod request;

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
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

use crate::{
    body::{self, Ends, ExchangeBody},
    exchange::{Outcome, Side},
    failure::Failure,
    instruments::{Instruments, Settings},
    leg::{Leg, Surroundings},
    options::{ClientOptions, RequestHead},
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

    /// Tells panics and errors also as log records, of this provider: `http.client.request.exception` of
    /// severity WARN, with the ids of the CLIENT span. Default: nobody is told.
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
    R: Body<Error: 'static>,
{
    type Response = Response<ExchangeBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = request::begin(&self.instruments, RequestHead::of(&request));
        if request::is_told_ids(&self.instruments, &request) {
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
        let result = ready!(this.leg.as_mut().inside(|mut future, surroundings| {
            let Some(polled) = future.as_mut().as_pin_mut().map(|future| future.poll(task)) else {
                return Poll::Pending;
            };
            let result = ready!(polled);
            future.set(None);
            match &result {
                Ok(response) => drop(body::respond(surroundings, *this.ends, response)),
                Err(error) => surroundings.end(Outcome::Failed(Failure::of(error))),
            }
            // What the response is still to tell belongs to a call, but not to an exchange that is over.
            if surroundings.exchange().is_none() {
                *surroundings = Surroundings::Nothing;
            }
            Poll::Ready(result)
        }));
        Poll::Ready(result.map(|response| ExchangeBody::carry(this.leg, None, response)))
    }
}

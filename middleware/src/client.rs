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

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
};

use http::{Request, Response};
use opentelemetry::{
    Context, KeyValue,
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    attributes::{self, bounded},
    exchange::{Exchange, Opening, Outcome, Side},
    failure,
    instruments::{Instruments, SharedPropagator},
    leg::Leg,
    propagation::HeaderInjector,
    url,
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
    pub fn new<P>(tracers: &P, meters: &dyn MeterProvider, propagator: SharedPropagator) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        Self { instruments: Instruments::new(Side::Client, tracers, meters, propagator) }
    }
}

impl Default for ClientLayer {
    fn default() -> Self {
        Self { instruments: Instruments::global(Side::Client) }
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
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = begin(&self.instruments, &request);
        self.instruments
            .propagator()
            .inject_context(exchange.context(), &mut HeaderInjector(request.headers_mut()));
        ResponseFuture { leg: Leg::begin(Some(exchange), || self.inner.call(request)) }
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
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: 'static,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut leg = self.project().leg;
        let result = ready!(leg.as_mut().poll(|future| future.poll(task)));
        if let Some(mut exchange) = leg.exchange().take() {
            match &result {
                Ok(response) => {
                    exchange.respond(response);
                    exchange.end(Outcome::Complete);
                }
                Err(error) => exchange.end(Outcome::Failed(failure::error_type(error))),
            }
        }
        Poll::Ready(result)
    }
}

fn begin<B>(instruments: &Arc<Instruments>, request: &Request<B>) -> Exchange {
    let uri = request.uri();
    let authority = url::authority(uri, request.headers());
    let mut labels = Vec::with_capacity(attributes::MOST_LABELS);
    if let Some((host, port)) = authority.and_then(url::split_authority) {
        labels.push(KeyValue::new(attributes::SERVER_ADDRESS, Arc::<str>::from(bounded(host))));
        if let Some(port) = port.or_else(|| url::default_port(uri)) {
            labels.push(KeyValue::new(attributes::SERVER_PORT, i64::from(port)));
        }
    }
    let opening = Opening { method: request.method(), route: None, version: None, labels };
    let describe = |set: &mut dyn FnMut(KeyValue)| {
        if let Some(authority) = authority {
            set(KeyValue::new(attributes::URL_FULL, bounded(&url::full(authority, uri)).to_owned()));
        }
    };
    // Cloned, not borrowed: a sampler or processor that attaches a context would find the stack in use.
    Exchange::begin(instruments, &Context::current(), opening, &describe)
}

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
//! `url.full` (credentials and secrets redacted, cut after 4,096 bytes), `server.address`, `server.port` (80
//! or 443 where the URL has none), `network.protocol.version` (as negotiated), `http.response.status_code`,
//! `error.type`. The peer's address is not known to a layer.
//!
//! **Attributes of the duration.** `http.request.method`, `server.address`, `server.port`,
//! `http.response.status_code`, `network.protocol.version`, `error.type`.
//!
//! **Errors.** 4xx and 5xx: `error.type` is the code. A service that fails: the type path of its error. A
//! panic: `panic`. A call that its caller drops is no error: the span ends without status and without code.

use std::{
    any,
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
    exchange::{Entered, Exchange, Opening, Outcome, Side},
    instruments::{Instruments, SharedPropagator},
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
    S: Service<Request<B>, Response = Response<R>>,
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
        let mut exchange = Some(exchange);
        let inner = {
            let _entered = Entered::new(&mut exchange);
            self.inner.call(request)
        };
        ResponseFuture { inner, exchange }
    }
}

pin_project! {
    /// The future of a [`ClientService`]: carries the exchange to the head of the response.
    ///
    /// Dropped before its response it ends the exchange without an error.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // Before the exchange: what the future drops still belongs to it.
        #[pin]
        inner: F,
        exchange: Option<Exchange>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = {
            let _entered = Entered::new(this.exchange);
            ready!(this.inner.poll(task))
        };
        if let Some(mut exchange) = this.exchange.take() {
            match &result {
                Ok(response) => {
                    exchange.respond(response);
                    exchange.end(Outcome::Complete);
                }
                Err(_) => exchange.end(Outcome::Failed(any::type_name::<E>())),
            }
        }
        Poll::Ready(result)
    }
}

fn begin<B>(instruments: &Arc<Instruments>, request: &Request<B>) -> Exchange {
    let scheme = url::scheme(request.uri());
    let authority = url::authority(request);
    let server = authority.and_then(url::split_authority).map(|(host, port)| {
        let port = port.unwrap_or_else(|| url::default_port(scheme));
        [
            KeyValue::new(attributes::SERVER_ADDRESS, Arc::<str>::from(bounded(host))),
            KeyValue::new(attributes::SERVER_PORT, i64::from(port)),
        ]
    });
    let server = server.as_ref().map_or(&[][..], |server| server);
    let opening = Opening { method: request.method(), route: None, version: None, labels: server };
    let describe = |set: &mut dyn FnMut(KeyValue)| {
        let full = url::full(scheme, authority.unwrap_or_default(), request.uri());
        set(KeyValue::new(attributes::URL_FULL, bounded(&full).to_owned()));
        server.iter().cloned().for_each(set);
    };
    // Cloned, not borrowed: a sampler or processor that attaches a context would find the stack in use.
    Exchange::begin(instruments, &Context::current(), opening, &describe)
}

//! What a layer tells beyond the standard's defaults, and what it keeps to itself: plain data.
//!
//! ```
//! use throughline_middleware::{ServerLayer, options::{CapturedHeaders, Scheme, ServerOptions, TrustedProxies}};
//!
//! let mut options = ServerOptions::default();
//! options.trusted_proxies = TrustedProxies::networks(["10.0.0.0/8"])?;
//! options.scheme = Scheme::Https;
//! options.request_headers = CapturedHeaders::new(["x-request-id"])?;
//! options.excluded_paths = vec!["/healthz".into(), "/internal/*".into()];
//! options.omitted = vec!["user_agent.original".into()];
//! let layer = ServerLayer::default().with_options(options);
//! # Ok::<_, throughline_middleware::options::Invalid>(())
//! ```
//!
//! The default of every option is what the standard recommends, and nothing that a caller could abuse: no
//! forwarding header is believed, no header is captured, no opt-in metric is recorded.
//!
//! One closure per side may see the head of a request and change the span that is about to be told of it. What it
//! sets stands in the place of what the layer would tell: so a path that holds a secret is scrubbed.
//!
//! ```
//! use opentelemetry::KeyValue;
//! use throughline_middleware::options::{OnRequest, ServerOptions};
//!
//! let mut options = ServerOptions::default();
//! options.on_request = Some(OnRequest::new(|request, span| {
//!     if let Some(tenant) = request.headers.get("x-tenant").and_then(|value| value.to_str().ok()) {
//!         span.set(KeyValue::new("app.tenant", tenant.chars().take(64).collect::<String>()));
//!     }
//!     if request.uri.path().starts_with("/reset-password/") {
//!         span.set(KeyValue::new("url.path", "/reset-password/-"));
//!     }
//! }));
//! ```
//!
//! The closure runs where the span is recorded, or may be: a panic in it is one of the request.

mod headers;
mod hosts;
mod proxies;

use std::{borrow::Cow, fmt, sync::Arc};

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use opentelemetry::{Key, KeyValue, trace::SpanBuilder};

pub(crate) use self::headers::Capture;
pub use self::{
    headers::CapturedHeaders,
    hosts::Hosts,
    proxies::{ProxyHeaders, TrustedProxies},
};
use crate::{attributes, url};

/// What a [`ServerLayer`](crate::ServerLayer) tells and whom it believes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Whose `Forwarded` or `X-Forwarded-*` headers are believed. Default: nobody's.
    pub trusted_proxies: TrustedProxies,
    /// The scheme behind which the service listens, for requests that do not tell: say
    /// [`Https`](Scheme::Https) behind your own TLS listener. Default: [`Http`](Scheme::Http).
    pub scheme: Scheme,
    /// Methods that keep their name; all others are `_OTHER`. Case-sensitive. Setting it replaces the whole
    /// list; an empty one makes every method `_OTHER`. Default: those of RFC 9110, PATCH and QUERY
    /// (`OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`).
    pub known_methods: Vec<String>,
    /// Request headers that become `http.request.header.<name>`, and `rpc.request.metadata.<name>` of gRPC calls.
    /// Default: none.
    pub request_headers: CapturedHeaders,
    /// Response headers that become `http.response.header.<name>`, and `rpc.response.metadata.<name>` of gRPC calls.
    /// Default: none.
    pub response_headers: CapturedHeaders,
    /// Query keys whose values are replaced by `REDACTED`. Case-sensitive. Setting it replaces the whole list.
    /// Default: the seven that the conventions have listed so far.
    pub sensitive_query_keys: Vec<String>,
    /// Attributes that spans do not get, by key: `client.address`, `user_agent.original`, … Those that make up
    /// a measurement stay on the measurement. Default: none.
    pub omitted: Vec<String>,
    /// Paths that are served without span and measurement, while their context passes through: exact, or all
    /// that begin alike where a `*` is at the end. Default: none.
    pub excluded_paths: Vec<String>,
    /// Whether the callers are strangers, who do not decide about ids and sampling: each request then starts
    /// a trace of its own that *links* to the caller's, and `tracestate` and `baggage` are dropped. A service that sends
    /// the headers of its callers on has to take `baggage` out of them itself. Default: false.
    pub public_endpoint: bool,
    /// Whether responses tell the ids of their span in `server-timing: trace;desc=00-…`. A browser's script of
    /// another origin reads it only if the response also has `Timing-Allow-Origin`, and sends ids of its own only if
    /// `traceparent`, `tracestate` and `baggage` are among your `Access-Control-Allow-Headers`. Default: false.
    pub server_timing: bool,
    /// Whether a `tracing` span is entered wherever the request is served, for code that relies on
    /// `tracing::Span::current()`; see [`server`](crate::server#tracing). Needs the feature `tracing`: without it, a
    /// [notice](crate::ServerLayer::on_notice) says so. Default: false.
    pub request_span: bool,
    /// Whether attributes are built before the sampler is asked, so that it can decide by them, by `http.route` too
    /// where it is known by then: such a route stays, whatever route the response tells. Costs unsampled requests what
    /// sampled ones cost. Default: false; what samplers then see is told in [`server`](crate::server).
    pub sampled_by_attributes: bool,
    /// Whether `http.server.active_requests` is recorded. Default: false.
    pub active_requests: bool,
    /// Whether `http.server.request.body.size` and `http.server.response.body.size` are recorded, and told
    /// of the span. Requests of unknown length have no size. Default: false.
    pub body_sizes: bool,
    /// Whether the log records of panics and errors carry their message, which may hold anything.
    /// Default: true.
    pub exception_messages: bool,
    /// Sees each request whose span is recorded, or is about to be, before it is served, and changes what the span
    /// tells. Default: nothing does.
    pub on_request: Option<OnRequest>,
    /// Whether the histograms are bound to their attributes, which records at a third of the price. Only for
    /// meter providers that can (`opentelemetry_sdk` with `experimental_metrics_bound_instruments`): with all
    /// others the measurements are lost. Default: false.
    pub bound_instruments: bool,
    /// Whether the sampler of the provider follows the parent, and nothing but the parent's flag says what it wants
    /// (`parentbased_*` of the standard, without B3 and X-Ray): then it is not asked about a request below a span that
    /// is not sampled, which saves an eighth of what the layer costs there. The ids of such a request are the layer's
    /// own. Default: false.
    pub parent_decides: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::default(),
            scheme: Scheme::default(),
            known_methods: attributes::KNOWN_METHODS.map(String::from).to_vec(),
            request_headers: CapturedHeaders::default(),
            response_headers: CapturedHeaders::default(),
            sensitive_query_keys: url::SENSITIVE_QUERY_KEYS.map(String::from).to_vec(),
            omitted: Vec::new(),
            excluded_paths: Vec::new(),
            public_endpoint: false,
            server_timing: false,
            request_span: false,
            sampled_by_attributes: false,
            active_requests: false,
            body_sizes: false,
            exception_messages: true,
            on_request: None,
            bound_instruments: false,
            parent_decides: false,
        }
    }
}

/// What a [`ClientLayer`](crate::ClientLayer) tells and whom it tells ids.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The hosts that get `traceparent`, `tracestate` and `baggage`. Default: all.
    pub injected_hosts: Hosts,
    /// As [`ServerOptions::known_methods`].
    pub known_methods: Vec<String>,
    /// As [`ServerOptions::request_headers`].
    pub request_headers: CapturedHeaders,
    /// As [`ServerOptions::response_headers`].
    pub response_headers: CapturedHeaders,
    /// As [`ServerOptions::sensitive_query_keys`].
    pub sensitive_query_keys: Vec<String>,
    /// As [`ServerOptions::omitted`].
    pub omitted: Vec<String>,
    /// As [`ServerOptions::sampled_by_attributes`].
    pub sampled_by_attributes: bool,
    /// Whether `http.client.active_requests` is recorded. Default: false.
    pub active_requests: bool,
    /// Whether `http.client.request.body.size` and `http.client.response.body.size` are recorded, and told of the
    /// span: as long as the two bodies say that they are when the heads are sent. What does not know its length
    /// has no size. Default: false.
    pub body_sizes: bool,
    /// As [`ServerOptions::exception_messages`].
    pub exception_messages: bool,
    /// As [`ServerOptions::on_request`].
    pub on_request: Option<OnRequest>,
    /// As [`ServerOptions::bound_instruments`].
    pub bound_instruments: bool,
    /// As [`ServerOptions::parent_decides`].
    pub parent_decides: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        let server = ServerOptions::default();
        Self {
            injected_hosts: Hosts::default(),
            known_methods: server.known_methods,
            request_headers: server.request_headers,
            response_headers: server.response_headers,
            sensitive_query_keys: server.sensitive_query_keys,
            omitted: server.omitted,
            sampled_by_attributes: server.sampled_by_attributes,
            active_requests: server.active_requests,
            body_sizes: server.body_sizes,
            exception_messages: server.exception_messages,
            on_request: server.on_request,
            bound_instruments: server.bound_instruments,
            parent_decides: server.parent_decides,
        }
    }
}

/// A scheme that `url.scheme` may have: anything else in a request is not believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    #[default]
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// Returns `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Reads a scheme as a request may write it, in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }
}

/// The head of a request: all but its body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target as it was sent.
    pub uri: &'a Uri,
    /// Its version: of a request that leaves, the one asked for.
    pub version: Version,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// What the program attached to it.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

/// A function that sees the head of each request whose span is recorded, or is about to be, and may change what the
/// span tells.
#[derive(Clone)]
pub struct OnRequest(Arc<Change>);

type Change = dyn Fn(RequestHead<'_>, &mut SpanDraft) + Send + Sync;

impl OnRequest {
    /// Makes one of a closure. It runs on the request's path: it should be quick, and must not block. If it panics, the
    /// request is served and told all the same, with what was changed until then.
    pub fn new(change: impl Fn(RequestHead<'_>, &mut SpanDraft) + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }

    pub(crate) fn change(&self, request: RequestHead<'_>, span: &mut SpanDraft) {
        (self.0)(request, span);
    }
}

impl fmt::Debug for OnRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnRequest")
    }
}

/// What a span is about to be told: its name and its attributes.
#[derive(Debug)]
pub struct SpanDraft {
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) attributes: Vec<KeyValue>,
}

impl SpanDraft {
    pub(crate) fn with_capacity(attributes: usize) -> Self {
        Self { name: None, attributes: Vec::with_capacity(attributes) }
    }

    pub(crate) fn complete(self, builder: &mut SpanBuilder) {
        builder.attributes = Some(self.attributes);
        if let Some(name) = self.name {
            builder.name = name;
        }
    }

    /// Names the span, for good: a route that becomes known later does not rename it. Give it few values.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = Some(name.into());
    }

    /// Sets an attribute, in the place of one with the same key. An `http.route` stays on the span, whatever the route
    /// is. What else only the end tells, like the status, cannot be set.
    pub fn set(&mut self, attribute: KeyValue) {
        match self.attributes.iter_mut().find(|own| own.key == attribute.key) {
            Some(own) => *own = attribute,
            None => self.attributes.push(attribute),
        }
    }

    /// Takes an attribute away.
    pub fn remove(&mut self, key: &str) {
        self.attributes.retain(|attribute| attribute.key.as_str() != key);
    }

    /// Returns the attributes so far. The route, the status and what else only the end tells are not among them.
    pub fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }
}

/// An option that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    pub(crate) fn new(value: &str, fault: &str) -> Self {
        Self(format!("{value:?} {fault}"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// Makes keys of the names of attributes.
pub(crate) fn keys(names: Vec<String>) -> Vec<Key> {
    names.into_iter().map(Key::from).collect()
}

//! What a request that arrives tells.

use std::{fmt::Write, net::SocketAddr, sync::Arc};

use http::{Extensions, Request, Uri, header};
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};

use crate::{
    attributes::{self, bounded},
    exchange::{Exchange, Opening},
    instruments::Instruments,
    propagation::HeaderExtractor,
    route::Route,
    url,
};

/// Most bytes of an IP address in text: eight groups of four digits with colons between them.
const LONGEST_ADDRESS: usize = 39;

const NO_PEER: &str = "requests come without the address of their peer, so client.address is absent; serve the router \
                       with into_make_service_with_connect_info::<SocketAddr>()";

/// Starts the exchange of a request.
pub(super) fn begin<B>(instruments: &Arc<Instruments>, request: &Request<B>) -> Exchange {
    let parent =
        instruments.propagator().extract_with_context(&without_span(), &HeaderExtractor(request.headers()));
    let target = target(request);
    let mut labels = Vec::with_capacity(attributes::MOST_LABELS);
    labels.push(KeyValue::new(attributes::URL_SCHEME, url::scheme(target)));
    let opening = Opening {
        method: request.method(),
        route: Route::of_request(request.extensions()),
        version: attributes::protocol_version(request.version()),
        labels,
    };
    Exchange::begin(instruments, &parent, opening, &|set| describe(instruments, request, target, set))
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

/// Tells the attributes of a request, except those that the measurement has too.
fn describe<B>(instruments: &Instruments, request: &Request<B>, target: &Uri, set: &mut dyn FnMut(KeyValue)) {
    set(KeyValue::new(attributes::URL_PATH, bounded(target.path()).to_owned()));
    if let Some(query) = target.query() {
        set(KeyValue::new(attributes::URL_QUERY, bounded(&url::redacted_query(query)).to_owned()));
    }
    if let Some((host, port)) = url::authority(target, request.headers()).and_then(url::split_authority) {
        set(KeyValue::new(attributes::SERVER_ADDRESS, bounded(host).to_owned()));
        if let Some(port) = port {
            set(KeyValue::new(attributes::SERVER_PORT, i64::from(port)));
        }
    }
    if let Some(peer) = peer(request.extensions()) {
        // A listener for both families shows IPv4 peers as mapped IPv6 ones.
        let mut address = String::with_capacity(LONGEST_ADDRESS);
        // Writing to a string does not fail.
        let _ = write!(address, "{}", peer.ip().to_canonical());
        set(KeyValue::new(attributes::CLIENT_ADDRESS, address.clone()));
        set(KeyValue::new(attributes::NETWORK_PEER_ADDRESS, address));
        set(KeyValue::new(attributes::NETWORK_PEER_PORT, i64::from(peer.port())));
    } else {
        instruments.notice(NO_PEER);
    }
    if let Some(agent) = request.headers().get(header::USER_AGENT) {
        let agent = String::from_utf8_lossy(agent.as_bytes());
        set(KeyValue::new(attributes::USER_AGENT_ORIGINAL, bounded(&agent).to_owned()));
    }
}

/// Returns the request's target as it was sent: a nested router sees it without the prefix of its nest.
#[cfg(feature = "axum")]
fn target<B>(request: &Request<B>) -> &Uri {
    let original = request.extensions().get::<axum::extract::OriginalUri>();
    original.map_or_else(|| request.uri(), |original| &original.0)
}

#[cfg(not(feature = "axum"))]
fn target<B>(request: &Request<B>) -> &Uri {
    request.uri()
}

#[cfg(feature = "axum")]
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0)
}

#[cfg(not(feature = "axum"))]
fn peer(_extensions: &Extensions) -> Option<SocketAddr> {
    None
}

//! What a request that arrives tells.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use http::{Extensions, HeaderMap, Request, Uri, header};
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};

use super::forwarded::Original;
use crate::{
    attributes::{self, bounded},
    body,
    exchange::{Exchange, Opening},
    instruments::Instruments,
    leg::Surroundings,
    options::{RequestHead, Scheme},
    peer::Peer,
    request_span::RequestSpan,
    route::Route,
    rpc,
    rules::Rules,
    series::{Convention, Series},
    url,
};

const NO_PEER: &str = "requests come without the address of their peer, so client.address is absent; serve the router \
                       with into_make_service_with_connect_info::<SocketAddr>()";

/// Starts the exchange of a request or, if its path is excluded, only reads the context it is served in.
pub(super) fn begin(instruments: &Arc<Instruments>, head: RequestHead<'_>) -> Surroundings {
    let head = RequestHead { uri: target(&head), ..head };
    let rules = instruments.rules();
    let caller = extract(instruments, head.headers);
    let root;
    let (parent, link) = match rules.public_endpoint {
        true => {
            root = suppressed_as(&caller, Context::new());
            (&root, Some(&caller).filter(|caller| caller.span().span_context().is_valid()))
        }
        false => (&caller, None),
    };
    if rules.exclude(head.uri) {
        return Surroundings::Context(parent.clone());
    }
    Surroundings::Exchange(match rpc::is_call(&head) {
        true => begin_call(instruments, parent, head, link),
        false => begin_request(instruments, parent, head, link),
    })
}

/// Makes the `tracing` span of a request, inside the context of its exchange.
pub(super) fn span<B>(instruments: &Instruments, exchange: &Exchange, request: &Request<B>) -> RequestSpan {
    let _active = exchange.context().clone().attach();
    let route = Route::of_request(request.extensions());
    let (method, _) = instruments.rules().method(request.method());
    RequestSpan::begin(instruments, method.as_str(), route.as_ref().map(Route::as_str))
}

#[inline]
fn begin_request(
    instruments: &Arc<Instruments>,
    parent: &Context,
    head: RequestHead<'_>,
    link: Option<&Context>,
) -> Box<Exchange> {
    let rules = instruments.rules();
    let original = match rules.trusted_proxies.are_none() {
        true => Original::default(),
        false => {
            let peer = Peer::of_request(head.extensions);
            Original::of(&rules.trusted_proxies, address(peer.as_ref()), head.headers)
        }
    };
    let (method, method_original) = rules.method(head.method);
    let route = Route::of_request(head.extensions);
    let is_unrouted = route.is_none() && is_unrouted(head.extensions);
    let scheme = || head.uri.scheme_str().and_then(Scheme::parse).unwrap_or(rules.scheme);
    let opening = Opening {
        head,
        series: Series {
            convention: Convention::Http,
            method,
            scheme: Some(original.scheme.unwrap_or_else(scheme)),
            target: route,
            host: None,
            port: None,
            version: Some(head.version),
            status: None,
            error: None,
        },
        link,
        claim: None,
        request_size: rules.body_sizes.then(|| body::content_length(head.headers)).flatten(),
        is_unrouted,
    };
    Exchange::begin(instruments, parent, opening, &|told| {
        if let Some(original) = method_original {
            told.push(KeyValue::new(attributes::HTTP_REQUEST_METHOD_ORIGINAL, original.to_owned()));
        }
        tell_url(rules, head.uri, told);
        let own = || url::authority(head.uri, head.headers).and_then(url::split_authority);
        tell_server(original.host.as_deref().and_then(url::split_authority).or_else(own), told);
        tell_client(instruments, original.client, Peer::of_request(head.extensions), told);
        if let Some(agent) = head.headers.get(header::USER_AGENT) {
            let lossy = |_| String::from_utf8_lossy(agent.as_bytes());
            // Nearly all are text, which is found out sooner so.
            let agent = std::str::from_utf8(agent.as_bytes()).map_or_else(lossy, Cow::Borrowed);
            told.push(KeyValue::new(attributes::USER_AGENT_ORIGINAL, bounded(&agent).to_owned()));
        }
        rules.http_headers.request.tell(head.headers, told);
    })
}

/// Starts the exchange of a gRPC call.
fn begin_call(
    instruments: &Arc<Instruments>,
    parent: &Context,
    head: RequestHead<'_>,
    link: Option<&Context>,
) -> Box<Exchange> {
    let rules = instruments.rules();
    let method = rpc::method(head.uri.path()).map(bounded);
    let known = method.and_then(|method| instruments.names().known(method));
    let claim = method.filter(|_| known.is_none()).map(String::from);
    let claimed =
        || claim.as_deref().map_or_else(|| attributes::OTHER.into(), |claim| Arc::<str>::from(claim).into());
    let series = Series {
        convention: Convention::Rpc,
        method: known.unwrap_or_else(claimed),
        scheme: None,
        target: None,
        host: None,
        port: None,
        version: None,
        status: None,
        error: None,
    };
    let opening = Opening { head, series, link, claim, request_size: None, is_unrouted: false };
    Exchange::begin(instruments, parent, opening, &|told| {
        // Not from `Host`: a call has an authority.
        tell_server(
            head.uri.authority().and_then(|authority| url::split_authority(authority.as_str())),
            told,
        );
        if let Some(peer) = Peer::of_request(head.extensions) {
            peer.tell(peer.address(), told);
        }
        rules.rpc_metadata.request.tell(head.headers, told);
    })
}

/// Reads the caller's context. Never what happens to be active on the thread is the parent; but where telemetry
/// is suppressed, it stays so.
fn extract(instruments: &Instruments, headers: &HeaderMap) -> Context {
    let is_suppressed = Context::map_current(Context::is_telemetry_suppressed);
    let parent = instruments.extract(headers);
    if is_suppressed { parent.with_telemetry_suppressed() } else { parent }
}

fn suppressed_as(model: &Context, context: Context) -> Context {
    if model.is_telemetry_suppressed() { context.with_telemetry_suppressed() } else { context }
}

fn tell_url(rules: &Rules, target: &Uri, told: &mut Vec<KeyValue>) {
    told.push(KeyValue::new(attributes::URL_PATH, bounded(target.path()).to_owned()));
    if let Some(query) = target.query() {
        let query = url::redacted_query(query, &rules.sensitive_query_keys);
        told.push(KeyValue::new(attributes::URL_QUERY, bounded(&query).to_owned()));
    }
}

/// Tells host and port of the first of these that has them.
fn tell_server(server: Option<(&str, Option<u16>)>, told: &mut Vec<KeyValue>) {
    let Some((host, port)) = server else { return };
    told.push(KeyValue::new(attributes::SERVER_ADDRESS, bounded(host).to_owned()));
    if let Some(port) = port {
        told.push(KeyValue::new(attributes::SERVER_PORT, i64::from(port)));
    }
}

fn tell_client(
    instruments: &Instruments,
    original: Option<IpAddr>,
    peer: Option<Peer>,
    told: &mut Vec<KeyValue>,
) {
    let Some(peer) = peer else {
        instruments.notice(NO_PEER);
        if let Some(original) = original {
            told.push(KeyValue::new(attributes::CLIENT_ADDRESS, attributes::address(original)));
        }
        return;
    };
    let address = peer.address();
    let client = original.map_or_else(|| address.clone(), attributes::address);
    told.push(KeyValue::new(attributes::CLIENT_ADDRESS, client));
    peer.tell(address, told);
}

fn address(peer: Option<&Peer>) -> Option<IpAddr> {
    match peer {
        Some(Peer::Socket(socket)) => Some(socket.ip()),
        Some(Peer::Unix(_)) | None => None,
    }
}

/// Returns the request's target as it was sent: a nested router sees it without the prefix of its nest.
#[cfg(feature = "axum")]
fn target<'a>(head: &RequestHead<'a>) -> &'a Uri {
    let original = head.extensions.get::<axum::extract::OriginalUri>();
    original.map_or(head.uri, |original| &original.0)
}

/// Whether axum's router, which tells each request its original target, is further in than the layer.
#[cfg(feature = "axum")]
fn is_unrouted(extensions: &Extensions) -> bool {
    extensions.get::<axum::extract::OriginalUri>().is_none()
}

#[cfg(not(feature = "axum"))]
fn is_unrouted(_extensions: &Extensions) -> bool {
    false
}

#[cfg(not(feature = "axum"))]
fn target<'a>(head: &RequestHead<'a>) -> &'a Uri {
    head.uri
}

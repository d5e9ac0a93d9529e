//! What a request that leaves tells.

use std::sync::Arc;

use http::Request;
use opentelemetry::{Context, KeyValue, StringValue};

use crate::{
    attempts::{Attempts, UrlTemplate},
    attributes::{self, bounded},
    body,
    exchange::{Exchange, Opening},
    instruments::Instruments,
    options::RequestHead,
    rpc,
    series::{Convention, Series},
    url,
};

/// Starts the exchange of a request.
pub(crate) fn begin(instruments: &Arc<Instruments>, head: RequestHead<'_>) -> Box<Exchange> {
    let rules = instruments.rules();
    let authority = url::authority(head.uri, head.headers);
    let is_call = rpc::is_call(&head);
    let series = match is_call {
        true => call(instruments, &head, authority),
        false => request(instruments, &head, authority),
    };
    let request_size = rules.body_sizes.then(|| body::content_length(head.headers)).flatten();
    let method_original = rules.method(head.method).1.filter(|_| !is_call);
    let resent =
        head.extensions.get::<Attempts>().map(Attempts::next).filter(|before| *before > 0 && !is_call);
    let opening = Opening { head, series, link: None, claim: None, request_size };
    // Cloned, not borrowed: a sampler or processor that attaches a context would find the stack in use.
    Exchange::begin(instruments, &Context::current(), opening, &|set| {
        if let Some(original) = method_original {
            set(KeyValue::new(attributes::HTTP_REQUEST_METHOD_ORIGINAL, original.to_owned()));
        }
        if let Some(resent) = resent {
            set(KeyValue::new(attributes::HTTP_REQUEST_RESEND_COUNT, i64::from(resent)));
        }
        if is_call {
            return rules.rpc_metadata.request.tell(head.headers, set);
        }
        if let Some(authority) = authority {
            let full = url::full(authority, head.uri, &rules.sensitive_query_keys);
            set(KeyValue::new(attributes::URL_FULL, bounded(&full).to_owned()));
        }
        rules.http_headers.request.tell(head.headers, set);
    })
}

/// Tells whether a request's host is one that gets ids.
pub(crate) fn is_told_ids<B>(instruments: &Instruments, request: &Request<B>) -> bool {
    let host = || url::authority(request.uri(), request.headers()).and_then(url::split_authority);
    let hosts = &instruments.rules().injected_hosts;
    hosts.are_all() || hosts.contain(host().map_or("", |(host, _port)| host))
}

fn request(instruments: &Instruments, head: &RequestHead<'_>, authority: Option<&str>) -> Series {
    let (host, port) = server(instruments, authority).unzip();
    let template = head.extensions.get::<UrlTemplate>();
    Series {
        convention: Convention::Http,
        method: instruments.rules().method(head.method).0,
        scheme: None,
        target: template.map(|template| template.0.clone()),
        port: port.and_then(|port| port.or_else(|| url::default_port(head.uri))),
        host,
        version: None,
        status: None,
        error: None,
    }
}

fn call(instruments: &Instruments, head: &RequestHead<'_>, authority: Option<&str>) -> Series {
    let (host, port) = server(instruments, authority).unzip();
    let method = rpc::method(head.uri.path());
    let shared = |method| instruments.names().shared(bounded(method));
    Series {
        convention: Convention::Rpc,
        method: method.map_or_else(|| attributes::OTHER.into(), shared),
        scheme: None,
        target: None,
        port: port.flatten(),
        host,
        version: None,
        status: None,
        error: None,
    }
}

/// Returns host and port, if they are told.
fn server(instruments: &Instruments, authority: Option<&str>) -> Option<(StringValue, Option<u16>)> {
    let (host, port) = authority.and_then(url::split_authority)?;
    Some((instruments.names().shared(bounded(host)), port))
}

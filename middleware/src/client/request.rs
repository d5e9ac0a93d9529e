//! What a request that leaves tells.

use std::sync::Arc;

use http::Request;
use http_body::Body;
use opentelemetry::{Context, KeyValue, StringValue};

use crate::{
    attempts::{Attempts, UrlTemplate},
    attributes::{self, bounded},
    body,
    exchange::{Exchange, Opening},
    instruments::Instruments,
    options::RequestHead,
    rpc,
    rules::Rules,
    series::{Convention, Series},
    url,
};

/// What leaves.
#[derive(Clone, Copy)]
pub(super) struct Departure<'a> {
    pub(super) head: RequestHead<'a>,
    /// Whose words it is told in.
    pub(super) convention: Convention,
    /// The part of its URL that is not sent.
    pub(super) fragment: Option<&'a str>,
    /// How long its body is, where that is known.
    pub(super) size: Option<u64>,
}

impl<'a> Departure<'a> {
    pub(super) fn of<B: Body>(request: &'a Request<B>) -> Self {
        let head = RequestHead::of(request);
        let convention = if rpc::is_call(&head) { Convention::Rpc } else { Convention::Http };
        Self { head, convention, fragment: None, size: request.body().size_hint().exact() }
    }

    /// Tells whether its host is one that gets ids.
    pub(super) fn is_told_ids(&self, instruments: &Instruments) -> bool {
        let hosts = &instruments.rules().injected_hosts;
        let host = || url::authority(self.head.uri, self.head.headers).and_then(url::split_authority);
        hosts.are_all() || hosts.contain(host().map_or("", |(host, _port)| host))
    }

    /// Returns `url.full`, if it is known where the request goes.
    fn full(&self, authority: Option<&str>, rules: &Rules) -> Option<String> {
        let authority = authority?;
        // A URL's own authority is one, what a `Host` says may be anything.
        if self.head.uri.authority().is_none() {
            url::split_authority(authority)?;
        }
        let mut full = url::full(authority, self.head.uri, &rules.sensitive_query_keys);
        if let Some(fragment) = self.fragment {
            full.extend(["#", fragment]);
        }
        Some(bounded(&full).to_owned())
    }
}

/// Starts the exchange of a request.
pub(super) fn begin(instruments: &Arc<Instruments>, departure: Departure<'_>) -> Box<Exchange> {
    let Departure { head, convention, size, .. } = departure;
    let rules = instruments.rules();
    let authority = url::authority(head.uri, head.headers);
    let is_call = convention == Convention::Rpc;
    let series = match convention {
        Convention::Rpc => call(instruments, &head, authority),
        Convention::Http => request(instruments, &head, authority),
    };
    let announced = || size.or_else(|| body::content_length(head.headers));
    let request_size = rules.body_sizes.then(announced).flatten();
    let method_original = rules.method(head.method).1.filter(|_| !is_call);
    let resent =
        head.extensions.get::<Attempts>().map(Attempts::next).filter(|before| *before > 0 && !is_call);
    let opening = Opening { head, series, link: None, claim: None, request_size, is_unrouted: false };
    // Cloned, not borrowed: a sampler or processor that attaches a context would find the stack in use.
    Exchange::begin(instruments, &Context::current(), opening, &|told| {
        if let Some(original) = method_original {
            told.push(KeyValue::new(attributes::HTTP_REQUEST_METHOD_ORIGINAL, original.to_owned()));
        }
        if let Some(resent) = resent {
            told.push(KeyValue::new(attributes::HTTP_REQUEST_RESEND_COUNT, i64::from(resent)));
        }
        if is_call {
            return rules.rpc_metadata.request.tell(head.headers, told);
        }
        if let Some(full) = departure.full(authority, rules) {
            told.push(KeyValue::new(attributes::URL_FULL, full));
        }
        rules.http_headers.request.tell(head.headers, told);
    })
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

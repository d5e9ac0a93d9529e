//! What a collector acknowledges arrives, whatever becomes of the destination meanwhile, and is counted exactly.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod acknowledging; // in memory, on disk, delivered
mod balancing; // a trace is at one of several servers
mod changing; // on the way
mod faults; // each of them passes
mod stopping; // delivered, spilled, or named
mod writing; // to a terminal and a file

use crate::support::until;
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use throughline::{
    collector::{Collector, Config, Forwarded},
    sender::{Destination, Protocol, Remote, Signal},
    testing::Receiver,
};

/// Where a receiver takes spans over gRPC or HTTP.
fn to(receiver: &Receiver, protocol: Protocol) -> Destination {
    let url = match protocol {
        Protocol::Grpc => receiver.grpc_endpoint(),
        _ => format!("{}/v1/traces", receiver.http_endpoint()),
    };
    let mut remote = Remote::new(protocol, url.parse().unwrap());
    remote.timeout = Duration::from_millis(300);
    Destination::Remote(remote)
}

/// A collector at free ports, without view and store.
fn start(destinations: Vec<Destination>, change: impl FnOnce(&mut Config)) -> Collector {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (any, any, None, 0);
    config.destinations.traces = destinations;
    config.batch.delay = Duration::from_millis(5);
    change(&mut config);
    Collector::start(config).unwrap()
}

/// A request of spans with these numbers, which are their ids.
fn request(numbers: std::ops::Range<u64>) -> Bytes {
    let span = |number: u64| Span {
        trace_id: vec![7; 16],
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "work".into(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: numbers.map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

/// The numbers of all spans that a receiver took.
fn taken(receiver: &Receiver) -> Vec<u64> {
    let spans = receiver.bodies(Signal::Traces).into_iter().flat_map(|body| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        scopes.flat_map(|of| of.spans).collect::<Vec<_>>()
    });
    spans.map(|span| u64::from_be_bytes(span.span_id.try_into().unwrap()) - 1).collect()
}

fn set(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    numbers.into_iter().collect()
}

/// accepted, delivered, rejected, dropped, queued; after checking that they add up.
fn counts(forwarded: &Forwarded) -> [u64; 5] {
    let Forwarded { accepted, delivered, rejected, dropped, queued, .. } = *forwarded;
    assert_eq!(accepted, delivered + rejected + dropped + queued, "{forwarded:?}");
    [accepted, delivered, rejected, dropped, queued]
}

/// Sends over HTTP; the status and what the answer says of coming again.
async fn post(address: SocketAddr, body: Bytes) -> (u16, Option<String>) {
    use http_body_util::{BodyExt, Full};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = hyper::Request::post(format!("http://{address}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .body(Full::new(body))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    (status, after)
}

/// A directory of one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("throughline-forwarding-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

//! A sender without the SDK: what one request becomes.

use super::until;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::net::SocketAddr;
use throughline::sender::{Destination, Limits, Protocol, Remote, Request, Sender, Signal};

/// Where spans go by this protocol; `scheme://host` without a port.
pub(crate) fn remote(protocol: Protocol, origin: &str, address: SocketAddr) -> Remote {
    let url = format!("{origin}:{}/v1/traces", address.port());
    Remote::new(protocol, url.parse().unwrap())
}

pub(crate) fn sender(remote: Remote) -> Sender {
    Sender::start(Signal::Traces, Destination::Remote(remote), Limits::default()).unwrap()
}

/// Why a sender does not start.
pub(crate) fn start_failure(remote: Remote) -> String {
    Sender::start(Signal::Traces, Destination::Remote(remote), Limits::default()).unwrap_err().to_string()
}

/// A request with one span of this name.
pub(crate) fn span(name: &str) -> Request {
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: name.into(), ..Span::default() };
    let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
    Request { items: 1, body: request.encode_to_vec().into() }
}

/// The fault that the sender met.
pub(crate) async fn failure(sender: &Sender) -> String {
    until("a fault of the sender", || async { sender.stats().last_failure }).await
}

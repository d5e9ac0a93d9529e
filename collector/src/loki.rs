//! Log records to Loki, by its push API.
//!
//! ```
//! use throughline_collector::{Config, loki::Options};
//! use throughline_sender::{Protocol, Remote, Signal};
//!
//! let url = "http://loki:3100/loki/api/v1/push".parse()?;
//! let remote = Remote::new(Protocol::HttpProtobuf, url);
//! let mut config = Config::default();
//! config.destinations.add(Signal::Logs, Options::default().destination(remote));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! Loki 3 takes OTLP too, at `/otlp` (B-050): that needs nothing of this, and is what new dashboards are made for. This
//! is for a Loki, or for dashboards, that want labels of the push API, as the `loki` exporter of the OpenTelemetry
//! Collector made them while there was one (B-055).
//!
//! # Labels
//! | label | is |
//! |---|---|
//! | `exporter` | `OTLP` |
//! | `job` | `service.namespace/service.name`, or `service.name` if there is no namespace |
//! | `instance` | `service.instance.id` |
//! | `level` | the attribute `level`, or the name of the severity's number: `INFO`, `WARN2` |
//!
//! and what hints say: attributes of the record or of its resource that are not sent themselves. Of a hint in both, the
//! lists count together, and else that of the resource.
//!
//! | hint | says |
//! |---|---|
//! | `loki.resource.labels` | attributes of the resource that are labels, as a list or between commas; `a.b` may be `b` of `a` |
//! | `loki.attribute.labels` | attributes of the record that are |
//! | `loki.format` | how lines are written: `json` (the default), `logfmt`, `raw` |
//! | `loki.tenant` | the attribute that names the tenant, for `X-Scope-OrgID` |
//!
//! Names of labels have only letters, digits and `_`: `k8s.pod.name` becomes `k8s_pod_name`. An attribute that is a label is
//! left out of the line.
//!
//! # Lines
//! `json` is an object with `name`, `body`, `traceid`, `spanid`, `severity`, `flags`, `attributes`, `resources` and
//! `instrumentation_scope`, as far as they are there. `logfmt` has the body first, as `msg=` unless it is logfmt
//! itself, then `traceID`, `spanID`, `severity`, `flags`, `attribute_…`, `resource_…`, `instrumentation_scope_…`. `raw` is
//! the body. With every format, `trace_id` and `span_id` are also structured metadata (B-056), which a Loki before 3 refuses
//! unless it is told otherwise: see [`Options::structured_metadata`].
//!
//! # Semantics
//! A record has the time at which it happened, or was observed, or is sent, whichever is known first. Within a stream
//! records are in the order of their times. Each tenant has a request of its own; when one of them fails, all are
//! repeated, and Loki drops what it has already. What Loki refuses of a request (400: too old, too many labels) counts for
//! the request: its answer does not say what of it was taken.
//!
//! # Limits
//! Of a hint 100 names count. Labels and lines are as long as they are; Loki has bounds of its own (B-052, B-053). Names
//! of tenants that Loki does not allow have their records rejected, and counted. Integers of more than 53 bits are texts
//! in JSON. The tests have another decoder of the push API, and no Loki.

mod attributes; // what a record and its resource know
mod labels; // what a stream is known by
mod line; // what a record says
mod push; // streams as a request
mod record; // what came

use crate::otlp;
use prost::Message as _;
use push::Streams;
use record::{Record, Request};
use std::time::{SystemTime, UNIX_EPOCH};
use throughline_sender::{Destination, Dialect, Remote, Signal, Speak, Spoken, Unspeakable};

/// The tenants of one request; each is a request of its own.
const MAX_TENANTS: usize = 100;

/// How log records become streams of Loki: plain data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How requests are written. Default: protobuf.
    pub encoding: Encoding,
    /// The labels that streams have without being told. Default: all four.
    pub default_labels: DefaultLabels,
    /// Whether ids of traces and spans are structured metadata (B-051). Default: yes.
    pub structured_metadata: bool,
}

/// How a request to the push API is written (B-054).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf, compressed with snappy.
    #[default]
    Protobuf,
    /// JSON, compressed as the destination says.
    Json,
}

/// The labels that streams have without being told. Without any label at all a stream has `exporter`: Loki wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultLabels {
    /// `exporter`.
    pub exporter: bool,
    /// `job`.
    pub job: bool,
    /// `instance`.
    pub instance: bool,
    /// `level`.
    pub level: bool,
}

impl Default for DefaultLabels {
    fn default() -> Self {
        DefaultLabels { exporter: true, job: true, instance: true, level: true }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            encoding: Encoding::default(),
            default_labels: DefaultLabels::default(),
            structured_metadata: true,
        }
    }
}

impl Options {
    /// The Loki at a URL, which is that of its push API: `http://loki:3100/loki/api/v1/push`.
    pub fn destination(&self, mut remote: Remote) -> Destination {
        remote.dialect = Some(Dialect::new(Loki(self.clone())));
        Destination::Remote(remote)
    }
}

/// Says log records as Loki hears them.
struct Loki(Options);

impl Speak for Loki {
    fn speak(&self, signal: Signal, request: &[u8]) -> Result<Spoken, Unspeakable> {
        if signal != Signal::Logs {
            return Err(Unspeakable::Refused(format!("Loki takes log records, not {}", signal.items())));
        }
        let request = Request::decode(request)
            .map_err(|_| Unspeakable::Refused("the request cannot be decoded".to_owned()))?;
        let (mut streams, mut rejected) = (Streams::default(), 0);
        for Record { labels, tenant, entry } in request.records(&self.0, now()) {
            match tenant.as_deref().is_none_or(is_tenant) {
                true => streams.add(tenant.unwrap_or_default(), labels, entry),
                false => rejected += 1,
            }
        }
        if streams.tenants() > MAX_TENANTS {
            let words = format!("{} tenants in one request", streams.tenants());
            return Err(Unspeakable::TooLarge(words));
        }
        let messages = streams.messages(self.0.encoding).map_err(Unspeakable::Refused)?;
        let reason = if rejected > 0 { "their tenant has a name that Loki does not allow" } else { "" };
        Ok(Spoken { messages, rejected, reason: reason.to_owned() })
    }
}

/// Whether Loki allows the name.
fn is_tenant(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "!-_.*'()".contains(letter);
    !name.is_empty() && name.len() <= 150 && !matches!(name, "." | "..") && name.chars().all(is_allowed)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

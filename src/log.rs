//! Log lines that carry the ids of the trace they belong to, and log records with the same ids.
//!
//! ```
//! use throughline::{config::LogFormat, log::LogLayer};
//! use tracing_subscriber::prelude::*;
//!
//! let subscriber = tracing_subscriber::registry().with(LogLayer::with_format(LogFormat::Json));
//! tracing::subscriber::with_default(subscriber, || tracing::info!(item = "tea", count = 2, "added"));
//! ```
//! [`Telemetry`](crate::Telemetry) has this layer built in. Text, on a terminal with colours; the ids come before
//! the message, so that a line which the container runtime splits keeps them:
//! ```text
//! 2026-11-21T20:44:30.123456Z  INFO trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 cart: added item="tea" count=2 span="checkout" user="ada"
//! ```
//! JSON, one object a line; [flat](crate::config::Log::flat) has the fields beside the other members:
//! ```text
//! {"timestamp":"2026-11-21T20:44:30.123456Z","severity":"INFO","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","target":"cart","message":"added","fields":{"item":"tea","count":2},"span":"checkout","span_fields":{"user":"ada"}}
//! ```
//! logfmt:
//! ```text
//! timestamp=2026-11-21T20:44:30.123456Z severity=INFO trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 trace_flags=01 target=cart message=added item=tea count=2 span=checkout user=ada
//! ```
//! The names are [data](Keys). `docs/logs.md` has a table of them, recipes for Loki, Grafana Cloud, Google Cloud and
//! Datadog, and the way from `tracing_subscriber::fmt`.
//!
//! # Ids
//! They are those of the span that is active where the event happens, whether it was made by a layer, by
//! `#[instrument]` or by the OpenTelemetry API; of the span that `parent:` names, if it names one; and in a line
//! about a span its own. Unsampled traces have ids too, and `trace_flags` tells. Without a span there are none
//! (H-092: all three are optional, lower-case hexadecimal).
//!
//! # Fields
//! Fields keep their types. The fields of the spans around an event follow its own, those of the innermost span
//! first; a name that came before is not repeated. Beside members of ours, a field that has the name of one gets
//! the prefix `fields.`. What is not finite, or beyond 64 bits, is a text in JSON.
//!
//! Whatever an event says, it is one line: what breaks lines, moves the cursor or turns the direction of text is
//! escaped. A value whose `Debug` or `Display` panics is written as `<panicked>`; what one logs meanwhile is a line of its
//! own, each time it is shown. The same holds for the fields of spans, and for what is exported of them, in the layers of
//! a [`Telemetry`](crate::Telemetry). In a subscriber of your own a panic in a field of a span reaches
//! `tracing-opentelemetry`, which lets it pass.
//!
//! # Exceptions
//! What the layers of HTTP tell of exceptions is a record. Where no records leave it is an event of the target
//! `throughline`, and so a line.
//!
//! # Limits
//! - A line that could be written only in part is counted as failed, and the next one begins anew.
//! - Lines are not cut, however long. A thread keeps a buffer of at most 64 KiB for its lines.
//! - A stdout that nobody reads blocks whoever logs, unless there is a [buffer](crate::config::Log::buffer). After the
//!   shutdown the buffer's thread goes on, but nothing waits for it at the end of the process.
//! - In a subscriber of your own, add this layer after that of `tracing-opentelemetry`, to see the ids of new spans. A
//!   span that was never entered then has none in its last line, unless it had a first or [`SpanEnds`] is there. In a
//!   `Vec` of layers, lines about spans have none, and events with `parent:` have its ids only if the subscriber is the
//!   global one.
//! - Of the name of a function `tracing` knows nothing: `code.function.name` is absent.

mod clock; // points in time
mod ends; // the ids of spans that end without having been entered
mod escape; // text made harmless
mod exception; // what the layers tell of exceptions → events
mod fields; // the fields of events and spans in a line
mod form; // text, JSON, logfmt
mod ids; // which span an event belongs to
mod keys; // the names of a line's members
mod layer; // events → lines
mod life; // the moments of a span
mod line; // the line under way
mod output; // lines → stdout
mod panic; // panics → events
mod record; // events → OTLP log records
mod shown; // the fields of spans → texts, for other layers
mod span; // what a span keeps for its lines
mod value; // values of fields

pub(crate) use clock::Clock;
pub use ends::SpanEnds;
pub(crate) use escape::{Place, escape};
pub(crate) use exception::ExceptionEvents;
pub(crate) use ids::{Ids, Spans};
pub use keys::Keys;
pub use layer::LogLayer;
pub(crate) use output::Output;
pub(crate) use panic::log_panic;
pub(crate) use record::RecordLayer;
pub(crate) use shown::{shown_attributes, shown_record};
pub(crate) use span::keep_origin;

#[cfg(test)]
mod tests;

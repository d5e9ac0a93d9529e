//! Who is on the other side of a call: those that tell nothing of themselves, and those whose clock goes differently.

use crate::trace::{Kind, Span, Trace};

/// Where a client says whom it calls, the name first that says most.
const NAMES: [&str; 12] = [
    "peer.service",
    "service.peer.name",
    "db.system.name",
    "db.system",
    "messaging.system",
    "rpc.service",
    "faas.invoked_name",
    "server.address",
    "net.peer.name",
    "network.peer.address",
    "http.host",
    "rpc.system",
];

/// The name of the other side, if it told nothing of the call itself.
pub(crate) fn silent(trace: &Trace, span: &Span) -> Option<String> {
    if !matches!(span.kind, Kind::Client | Kind::Producer) {
        return None;
    }
    let mut children = span.children.iter().filter_map(|child| trace.spans.get(*child));
    if children.any(|child| child.is_remote_child()) {
        return None;
    }
    let value =
        |name: &str| span.attributes.get(name).map(ToString::to_string).filter(|value| !value.is_empty());
    let name = NAMES.iter().find_map(|name| value(name))?;
    let more = match value("db.namespace").or_else(|| value("messaging.destination.name")) {
        Some(more) if more != name => format!(" {more}"),
        _ => value("server.port")
            .filter(|_| Some(&name) == value("server.address").as_ref())
            .map_or(String::new(), |port| format!(":{port}")),
    };
    Some(format!("{name}{more}"))
}

/// By how many nanoseconds the clock of a span is at least wrong against that of its parent, which waited for it in
/// another process: less than nothing, it is slow.
pub(crate) fn skew(parent: &Span, span: &Span) -> Option<i64> {
    let is_elsewhere = span.is_remote_child() && parent.resource != span.resource;
    if !is_elsewhere || parent.kind != Kind::Client || span.start == 0 || parent.start == 0 {
        return None;
    }
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    if span.start < parent.start {
        Some(-signed(parent.start - span.start))
    } else if span.end > parent.end && span.duration() <= parent.duration() {
        Some(signed(span.end - parent.end))
    } else {
        None
    }
}

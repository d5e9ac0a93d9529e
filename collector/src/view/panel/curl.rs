//! The request of a span as a command of curl, to make it again in the same trace.

use crate::{
    time::printable,
    trace::{Span, Trace, Value},
};

/// Longer commands are of no use.
const MAX_LENGTH: usize = 4096;

/// Headers that were captured have this in front of their names.
const HEADER: &str = "http.request.header.";

/// The command; `None`: the span is none of a request over HTTP, or does not say enough, or something in it does not
/// belong into a command.
pub(super) fn curl(trace: &Trace, span: &Span) -> Option<String> {
    let method = text(span, &["http.request.method", "http.method"])?;
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let url = url(span)?;
    let mut command = format!("curl -X {method} {}", quoted(&url));
    for (name, value) in span.attributes.iter() {
        let Some(header) = name.strip_prefix(HEADER) else { continue };
        let values = match value {
            Value::Array(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        };
        command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{header}: {values}"))));
    }
    let parent = format!("traceparent: 00-{}-{}-01", trace.trace_id, span.span_id);
    command.push_str(&format!(" \\\n  -H {}", quoted(&parent)));
    // What is pasted into a terminal must be what is seen.
    let is_plain = command.split(" \\\n").all(|line| printable(line) == line);
    (is_plain && command.len() <= MAX_LENGTH).then_some(command)
}

fn url(span: &Span) -> Option<String> {
    let whole = text(span, &["url.full", "http.url"]);
    let url = whole.map_or_else(|| parts(span), Some)?;
    (url.starts_with("http://") || url.starts_with("https://")).then_some(url)
}

fn parts(span: &Span) -> Option<String> {
    let scheme = text(span, &["url.scheme", "http.scheme"]).unwrap_or_else(|| "http".to_owned());
    let address = text(span, &["server.address", "net.host.name"])?;
    let port =
        text(span, &["server.port", "net.host.port"]).map(|port| format!(":{port}")).unwrap_or_default();
    let path = text(span, &["url.path", "http.target"])?;
    let query = text(span, &["url.query"]).filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let address = if address.contains(':') { format!("[{address}]") } else { address };
    Some(format!("{scheme}://{address}{port}{path}{query}"))
}

fn text(span: &Span, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| span.attributes.get(name)).map(ToString::to_string)
}

/// A text as a shell takes it to the letter.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_what_is_quoted_to_the_letter() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("'; rm -rf $HOME; '"), r"''\''; rm -rf $HOME; '\'''");
    }
}

//! What must hold whatever arrives: of headers that are read, and of those that are written then.
//!
//! Shared by the fuzz target and the tests of the workspace, which run it on the seeds and on bytes of their
//! own.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    propagation::TextMapPropagator,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags},
};
use throughline_middleware::propagation::{
    Composite, EnvironmentExtractor, Format, HeaderExtractor, HeaderInjector, ListExtractor, ListInjector,
};

const FORMATS: [Format; 6] =
    [Format::TraceContext, Format::Baggage, Format::B3, Format::B3Multi, Format::Jaeger, Format::XRay];

/// The fields that a line can be of.
const NAMES: [&str; 13] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-b3-parentspanid",
    "uber-trace-id",
    "uberctx-city",
    "uberctx-Tenant",
    "x-amzn-trace-id",
];

/// Longest value in bytes of any field that is written.
const LONGEST_VALUE: usize = 32 * (256 + 1 + 256 + 1);
/// Most bytes of names and values that all formats write together.
const LONGEST_HEADERS: usize = LONGEST_VALUE + 2 * 8192 + 1024;

/// Reads each line of the data as a field, the first byte as its name, and checks what every propagator makes
/// of them.
pub(crate) fn propagate(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
    let fields = Vec::from_iter(lines.map(|(name, value)| (NAMES[usize::from(*name) % NAMES.len()], value)));
    let mut incoming = HeaderMap::new();
    for (name, value) in &fields {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            incoming.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
    }
    for format in FORMATS {
        alone(&Composite::of([format]), &incoming);
    }
    let all = Composite::of(FORMATS);
    check(&sent(&all, &all.extract_fresh(&incoming)));
    elsewhere(&all, &fields);
}

/// One format: reads the same in both ways, and reads what it wrote as what it was.
fn alone(propagator: &Composite, incoming: &HeaderMap) {
    let fresh = propagator.extract_fresh(incoming);
    let general = propagator.extract_with_context(&Context::new(), &HeaderExtractor(incoming));
    let outgoing = sent(propagator, &fresh);
    check(&outgoing);
    if incoming.values().all(|line| line.to_str().is_ok()) {
        assert_eq!(fresh.span().span_context(), general.span().span_context());
        assert_eq!(outgoing, sent(propagator, &general));
    }
    check(&sent(propagator, &general));
    let again = propagator.extract_fresh(&outgoing);
    assert_eq!(fresh.span().span_context(), again.span().span_context());
    assert_eq!(outgoing, sent(propagator, &again));

    // A span that the SDK dropped.
    let parent = fresh.span().span_context().clone();
    let (id, flags) = (SpanId::from(1), TraceFlags::NOT_SAMPLED);
    let dropped = SpanContext::new(parent.trace_id(), id, flags, false, parent.trace_state().clone());
    check(&sent(propagator, &fresh.with_remote_span_context(dropped)));
}

/// Other carriers than headers: nothing panics, and what is written is as good.
fn elsewhere(propagator: &Composite, fields: &[(&str, &[u8])]) {
    let list = propagator.extract_with_context(&Context::new(), &ListExtractor(fields));
    let texts =
        fields.iter().map(|(name, value)| ((*name).to_owned(), String::from_utf8_lossy(value).into_owned()));
    let map = HashMap::<String, String>::from_iter(texts.clone());
    let map = propagator.extract_with_context(&Context::new(), &map);
    let variables = texts.map(|(name, value)| (name.to_ascii_uppercase().replace('-', "_"), value));
    let variables = EnvironmentExtractor::from_iter(variables);
    let environment = propagator.extract_with_context(&Context::new(), &variables);
    for context in [&list, &map, &environment] {
        check(&sent(propagator, context));
    }
    let mut written = Vec::<(String, Vec<u8>)>::new();
    propagator.inject_context(&list, &mut ListInjector(&mut written));
    let headers = written
        .into_iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::try_from(value).unwrap()));
    assert_eq!(HeaderMap::from_iter(headers), sent(propagator, &list));
}

fn sent(propagator: &Composite, context: &Context) -> HeaderMap {
    let (mut direct, mut general) = (HeaderMap::new(), HeaderMap::new());
    propagator.inject_headers(context, &mut direct);
    propagator.inject_context(context, &mut HeaderInjector(&mut general));
    assert_eq!(direct, general);
    assert!(context.baggage().len() <= 64);
    direct
}

/// Checks headers that were written, by the grammars and not by the parsers.
fn check(headers: &HeaderMap) {
    let length = headers.iter().map(|(name, line)| name.as_str().len() + line.len()).sum::<usize>();
    assert!(length <= LONGEST_HEADERS, "{length} bytes");
    for (name, line) in headers {
        let line = line.to_str().unwrap();
        let is_valid = match name.as_str() {
            "traceparent" => is_parent(line),
            "tracestate" => is_state(line) && headers.contains_key("traceparent"),
            "baggage" => is_baggage(line),
            "b3" => is_b3(line),
            "x-b3-traceid" => is_id(line, 32) && headers.contains_key("x-b3-spanid"),
            "x-b3-spanid" => is_id(line, 16) && headers.contains_key("x-b3-traceid"),
            "x-b3-sampled" => matches!(line, "0" | "1") && !headers.contains_key("x-b3-flags"),
            "x-b3-flags" => line == "1",
            "uber-trace-id" => is_jaeger(line),
            "x-amzn-trace-id" => is_xray(line),
            other => other.starts_with("uberctx-") && line.bytes().all(is_octet),
        };
        assert!(is_valid && headers.get_all(name).iter().count() == 1, "{name}: {line}");
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

fn is_parent(line: &str) -> bool {
    let fields = Vec::from_iter(line.split('-'));
    let [version, trace_id, span_id, flags] = fields[..] else { return false };
    let is_flags = matches!(flags, "00" | "01" | "02" | "03");
    version == "00" && is_id(trace_id, 32) && is_id(span_id, 16) && is_flags
}

fn is_state(line: &str) -> bool {
    let members = Vec::from_iter(line.split(',').map(|member| member.split_once('=').unwrap_or_default()));
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key = |key: &str| {
        let bytes = key.as_bytes();
        bytes.first().is_some_and(|first| is_first(*first))
            && bytes.iter().all(|byte| is_first(*byte) || b"_-*/@".contains(byte))
    };
    let is_value = |value: &str| {
        !value.is_empty()
            && !value.ends_with(' ')
            && value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'=')
    };
    let mut keys = Vec::from_iter(members.iter().map(|(key, _)| *key));
    keys.sort_unstable();
    keys.dedup();
    keys.len() == members.len()
        && members.len() <= 32
        && members
            .iter()
            .all(|(key, value)| key.len() <= 256 && value.len() <= 256 && is_key(key) && is_value(value))
}

fn is_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

fn is_baggage(line: &str) -> bool {
    let is_token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| is_octet(byte) && !b"()/:<=>?@[]{}".contains(&byte))
    };
    let is_member = |member: &str| {
        let mut parts = member.split(';');
        let (name, value) = parts.next().unwrap_or_default().split_once('=').unwrap_or_default();
        let are_properties = parts.all(|property| {
            let (name, value) = property.split_once('=').unwrap_or((property, ""));
            is_token(name.trim_matches([' ', '\t'])) && value.trim_matches([' ', '\t']).bytes().all(is_octet)
        });
        is_token(name) && value.bytes().all(is_octet) && are_properties
    };
    line.len() <= 8192 && line.split(',').count() <= 64 && line.split(',').all(is_member)
}

fn is_b3(line: &str) -> bool {
    match line.split('-').collect::<Vec<_>>()[..] {
        [state] => matches!(state, "0" | "1" | "d"),
        [trace_id, span_id] => is_id(trace_id, 32) && is_id(span_id, 16),
        [trace_id, span_id, state] => {
            is_id(trace_id, 32) && is_id(span_id, 16) && matches!(state, "0" | "1" | "d")
        }
        _ => false,
    }
}

fn is_jaeger(line: &str) -> bool {
    let fields = Vec::from_iter(line.split(':'));
    let [trace_id, span_id, parent, flags] = fields[..] else { return false };
    let is_flags = matches!(flags, "00" | "01" | "03");
    is_id(trace_id, 32) && is_id(span_id, 16) && parent == "0" && is_flags
}

fn is_xray(line: &str) -> bool {
    let Some((root, rest)) = line.strip_prefix("Root=1-").and_then(|line| line.split_once(";Parent=")) else {
        return false;
    };
    let is_root = root.as_bytes().get(8) == Some(&b'-') && is_id(&root.replace('-', ""), 32);
    is_root && is_id(&rest[..16], 16) && matches!(&rest[16..], "" | ";Sampled=0" | ";Sampled=1")
}

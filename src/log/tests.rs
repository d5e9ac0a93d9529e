use super::*;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::{io, sync::Arc, sync::Mutex};
use tracing_subscriber::prelude::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the events inside `body` look like, without their timestamps.
fn lines(format: LogFormat, body: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .event_format(LogLine::new(format));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn inside_a_span(flags: TraceFlags, body: impl FnOnce()) {
    let ids = SpanContext::new(TraceId::from(0x4bf9), SpanId::from(0x00f0), flags, true, TraceState::NONE);
    let _active = Context::new().with_remote_span_context(ids).attach();
    body();
}

#[test]
fn a_text_line_has_the_ids_before_the_message() {
    let text = lines(LogFormat::Text, || {
        inside_a_span(
            TraceFlags::SAMPLED,
            || tracing::info!(target: "cart", item = "tea", count = 2, "added"),
        );
    });
    let (time, rest) = text.split_at("2026-11-21T20:44:30.123456Z".len());
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    assert_eq!(
        rest,
        "  INFO trace_id=00000000000000000000000000004bf9 span_id=00000000000000f0 cart: added item=\"tea\" count=2\n"
    );
}

#[test]
fn without_a_span_there_are_no_ids() {
    let text = lines(LogFormat::Text, || tracing::warn!(target: "cart", "alone"));
    assert!(text.ends_with("Z  WARN cart: alone\n"), "{text}");
    let json = lines(LogFormat::Json, || tracing::warn!(target: "cart", "alone"));
    let object: serde_json::Map<_, _> = serde_json::from_str(&json).unwrap();
    assert_eq!(object.keys().collect::<Vec<_>>(), ["message", "severity", "target", "timestamp"]);
}

// H-092
#[test]
fn a_json_line_has_the_ids_and_flags_at_the_top_also_when_unsampled() {
    for (flags, expected) in [(TraceFlags::SAMPLED, "01"), (TraceFlags::default(), "00")] {
        let json = lines(LogFormat::Json, || {
            inside_a_span(
                flags,
                || tracing::info!(target: "cart", item = "tea", count = 2, ratio = 0.5, ok = true, "added"),
            );
        });
        let mut object: serde_json::Value = serde_json::from_str(&json).unwrap();
        object["timestamp"].take();
        assert_eq!(
            object,
            serde_json::json!({
                "timestamp": null, "severity": "INFO", "target": "cart", "message": "added",
                "trace_id": "00000000000000000000000000004bf9", "span_id": "00000000000000f0", "trace_flags": expected,
                "fields": { "item": "tea", "count": 2, "ratio": 0.5, "ok": true },
            })
        );
    }
}

#[test]
fn whatever_an_event_says_it_is_one_line() {
    let hostile = "a\r\nb\u{1b}[2J\"\\\u{0}\u{85}\u{2028}\u{202e}";
    let event = || tracing::info!(target: "ca\nrt", field = hostile, debug = ?hostile, nan = f64::NAN, trace_id = "mine", "{hostile}");
    let text = lines(LogFormat::Text, event);
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.trim_end_matches('\n').contains(is_unsafe), "{text:?}");

    let json = lines(LogFormat::Json, event);
    assert_eq!(json.matches('\n').count(), 1);
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object["message"], hostile);
    assert_eq!(object["fields"]["field"], hostile);
    assert_eq!(object["fields"]["nan"], "NaN");
    assert_eq!(object["fields"]["trace_id"], "mine");
}

mod hostile; // what an event must not do to its line

use super::*;
use crate::config::{Log, LogFormat};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider},
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Value, json};
use std::{
    fmt, io,
    sync::{Arc, Mutex},
    time::Instant,
};
use tracing_subscriber::prelude::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the events inside `body` look like, beside a layer that makes spans of OpenTelemetry.
fn lines(log: &Log, body: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let provider = SdkTracerProvider::builder().build();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("test")))
        .with(LogLayer::new(log).with_writer(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, body);
    lines.text()
}

/// As [`lines`], without the timestamps.
fn timeless(log: &Log, body: impl FnOnce()) -> String {
    let cut = |line: &str| line.split_once("Z ").map(|(_, rest)| format!("{rest}\n")).unwrap();
    lines(log, body).lines().map(cut).collect()
}

fn object(line: &str) -> Value {
    let mut object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(object["timestamp"].take().is_string());
    object.as_object_mut().unwrap().remove("timestamp");
    object
}

fn inside(flags: TraceFlags, body: impl FnOnce()) {
    let ids = SpanContext::new(TraceId::from(0x4bf9), SpanId::from(0x00f0), flags, true, TraceState::NONE);
    let _active = Context::new().with_remote_span_context(ids).attach();
    body();
}

fn active() -> (String, String) {
    Context::map_current(|context| {
        let span = context.span().span_context().clone();
        (span.trace_id().to_string(), span.span_id().to_string())
    })
}

#[test]
fn a_text_line_has_the_ids_before_the_message_and_the_span_last() {
    let text = lines(&Log::new(LogFormat::Text), || {
        inside(TraceFlags::SAMPLED, || tracing::info!(target: "cart", item = "tea", count = 2, "added"));
    });
    let (time, rest) = text.split_at("2026-11-21T20:44:30.123456Z".len());
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    assert_eq!(
        rest,
        "  INFO trace_id=00000000000000000000000000004bf9 span_id=00000000000000f0 cart: added item=\"tea\" count=2\n"
    );
    let mut log = Log::new(LogFormat::Text);
    log.source = true;
    let text = timeless(&log, || {
        let _outer = tracing::info_span!("outer", tenant = %"a b", user = "none").entered();
        let _inner = tracing::info_span!("inner", user = "ada", empty = tracing::field::Empty).entered();
        tracing::warn!(target: "cart", parent: None, "alone");
        tracing::warn!(target: "cart", count = 2, message = "counted");
    });
    let places: Vec<_> = text.lines().map(|line| line.split_once(" cart: ").unwrap().1).collect();
    let line = |text: &str| text.split(':').nth(1).unwrap().parse::<u32>().unwrap();
    let [first, second] = places[..] else { panic!("{text}") };
    assert_eq!(first, format!("{}:{}: alone", file!(), line(first)));
    assert_eq!(
        second,
        format!("{}:{}: counted count=2 span=\"inner\" user=\"ada\" tenant=a b", file!(), line(first) + 1)
    );
}

#[test]
fn without_a_span_there_are_no_ids() {
    let event = || tracing::warn!(target: "cart", "alone");
    assert_eq!(timeless(&Log::new(LogFormat::Text), event), " WARN cart: alone\n");
    assert_eq!(timeless(&Log::new(LogFormat::Logfmt), event), "severity=WARN target=cart message=alone\n");
    let line = lines(&Log::new(LogFormat::Json), event);
    assert_eq!(object(&line), json!({"message": "alone", "severity": "WARN", "target": "cart"}));
}

// H-092
#[test]
fn a_json_line_has_the_ids_and_flags_at_the_top_also_when_unsampled() {
    for (flags, expected) in [(TraceFlags::SAMPLED, "01"), (TraceFlags::default(), "00")] {
        for flat in [false, true] {
            let mut log = Log::new(LogFormat::Json);
            log.flat = flat;
            let line = lines(&log, || {
                inside(
                    flags,
                    || tracing::info!(target: "cart", item = "tea", count = 2, ratio = 0.5, ok = true, "added"),
                );
            });
            let mut expected = json!({
                "severity": "INFO", "target": "cart", "message": "added",
                "trace_id": "00000000000000000000000000004bf9", "span_id": "00000000000000f0", "trace_flags": expected,
            });
            let fields = json!({ "item": "tea", "count": 2, "ratio": 0.5, "ok": true });
            match flat {
                true => expected.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone()),
                false => expected["fields"] = fields,
            }
            assert_eq!(object(&line), expected);
        }
    }
}

#[test]
fn the_fields_of_the_spans_are_there_once_the_innermost_first_and_as_they_are_now() {
    let body = || {
        let outer = tracing::info_span!("outer", tenant = "a", user = "none", later = tracing::field::Empty)
            .entered();
        let _inner = tracing::info_span!("inner", user = "ada", size = u64::MAX).entered();
        outer.record("later", 1.5);
        outer.record("tenant", "b");
        tracing::info!(target: "cart", size = 1, "added");
    };
    let mut log = Log::new(LogFormat::Json);
    let line = object(&lines(&log, body));
    assert_eq!(line["span"], "inner");
    assert_eq!(line["fields"], json!({"size": 1}));
    assert_eq!(line["span_fields"], json!({"user": "ada", "size": u64::MAX, "tenant": "b", "later": 1.5}));
    log.flat = true;
    let mut line = object(&lines(&log, body));
    ["trace_id", "span_id"].iter().for_each(|id| assert!(line[*id].take().is_string()));
    assert_eq!(
        line,
        json!({
            "severity": "INFO", "trace_id": null, "span_id": null, "trace_flags": "01", "target": "cart", "message": "added",
            "size": 1, "span": "inner", "user": "ada", "tenant": "b", "later": 1.5
        })
    );
    log.span_fields = false;
    let line = object(&lines(&log, body));
    assert_eq!(
        line.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["message", "severity", "size", "span_id", "target", "trace_flags", "trace_id"]
    );
}

#[test]
fn names_are_data_and_one_that_is_empty_is_left_out() {
    let mut log = Log::new(LogFormat::Json);
    log.keys = Keys::google_cloud("shop");
    log.keys.target = "".into();
    log.attributes = vec![("service.name".into(), "cart \"1\"".into())];
    let line = lines(&log, || inside(TraceFlags::SAMPLED, || tracing::warn!(count = 2, "added")));
    let mut line: Value = serde_json::from_str(&line).unwrap();
    assert!(line["time"].take().is_string());
    assert_eq!(
        line,
        json!({
            "time": null, "severity": "WARNING", "service.name": "cart \"1\"",
            "logging.googleapis.com/trace": "projects/shop/traces/00000000000000000000000000004bf9",
            "logging.googleapis.com/spanId": "00000000000000f0", "logging.googleapis.com/trace_sampled": true,
            "message": "added", "fields": {"count": 2},
        })
    );
    for key in [&mut log.keys.timestamp, &mut log.keys.severity, &mut log.keys.message, &mut log.keys.fields]
    {
        *key = "".into();
    }
    log.attributes.clear();
    for (format, expected) in [(LogFormat::Json, "{}\n"), (LogFormat::Text, "\n"), (LogFormat::Logfmt, "\n")]
    {
        log.format = format;
        assert_eq!(lines(&log, || tracing::warn!("nothing")), expected);
    }
}

// rust-otel: events with an explicit parent see the context around them
#[test]
fn an_event_has_the_ids_of_the_parent_that_it_names() {
    for flags in [TraceFlags::SAMPLED, TraceFlags::default()] {
        let mut ids = Vec::new();
        let text = lines(&Log::new(LogFormat::Json), || {
            inside(flags, || {
                let named = tracing::info_span!("named");
                let other = tracing::info_span!("other").entered();
                tracing::info!(parent: &named, "explicit");
                ids.push(named.in_scope(active));
                tracing::info!("contextual");
                ids.push(active());
                drop(other);
                tracing::info!("outside");
                ids.push(active());
            });
        });
        let told: Vec<_> = text
            .lines()
            .map(|line| {
                let line = object(line);
                (line["trace_id"].as_str().unwrap().to_owned(), line["span_id"].as_str().unwrap().to_owned())
            })
            .collect();
        assert_eq!(told, ids);
        assert_ne!(ids[0], ids[1]);
    }
}

#[test]
fn a_span_that_is_none_of_opentelemetrys_has_the_ids_of_the_place_where_it_was_made() {
    let written = Lines::default();
    let writer = written.clone();
    let layer = LogLayer::with_format(LogFormat::Json).with_writer(move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let mut span = tracing::Span::none();
        inside(TraceFlags::default(), || span = tracing::info_span!("plain"));
        let nested = tracing::info_span!(parent: &span, "nested");
        tracing::info!(parent: &nested, "explicit");
    });
    let line = object(&written.text());
    assert_eq!(
        (&line["trace_id"], &line["span_id"]),
        (&json!(format!("{:032x}", 0x4bf9)), &json!(format!("{:016x}", 0xf0)))
    );
}

#[test]
fn lines_of_several_subscribers_have_the_ids_of_the_active_span() {
    let mut inner = String::new();
    let outer = lines(&Log::new(LogFormat::Json), || {
        let _span = tracing::info_span!("outer").entered();
        let expected = active();
        inner = lines(&Log::new(LogFormat::Json), || {
            tracing::info!("in the inner subscriber");
            let nested = tracing::info_span!("inner").in_scope(active);
            assert_eq!(nested.0, expected.0);
        });
        tracing::info!("in the outer one");
        let told = |text: &str| {
            let line = object(text);
            (line["trace_id"].as_str().unwrap().to_owned(), line["span_id"].as_str().unwrap().to_owned())
        };
        assert_eq!(told(&inner), expected);
    });
    assert_eq!(object(&outer)["trace_id"], object(&inner)["trace_id"]);
    assert_eq!(object(&outer)["span_id"], object(&inner)["span_id"]);
}

#[test]
fn the_moments_of_a_span_have_its_own_ids() {
    let mut log = Log::new(LogFormat::Json);
    for (new, entered) in [(true, true), (false, true), (true, false)] {
        (log.spans.new, log.spans.enter, log.spans.exit, log.spans.close) = (new, true, true, true);
        let mut ids = None;
        let text = lines(&log, || {
            inside(TraceFlags::SAMPLED, || {
                let span = tracing::debug_span!(target: "cart", "work", item = "tea");
                if entered {
                    ids = Some(span.in_scope(|| {
                        let start = Instant::now();
                        while start.elapsed().is_zero() {}
                        active()
                    }));
                }
            });
        });
        let mut words = Vec::new();
        let mut told = Vec::new();
        for line in text.lines().map(object) {
            let word = line["message"].as_str().unwrap().to_owned();
            let times = ["time.busy_ms", "time.idle_ms"].map(|name| line["fields"][name].is_f64());
            assert_eq!(times, [word == "close"; 2], "{line}");
            let busy = line["fields"]["time.busy_ms"].as_f64().is_some_and(|time| time > 0.0);
            assert_eq!(busy, entered && word == "close", "{line}");
            assert_eq!(line["span_fields"], json!({"item": "tea"}));
            assert_eq!(
                (&line["span"], &line["severity"], &line["target"]),
                (&json!("work"), &json!("DEBUG"), &json!("cart"))
            );
            told.push((
                line["trace_id"].as_str().unwrap().to_owned(),
                line["span_id"].as_str().unwrap().to_owned(),
            ));
            words.push(word);
        }
        let all = [("new", new), ("enter", entered), ("exit", entered), ("close", true)];
        let expected: Vec<_> = all.into_iter().filter(|(_, there)| *there).map(|(word, _)| word).collect();
        assert_eq!(words, expected);
        let ids = ids.unwrap_or_else(|| told[0].clone());
        assert!(told.iter().all(|told| *told == ids), "{told:?} {ids:?}");
        assert_ne!(ids.1, "00000000000000f0");
    }
}

#[test]
fn colours_are_there_only_when_asked_for() {
    let mut log = Log::new(LogFormat::Text);
    log.colors = Some(true);
    let text = lines(&log, || tracing::error!(target: "cart", "failed"));
    let (time, rest) = text.split_once("Z\u{1b}[0m").unwrap();
    assert!(time.starts_with("\u{1b}[2m20"), "{time:?}");
    assert_eq!(rest, " \u{1b}[31mERROR\u{1b}[0m \u{1b}[2mcart\u{1b}[0m: failed\n");
    for colors in [None, Some(false)] {
        log.colors = colors;
        let text = timeless(&log, || tracing::error!(target: "cart", "failed"));
        assert_eq!(text, "ERROR cart: failed\n");
    }
}

/// An error with a cause.
#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_causes_of_an_error_follow_it() {
    let error = Outer(io::Error::other("inner \"one\""));
    let event = || tracing::error!(target: "cart", error = &error as &dyn std::error::Error, "failed");
    let line = object(&lines(&Log::new(LogFormat::Json), event));
    assert_eq!(line["fields"], json!({"error": "outer", "error.sources": ["inner \"one\""]}));
    assert_eq!(
        timeless(&Log::new(LogFormat::Text), event),
        "ERROR cart: failed error=outer error.sources=\"inner \\\"one\\\"\"\n"
    );
}

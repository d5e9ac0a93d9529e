//! Log records: what an event is over OTLP.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver, attributes, value},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use std::{collections::BTreeMap, error::Error, fmt, io};
use throughline::{Config, Telemetry};
use tracing_subscriber::prelude::*;

/// The records of what happens inside `body`.
async fn records(variables: &[(&str, &str)], body: impl FnOnce()) -> Vec<LogRecord> {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("THROUGHLINE_LOG_OUTPUT", "none")];
    let telemetry = Telemetry::build(Config::from_vars([&own, variables].concat())).unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, body);
    telemetry.shutdown(PATIENCE).await.unwrap();
    receiver.logs().into_iter().map(|(_, record)| record).collect()
}

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Without the line, which is checked by itself.
fn fields(record: &LogRecord) -> BTreeMap<String, String> {
    let mut fields = attributes(&record.attributes);
    assert_eq!(fields.remove("code.file.path"), Some(format!("{:?}", file!())));
    assert!(fields.remove("code.line.number").unwrap().parse::<u32>().is_ok());
    fields
}

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

// H-091, H-093
#[tokio::test]
async fn an_event_becomes_a_record_with_its_types_its_place_and_its_severity() {
    let line = line!() + 2;
    let mut all = records(&[("RUST_LOG", "trace")], || {
        tracing::error!(target: "cart", text = "tea", number = 2, large = u64::MAX, huge = u128::MAX, ratio = 0.5, ok = true, shown = %1.5, debug = ?Some(1), "added {}", 3);
        tracing::warn!("two");
        tracing::info!(name: "cart.added", count = 1);
        tracing::debug!(r#type = "a", "four");
        let error = Outer(io::Error::other("inner"));
        tracing::trace!(cause = &error as &(dyn Error + 'static), "five");
    })
    .await;
    // Those of one scope, which is the target, are together.
    all.sort_by_key(|record| -record.severity_number);
    let severities: Vec<_> =
        all.iter().map(|record| (record.severity_number, record.severity_text.as_str())).collect();
    assert_eq!(severities, [(17, "ERROR"), (13, "WARN"), (9, "INFO"), (5, "DEBUG"), (1, "TRACE")]);
    let bodies: Vec<_> = all.iter().map(|record| value(record.body.as_ref())).collect();
    assert_eq!(bodies, ["\"added 3\"", "\"two\"", "None", "\"four\"", "\"five\""]);
    let names: Vec<_> = all.iter().map(|record| record.event_name.as_str()).collect();
    assert_eq!(names, ["", "", "cart.added", "", ""]);
    assert_eq!(attributes(&all[0].attributes)["code.line.number"], line.to_string());
    let all: Vec<_> = all
        .iter()
        .map(|record| {
            assert!(record.time_unix_nano > 0 && record.time_unix_nano == record.observed_time_unix_nano);
            fields(record)
        })
        .collect();
    assert_eq!(
        all[0],
        set(&[
            ("text", "\"tea\""),
            ("number", "2"),
            ("large", "\"18446744073709551615\""),
            ("huge", "\"340282366920938463463374607431768211455\""),
            ("ratio", "0.5"),
            ("ok", "true"),
            ("shown", "\"1.5\""),
            ("debug", "\"Some(1)\""),
        ])
    );
    assert_eq!((&all[2], &all[3]), (&set(&[("count", "1")]), &set(&[("type", "\"a\"")])));
    let causes = all[4]["cause.sources"].clone();
    assert!(causes.contains("StringValue(\"inner\")") && causes.contains("ArrayValue"), "{causes}");
    let mut last = all[4].clone();
    last.remove("cause.sources");
    assert_eq!(last, set(&[("cause", "\"outer\""), ("exception.message", "\"outer\"")]));
}

#[tokio::test]
async fn a_name_that_comes_twice_counts_once_as_in_the_line() {
    let all = records(&[], || {
        let error = Outer(io::Error::other("inner"));
        let error = &error as &(dyn Error + 'static);
        tracing::info!(error.sources = 1, error, error.sources = 2, message = "first", message = "second");
    })
    .await;
    assert_eq!(value(all[0].body.as_ref()), "\"first\"");
    let expected = [("error", "\"outer\""), ("error.sources", "1"), ("exception.message", "\"outer\"")];
    assert_eq!(fields(&all[0]), set(&expected));
    assert_eq!(all[0].attributes.len(), expected.len() + 2);
}

#[tokio::test]
async fn the_fields_of_spans_are_in_records_by_option() {
    let event = || {
        let _outer = tracing::info_span!("outer", tenant = "a", user = "none").entered();
        let _inner = tracing::info_span!("inner", user = "ada", size = 7).entered();
        tracing::info!(size = 1, "added");
    };
    let without = records(&[], event).await;
    assert_eq!(fields(&without[0]), set(&[("size", "1")]));
    let with = records(&[("THROUGHLINE_LOG_SPAN_FIELDS", "records")], event).await;
    assert_eq!(fields(&with[0]), set(&[("size", "1"), ("user", "\"ada\""), ("tenant", "\"a\"")]));
}

// E-13, E-16
#[tokio::test]
async fn what_is_beyond_the_limits_is_cut_or_dropped_and_counted() {
    let event = || tracing::info!(a = "ääää", b = 1, c = ?"ääää", d = 4, e = 5, "a body is not cut");
    let variables =
        [("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "3"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")];
    let [record] = &records(&variables, event).await[..] else { panic!("one record") };
    assert_eq!(attributes(&record.attributes), set(&[("a", "\"äää\""), ("b", "1"), ("c", "\"\\\"ää\"")]));
    assert_eq!(record.dropped_attributes_count, 4, "two fields, file and line");
    assert_eq!(value(record.body.as_ref()), "\"a body is not cut\"");
    // The limit of the record wins over the general one.
    let variables =
        [("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")];
    let [record] = &records(&variables, event).await[..] else { panic!("one record") };
    assert_eq!(fields(record)["a"], "\"ääää\"");
    assert_eq!(record.dropped_attributes_count, 0);
}

// E-13, E-15
#[tokio::test]
async fn spans_have_their_limits_too() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
    ]))
    .unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        let _work = tracing::info_span!("work", a = "ääää", b = 2, c = 3).entered();
    });
    telemetry.shutdown(PATIENCE).await.unwrap();
    let [(_, span)] = &receiver.spans()[..] else { panic!("one span") };
    assert_eq!(attributes(&span.attributes), set(&[("a", "\"äää\""), ("b", "2")]));
    assert_eq!(span.dropped_attributes_count, 1);
}

// O-021
#[tokio::test]
async fn a_record_made_while_telemetry_is_suppressed_stays_here() {
    let all = records(&[], || {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        tracing::info!("of the sending");
    })
    .await;
    assert_eq!(all, []);
}

#[tokio::test]
async fn an_event_that_names_a_span_which_neither_a_quiet_log_nor_the_sampler_lets_through_has_its_trace() {
    let all = records(&[("RUST_LOG", "warn")], || {
        let ids = SpanContext::new(
            TraceId::from(7),
            SpanId::from(9),
            TraceFlags::default(),
            true,
            TraceState::NONE,
        );
        let span = {
            let _active = Context::new().with_remote_span_context(ids).attach();
            tracing::info_span!("named")
        };
        tracing::warn!(parent: &span, "explicit");
    })
    .await;
    assert_eq!(
        (&all[0].trace_id[..], &all[0].span_id[..], all[0].flags),
        (&TraceId::from(7).to_bytes()[..], &SpanId::from(9).to_bytes()[..], 0)
    );
}

#[tokio::test]
async fn an_event_that_names_its_parent_has_the_ids_of_it() {
    let mut expected = None;
    let all = records(&[], || {
        let request =
            SpanContext::new(TraceId::from(7), SpanId::from(9), TraceFlags::SAMPLED, true, TraceState::NONE);
        let _active = Context::new().with_remote_span_context(request).attach();
        let named = tracing::info_span!("named");
        tracing::info!(parent: &named, "explicit");
        tracing::info!(parent: None, "around");
        expected = Some(named.in_scope(|| Context::map_current(|c| c.span().span_context().span_id())));
    })
    .await;
    let ids: Vec<_> = all.iter().map(|record| (record.trace_id.clone(), record.span_id.clone())).collect();
    let trace = TraceId::from(7).to_bytes().to_vec();
    let expected = expected.unwrap();
    assert_ne!(expected, SpanId::from(9));
    assert_eq!(
        ids,
        [(trace.clone(), expected.to_bytes().to_vec()), (trace, SpanId::from(9).to_bytes().to_vec())]
    );
}

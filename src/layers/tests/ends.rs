use super::*;
use std::time::SystemTime;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const CLOSE: (&str, &str) = ("THROUGHLINE_LOG_SPANS", "close");

/// The ids in the close lines, by the name of their span.
fn closed(stage: &Stage) -> BTreeMap<String, (String, String)> {
    let lines = stage.lines();
    let closed = lines.iter().filter(|line| line["message"] == "close");
    closed.map(|line| (line["span"].as_str().unwrap().to_owned(), told(line))).collect()
}

/// The ids of the spans that were recorded, by their name.
fn exported(stage: &Stage) -> BTreeMap<String, (String, String)> {
    stage.spans().iter().map(|span| (span.name.clone().into_owned(), recorded(span))).collect()
}

#[test]
fn a_span_ends_with_the_ids_of_its_last_line_whether_it_was_entered_or_not() {
    let run = |moments: &str| {
        let stage = Stage::new(&[("THROUGHLINE_LOG_SPANS", moments)]);
        let before = SystemTime::now();
        stage.inside(|| {
            let _request = request(TraceFlags::SAMPLED).attach();
            let never = info_span!("never");
            let child = info_span!(parent: &never, "child of never");
            let late = info_span!(parent: &child, "entered child").entered();
            let inner = info_span!("inner");
            drop((never, child));
            drop(info_span!("closed inside"));
            drop((late, inner));
            drop(info_span!(parent: None, "alone"));
        });
        for span in stage.spans() {
            assert!(before <= span.start_time && span.start_time <= span.end_time, "{span:?}");
            assert!(span.end_time <= SystemTime::now(), "{span:?}");
        }
        stage
    };
    let stage = run("close");
    assert_eq!(stage.spans().len(), 6);
    assert_eq!(closed(&stage), exported(&stage));
    assert!(stage.lines().iter().all(|line| line["trace_flags"] == "01"));
    let expected = [
        ("alone", "0000000000000000"),
        ("child of never", "never"),
        ("closed inside", "entered child"),
        ("entered child", "child of never"),
        ("inner", "entered child"),
        ("never", "0000000000000009"),
    ];
    assert_eq!(parents(&stage), expected.map(|(name, parent)| (name.to_owned(), parent.to_owned())).into());
    assert_eq!(parents(&run("none")), parents(&stage), "the lines change nothing of the spans");
}

#[test]
fn a_span_that_is_closed_later_than_it_was_left_still_ends_when_it_was_left() {
    let stage = Stage::new(&[CLOSE]);
    stage.inside(|| {
        let span = info_span!("left");
        span.in_scope(|| ());
        let left = SystemTime::now();
        while SystemTime::now() <= left {}
        drop(span);
        assert!(stage.spans()[0].end_time <= left);
    });
    assert_eq!(closed(&stage), exported(&stage));
}

#[test]
fn a_parent_that_is_set_before_the_end_is_in_the_last_line() {
    let stage = Stage::new(&[CLOSE]);
    stage.inside(|| info_span!("never").set_parent(request(TraceFlags::SAMPLED)).unwrap());
    assert_eq!(closed(&stage), exported(&stage));
    let [never] = &stage.spans()[..] else { panic!("one span") };
    assert_eq!((never.span_context.trace_id(), never.parent_span_id), (TraceId::from(7), SpanId::from(9)));
}

#[test]
fn a_span_that_is_not_recorded_ends_with_the_ids_of_the_place_where_it_was_made() {
    let place = (TraceId::from(7).to_string(), SpanId::from(9).to_string());
    let filtered = [CLOSE, ("THROUGHLINE_SPAN_FILTER", "off")];
    for (variables, flags) in [(&filtered[..], TraceFlags::SAMPLED), (&[CLOSE], TraceFlags::default())] {
        let stage = Stage::new(variables);
        stage.inside(|| {
            let _request = request(flags).attach();
            let never = info_span!("never");
            drop(info_span!(parent: &never, "child"));
        });
        let expected = ["child", "never"].map(|name| (name.to_owned(), place.clone()));
        assert_eq!((closed(&stage), stage.spans().len()), (expected.into(), 0));
    }
}

#[test]
fn without_opentelemetry_the_last_line_has_no_ids() {
    let stage = Stage::new(&[CLOSE, ("OTEL_SDK_DISABLED", "true")]);
    stage.inside(|| drop(info_span!("never")));
    assert_eq!(closed(&stage), [("never".to_owned(), Default::default())].into());
}

#[test]
fn in_a_subscriber_of_ones_own_a_layer_before_that_of_opentelemetry_knows_the_ids() {
    let mut log = Log::new(LogFormat::Json);
    log.spans.close = true;
    for is_recorded in [false, true] {
        let (ended, lines) = (Ended::default(), Lines::default());
        let writer = lines.clone();
        let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
        let spans = is_recorded.then(|| tracing_opentelemetry::layer().with_tracer(provider.tracer("test")));
        let subscriber = tracing_subscriber::registry()
            .with(SpanEnds::default())
            .with(spans)
            .with(LogLayer::new(&log).with_writer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || drop(info_span!("never")));
        let line = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        let exported: Vec<_> = ended.0.lock().unwrap().iter().map(recorded).collect();
        assert_eq!(exported.len(), usize::from(is_recorded));
        assert_eq!(told(&line), exported.first().cloned().unwrap_or_default());
    }
}

#[test]
fn spans_of_several_subscribers_end_with_their_own_ids() {
    let stages = [Stage::new(&[CLOSE]), Stage::new(&[CLOSE])];
    let make = |stage: &Stage| stage.inside(|| ["a", "b", "c"].map(|name| info_span!("never", name)));
    let [[first, second, third], [fourth, fifth, sixth]] = [make(&stages[0]), make(&stages[1])];
    // Closed outside, inside of their own and inside of the other.
    drop((first, sixth));
    stages[0].inside(|| drop((second, fourth)));
    stages[1].inside(|| drop((third, fifth)));
    for stage in &stages {
        let lines: Vec<_> = stage.lines().iter().map(told).collect();
        let spans: Vec<_> = stage.spans().iter().map(recorded).collect();
        assert_eq!((&lines, lines.len()), (&spans, 3));
    }
}

#[test]
fn a_span_that_outlives_its_subscriber_harms_nobody() {
    let stage = Stage::new(&[CLOSE]);
    let span = stage.inside(|| info_span!("late"));
    drop(stage);
    drop(span);
}

#[test]
fn the_filters_of_lines_and_spans_stay_apart() {
    let run = |lines, spans| {
        let stage = Stage::new(&[CLOSE, ("RUST_LOG", lines), ("THROUGHLINE_SPAN_FILTER", spans)]);
        stage.inside(|| drop(tracing::debug_span!("never")));
        (closed(&stage).len(), exported(&stage).len())
    };
    let (quiet, loud) = ("throughline=warn", "throughline=debug");
    assert_eq!([run(quiet, loud), run(loud, quiet), run(loud, loud)], [(0, 1), (1, 0), (1, 1)]);
}

use super::*;
use opentelemetry::KeyValue;
use proptest::prelude::*;
use serde_json::json;
use std::{
    error::Error,
    fmt::{self, Debug, Display},
};
use tracing::{field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Panics half-way, however it is shown.
struct Panics;

impl Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        panic!("in Debug");
    }
}

impl Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self, f)
    }
}

impl Error for Panics {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        panic!("in source");
    }
}

/// Fails half-way, and is its own cause.
#[derive(Debug)]
struct Fails;

impl Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("begun")?;
        Err(fmt::Error)
    }
}

impl Error for Fails {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    pairs.iter().map(|pair| (pair.key.to_string(), format!("{:?}", pair.value))).collect()
}

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_field_that_cannot_be_shown_costs_its_value_and_nothing_else() {
    let quiet = ("RUST_LOG", "warn,throughline=warn");
    let speaks_of_fields = "info,[work{panics=half}]=debug,[work{later=half}]=debug";
    for variables in [
        &[][..],
        &[("THROUGHLINE_LOG_OUTPUT", "none")],
        &[quiet],
        &[("RUST_LOG", speaks_of_fields), ("THROUGHLINE_SPAN_FILTER", speaks_of_fields)],
        &[("THROUGHLINE_LOG_SPANS", "new,enter,exit,close")],
    ] {
        let stage = Stage::new(variables);
        stage.inside(|| {
            let _request = request(TraceFlags::SAMPLED).attach();
            let span = info_span!(
                "work",
                before = 1,
                panics = ?Panics,
                displayed = %Panics,
                fails = %Fails,
                error = &Panics as &(dyn Error + 'static),
                after = "tea",
                later = field::Empty,
            );
            let _inside = span.enter();
            tracing::warn!("first");
            span.record("later", field::debug(Panics));
            tracing::warn!("second");
            span.record("before", 2);
            // Its locks are what they were.
            span.set_attribute("added", true);
            drop(info_span!("child"));
        });
        let spans = stage.spans();
        let [child, work] = &spans[..] else { panic!("two spans: {spans:?}") };
        assert_eq!((&*child.name, child.parent_span_id), ("child", work.span_context.span_id()));
        assert_eq!((&*work.name, work.parent_span_id), ("work", SpanId::from(9)));
        let placeholder = r#"String(Owned("half<panicked>"))"#;
        let expected = [
            ("added", "Bool(true)"),
            ("after", r#"String(Owned("tea"))"#),
            ("before", "I64(2)"),
            ("displayed", placeholder),
            ("error", placeholder),
            ("error.chain", "Array(String([]))"),
            ("exception.message", placeholder),
            ("exception.stacktrace", "Array(String([]))"),
            ("fails", r#"String(Owned("begun"))"#),
            ("later", placeholder),
            ("panics", placeholder),
        ];
        assert_eq!(attributes(&work.attributes), set(&expected), "{variables:?}");

        let lines = stage.lines();
        let events: Vec<_> = lines.iter().filter(|line| line["severity"] == "WARN").collect();
        let [Some(first), Some(second)] = [0, 1].map(|index| events.get(index)) else {
            assert_eq!(variables, [("THROUGHLINE_LOG_OUTPUT", "none")]);
            continue;
        };
        assert_eq!([told(first), told(second)], [recorded(work), recorded(work)]);
        let mut fields = json!({
            "before": 1, "panics": "half<panicked>", "displayed": "half<panicked>", "fails": "begun",
            "error": "half<panicked>", "after": "tea",
        });
        if variables == [quiet] {
            assert_eq!((first.get("span_fields"), second.get("span_fields")), (None, None));
            continue;
        }
        assert_eq!(first["span_fields"], fields);
        fields["later"] = "half<panicked>".into();
        assert_eq!(second["span_fields"], fields);
    }
}

#[test]
fn an_event_with_an_error_that_panics_when_it_is_asked_for_its_cause_is_one_line() {
    let stage = Stage::new(&[]);
    stage.inside(|| tracing::warn!(error = &Panics as &(dyn Error + 'static), "failed"));
    assert_eq!(stage.lines()[0]["fields"], json!({"error": "half<panicked>"}));
}

#[test]
fn an_error_in_a_span_that_is_its_own_cause_is_told_sixteen_times() {
    let stage = Stage::new(&[]);
    stage.inside(|| drop(info_span!("work", error = &Fails as &(dyn Error + 'static))));
    let chain = format!("Array(String([{}]))", [r#"Owned("begun")"#; 16].join(", "));
    let begun = r#"String(Owned("begun"))"#;
    let expected = [
        ("error", begun),
        ("error.chain", &chain),
        ("exception.message", begun),
        ("exception.stacktrace", &chain),
    ];
    assert_eq!(attributes(&stage.spans()[0].attributes), set(&expected));
}

#[test]
fn a_span_with_values_to_show_has_the_parent_that_it_names() {
    let stage = Stage::new(&[("THROUGHLINE_LOG_OUTPUT", "none")]);
    stage.inside(|| {
        let _request = request(TraceFlags::SAMPLED).attach();
        let other = info_span!("other");
        let current = info_span!("current").entered();
        drop(info_span!("contextual", value = ?1));
        drop(info_span!(parent: &other, "named", value = ?1));
        drop(current);
        drop(other);
        let _outer = info_span!("outer").entered();
        drop(info_span!(parent: None, "root", value = ?1));
        drop(info_span!(parent: None, "plain root"));
    });
    let (caller, nobody) = ("0000000000000009", "0000000000000000");
    let expected = [
        ("contextual", "current"),
        ("current", caller),
        ("named", "other"),
        ("other", caller),
        ("outer", caller),
        ("plain root", nobody),
        ("root", nobody),
    ];
    assert_eq!(parents(&stage), expected.map(|(name, parent)| (name.to_owned(), parent.to_owned())).into());
}

/// What the layer of `tracing-opentelemetry` alone makes of a span.
fn plain(body: impl FnOnce()) -> SpanData {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
    ended.0.lock().unwrap().pop().unwrap()
}

fn ours(body: impl FnOnce()) -> SpanData {
    let stage = Stage::new(&[("THROUGHLINE_LOG_OUTPUT", "none")]);
    stage.inside(body);
    stage.spans().pop().unwrap()
}

/// All that a span's fields can change of it, in order.
fn fields(span: &SpanData) -> String {
    format!("{:?} {:?} {:?} {:?}", span.name, span.span_kind, span.status, span.attributes)
}

#[test]
fn a_span_with_many_fields_has_them_all() {
    let body = || {
        drop(info_span!(
            "many", a = 1, b = ?2, c = %3, d = "4", e = ?5, f = ?6, g = ?7, h = ?8, i = field::Empty, j = ?10,
            k = ?11, l = ?12, m = ?13, n = 14.5, o = true, p = u64::MAX, q = ?17, r = i128::MIN, s = u128::MAX,
        ));
    };
    assert_eq!(fields(&ours(body)), fields(&plain(body)));
    assert_eq!(ours(body).attributes.len(), 18);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_span_is_what_it_would_be_without_us_whatever_its_fields(
        text in any::<String>(), name in any::<String>(), description in any::<String>(),
        float in any::<f64>(), signed in any::<i64>(), unsigned in any::<u64>(),
        wide in any::<i128>(), truth in any::<bool>(), bytes in any::<Vec<u8>>(), list in any::<Vec<String>>(),
        kind in prop::sample::select(vec!["server", "CLIENT", "", "x"]), parts in 0..4_u8,
    ) {
        let known: &(dyn Error + 'static) = &fmt::Error;
        // OpenTelemetry has numbers with a sign only: those without become such, not texts, where they fit.
        let fits = i64::try_from(unsigned);
        let body = |told: bool| {
            match (parts, fits) {
                (0, Ok(unsigned)) if told => drop(info_span!("work", text, float, signed, unsigned, wide, truth)),
                (0, _) => drop(info_span!("work", text, float, signed, unsigned, wide, truth)),
                (1, _) => drop(info_span!("work", otel.name = ?name, otel.kind = %kind, list = ?list, text, float)),
                (2, _) => drop(info_span!("work", otel.status_code = %"ERROR", otel.status_description = %description, known, bytes = &bytes[..])),
                _ => {
                    let span = info_span!("work", text, later = field::Empty, known = field::Empty, wide, otel.name = name);
                    span.record("later", field::debug(&list));
                    span.in_scope(|| span.record("later", field::display(&text)));
                    span.record("known", known);
                }
            }
        };
        prop_assert_eq!(fields(&ours(|| body(false))), fields(&plain(|| body(true))));
    }
}

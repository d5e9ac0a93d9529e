use super::*;
use proptest::prelude::*;

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half\n")?;
        panic!("in Debug");
    }
}

struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("inner");
        f.write_str("told")
    }
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("begun")?;
        Err(fmt::Error)
    }
}

#[test]
fn a_value_that_panics_or_fails_to_show_itself_spoils_no_line() {
    let event =
        || tracing::info!(target: "cart", panics = ?Panics, fails = ?Fails, after = 1, "still {:?}", Panics);
    assert_eq!(
        timeless(&Log::new(LogFormat::Text), event),
        " INFO cart: still half\\n<panicked> panics=half\\n<panicked> fails=begun after=1\n"
    );
    let line = object(&lines(&Log::new(LogFormat::Json), event));
    assert_eq!(line["message"], "still half\n<panicked>");
    assert_eq!(line["fields"], json!({"panics": "half\n<panicked>", "fails": "begun", "after": 1}));
}

#[test]
fn a_value_that_logs_while_it_is_shown_has_a_line_of_its_own_before() {
    // With a subscriber of the thread `tracing` itself drops what is logged inside of a log line.
    let mut seen = Vec::new();
    line::make(|outer| {
        outer.bytes.extend_from_slice(b"outer");
        line::make(|inner| {
            inner.bytes.extend_from_slice(b"inner");
            seen.push(inner.bytes.clone());
        });
        seen.push(outer.bytes.clone());
    });
    line::make(|next| assert!(next.bytes.is_empty()));
    assert_eq!(seen, [b"inner", b"outer"]);
    let text = timeless(&Log::new(LogFormat::Text), || tracing::info!(target: "cart", logs = ?Logs, "outer"));
    assert!(text.ends_with(" INFO cart: outer logs=told\n"), "{text}");
}

#[test]
fn a_line_at_the_end_of_a_thread_is_written() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            line::make(|line| line.bytes.push(b'x'));
            assert_eq!(ids::Ids::active(), None);
        }
    }
    thread_local!(static LAST: Last = const { Last });
    // A panic while the values of a thread are dropped ends the process.
    std::thread::spawn(|| {
        LAST.with(|_| ());
        let _active = Context::new().attach();
        line::make(|line| line.bytes.push(b'x'));
    })
    .join()
    .unwrap();
}

#[test]
fn a_value_of_a_mebibyte_is_one_line_and_its_buffer_is_given_back() {
    let large = "\"\n".repeat(1 << 19);
    for flat in [false, true] {
        let mut log = Log::new(LogFormat::Json);
        log.flat = flat;
        let line = object(&lines(&log, || tracing::info!(large, debug = ?large, "{large}")));
        let fields = if flat { &line } else { &line["fields"] };
        assert_eq!((&line["message"], &fields["large"]), (&json!(large), &json!(large)));
        assert_eq!(fields["debug"], json!(format!("{large:?}")));
    }
    line::make(|line| assert!(line.bytes.capacity() <= 64 << 10));
}

#[test]
fn fields_with_names_like_ours_take_no_place_of_ours() {
    let event = || {
        let _span = tracing::info_span!("outer", trace_id = "of the span", span = 1, timestamp = 2).entered();
        tracing::info!(target: "cart", trace_id = "mine", severity = 3, span_id = 4, target = "x", "a b\"=\n" = 5, "said");
    };
    let mut log = Log::new(LogFormat::Json);
    log.flat = true;
    let line = object(&lines(&log, event));
    let ids = ["trace_id", "span_id"].map(|id| line[id].as_str().unwrap().len());
    assert_eq!(ids, [32, 16]);
    let named: Vec<_> = line
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.starts_with("fields.") || name.contains(' '))
        .map(|(name, value)| (name.as_str(), value.to_string()))
        .collect();
    assert_eq!(
        named,
        [
            ("a b\"=\n", "5"),
            ("fields.severity", "3"),
            ("fields.span", "1"),
            ("fields.span_id", "4"),
            ("fields.target", "\"x\""),
            ("fields.timestamp", "2"),
            ("fields.trace_id", "\"mine\""),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    );
    log.format = LogFormat::Logfmt;
    let (_, fields) =
        lines(&log, event).split_once(" message=said ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(
        fields,
        "fields.trace_id=mine fields.severity=3 fields.span_id=4 fields.target=x a_b__\\n=5 span=outer fields.span=1 fields.timestamp=2\n"
    );
}

#[test]
fn an_error_that_is_its_own_cause_is_told_sixteen_times() {
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }
    impl std::error::Error for Endless {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(self)
        }
    }
    let event = || tracing::info!(error = &Endless as &(dyn std::error::Error + 'static), "said");
    let line = object(&lines(&Log::new(LogFormat::Json), event));
    assert_eq!(line["fields"], json!({"error": "again", "error.sources": vec!["again"; 16]}));
}

#[test]
fn no_name_comes_twice_whatever_the_fields_are_called() {
    let error = Outer(io::Error::other("inner"));
    let error = &error as &(dyn std::error::Error + 'static);
    let after_the_message = |log: &Log, separator: &str, event: &dyn Fn()| {
        lines(log, event).split_once(separator).unwrap().1.trim_end().to_owned()
    };
    let mut log = Log::new(LogFormat::Json);
    log.flat = true;
    let told = |event: &dyn Fn()| after_the_message(&log, r#""said","#, event);
    assert_eq!(
        told(&|| tracing::info!(error, error.sources = 1, "said")),
        r#""error":"outer","error.sources":["inner"]}"#
    );
    assert_eq!(
        told(&|| tracing::info!(error.sources = 1, error, "said")),
        r#""error.sources":1,"error":"outer"}"#
    );
    assert_eq!(
        told(&|| tracing::info!({ "trace_id" = 2, "fields.trace_id" = 3, "trace id" = 4 }, "said")),
        r#""fields.trace_id":2,"fields.fields.trace_id":3,"trace id":4}"#
    );
    log.format = LogFormat::Logfmt;
    assert_eq!(
        after_the_message(&log, "=said ", &|| tracing::info!({ "trace id" = 4 }, "said")),
        "fields.trace_id=4"
    );
}

#[test]
fn names_and_values_of_the_configuration_are_escaped_and_come_once() {
    let hostile = "a\"\\\n\u{1b}";
    let mut log = Log::new(LogFormat::Json);
    log.keys.trace_prefix = hostile.into();
    log.keys.severities[2] = hostile.into();
    log.keys.target = hostile.into();
    log.attributes =
        [("severity", "mine"), ("fields", "mine"), ("x", hostile), ("x", "again"), (hostile, "mine")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    let event = || {
        inside(
            TraceFlags::SAMPLED,
            || tracing::info!(target: "cart", message = "first", message = "second", a = 1),
        );
    };
    let line = lines(&log, event);
    assert_eq!(line.matches("\"message\"").count(), 1, "{line}");
    assert_eq!((line.matches("\"severity\"").count(), line.matches("\"x\"").count()), (1, 1), "{line}");
    assert_eq!(
        object(&line),
        json!({
            "severity": hostile, "trace_id": format!("{hostile}{:032x}", 0x4bf9), "span_id": format!("{:016x}", 0xf0),
            "trace_flags": "01", hostile: "cart", "message": "first", "fields": {"a": 1}, "x": hostile,
        })
    );
    for format in [LogFormat::Text, LogFormat::Logfmt] {
        log.format = format;
        let line = lines(&log, event);
        assert!(is_harmless(&line), "{line}");
    }
}

/// What JSON has for a number.
fn number(value: f64) -> Value {
    match value {
        _ if value.is_finite() => json!(value),
        _ if value.is_nan() => json!("NaN"),
        _ if value > 0.0 => json!("Infinity"),
        _ => json!("-Infinity"),
    }
}

/// Nothing that breaks the line, moves the cursor or turns the text.
fn is_harmless(line: &str) -> bool {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.strip_suffix('\n').is_some_and(|line| !line.chars().any(|c| c.is_control() || turns(c)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_fields_come_back_from_their_line(
        message in any::<String>(), text in any::<String>(), target in any::<String>(),
        float in any::<f64>(), signed in any::<i64>(), unsigned in any::<u64>(),
        wide in any::<i128>(), wider in any::<u128>(), truth in any::<bool>(), list in any::<Vec<String>>(),
    ) {
        let event = || {
            let _span = tracing::info_span!("outer", kept = text, list = ?list, wide).entered();
            tracing::info!(text, float, signed, unsigned, wider, truth, shown = %text, list = ?list, "{message}");
        };
        let wide = i64::try_from(wide).map_or_else(|_| u64::try_from(wide).map_or_else(|_| json!(wide.to_string()), Value::from), Value::from);
        let wider = u64::try_from(wider).map_or_else(|_| json!(wider.to_string()), Value::from);
        let fields = json!({
            "text": text, "float": number(float), "signed": signed, "unsigned": unsigned, "wider": wider,
            "truth": truth, "shown": text, "list": format!("{list:?}"),
        });
        let span_fields = json!({ "kept": text, "list": format!("{list:?}"), "wide": wide });
        let mut log = Log::new(LogFormat::Json);
        log.attributes.push((target.clone() + "_", text.clone()));
        let line = lines(&log, event);
        prop_assert!(is_harmless(&line), "{line}");
        let line = object(&line);
        prop_assert_eq!(&line["message"], &json!(message));
        prop_assert_eq!(&line["fields"], &fields);
        prop_assert_eq!(&line["span_fields"], &span_fields);
        prop_assert_eq!(&line[target + "_"], &json!(text));
        for format in [LogFormat::Text, LogFormat::Logfmt] {
            log.format = format;
            let line = lines(&log, event);
            prop_assert!(is_harmless(&line), "{line}");
        }
    }
}

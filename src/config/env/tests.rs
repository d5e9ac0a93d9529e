use super::*;

#[test]
fn the_table_in_the_docs_is_the_table_of_the_parser() {
    let mut table = String::from(
        "| variable | holds | default | meaning | acts on | since |\n|---|---|---|---|---|---|\n",
    );
    for Variable { name, kind, default, meaning, acts, since } in VARIABLES {
        let kind = match kind {
            Kind::Text => "text".into(),
            Kind::File => "path".into(),
            Kind::Url => "URL".into(),
            Kind::Secret => "secret".into(),
            Kind::Boolean => "true or false".into(),
            Kind::Milliseconds => "milliseconds".into(),
            Kind::Count => "number above 0".into(),
            Kind::Limit => "number".into(),
            Kind::Choice(words) => words.join(" \\| "),
            Kind::Choices(words) => words.join(", "),
            Kind::Pairs => "k=v,k=v".into(),
            Kind::SecretPairs => "k=v,k=v, secret".into(),
            Kind::Address => "address:port or off".into(),
            Kind::List => "a,b".into(),
            Kind::Unsupported => "not supported".into(),
            Kind::Unneeded => "not needed".into(),
        };
        table += &format!("| `{name}` | {kind} | {default} | {meaning} | {acts} | {since} |\n");
    }
    assert_eq!(include_str!("../variables.md"), table, "write this into src/config/variables.md:\n{table}");
}

// O-004, O-090
#[test]
fn an_empty_variable_is_unset_and_the_form_of_the_signal_wins() {
    let environment = Environment::from_vars(
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "all"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "logs"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", " "),
        ]
        .map(|(name, value)| (name.into(), value.into())),
    );
    let read = |signal| environment.text(&ENDPOINT, Some(signal)).map(|found| (found.value, found.name));
    assert_eq!(read(Signal::Logs), Some(("logs".into(), "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT".into())));
    assert_eq!(read(Signal::Traces), Some(("all".into(), "OTEL_EXPORTER_OTLP_ENDPOINT".into())));
    assert_eq!(environment.text(&SERVICE_NAME, None), None);
}

// B-032
#[test]
fn a_file_never_overrides_what_is_set_in_any_form_and_fills_in_what_is_empty() {
    let path = std::env::temp_dir().join(format!("throughline-overlay-{}", std::process::id()));
    let lines = ["OTEL_SERVICE_NAME=file", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=1", "RUST_LOG='debug'"];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let set = [("OTEL_SERVICE_NAME", "set"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"), ("RUST_LOG", "")];
    let mut environment =
        Environment::from_vars(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment.overlay(&path);
    std::fs::remove_file(path).unwrap();
    let held = |variable: &Variable| environment.text(variable, Some(Signal::Traces)).unwrap().value;
    assert_eq!([&SERVICE_NAME, &TIMEOUT, &RUST_LOG].map(held), ["set", "2", "debug"]);
    #[cfg(feature = "config-file")]
    assert_eq!(
        [environment.raw("OTEL_SERVICE_NAME"), environment.raw("RUST_LOG")],
        [Some("set"), Some("debug")]
    );
}

// O-011, O-091
#[test]
fn a_percent_sign_without_two_digits_is_a_fault() {
    use crate::config::{credentials, resource};
    for text in ["a=%", "a=%2", "a=%zz", "%g0=1", "a=%ff"] {
        assert_eq!(resource::pairs(text), None, "{text}");
        assert!(credentials::pairs(text).all(|pair| pair.is_err()), "{text}");
    }
    assert_eq!(resource::pairs("a=%25"), Some(vec![("a".to_owned(), "%".into())]));
}

#[test]
fn what_is_misspelt_is_said_with_what_was_meant_and_what_is_anothers_is_not() {
    let names = [
        "THROUGHLINE_VEIW",
        "THROUGHLINE_NOTHING_LIKE_IT",
        "OTEL_EXPORTER_OTLP_ENDPONT",
        "OTEL_TRACE_EXPORTER",
        "OTEL_PYTHON_LOG_CORRELATION",
        "OTEL_EXPORTER_JAEGER_ENDPOINT",
    ];
    let mut environment = Environment::from_vars(names.map(|name| (name.to_owned(), "1".to_owned())));
    environment.check_names();
    let told = environment.faults.iter().map(ToString::to_string);
    let expected = [
        "OTEL_EXPORTER_OTLP_ENDPONT: is no variable of OpenTelemetry; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?",
        "OTEL_TRACE_EXPORTER: is no variable of OpenTelemetry; did you mean OTEL_TRACES_EXPORTER?",
        "THROUGHLINE_NOTHING_LIKE_IT: is no variable of throughline; it is ignored",
        "THROUGHLINE_VEIW: is no variable of throughline; it is ignored; did you mean THROUGHLINE_VIEW?",
    ];
    assert_eq!(told.collect::<std::collections::BTreeSet<_>>(), expected.map(str::to_owned).into());
}

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

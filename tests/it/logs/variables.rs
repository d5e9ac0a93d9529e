//! What the variables say about log lines and records.

use throughline::{
    Config,
    config::{AttributeLimits, LogFormat, LogOutput, SpanMoments},
};

fn moments(config: &Config) -> [bool; 4] {
    let SpanMoments { new, enter, exit, close, .. } = config.log.spans;
    [new, enter, exit, close]
}

fn limits(limits: AttributeLimits) -> (usize, Option<usize>) {
    (limits.count, limits.value_length)
}

// E-10, E-13, E-16
#[test]
fn without_variables_lines_are_text_on_stdout_and_records_have_the_limits_of_the_standard() {
    let config = Config::from_vars([("", ""); 0]);
    let log = &config.log;
    assert_eq!(
        (log.format, log.output, log.buffer, log.colors),
        (LogFormat::Text, LogOutput::Stdout, None, None)
    );
    assert!(log.span_fields && log.attributes.is_empty());
    assert_eq!([log.flat, log.source, log.service_name, log.panics, log.record_span_fields], [false; 5]);
    assert_eq!(moments(&config), [false; 4]);
    assert_eq!((limits(log.limits), limits(config.span_limits.attributes)), ((128, None), (128, None)));
}

#[test]
fn each_variable_is_understood() {
    let config = Config::from_vars([
        ("THROUGHLINE_LOG_FORMAT", "LOGFMT"),
        ("THROUGHLINE_LOG_OUTPUT", "stderr"),
        ("THROUGHLINE_LOG_FIELDS", "flat"),
        ("THROUGHLINE_LOG_SPAN_FIELDS", "records"),
        ("THROUGHLINE_LOG_SPANS", "new, close"),
        ("THROUGHLINE_LOG_SOURCE", "1"),
        ("THROUGHLINE_LOG_SERVICE_NAME", "true"),
        ("THROUGHLINE_LOG_PANICS", "true"),
        ("THROUGHLINE_LOG_BUFFER", "4096"),
        ("NO_COLOR", "1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "8"),
    ]);
    assert_eq!(config.faults(), []);
    let log = &config.log;
    assert_eq!((log.format, log.output), (LogFormat::Logfmt, LogOutput::Stderr));
    assert_eq!((log.buffer, log.colors), (Some(4096), Some(false)));
    assert_eq!([log.flat, log.source, log.service_name, log.panics, log.record_span_fields], [true; 5]);
    assert!(!log.span_fields);
    assert_eq!(moments(&config), [true, false, false, true]);
    assert_eq!((limits(log.limits), limits(config.span_limits.attributes)), ((7, Some(8)), (5, Some(6))));
}

#[test]
fn what_is_not_understood_is_told_and_the_default_holds() {
    let config = Config::from_vars([
        ("THROUGHLINE_LOG_FORMAT", "xml"),
        ("THROUGHLINE_LOG_OUTPUT", "file"),
        ("THROUGHLINE_LOG_FIELDS", "deep"),
        ("THROUGHLINE_LOG_SPAN_FIELDS", "all"),
        ("THROUGHLINE_LOG_SPANS", "close,full"),
        ("THROUGHLINE_LOG_SOURCE", "maybe"),
        ("THROUGHLINE_LOG_BUFFER", "0"),
        ("RUST_LOG", "a=loud"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "many"),
    ]);
    let mut faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
    faults.sort();
    let starts = [
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: \"-1\" is not a number; the default holds",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: \"many\" is not a number; the default holds",
        "RUST_LOG: \"a=loud\" is not a filter (",
        "THROUGHLINE_LOG_BUFFER: \"0\" is not a number above zero; the default holds",
        "THROUGHLINE_LOG_FIELDS: \"deep\" is unknown; use nested, flat",
        "THROUGHLINE_LOG_FORMAT: \"xml\" is unknown; use text, json, logfmt",
        "THROUGHLINE_LOG_OUTPUT: \"file\" is unknown; use stdout, stderr, none",
        "THROUGHLINE_LOG_SOURCE: \"maybe\" is not a truth value, false holds; use true or false",
        "THROUGHLINE_LOG_SPANS: \"full\" is unknown and left out; use new, enter, exit, close, none",
        "THROUGHLINE_LOG_SPAN_FIELDS: \"all\" is unknown and left out; use lines, records, none",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{fault}");
    }
    let log = &config.log;
    assert_eq!((log.format, log.output, log.buffer), (LogFormat::Text, LogOutput::Stdout, None));
    assert_eq!(
        (log.flat, log.source, log.span_fields, log.filter.as_str()),
        (false, false, true, "info,opentelemetry=warn")
    );
    assert_eq!(moments(&config), [false, false, false, true]);
    assert_eq!((limits(log.limits), limits(config.span_limits.attributes)), ((128, None), (128, None)));
}

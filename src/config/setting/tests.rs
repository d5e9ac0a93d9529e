use super::*;
use crate::config::Decided;
use proptest::{prelude::*, sample::select};

// O-093
#[test]
fn an_endpoint_is_shown_without_what_may_be_secret() {
    for (value, shown) in [
        ("http://c:4318/otlp", Some("http://c:4318/otlp")),
        ("c:4317", Some("c:4317")),
        ("http://[::1]:4318", Some("http://[::1]:4318")),
        ("https://me:hush@c/otlp?key=hush", Some("https://c/otlp")),
        ("https://me:hu/sh@c/otlp", None),
        ("https://c/otlp#hush", Some("https://c/otlp")),
        ("https://me:hush?x@c/otlp", None),
        ("https://me:hush", None),
        ("hush", None),
        ("hush me://c", None),
        ("collector;hush", None),
        ("http://c/\u{1b}[31m", None),
    ] {
        assert_eq!(url(value).as_deref(), shown, "{value}");
    }
}

/// What is told of these variables, but for what nobody said.
fn told(vars: &[(&str, &str)]) -> Vec<String> {
    let config = Config::from_vars(vars.iter().copied());
    config.settings().filter(|setting| !setting.is_default()).map(Setting::to_string).collect()
}

// O-090
#[test]
fn what_holds_is_told_with_what_decided_and_what_was_written_in_vain() {
    for (vars, expected) in [
        (
            &[("OTEL_BSP_SCHEDULE_DELAY", "0")][..],
            &[r#"OTEL_BSP_SCHEDULE_DELAY = 5000 (default; "0" does not hold)"#][..],
        ),
        (
            &[("OTEL_BLRP_MAX_QUEUE_SIZE", "10"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "512")],
            &[
                "OTEL_BLRP_MAX_QUEUE_SIZE = 10 (environment)",
                r#"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = 10 (OTEL_BLRP_MAX_QUEUE_SIZE; "512" does not hold)"#,
            ],
        ),
        (
            &[
                ("OTEL_BSP_EXPORT_TIMEOUT", "300"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
                ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "x"),
            ],
            &[
                "OTEL_EXPORTER_OTLP_TIMEOUT = 5000 (environment)",
                "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT = 300 (OTEL_BSP_EXPORT_TIMEOUT)",
                r#"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT = 10000 (default; "x" does not hold)"#,
                "OTEL_BSP_EXPORT_TIMEOUT = 300 (environment)",
            ],
        ),
        (
            &[("OTEL_BSP_EXPORT_TIMEOUT", "300"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5000")],
            &[
                r#"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT = 300 (OTEL_BSP_EXPORT_TIMEOUT; "5000" does not hold)"#,
                "OTEL_BSP_EXPORT_TIMEOUT = 300 (environment)",
            ],
        ),
        (
            &[("OTEL_ATTRIBUTE_COUNT_LIMIT", "64"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "32")],
            &[
                "OTEL_ATTRIBUTE_COUNT_LIMIT = 64 (environment)",
                "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT = 32 (environment)",
                "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT = 64 (OTEL_ATTRIBUTE_COUNT_LIMIT)",
            ],
        ),
        (
            &[("NODE_IP", "10.0.0.7")],
            &["OTEL_LOGS_EXPORTER = none (NODE_IP)", "NODE_IP = 10.0.0.7 (environment)"],
        ),
        (
            &[("OTEL_TRACES_SAMPLER", "XRay"), ("OTEL_TRACES_SAMPLER_ARG", "2")],
            &[
                r#"OTEL_TRACES_SAMPLER = parentbased_always_on (default; "XRay" does not hold)"#,
                r#"OTEL_TRACES_SAMPLER_ARG = 1.0 (default; "2" does not hold)"#,
            ],
        ),
        (
            &[("THROUGHLINE_TRUSTED_PROXIES", "10.0.0.0/8"), ("THROUGHLINE_PROXY_HEADERS", "via")],
            &[
                r#"THROUGHLINE_TRUSTED_PROXIES = nobody (default; "10.0.0.0/8" does not hold)"#,
                r#"THROUGHLINE_PROXY_HEADERS = x-forwarded (default; "via" does not hold)"#,
            ],
        ),
        (
            &[("THROUGHLINE_PUBLIC_ENDPOINT", "yes")],
            &[r#"THROUGHLINE_PUBLIC_ENDPOINT = true (environment; "yes" does not hold)"#],
        ),
        (
            &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart")],
            &[
                "OTEL_SERVICE_NAME = cart (OTEL_RESOURCE_ATTRIBUTES)",
                "OTEL_RESOURCE_ATTRIBUTES = service.name=cart (environment)",
            ],
        ),
        (
            &[("OTEL_METRICS_EXPORTER", "otlp,statsd,console")],
            &[r#"OTEL_METRICS_EXPORTER = otlp,console (environment; "otlp,statsd,console" does not hold)"#],
        ),
        (
            &[("OTEL_PROPAGATORS", "none,baggage,tracecontext")],
            &[
                r#"OTEL_PROPAGATORS = baggage,tracecontext (environment; "none,baggage,tracecontext" does not hold)"#,
            ],
        ),
        (&[("K8S_POD_NAME", "cart-1")], &[r#"K8S_POD_NAME = none (default; "cart-1" does not hold)"#]),
        (
            &[
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
                ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
                ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "GZIP"),
            ],
            &[
                "OTEL_EXPORTER_OTLP_COMPRESSION = gzip (environment; each signal has one of its own)",
                "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION = none (environment)",
                "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION = none (environment)",
                "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION = gzip (environment)",
            ],
        ),
    ] {
        assert_eq!(told(vars), expected, "{vars:?}");
    }
}

#[test]
fn of_each_variable_it_is_told_what_holds_where_nothing_was_said() {
    let config = Config::from_vars([("", ""); 0]);
    let settings = Vec::from_iter(config.settings());
    assert!(settings.iter().all(|setting| setting.is_default() && setting.by.is_none()), "{settings:#?}");
    let names = |variable: &Variable| match variable.name.contains('{') {
        true => Signal::ALL.map(|signal| variable.name_for(Some(signal))).to_vec(),
        false => vec![variable.name.to_owned()],
    };
    let known =
        VARIABLES.iter().filter(|variable| !matches!(variable.kind, Kind::Unsupported | Kind::Unneeded));
    let expected = Vec::from_iter(known.flat_map(names));
    assert_eq!(Vec::from_iter(settings.iter().map(|setting| setting.variable.clone())), expected);
}

/// All that a configuration does, and nothing of how it was written.
fn deeds(mut config: Config) -> String {
    for signal in Signal::ALL {
        config.export_mut(signal).decided = Decided::Default;
    }
    format!("{:#?}", Config { faults: vec![], settings: vec![], ..config })
}

/// What people write: near to right, and far from it.
fn value(variable: &'static Variable) -> BoxedStrategy<String> {
    let words = match variable.kind {
        Kind::Choice(words) | Kind::Choices(words) => words.to_vec(),
        Kind::Boolean => vec!["true", "false", "1", "0", "yes", "TRUE"],
        // Of a list, the word for an empty one would be a member.
        Kind::List => vec!["10.0.0.7", "[::1]:80", "a=b", "a=sum", "/a", "/a*", "GET", "!a", "*"],
        _ => {
            vec![variable.default, "0", "1", "007", "10.0.0.7", "[::1]:80", "localhost:9", "a=b", "/a", "GET"]
        }
    };
    prop_oneof![
        2 => select(words.clone()).prop_map(String::from),
        1 => prop::collection::vec(select(words), 1..4).prop_map(|words| words.join(",")),
        1 => any::<u16>().prop_map(|number| number.to_string()),
        1 => "[a-z*0-9.,=|]{1,12}",
    ]
    .boxed()
}

fn known() -> Vec<&'static Variable> {
    let is_told = |variable: &&Variable| {
        !matches!(
            variable.kind,
            Kind::Secret | Kind::SecretPairs | Kind::Unsupported | Kind::Unneeded | Kind::Url
        )
    };
    // One names another file; of another, no value says "no host"; and one that cannot be used takes the password with it.
    let others = ["OTEL_CONFIG_FILE", "THROUGHLINE_INJECTED_HOSTS", "THROUGHLINE_OTLP_[SIGNAL_]USERNAME"];
    VARIABLES.iter().filter(is_told).filter(|variable| !others.contains(&variable.name)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    // Whatever was written: what is told to hold is what holds.
    #[test]
    fn what_is_told_to_hold_makes_the_same_configuration(
        vars in prop::collection::vec(
            (select(known()), select(vec![None, Some(Signal::Traces), Some(Signal::Metrics), Some(Signal::Logs)]))
                .prop_flat_map(|(variable, signal)| (Just(variable.name_for(signal)), value(variable))),
            1..6,
        )
    ) {
        let config = Config::from_vars(vars.clone());
        // A form that does not hold keeps the general one from it.
        let is_said = |setting: &&Setting| match setting.origin {
            Origin::Default => setting.written.is_some() && setting.variable.starts_with("OTEL_EXPORTER_OTLP_"),
            _ => setting.by.is_none() || setting.written.is_some(),
        };
        let told = config.settings().filter(is_said);
        let told = Vec::from_iter(told.map(|setting| (setting.variable.clone(), setting.value.clone())));
        let again = Config::from_vars(told.clone());
        prop_assert_eq!(deeds(config), deeds(again), "{:?} is told as {:?}", vars, told);
    }
}

//! Where each signal goes, and what becomes of a place that cannot be understood.

use super::{places, remote};
use throughline::{
    Config, Telemetry,
    sender::{Destination, Protocol, Remote, Signal},
};

// O-002, O-003, O-004, O-005, B-030
#[test]
fn endpoints_follow_the_rules_of_the_standard() {
    let traces = |vars: &[(&str, &str)]| places(vars)[0].split(' ').next().unwrap().to_owned();
    let general = |value| traces(&[("OTEL_EXPORTER_OTLP_ENDPOINT", value)]);
    assert_eq!(general("http://c:4318"), "http://c:4318/v1/traces");
    assert_eq!(general("http://c:4318/"), "http://c:4318/v1/traces");
    assert_eq!(general("http://c:4318/mycollector/"), "http://c:4318/mycollector/v1/traces");
    assert_eq!(general("https://gateway.example/otlp"), "https://gateway.example/otlp/v1/traces");
    assert_eq!(general(" "), "http://localhost:4318/v1/traces");

    let own = |value| {
        traces(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value),
        ])
    };
    assert_eq!(own("http://c:4318"), "http://c:4318/");
    assert_eq!(own("https://h/v1/traces/"), "https://h/v1/traces/");
    assert_eq!(own(""), "http://all/v1/traces");

    let grpc = |endpoint, insecure| {
        traces(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
        ])
    };
    assert_eq!(grpc("", ""), "http://localhost:4317");
    assert_eq!(grpc("collector:4317", "true"), "http://collector:4317");
    assert_eq!(grpc("collector:4317", ""), "https://collector:4317");
    // E-19: where there is a scheme, it decides.
    assert_eq!(grpc("http://collector:4317", "false"), "http://collector:4317");
    assert_eq!(grpc("https://collector:4317", "true"), "https://collector:4317");
    let over_http =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")];
    assert_eq!(traces(&over_http), "https://c:4318/v1/traces");
}

// B-062
#[test]
fn the_address_of_the_node_alone_means_its_collector_and_no_line_twice() {
    assert_eq!(
        places(&[("NODE_IP", "10.0.0.7")]),
        [
            "http://10.0.0.7:4318/v1/traces (NODE_IP)",
            "http://10.0.0.7:4318/v1/metrics (NODE_IP)",
            "stdout only (NODE_IP: the agent of the node reads it)"
        ]
    );
    assert_eq!(
        places(&[
            ("NODE_IP", "2001:db8::7"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_LOGS_EXPORTER", "otlp")
        ]),
        ["http://[2001:db8::7]:4317 (grpc) (NODE_IP)"; 3].map(str::to_owned)
    );
    // An endpoint wins over the node.
    let both = [
        ("NODE_IP", "10.0.0.7"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://p:9090/api/v1/otlp/v1/metrics"),
    ];
    assert_eq!(
        places(&both)[1],
        "http://p:9090/api/v1/otlp/v1/metrics (OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)"
    );
}

// O-093
#[test]
fn what_may_hold_a_password_is_neither_taken_for_a_place_nor_shown() {
    let odd = [
        "http://user:hu/sh@c:4318",
        "http://user:hush?x@c:1",
        "http://c:99999",
        "http://c:43x8",
        "http://c:0",
        "http://c:",
        "http://c:4318/#hush",
        "http://",
        "ftp://c:21",
    ];
    for endpoint in odd {
        let config = Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        let text = config.check().unwrap_err().to_string();
        assert!(
            text.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL") && !text.contains("sh"),
            "{text}"
        );
        assert_eq!(
            config.traces.to_string(),
            "nowhere (OTEL_EXPORTER_OTLP_ENDPOINT cannot be understood)",
            "{endpoint}"
        );
        let shown = config.settings().find(|s| s.variable == "OTEL_EXPORTER_OTLP_ENDPOINT").unwrap();
        assert!(!shown.value.contains("hu"), "{shown}");
    }
    let config =
        Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hush@c:4318/x?api_key=hush2")]);
    assert!(config.check().unwrap_err().to_string().contains("THROUGHLINE_OTLP_USERNAME"));
    assert_eq!(config.traces.to_string(), "http://c:4318/x/v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT)");
    assert_eq!(remote(&config, Signal::Traces).url, "http://c:4318/x/v1/traces?api_key=hush2");
    assert!(!format!("{config:?}").contains("hush"), "{config:?}");
}

#[test]
fn a_node_that_is_no_address_is_told_and_nothing_is_sent_elsewhere_instead() {
    for node in ["http://10.0.0.7", "host/evil", "user@h", "10.0.0.7:4318"] {
        let config = Config::from_vars([("NODE_IP", node)]);
        assert!(config.check().unwrap_err().to_string().starts_with("NODE_IP: "), "{node}");
        assert_eq!(config.logs.to_string(), "nowhere (NODE_IP cannot be understood)");
        let vars = [("NODE_IP", node), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")];
        let config = Config::from_vars(vars);
        assert_eq!(config.logs.to_string(), "http://c:4318/v1/logs (OTEL_EXPORTER_OTLP_ENDPOINT)");
    }
}

// To guess would send what is recorded, and credentials, to a host that nobody named.
#[test]
fn a_place_that_cannot_be_understood_fails_the_start_unless_nothing_would_go_there() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "colector"),
        ("THROUGHLINE_OTLP_TOKEN", "hush"),
        ("NODE_IP", "10.0.0.7"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
    ];
    let config = Config::from_vars(vars);
    assert_eq!(
        Signal::ALL.map(|signal| config.export(signal).to_string()),
        [
            "nowhere (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT cannot be understood)",
            "http://c:4318/v1/metrics (OTEL_EXPORTER_OTLP_ENDPOINT)",
            "http://c:4318/v1/logs (OTEL_EXPORTER_OTLP_ENDPOINT)"
        ]
    );
    let error = Telemetry::build(config).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: is not a URL; write http://host:port or https://host/path. No \
         other destination takes its place"
    );

    let with = |name, value| Config::from_vars(vars.into_iter().chain([(name, value)]));
    drop(Telemetry::build(with("OTEL_TRACES_EXPORTER", "none")).unwrap());
    drop(Telemetry::build(with("OTEL_SDK_DISABLED", "true")).unwrap());
    // What else is asked for does not make up for it.
    assert!(Telemetry::build(with("OTEL_TRACES_EXPORTER", "console,otlp")).is_err());
    assert!(Telemetry::build(with("THROUGHLINE_VIEW", "1")).is_err());
    // Code decides anew.
    let mut config = with("", "");
    config.traces.destinations = vec![Destination::Remote(Remote::new(
        Protocol::HttpProtobuf,
        "http://mine/v1/traces".parse().unwrap(),
    ))];
    assert_eq!(config.traces.to_string(), "http://mine/v1/traces (set in code)");
    drop(Telemetry::build(config).unwrap());
}

#[test]
fn an_endpoint_without_a_scheme_is_answered_with_what_was_meant() {
    let config = Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]);
    let text = config.check().unwrap_err().to_string();
    assert_eq!(
        text,
        "OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL; did you mean http://localhost:4318? No other \
         destination takes its place"
    );
}

// O-007, O-008
#[test]
fn the_traps_of_the_guides_are_told() {
    let prometheus = "http://localhost:9090/api/v1/otlp";
    let config = Config::from_vars([("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", prometheus)]);
    assert_eq!(
        config.check().unwrap_err().to_string(),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ends in /otlp, and of a signal it is taken as it is; did you mean \
         /api/v1/otlp/v1/metrics?"
    );
    assert_eq!(config.metrics.to_string(), format!("{prometheus} (OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)"));
    assert_eq!(Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", prometheus)]).faults(), []);

    let advice = |protocol, endpoint| {
        let config = Config::from_vars([
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ]);
        remote(&config, Signal::Traces).advice.clone()
    };
    assert!(advice("grpc", "http://c:4318").contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"));
    assert!(advice("http/json", "http://c:4317").contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"));
    assert_eq!(advice("grpc", "http://c:4317"), "");
}

#[test]
fn an_attempt_lasts_as_long_as_the_shorter_of_two_timeouts_allows() {
    // E-09, E-10, E-11, O-014
    let timeouts = |vars: &[(&str, &str)]| {
        let config = Config::from_vars(vars.iter().copied());
        assert_eq!(config.faults(), []);
        Signal::ALL.map(|signal| remote(&config, signal).timeout.as_millis())
    };
    assert_eq!(timeouts(&[]), [10_000; 3]);
    let of_batches = [
        ("OTEL_BSP_EXPORT_TIMEOUT", "1000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "2000"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "30000"),
    ];
    assert_eq!(timeouts(&of_batches), [1_000, 2_000, 10_000]);
    let unbounded = [&of_batches[..], &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]].concat();
    assert_eq!(timeouts(&unbounded), [1_000, 2_000, 30_000]);
    assert_eq!(timeouts(&[("OTEL_BSP_EXPORT_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]), [0; 3]);
}

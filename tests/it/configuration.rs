//! Variables decide, and faults are told.

use std::time::Duration;
use throughline::{
    Config, Telemetry,
    config::{LogFormat, Propagator, Sampler},
    sender::{Compression, Destination, Protocol, Remote, Signal},
};

fn none() -> [(&'static str, &'static str); 0] {
    []
}

fn remote(config: &Config, signal: Signal) -> &Remote {
    match &config.export(signal).destinations[..] {
        [Destination::Remote(remote)] => remote,
        other => panic!("one remote destination, not {other:?}"),
    }
}

/// Where the three signals go, in words.
fn places(vars: &[(&str, &str)]) -> [String; 3] {
    let config = Config::from_vars(vars.iter().copied());
    assert_eq!(config.faults(), [], "{vars:?}");
    Signal::ALL.map(|signal| config.export(signal).to_string())
}

// O-001, O-010, E-06, E-07, O-014
#[test]
fn without_variables_the_defaults_of_the_standard_hold() {
    let config = Config::from_vars(none());
    assert_eq!(
        places(&[]),
        ["traces", "metrics", "logs"].map(|signal| format!("http://localhost:4318/v1/{signal} (default)"))
    );
    let remote = remote(&config, Signal::Traces);
    assert_eq!((remote.protocol, remote.compression), (Protocol::HttpProtobuf, Compression::None));
    assert_eq!((remote.timeout, remote.headers.len()), (Duration::from_secs(10), 0));
    assert_eq!(
        (config.traces.max_queue, config.traces.max_batch, config.traces.schedule_delay),
        (2048, 512, None)
    );
    assert_eq!(config.propagators, [Propagator::TraceContext, Propagator::Baggage]);
    assert_eq!(config.sampler, Sampler::ParentBasedAlwaysOn);
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Text, "info,opentelemetry=warn"));
    assert_eq!(config.span_filter, "info");
    assert!(!config.disabled && !config.view.enabled);
}

// O-002, O-003, O-004, O-005
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
    assert_eq!(grpc("http://collector:4317", "false"), "http://collector:4317");
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

// O-011, B-031, B-032
#[test]
fn grafana_cloud_needs_an_endpoint_an_instance_id_and_a_token() {
    let config = Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp"),
        ("THROUGHLINE_OTLP_USERNAME", "123456"),
        ("THROUGHLINE_OTLP_TOKEN", "glc_token"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "Authorization=Basic%20YTpi==,x=1%2C2"),
    ]);
    config.check().unwrap();
    let traces = remote(&config, Signal::Traces);
    assert_eq!(traces.url, "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp/v1/traces");
    assert_eq!(traces.headers["authorization"], "Basic MTIzNDU2OmdsY190b2tlbg==");
    let metrics = remote(&config, Signal::Metrics);
    assert_eq!(
        (&metrics.headers["authorization"], &metrics.headers["x"]),
        (&"Basic YTpi==".parse().unwrap(), &"1,2".parse().unwrap())
    );

    let alone = |name, value| {
        let config = Config::from_vars([(name, value)]);
        remote(&config, Signal::Logs).headers["authorization"].to_str().unwrap().to_owned()
    };
    assert_eq!(alone("THROUGHLINE_OTLP_TOKEN", "abc"), "Bearer abc");
    assert_eq!(alone("OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", "Basic YTpi"), "Basic YTpi");
}

// O-090, O-091: one line each with variable, fault and remedy; all of them at once; the defaults hold
#[test]
fn every_fault_is_told_at_once_and_none_tells_a_secret() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "htp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector;hush"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization:hush"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "7"),
        ("OTEL_PROPAGATORS", "tracecontext,b4"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
        ("OTEL_LOGS_EXPORTER", "loki"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_EXPERIMENTAL_CONFIG_FILE", "otel.yaml"),
        ("THROUGHLINE_OTLP_PASSWORD", "hush"),
        ("THROUGHLINE_LOG_FORMAT", "xml"),
        ("THROUGHLINE_COLLECTOR_VIEW", "nowhere"),
        ("RUST_LOG", "cart=loud"),
        ("THROUGHLINE_VEIW", "1"),
    ];
    let config = Config::from_vars(vars);
    let error = config.check().unwrap_err();
    assert!(error.is_configuration());
    let text = error.to_string();
    for (name, _) in vars {
        let name = if name == "OTEL_TRACES_SAMPLER" { "OTEL_TRACES_SAMPLER_ARG" } else { name };
        assert_eq!(
            text.lines().filter(|line| line.starts_with(&format!("{name}: "))).count(),
            1,
            "{name} in\n{text}"
        );
    }
    assert!(!text.contains("hush") && !format!("{config:?}").contains("hush"), "{text}");
    assert!(text.contains(r#"OTEL_TRACES_SAMPLER_ARG: "7" is not a ratio from 0 to 1; 1.0 holds"#));
    assert_eq!(config.traces.to_string(), "http://localhost:4318/v1/traces (default)");
    assert_eq!(config.sampler, Sampler::TraceIdRatio(1.0));
    assert_eq!(config.propagators, [Propagator::TraceContext]);
    assert_eq!((config.traces.max_queue, config.traces.schedule_delay), (2048, None));
    assert!(config.resource_attributes.is_empty());
    drop(Telemetry::build(config).unwrap()); // nothing of it keeps a service from starting
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
        assert_eq!(config.traces.to_string(), "http://localhost:4318/v1/traces (default)", "{endpoint}");
    }
    let config =
        Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hush@c:4318/x?api_key=hush2")]);
    assert!(config.check().unwrap_err().to_string().contains("THROUGHLINE_OTLP_USERNAME"));
    assert_eq!(config.traces.to_string(), "http://c:4318/x/v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT)");
    assert_eq!(remote(&config, Signal::Traces).url, "http://c:4318/x/v1/traces?api_key=hush2");
    assert!(!format!("{config:?}").contains("hush"), "{config:?}");
}

#[test]
fn a_node_that_is_no_address_is_told_and_changes_nothing() {
    for node in ["http://10.0.0.7", "host/evil", "user@h", "10.0.0.7:4318"] {
        let config = Config::from_vars([("NODE_IP", node)]);
        assert!(config.check().unwrap_err().to_string().starts_with("NODE_IP: "), "{node}");
        assert_eq!(config.logs.to_string(), "http://localhost:4318/v1/logs (default)");
    }
}

#[test]
fn the_secret_of_a_signal_wins_over_every_general_one() {
    let vars = [
        ("THROUGHLINE_OTLP_USERNAME", "user"),
        ("THROUGHLINE_OTLP_PASSWORD", "general"),
        ("OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", "Basic general"),
        ("THROUGHLINE_OTLP_TRACES_TOKEN", "own"),
    ];
    let header = |vars: &[(&'static str, &'static str)], signal| {
        let config = Config::from_vars(vars.iter().copied());
        remote(&config, signal).headers["authorization"].to_str().unwrap().to_owned()
    };
    assert_eq!(header(&vars, Signal::Traces), "Basic dXNlcjpvd24="); // user:own
    assert_eq!(header(&vars, Signal::Logs), "Basic general");
    assert_eq!(header(&vars[..2], Signal::Logs), "Basic dXNlcjpnZW5lcmFs"); // user:general
    let without_user = [("THROUGHLINE_OTLP_PASSWORD", "p"), ("THROUGHLINE_OTLP_TOKEN", "t")];
    assert_eq!(header(&without_user, Signal::Logs), "Bearer t");
}

#[test]
fn headers_that_describe_the_body_are_left_out_and_told() {
    let config =
        Config::from_vars([("OTEL_EXPORTER_OTLP_HEADERS", "Content-Length=1,x=2,transfer-encoding=chunked")]);
    assert_eq!(config.faults().len(), 2);
    assert_eq!(remote(&config, Signal::Traces).headers.keys().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn what_code_sets_stays_and_is_told_as_such() {
    let mine =
        || Destination::Remote(Remote::new(Protocol::HttpProtobuf, "http://mine/v1/traces".parse().unwrap()));
    let mut config = Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env")]);
    config.traces.destinations = vec![mine()];
    config.logs.destinations.clear();
    let config = config.or_send_to(mine());
    assert_eq!(
        Signal::ALL.map(|signal| config.export(signal).to_string()),
        [
            "http://mine/v1/traces (set in code)",
            "http://env/v1/metrics (OTEL_EXPORTER_OTLP_ENDPOINT)",
            "nowhere (set in code)"
        ]
    );
    let config = Config::from_vars(none()).or_send_to(mine());
    assert_eq!(config.traces.to_string(), "http://mine/v1/traces (set in code)");
    let mut config = Config::from_vars(none());
    config.traces.destinations = vec![mine()];
    assert!(!config.traces.is_default() && config.metrics.is_default());
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

#[test]
fn a_variable_of_the_standard_that_is_not_supported_yet_is_told() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "ca.pem"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
    ];
    let told: Vec<String> =
        Config::from_vars(vars).faults().iter().map(|fault| fault.variable.clone()).collect();
    for (name, _) in vars {
        assert_eq!(told.iter().filter(|told| *told == name).count(), 1, "{name} in {told:?}");
    }
    assert_eq!(
        Config::from_vars([("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Cumulative")]).faults(),
        []
    );
    // Kubernetes' own, beside a Service of our name.
    let links = ["THROUGHLINE_SERVICE_HOST", "THROUGHLINE_PORT_4318_TCP", "THROUGHLINE_SERVICE_PORT_OTLP"];
    assert_eq!(Config::from_vars(links.map(|name| (name, "10.0.0.1"))).faults(), []);
    // Not the form of any signal.
    assert_eq!(places(&[("OTEL__EXPORTER", "none")])[0], "http://localhost:4318/v1/traces (default)");
}

#[test]
fn an_endpoint_without_a_scheme_is_answered_with_what_was_meant() {
    let config = Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]);
    let text = config.check().unwrap_err().to_string();
    assert_eq!(
        text,
        "OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL; did you mean http://localhost:4318? The default holds"
    );
}

// P-070
#[test]
fn propagators_are_chosen_by_name_without_repetition() {
    let propagators = |value| Config::from_vars([("OTEL_PROPAGATORS", value)]).propagators;
    assert_eq!(propagators("Baggage, tracecontext,baggage"), [Propagator::Baggage, Propagator::TraceContext]);
    assert_eq!(propagators("none"), []);
    assert_eq!(propagators(""), [Propagator::TraceContext, Propagator::Baggage]);
}

#[test]
fn a_protocol_or_tls_that_cannot_work_fails_the_start_and_names_the_variable() {
    // An incomplete URL can only come from code: from a variable it is a fault.
    let mut config = Config::from_vars(none());
    config.traces.destinations =
        vec![Destination::Remote(Remote::new(Protocol::HttpProtobuf, "/v1/traces".parse().unwrap()))];
    let error = Telemetry::build(config).unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("not a complete URL"), "{error}");
}

#[test]
fn a_file_adds_what_the_environment_does_not_set_and_changes_nothing_else() {
    let path = std::env::temp_dir().join(format!("throughline-{}.env", std::process::id()));
    std::fs::write(
        &path,
        "# comment\nOTEL_SERVICE_NAME=\"from file\"\nPATH=changed\nTHROUGHLINE_OTLP_TOKEN='a b=c'\n",
    )
    .unwrap();
    // What the environment has in any form wins over the file; an empty variable is none.
    let before = std::env::vars().collect::<Vec<_>>();
    let config = Config::from_env_or_file(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(config.service_name.as_deref(), Some("from file"));
    assert_eq!(remote(&config, Signal::Traces).headers["authorization"], "Bearer a b=c");
    assert_eq!(std::env::vars().collect::<Vec<_>>(), before);
    // No file is no fault.
    assert_eq!(Config::from_env_or_file(&path).faults(), []);
}

#[test]
fn a_local_collector_takes_what_no_variable_sends_elsewhere() {
    use throughline::sender::{Accept, Answer, Inlet};
    struct Nothing;
    impl Accept for Nothing {
        fn accept(&self, _: Signal, _: bytes::Bytes) -> Answer {
            Answer::TAKEN
        }
    }
    let config = Config::from_vars([
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/v1/traces"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    let config = config.or_send_to(Destination::Local(Inlet::new(Nothing)));
    assert_eq!(
        Signal::ALL.map(|signal| config.export(signal).to_string()),
        [
            "http://t/v1/traces (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)",
            "the collector in this program",
            "nowhere (OTEL_LOGS_EXPORTER)"
        ]
    );
}

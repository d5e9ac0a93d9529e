//! Variables decide, and faults are told.

mod arbitrary; // whatever stands in a variable, nothing panics, spins or is shown
#[cfg(target_os = "linux")]
mod idle; // whatever stands in a variable, who has nothing to do sleeps
mod credentials; // who sends, as the other side sees it
mod matrix; // each variable, and the configuration it makes
mod places; // where each signal goes
mod standard; // all of its variables
#[cfg(target_os = "linux")]
mod identity; // who speaks
mod samplers; // which spans are recorded
mod recorded; // what holds for spans, measurements and log records on the wire

use std::time::Duration;
use throughline::{
    Config, Telemetry,
    config::{Histograms, Level, LogFormat, Propagator, Sampler, Temporality},
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
    assert_eq!(
        (config.temporality, config.histograms),
        (Temporality::Cumulative, Histograms::ExplicitBuckets)
    );
    assert_eq!((config.queue.bytes, config.queue.directory_bytes), (16 << 20, 256 << 20));
    assert_eq!((&config.queue.directory, config.log.own_level), (&None, Level::Info));
    assert_eq!(config.propagators, [Propagator::TraceContext, Propagator::Baggage]);
    assert_eq!(config.sampler, Sampler::ParentBasedAlwaysOn);
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Text, "info,opentelemetry=warn"));
    assert_eq!(config.span_filter, "info");
    assert!(!config.disabled && !config.view.enabled);
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
    assert_eq!(config.traces.to_string(), "nowhere (OTEL_EXPORTER_OTLP_ENDPOINT cannot be understood)");
    assert_eq!(config.sampler, Sampler::TraceIdRatio(1.0));
    assert_eq!(config.propagators, [Propagator::TraceContext]);
    assert_eq!((config.traces.max_queue, config.traces.schedule_delay), (2048, None));
    assert!(config.resource_attributes.is_empty());
    // Nothing of it keeps a service from starting but the place that cannot be understood.
    assert!(Telemetry::build(config).is_err());
    let others = vars.into_iter().filter(|(name, _)| *name != "OTEL_EXPORTER_OTLP_ENDPOINT");
    drop(Telemetry::build(Config::from_vars(others)).unwrap());
}

// O-019, E-17
#[test]
fn exporters_are_a_list_and_what_is_not_one_is_told() {
    let traces = |value| {
        let config = Config::from_vars([("OTEL_TRACES_EXPORTER", value)]);
        (
            config.traces.to_string(),
            config.faults().iter().map(|fault| fault.message.clone()).collect::<Vec<_>>(),
        )
    };
    let default = "http://localhost:4318/v1/traces (default)";
    for (value, place, faults) in [
        ("otlp", default, vec![]),
        ("OTLP , otlp", default, vec![]),
        (",", default, vec![]),
        ("none", "nowhere (OTEL_TRACES_EXPORTER)", vec![]),
        ("None,none", "nowhere (OTEL_TRACES_EXPORTER)", vec![]),
        ("console", "the console (OTEL_TRACES_EXPORTER)", vec![]),
        (
            "otlp,console,otlp/stdout",
            "http://localhost:4318/v1/traces (default) and the console (OTEL_TRACES_EXPORTER) and stdout \
             (OTEL_TRACES_EXPORTER)",
            vec![],
        ),
        (
            "console,none",
            "the console (OTEL_TRACES_EXPORTER)",
            vec!["\"none\" is left out, since it stands beside other names"],
        ),
        ("logging", default, vec!["\"logging\" is not supported; use console; it is left out"]),
        (
            "otpl,console",
            "the console (OTEL_TRACES_EXPORTER)",
            vec!["\"otpl\" is unknown; use otlp, console, otlp/stdout, none; it is left out"],
        ),
        (
            "zipkin",
            default,
            vec![
                "\"zipkin\" is not supported; use otlp into an OpenTelemetry Collector, which writes to Zipkin; it is left out",
            ],
        ),
    ] {
        assert_eq!(
            traces(value),
            (place.to_owned(), faults.into_iter().map(str::to_owned).collect()),
            "{value}"
        );
    }
    // Asked for by name, log records leave although the node's agent reads the lines.
    let config = Config::from_vars([("NODE_IP", "10.0.0.7"), ("OTEL_LOGS_EXPORTER", "otlp,console")]);
    assert_eq!(
        config.logs.to_string(),
        "http://10.0.0.7:4318/v1/logs (NODE_IP) and the console (OTEL_LOGS_EXPORTER)"
    );
}

// E-09, E-10, E-11
#[test]
fn sizes_and_delays_that_would_spin_or_lose_everything_never_hold() {
    for (value, faults) in
        [("0", 7), ("-1", 7), ("x", 7), ("1e3", 7), ("99999999999999999999999", 7), ("", 0)]
    {
        let names = [
            "OTEL_BSP_SCHEDULE_DELAY",
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "OTEL_BLRP_SCHEDULE_DELAY",
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "OTEL_METRIC_EXPORT_INTERVAL",
        ];
        let config = Config::from_vars(names.map(|name| (name, value)));
        assert_eq!(config.faults().len(), faults, "{value}: {:?}", config.faults());
        for export in [&config.traces, &config.logs] {
            let held = (export.schedule_delay, export.max_queue, export.max_batch);
            assert_eq!(held, (None, 2048, 512), "{value}");
        }
        assert_eq!(config.metrics.schedule_delay, None, "{value}");
    }
    let sizes = |queue, batch| {
        let config = Config::from_vars([
            ("OTEL_BLRP_MAX_QUEUE_SIZE", queue),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", batch),
        ]);
        (
            config.logs.max_queue,
            config.logs.max_batch,
            config.faults().iter().map(ToString::to_string).collect(),
        )
    };
    let none: Vec<String> = vec![];
    assert_eq!(sizes("100", ""), (100, 100, none.clone()));
    assert_eq!(sizes("100", "100"), (100, 100, none));
    let told = "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: 101 is more than the 100 that may wait; 100 holds";
    assert_eq!(sizes("100", "101"), (100, 100, vec![told.to_owned()]));
}

// E-04, E-07, E-12, E-23, E-24, E-25, O-100, H-117
#[test]
fn a_variable_of_the_standard_that_is_not_supported_is_told_with_what_to_do_instead() {
    let vars = [
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z:9411"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9464"),
        ("OTEL_ENTITIES", "service{service.name=a}"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
        ("OTEL_TRACES_SAMPLER", "Parentbased_Jaeger_Remote"),
    ];
    let told: Vec<String> = Config::from_vars(vars).faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "OTEL_TRACES_SAMPLER: \"Parentbased_Jaeger_Remote\" is not supported; use parentbased_traceidratio with \
             OTEL_TRACES_SAMPLER_ARG; parentbased_always_on holds",
            "OTEL_METRICS_EXEMPLAR_FILTER: is not supported and ignored. There are no exemplars.",
            "OTEL_EXPORTER_PROMETHEUS_PORT: is not supported and ignored. Nothing listens; Prometheus 3 takes OTLP at \
             /api/v1/otlp/v1/metrics.",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT: is not supported and ignored. Send OTLP to an OpenTelemetry Collector, \
             which writes to Zipkin.",
            "OTEL_ENTITIES: is not supported and ignored. Set OTEL_RESOURCE_ATTRIBUTES.",
        ]
    );
    // Kubernetes' own, beside a Service of our name.
    let links = ["THROUGHLINE_SERVICE_HOST", "THROUGHLINE_PORT_4318_TCP", "THROUGHLINE_SERVICE_PORT_OTLP"];
    assert_eq!(Config::from_vars(links.map(|name| (name, "10.0.0.1"))).faults(), []);
    // Not the form of any signal.
    assert_eq!(places(&[("OTEL__EXPORTER", "none")])[0], "http://localhost:4318/v1/traces (default)");
}

// O-006
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
    let token = config.settings().find(|setting| setting.variable == "THROUGHLINE_OTLP_TOKEN").unwrap();
    assert_eq!(token.to_string(), "THROUGHLINE_OTLP_TOKEN = (secret) (file)");
    assert!(remote(&config, Signal::Traces).credentials.is_some());
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

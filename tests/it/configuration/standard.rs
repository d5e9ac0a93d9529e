//! All variables of the standard are known, and what is not supported is told.

use std::{collections::BTreeSet, time::Duration};
use throughline::{
    Config,
    config::{
        Sampler,
        env::{Kind, VARIABLES},
    },
    sender::Signal,
};

/// Those of the OpenTelemetry specification, and those that its conventions for HTTP name.
const STANDARD: &[&str] = &[
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_CONFIG_FILE",
    "OTEL_ENTITIES",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]CERTIFICATE",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]COMPRESSION",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]ENDPOINT",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]HEADERS",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]INSECURE",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]PROTOCOL",
    "OTEL_EXPORTER_OTLP_[SIGNAL_]TIMEOUT",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOG_LEVEL",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    "OTEL_SERVICE_NAME",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_{SIGNAL}_EXPORTER",
];

/// Names that others gave, in other languages and in front of our users.
const OTHERS: &[&str] = &[
    "K8S_CLUSTER_NAME",
    "K8S_CONTAINER_NAME",
    "K8S_DEPLOYMENT_NAME",
    "K8S_NAMESPACE_NAME",
    "K8S_NODE_NAME",
    "K8S_POD_NAME",
    "K8S_POD_UID",
    "KUBERNETES_SERVICE_HOST",
    "NODE_IP",
    "NO_COLOR",
    "OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
    "RUST_LOG",
];

// E-01…E-28
#[test]
fn every_variable_of_the_standard_is_known_and_our_own_begin_with_our_name() {
    let known = VARIABLES.iter().map(|variable| variable.name);
    let foreign: BTreeSet<&str> = known.filter(|name| !name.starts_with("THROUGHLINE_")).collect();
    assert_eq!(foreign, STANDARD.iter().chain(OTHERS).copied().collect());
}

// E-04, E-12, E-23, E-24, E-25, H-117
#[test]
fn each_variable_that_is_not_supported_is_told_and_changes_nothing() {
    let without = |config: &Config| Signal::ALL.map(|signal| config.export(signal).to_string());
    let default = Config::from_vars([("", ""); 0]);
    for variable in VARIABLES.iter().filter(|variable| variable.kind == Kind::Unsupported) {
        let config = Config::from_vars([(variable.name, "9464")]);
        let told: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        let expected = format!("{}: is not supported and ignored. {}", variable.name, variable.meaning);
        assert_eq!((told, without(&config)), (vec![expected], without(&default)));
        assert!(!config.faults()[0].fatal);
    }
}

// E-07
#[test]
fn samplers_that_ask_others_are_told_and_the_default_holds() {
    for name in ["jaeger_remote", "parentbased_jaeger_remote", "xray", "XRay"] {
        let config = Config::from_vars([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
        let told: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        let expected = format!(
            "OTEL_TRACES_SAMPLER: {name:?} is not supported; use parentbased_traceidratio with \
             OTEL_TRACES_SAMPLER_ARG; parentbased_always_on holds"
        );
        assert_eq!((told, config.sampler), (vec![expected], Sampler::ParentBasedAlwaysOn));
    }
}

// E-08
#[test]
fn a_ratio_that_is_none_is_told_and_counts_as_all() {
    for ratio in ["-0.1", "1.1", "NaN", "inf", "half", "50%", "0,5"] {
        let config =
            Config::from_vars([("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", ratio)]);
        let told: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        let expected = format!("OTEL_TRACES_SAMPLER_ARG: {ratio:?} is not a ratio from 0 to 1; 1.0 holds");
        assert_eq!((told, config.sampler), (vec![expected], Sampler::TraceIdRatio(1.0)));
    }
}

// E-09, E-10, E-11, E-18
#[test]
fn a_timeout_that_is_none_is_told_and_the_default_holds() {
    for name in [
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    ] {
        for value in ["-1", "10s", "1.5", "1e3", "99999999999999999999999"] {
            let config = Config::from_vars([(name, value)]);
            let told: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
            assert_eq!(
                told,
                [format!("{name}: {value:?} is not a number of milliseconds; the default holds")]
            );
            let timeouts = Signal::ALL.map(|signal| super::remote(&config, signal).timeout);
            assert_eq!(timeouts, [Duration::from_secs(10); 3]);
        }
    }
}

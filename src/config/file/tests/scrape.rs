use super::{faults::faults, of, right, told};
use crate::{Config, config::Scrape};

/// A reader that Prometheus fetches, with these settings.
fn pull(settings: &str) -> String {
    format!("meter_provider:\n  readers: [{{pull: {{exporter: {{prometheus/development: {settings}}}}}}}]\n")
}

fn page(settings: &str) -> (String, bool) {
    let Some(Scrape { address: Some(address), scope_labels, variable }) = right(&pull(settings)).scrape
    else {
        panic!("{settings}")
    };
    assert_eq!(variable.as_deref(), Some("OTEL_CONFIG_FILE"));
    (address, scope_labels)
}

// B-020, B-022, B-090
#[cfg(feature = "prometheus")]
#[test]
fn the_page_is_where_the_file_says() {
    for (settings, address, scope_labels) in [
        ("", "localhost:9464", true),
        ("{}", "localhost:9464", true),
        ("{host: , port: , scope_info_enabled: }", "localhost:9464", true),
        ("{host: 0.0.0.0, port: 9000, target_info_enabled/development: true}", "0.0.0.0:9000", true),
        ("{host: '::1', port: 0, scope_info_enabled: false}", "[::1]:0", false),
        ("{translation_strategy: underscore_escaping_with_suffixes}", "localhost:9464", true),
    ] {
        assert_eq!(page(settings), (address.to_owned(), scope_labels), "{settings}");
    }
    let fetched = "[{pull: {exporter: {prometheus/development: }, cardinality_limits: {default: 7}}}]";
    let config = right(&format!("meter_provider: {{readers: {fetched}}}"));
    assert_eq!(config.measurements.cardinality_limit, 7);
    assert_eq!(config.metrics.to_string(), "nowhere (OTEL_CONFIG_FILE)");
    assert_eq!(right("disabled: false").scrape, None);
}

#[cfg(feature = "prometheus")]
#[test]
fn the_labels_of_scopes_are_those_of_the_variable_where_the_file_is_silent() {
    let labels = |value: &str, settings: &str| {
        let text = format!("file_format: '1.1'\npropagator: {{}}\n{}", pull(settings));
        let config = Config::from_yaml(&text, [("THROUGHLINE_SCRAPE_SCOPE_LABELS", value)]);
        assert_eq!(config.faults(), []);
        config.scrape.unwrap().scope_labels
    };
    assert!(!labels("false", ""));
    assert!(labels("false", "{scope_info_enabled: true}"));
    assert!(!labels("true", "{scope_info_enabled: false}"));
}

#[cfg(feature = "prometheus")]
#[test]
fn what_the_page_cannot_do_is_told_with_the_way_out() {
    let path = "line 4: meter_provider.readers[0].pull.exporter.prometheus/development";
    for (settings, said) in [
        ("{port: 65536}", "port is not a whole number from 0 to 65535"),
        ("{target_info_enabled/development: false}", "target_info_enabled/development can only be true"),
        (
            "{translation_strategy: no_translation/development}",
            "translation_strategy can only be underscore_escaping_with_suffixes",
        ),
        (
            "{resource_constant_labels: {included: [a]}}",
            "resource_constant_labels is not supported. Join with target_info in PromQL, or relabel where Prometheus fetches.",
        ),
        ("{without_scope_info: true}", "without_scope_info is now scope_info_enabled, the other way round"),
        (
            "{without_target_info/development: true}",
            "without_target_info/development is now target_info_enabled/development, the other way round",
        ),
        (
            "{with_resource_constant_labels: {included: [a]}}",
            "with_resource_constant_labels is now resource_constant_labels",
        ),
    ] {
        assert_eq!(faults(&pull(settings)), [format!("{path}.{said}")]);
    }
    let twice = "
meter_provider:
  readers:
    - pull: {exporter: {prometheus/development: }}
    - pull: {exporter: {prometheus/development: {port: 1}}}
";
    assert_eq!(
        faults(twice),
        ["line 7: meter_provider.readers[1].pull stands here again, after line 6; there is one page"]
    );
}

#[cfg(not(feature = "prometheus"))]
#[test]
fn without_the_feature_a_page_is_a_fault() {
    assert_eq!(
        faults(&pull("")),
        [
            "line 4: meter_provider.readers[0].pull needs the feature `prometheus` of throughline; or use periodic with otlp_http"
        ]
    );
}

// B-003, B-006
#[test]
fn what_prometheus_refuses_is_said_of_a_file_too() {
    let config = of("
file_format: '1.1'
propagator: {}
meter_provider:
  readers:
    - periodic: {exporter: {otlp_http: {endpoint: 'http://a/api/v1/otlp/v1/metrics', compression: zstd}}}
    - periodic:
        exporter:
          otlp_grpc:
            endpoint: http://b/api/v1/otlp
            temporality_preference: delta
    - periodic: {exporter: {otlp_http: {endpoint: 'http://c/v1/metrics', compression: zstd}}}
");
    assert_eq!(
        told(&config),
        [
            "line 6: meter_provider.readers[0].periodic.exporter.otlp_http.compression: Prometheus takes gzip, or none",
            "line 10: meter_provider.readers[1].periodic.exporter.otlp_grpc: Prometheus takes no gRPC; use otlp_http",
            "line 11: temporality_preference: Prometheus refuses all but cumulative, unless it runs with \
             --enable-feature=otlp-deltatocumulative; use cumulative",
        ]
    );
    assert!(config.usable().is_ok());
    let elsewhere = "http://c/v1/metrics', temporality_preference: low_memory, compression: zstd";
    right(&format!(
        "meter_provider: {{readers: [{{periodic: {{exporter: {{otlp_http: {{endpoint: '{elsewhere}}}}}}}}}]}}"
    ));
}

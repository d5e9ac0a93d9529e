//! What a file decides is told key by key.

use super::of;
use crate::config::{Config, Origin, Setting};

fn told(config: &Config) -> Vec<String> {
    let of_file =
        config.settings().filter(|setting| matches!(setting.origin, Origin::ConfigurationFile { .. }));
    of_file.map(Setting::to_string).collect()
}

const TEXT: &str = "\
file_format: '1.1'
resource:
  attributes:
    - {name: service.name, value: cart}
propagator: {composite: [{tracecontext: }, {b3: {}}]}
tracer_provider:
  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.1}}}}
  processors:
    - batch:
        export_timeout: 0x12c
        max_queue_size: 10
        max_export_batch_size: 512
        exporter:
          otlp_http:
            endpoint: http://collector:4318/v1/traces
            headers: [{name: x-key, value: hush}]
            headers_list: x-other=hush
            timeout: 5000
logger_provider:
  processors: [{simple: {exporter: {console: }}}]
meter_provider:
  readers:
    - periodic: {exporter: {otlp_grpc: }}
  views:
    - {selector: {instrument_name: '*'}, stream: {attribute_keys: {included: [a, b]}, aggregation: {drop: }}}
";

#[test]
fn each_key_of_a_file_is_told_with_its_line_and_no_secret() {
    let config = of(TEXT);
    assert_eq!(config.faults(), []);
    assert_eq!(
        told(&config),
        [
            "file_format = 1.1 (line 1)",
            "resource.attributes[0].name = service.name (line 4)",
            "resource.attributes[0].value = cart (line 4)",
            "propagator.composite[0] = tracecontext (line 5)",
            "propagator.composite[1] = b3 (line 5)",
            "tracer_provider.sampler.parent_based.root.trace_id_ratio_based.ratio = 0.1 (line 7)",
            "tracer_provider.processors[0].batch.export_timeout = 300 (line 10)",
            "tracer_provider.processors[0].batch.max_queue_size = 10 (line 11)",
            "tracer_provider.processors[0].batch.max_export_batch_size = 10 \
             (tracer_provider.processors[0].batch.max_queue_size; \"512\" does not hold)",
            "tracer_provider.processors[0].batch.exporter.otlp_http.endpoint = http://collector:4318/v1/traces (line 15)",
            "tracer_provider.processors[0].batch.exporter.otlp_http.headers[0].name = x-key (line 16)",
            "tracer_provider.processors[0].batch.exporter.otlp_http.headers[0].value = (secret) (line 16)",
            "tracer_provider.processors[0].batch.exporter.otlp_http.headers_list = (secret) (line 17)",
            "tracer_provider.processors[0].batch.exporter.otlp_http.timeout = 300 \
             (tracer_provider.processors[0].batch.export_timeout; \"5000\" does not hold)",
            "logger_provider.processors[0].simple.exporter = console (line 20)",
            "meter_provider.readers[0].periodic.exporter = otlp_grpc (line 23)",
            "meter_provider.views[0].selector.instrument_name = * (line 25)",
            "meter_provider.views[0].stream.attribute_keys.included = a,b (line 25)",
            "meter_provider.views[0].stream.aggregation = drop (line 25)",
        ]
    );
    assert!(!format!("{:?}", Vec::from_iter(config.settings())).contains("hush"));
}

#[test]
fn what_a_file_leaves_out_is_told_with_what_holds() {
    let config = of(TEXT);
    let held = |key: &str| {
        let setting = config.settings().find(|setting| setting.variable == key).unwrap();
        (setting.value.clone(), setting.is_default())
    };
    for (key, value) in [
        ("disabled", "false"),
        ("log_level", "info"),
        ("tracer_provider.processors[0].batch.schedule_delay", "5000"),
        ("tracer_provider.processors[0].batch.exporter.otlp_http.compression", "none"),
        ("meter_provider.readers[0].periodic.interval", "60000"),
        ("meter_provider.readers[0].periodic.exporter.otlp_grpc.timeout", "10000"),
        ("meter_provider.readers[0].periodic.exporter.otlp_grpc.endpoint", "http://localhost:4317/"),
        ("meter_provider.readers[0].periodic.exporter.otlp_grpc.temporality_preference", "cumulative"),
    ] {
        assert_eq!(held(key), (value.to_owned(), true), "{key}");
    }
}

// O-093
#[test]
fn what_stands_behind_a_place_is_not_told() {
    let place = |endpoint: &str| {
        let config =
            of(&TEXT.replace("http://collector:4318/v1/traces", endpoint).replace("otlp_http", "otlp_grpc"));
        assert_eq!(config.faults(), [], "{endpoint}");
        let found = config.settings().find(|setting| setting.variable.ends_with("otlp_grpc.endpoint"));
        found.unwrap().value.clone()
    };
    for (endpoint, told) in [
        ("https://c:4317/?key=hush", "https://c:4317/"),
        ("https://c:4317/?key=@hush", "(secret)"),
        ("https://c:4317/a@b?key=hush", "(secret)"),
        ("collector", "collector"),
    ] {
        assert_eq!(place(endpoint), told);
    }
}

// Nothing of it is used.
#[test]
fn of_a_file_with_a_fault_no_key_is_told() {
    let config = of(&TEXT.replace("max_queue_size: 10", "max_queue_size: none"));
    assert_eq!((config.faults().len(), told(&config).len()), (1, 0));
}

#[test]
fn every_value_of_the_file_in_the_documentation_is_told() {
    let config = of(include_str!("../../../../docs/telemetry.yaml"));
    let told = told(&config);
    let values = include_str!("../../../../docs/telemetry.yaml").lines().filter(|line| {
        let line = line.trim().trim_start_matches("- ");
        !line.starts_with('#')
            && line.split_once(": ").is_some_and(|(_, value)| !value.trim().starts_with('#'))
    });
    assert!(told.len() >= values.count(), "{told:#?}");
}

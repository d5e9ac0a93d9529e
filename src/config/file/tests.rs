//! What files mean, and what is wrong in them.

mod equivalence; // a file says what variables say
mod faults; // every fault has its line
mod bounds; // no text makes it slow, large or panic
mod substitution; // the table of the standard, in whole files
mod table; // the page of keys is the table of keys
mod scrape; // measurements that are fetched
mod views; // of single instruments
mod told; // each key, for people

use super::schema::{FILE, Needed};
use crate::{
    Config,
    config::{ExemplarFilter, Fault},
};

/// A configuration without variables.
pub(super) fn of(text: &str) -> Config {
    Config::from_yaml(text, [("", ""); 0])
}

/// A configuration in which nothing is wrong; propagation is not what is looked at.
pub(super) fn right(text: &str) -> Config {
    let config = of(&format!("file_format: '1.1'\npropagator: {{}}\n{text}"));
    assert_eq!(config.faults(), [], "{text}");
    config
}

/// What is said of a file, without its name.
pub(super) fn told(config: &Config) -> Vec<String> {
    let name = |fault: &Fault| assert_eq!(fault.variable, super::NAMELESS);
    config.faults().iter().inspect(|fault| name(fault)).map(|fault| fault.message.clone()).collect()
}

#[test]
fn a_file_says_everything_and_what_it_leaves_out_goes_nowhere() {
    let config = of("file_format: '1.0'");
    assert_eq!(
        told(&config),
        [
            "line 1: has no propagator: ids are neither read nor sent on. Write propagator with composite_list: \
          tracecontext,baggage"
        ]
    );
    assert!(config.usable().is_ok() && config.propagators.is_empty() && config.detectors.is_empty());
    for signal in crate::sender::Signal::ALL {
        assert_eq!(config.export(signal).to_string(), "nowhere (OTEL_CONFIG_FILE)");
    }
    assert!(FILE.key("file_format").is_some_and(|key| key.needed == Needed::Yes));
}

// B-090
#[cfg(feature = "prometheus")]
#[test]
fn of_a_file_with_every_key_of_the_standard_exactly_what_is_not_supported_is_told() {
    let config = of(include_str!("tests/everything.yaml"));
    let subjects: Vec<String> =
        told(&config).iter().map(|text| text.split(". ").next().unwrap().to_owned()).collect();
    assert_eq!(
        subjects,
        [
            "line 5: attribute_limits.attribute_value_depth_limit is ignored",
            "line 40: tracer_provider.processors[0].batch.exporter.otlp_http.max_request_size is ignored",
            "line 41: tracer_provider.processors[0].batch.exporter.otlp_http.max_response_size is ignored",
            "line 51: tracer_provider.processors[2].batch.exporter.otlp_file/development.output_stream can \
             only be stdout",
            "line 69: tracer_provider.tracer_configurator/development is not supported",
            "line 77: meter_provider.readers[0].pull.producers is not supported",
            "line 82: meter_provider.readers[1].periodic.max_export_batch_size/development is ignored",
            "line 88: meter_provider.readers[1].periodic.producers is not supported",
            "line 96: meter_provider.meter_configurator/development is not supported",
            "line 102: logger_provider.logger_configurator/development is not supported",
            "line 106: instrumentation/development.general.http.semconv is ignored",
            "line 121: instrumentation/development.general.stability_opt_in_list is ignored",
            "line 123: instrumentation/development.rust is ignored",
        ]
    );
}

#[test]
fn the_file_in_the_documentation_is_right() {
    let text = include_str!("../../../docs/telemetry.yaml");
    let config = of(text);
    assert_eq!(config.faults(), []);
    assert_eq!(config.traces.to_string(), "http://localhost:4318/v1/traces (OTEL_CONFIG_FILE)");
    let config = Config::from_yaml(
        text,
        [
            ("COLLECTOR", "https://gateway.example"),
            ("COLLECTOR_AUTHORIZATION", "Bearer x"),
            ("SAMPLED", "0.1"),
        ],
    );
    assert_eq!(config.faults(), []);
    assert_eq!(config.metrics.to_string(), "https://gateway.example/v1/metrics (OTEL_CONFIG_FILE)");
}

// E-12
#[test]
fn the_filter_of_exemplars_is_that_of_the_file() {
    let filter = |line: &str| {
        let readers = "[{periodic: {exporter: {otlp_http: {endpoint: 'http://a/v1/metrics'}}}}]";
        right(&format!("\nmeter_provider:\n  readers: {readers}\n{line}")).measurements.exemplars
    };
    assert_eq!(filter(""), ExemplarFilter::TraceBased);
    assert_eq!(filter("  exemplar_filter: always_on\n"), ExemplarFilter::AlwaysOn);
    assert_eq!(filter("  exemplar_filter: always_off\n"), ExemplarFilter::AlwaysOff);
}

#[test]
fn several_processors_are_several_destinations_and_a_simple_one_alone_sends_at_once() {
    let config = right(
        "
tracer_provider:
  processors:
    - batch: {max_queue_size: 10, max_export_batch_size: 20, exporter: {otlp_http: {endpoint: 'http://a/v1/traces'}}}
    - batch: {max_queue_size: 10, schedule_delay: 7, exporter: {otlp_grpc: {endpoint: 'http://b:4317'}}}
    - simple: {exporter: {console: }}
logger_provider:
  processors:
    - simple: {exporter: {console: }}
",
    );
    assert_eq!(
        config.traces.to_string(),
        "http://a/v1/traces (OTEL_CONFIG_FILE) and http://b:4317 (grpc) (OTEL_CONFIG_FILE) and the console \
         (OTEL_CONFIG_FILE)"
    );
    assert_eq!(
        (config.traces.max_queue, config.traces.max_batch, config.traces.schedule_delay),
        (10, 10, Some(std::time::Duration::from_millis(7)))
    );
    assert_eq!((config.logs.max_queue, config.logs.max_batch), (2048, 1));
}

// B-090
#[test]
fn an_attribute_without_a_value_is_left_out() {
    let config = right(
        "
resource:
  attributes:
    - {name: a, value: '${UNSET}'}
    - name: b
      value: ${UNSET}
    - {name: c, value: , type: int}
  attributes_list: b=of the list
",
    );
    assert_eq!(
        config.resource_attributes,
        [("b".to_owned(), "of the list".into()), ("a".to_owned(), String::new().into())]
    );
}

#[test]
fn attributes_of_the_resource_have_their_types() {
    let config = right(
        "
resource:
  attributes:
    - {name: a, value: '${TEXT:-text}'}
    - {name: b, value: 17}
    - {name: c, value: 17, type: int}
    - {name: d, value: 17, type: double}
    - {name: e, value: true, type: bool}
    - {name: f, value: [x, 2], type: string_array}
    - {name: g, value: [true, false], type: bool_array}
    - {name: h, value: [1, 0x10], type: int_array}
    - {name: i, value: [1, .5], type: double_array}
",
    );
    use crate::config::AttributeValue::{self, *};
    let values: Vec<AttributeValue> =
        config.resource_attributes.into_iter().map(|(_, value)| value).collect();
    assert_eq!(
        values,
        [
            Text("text".into()),
            Text("17".into()),
            Integer(17),
            Number(17.0),
            Boolean(true),
            Texts(vec!["x".into(), "2".into()]),
            Booleans(vec![true, false]),
            Integers(vec![1, 16]),
            Numbers(vec![1.0, 0.5]),
        ]
    );
}

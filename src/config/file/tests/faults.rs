use super::{of, told};
use crate::Telemetry;

/// What is said of a file with version and propagator.
#[track_caller]
pub(super) fn faults(text: &str) -> Vec<String> {
    let config = of(&format!("{{}}\n{text}").replacen("{}", "file_format: '1.1'\npropagator: {}", 1));
    assert!(config.usable().is_err(), "{text}: {:?}", config.faults());
    told(&config)
}

#[track_caller]
fn fault(text: &str) -> String {
    let faults = faults(text);
    let [fault] = &faults[..] else { panic!("{text}: {faults:#?}") };
    fault.clone()
}

// B-090
#[test]
fn another_major_version_is_a_fault_and_a_newer_minor_one_is_said() {
    let version = |text: &str| {
        let config = of(&format!("propagator: {{}}\nfile_format: {text}\nunknown: 1"));
        (config.usable().is_ok(), told(&config))
    };
    let unknown = "line 3: unknown is unknown; use ";
    for text in ["1.0", "'1.1'"] {
        let (_, told) = version(text);
        assert!(told.len() == 1 && told[0].starts_with(unknown), "{told:?}");
    }
    let (_, told) = version("1.27");
    assert_eq!(told[0], "line 2: file_format is newer than 1.1, which is known here");
    assert_eq!(told.len(), 2);
    for text in ["0.4", "2.0", "1", "1.0-rc.2", "1.-1", "one"] {
        assert_eq!(
            version(text),
            (false, vec!["line 2: file_format is of a version that is not known; write 1.1".to_owned()])
        );
    }
    assert!(!version("1.27").0);
    let newer = of("propagator: {}\nfile_format: '1.2'");
    assert!(newer.usable().is_ok() && newer.by_file.is_some());
}

#[test]
fn what_is_not_yaml_is_told_with_its_line() {
    for (text, said) in [
        ("a:\n  b: [1", "line 4: is not YAML: "),
        ("a: 'x", "line 3: is not YAML: unclosed quote"),
        ("a:\n\tb: 1", "line 4: is not YAML: "),
        ("a: *none", "line 3: is not YAML: "),
        ("a: &a [*a]", "line 3: has an alias of what is not a complete value before it"),
        ("a: !mine x", "line 3: has the tag !mine, which is not known here"),
        ("a: !!binary x", "line 3: has the tag tag:yaml.org,2002:binary, which is not known here"),
        ("? [a]\n: b", "line 3: has a key that is not a text"),
        ("---\na: 1", "line 3: begins a second document; there can be one"),
    ] {
        let faults = faults(text);
        assert!(faults.len() == 1 && faults[0].starts_with(said), "{text:?}: {faults:?}");
    }
    assert_eq!(told(&of("")), ["line 1: is empty"]);
    assert_eq!(told(&of("# nothing\n")), ["line 1: is empty"]);
    assert_eq!(
        told(&of("just a text"))[0],
        "line 1: the file is not a mapping; use file_format, disabled, \
         log_level, attribute_limits, resource, propagator, tracer_provider, meter_provider, logger_provider, \
         instrumentation/development"
    );
    assert_eq!(told(&of("propagator: {}\n")), ["line 1: the file needs file_format"]);
    assert_eq!(
        faults("disabled: false\ndisabled: true"),
        ["line 4: disabled stands here again, after line 3"]
    );
}

#[test]
fn what_is_misspelt_is_told_with_what_was_meant() {
    for (text, said) in [
        ("disable: true", "line 3: disable is unknown; did you mean disabled?"),
        ("resource:\n  atributes: []", "line 4: resource.atributes is unknown; did you mean attributes?"),
        (
            "attribute_limits:\n  <<: {}",
            "line 4: attribute_limits.<< is unknown; there are no merge keys in YAML 1.2",
        ),
        (
            "attribute_limits:\n  something: {}",
            "line 4: attribute_limits.something is unknown; use attribute_count_limit, \
             attribute_value_length_limit",
        ),
        (
            "resource: {detection: {}}",
            "line 3: resource.detection is unknown; did you mean detection/development?",
        ),
        (
            "\"\\e[2J\\n\": 1\nattribute_limits: 3",
            "line 3: \\u{1b}[2J\\n is unknown; use file_format, disabled, log_level, attribute_limits, resource, \
             propagator, tracer_provider, meter_provider, logger_provider, instrumentation/development",
        ),
    ] {
        assert_eq!(faults(text)[0], said, "{text}");
    }
    let long = fault(&format!("{}: 1", "k".repeat(900)));
    assert!(long.len() < 300, "{long}");
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_right_one() {
    let batch = |inside: &str| {
        format!(
            "tracer_provider:\n  processors:\n    - batch:\n        exporter: {{console: }}\n        {inside}"
        )
    };
    let path = "line 7: tracer_provider.processors[0].batch";
    for (inside, said) in [
        ("schedule_delay: soon", "schedule_delay is not a whole number of milliseconds above zero"),
        ("schedule_delay: 0", "schedule_delay is not a whole number of milliseconds above zero"),
        ("export_timeout: -1", "export_timeout is not a whole number of milliseconds"),
        ("max_queue_size: 0", "max_queue_size is not a whole number above zero"),
        ("max_queue_size: 99999999999999999999", "max_queue_size is not a whole number above zero"),
        ("max_queue_size: 1.5", "max_queue_size is not a whole number above zero"),
        ("max_queue_size: [1]", "max_queue_size is not a whole number above zero"),
        (
            "max_export_batch_size: \"5\"",
            "max_export_batch_size is not a whole number above zero; write it without quotes",
        ),
    ] {
        assert_eq!(fault(&batch(inside)), format!("{path}.{said}"));
    }
    for (text, said) in [
        ("disabled: 'true'", "line 3: disabled is not true or false; write it without quotes"),
        ("disabled: yes", "line 3: disabled is not true or false"),
        ("log_level: loud", "line 3: log_level is unknown; use trace, trace2, "),
        ("log_level: [info]", "line 3: log_level is unknown; use trace, "),
        ("resource: {attributes_list: [a]}", "line 3: resource.attributes_list is not a text"),
        (
            "resource: {attributes_list: a}",
            "line 3: resource.attributes_list is not key=value,key=value with percent-encoding",
        ),
        (
            "resource: {attributes: {a: b}}",
            "line 3: resource.attributes is not a list; begin each member with a dash",
        ),
        ("resource: {attributes: [{name: a}]}", "line 3: resource.attributes[0] needs value"),
        (
            "resource: {attributes: []}",
            "line 3: resource.attributes is an empty list; name one, or leave it out",
        ),
        (
            "resource: {detection/development: {attributes: {excluded: []}}}",
            "line 3: resource.detection/development.attributes.excluded is an empty list; name one, or leave it out",
        ),
        (
            "resource: {detection/development: {attributes: {included: [[a]]}}}",
            "line 3: resource.detection/development.attributes.included[0] is not a text",
        ),
        (
            "tracer_provider: {processors: []}",
            "line 3: tracer_provider.processors is an empty list; name one, or leave it out",
        ),
        ("tracer_provider: {processors: ~}", "line 3: tracer_provider needs processors"),
        (
            "resource:\n  attributes:\n  - name: a\n    value: x\n    type: int",
            "line 6: resource.attributes: a is not of the type int",
        ),
        (
            "resource: {attributes: [{name: a, value: [1, x], type: int_array}]}",
            "line 3: resource.attributes: a is not of the type int_array",
        ),
        (
            "resource: {attributes: [{name: a, value: [1]}]}",
            "line 3: resource.attributes: a is not of the type string",
        ),
        ("attribute_limits: 3", "line 3: attribute_limits is not a mapping; use attribute_count_limit, "),
    ] {
        let fault = fault(text);
        assert!(fault.starts_with(said), "{text}: {fault}");
    }
    assert_eq!(
        faults("resource:\n  detection/development:\n    detectors: [host]\n"),
        ["line 5: resource.detection/development.detectors[0] is not a mapping; write host:"]
    );
}

#[test]
fn what_is_not_there_is_named_with_the_way_out() {
    for (text, said) in [
        (
            "tracer_provider:\n  processors: [{simple: {exporter: {console: }}}]\n  sampler:\n    jaeger_remote/development:\n      interval: 1",
            "line 6: tracer_provider.sampler.jaeger_remote/development is not supported. Use parent_based with a root \
             of trace_id_ratio_based.",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {parent_based: {root: {parent_based: }}}}",
            "line 3: tracer_provider.sampler.parent_based.root cannot be parent_based again",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {parent_based: {local_parent_sampled: {parent_based: }}}}",
            "line 3: tracer_provider.sampler.parent_based.local_parent_sampled cannot be parent_based again",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {trace_id_ratio_based: {ratio: 1.5}}}",
            "line 3: tracer_provider.sampler.trace_id_ratio_based.ratio is not a number from 0 to 1",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {always_on: , always_off: }}",
            "line 3: tracer_provider.sampler has 2 keys, and a sampler has one; use always_on, always_off, \
             trace_id_ratio_based, parent_based",
        ),
        (
            "tracer_provider: {processors: [{batch: {exporter: {otlp: }}}]}",
            "line 3: tracer_provider.processors[0].batch.exporter.otlp is now otlp_http or otlp_grpc",
        ),
        (
            "tracer_provider: {processors: [{batch: {exporter: {kafka: }}}]}",
            "line 3: tracer_provider.processors[0].batch.exporter.kafka is unknown; use otlp_http, otlp_grpc, \
             otlp_file/development, console",
        ),
        (
            "tracer_provider: {processors: [{batch: }]}",
            "line 3: tracer_provider.processors[0].batch needs exporter",
        ),
        ("tracer_provider: ", "line 3: tracer_provider needs processors"),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], id_generator: {xray: }}",
            "line 3: tracer_provider.id_generator.xray is unknown; use random",
        ),
        (
            "meter_provider: {readers: [{periodic: {exporter: {prometheus/development: }}}]}",
            "line 3: meter_provider.readers[0].periodic.exporter.prometheus/development is not supported. Write it in a reader \
             pull of meter_provider.",
        ),
        (
            "meter_provider:\n  readers: [{periodic: {exporter: {console: }}}]\n  views: [{selector: {}, stream: {attribute_keys: {excluded: [a]}}}]",
            "line 5: meter_provider.views[0].stream.attribute_keys.excluded is not supported. Name those that are \
             included.",
        ),
        (
            "instrumentation/development: {general: {http: {server: {request_captured_headers: ['*']}}}}",
            "line 3: instrumentation/development.general.http.server.request_captured_headers: \"*\" does not mean all; name each \
             header",
        ),
        (
            "instrumentation/development: {general: {http: {client: {known_methods: ['A B']}}}}",
            "line 3: instrumentation/development.general.http.client.known_methods: \"A B\" is not the name of a method",
        ),
    ] {
        assert_eq!(fault(text), said, "{text}");
    }
    assert_eq!(
        fault("propagator2: {composite_list: w3c}".replace('2', "").as_str()),
        "line 3: propagator stands here again, after line 2"
    );
}

// O-003, O-005, O-011, O-015
#[test]
fn what_is_wrong_with_a_destination_is_told_and_never_a_secret() {
    let exporter = |inside: &str| {
        format!(
            "logger_provider:\n  processors:\n  - batch:\n      exporter:\n        otlp_http:\n          {inside}"
        )
    };
    let path = "line 8: logger_provider.processors[0].batch.exporter.otlp_http";
    for (inside, said) in [
        ("endpoint: collector:4318", "endpoint is not a URL; did you mean http://collector:4318?"),
        ("endpoint: ftp://s3cret", "endpoint is not a URL; write http://host:port or https://host/path"),
        (
            "endpoint: http://me:s3cret@host/v1/logs",
            "endpoint has a user and password; write a header authorization",
        ),
        ("headers_list: a=b,s3cret", "headers_list has a member that is not a name=value header"),
        ("headers: [{name: a b, value: s3cret}]", "headers has a member that is not a name=value header"),
        (
            "headers: [{name: a, value: \"s3cret\\n\"}]",
            "headers has a member that is not a name=value header",
        ),
        ("headers: [{name: Content-Length, value: s3cret}]", "headers must not set content-length"),
        ("headers: [{value: s3cret}]", "headers[0] needs name"),
        ("headers: [{name: a}]", "headers[0] needs value"),
        ("headers: [{name: a, value: , valu: s3cret}]", "headers[0].valu is unknown; did you mean value?"),
        ("headers: {authorization: s3cret}", "headers is not a list; begin each member with a dash"),
        ("compression: br", "compression is unknown; use none, gzip, zstd"),
        ("certificate_file: a", "certificate_file is now tls.ca_file"),
        ("client_key_file: a", "client_key_file is now tls.key_file"),
        ("client_certificate_file: a", "client_certificate_file is now tls.cert_file"),
        ("insecure: true", "insecure is now tls.insecure"),
        ("protocol: grpc", "protocol is now otlp_http or otlp_grpc"),
        ("timeout: '10'", "timeout is not a whole number of milliseconds; write it without quotes"),
    ] {
        let fault = fault(&exporter(inside));
        assert_eq!(fault, format!("{path}.{said}"));
        assert!(!fault.contains("s3cret"));
    }
    assert_eq!(
        fault(
            "tracer_provider:\n  processors:\n  - batch: {schedule_delay: 1, exporter: {console: }}\n  - batch: \
               {schedule_delay: 2, exporter: {console: }}"
        ),
        "line 6: tracer_provider.processors[1].batch.schedule_delay is another than on line 5; the destinations of a \
         signal share one"
    );
}

#[test]
fn what_changes_nothing_is_said_and_does_not_keep_the_program_from_starting() {
    let config = of("
file_format: '1.1'
propagator: {composite_list: 'tracecontext'}
distribution: {x: y}
meter_provider:
  readers:
    - periodic:
        max_export_batch_size/development: 100
        exporter: {otlp_http: {endpoint: 'http://collector:4318', tls: {ca_file: a}}}
        producers:
  exemplar_filter: trace_based
  views: ${UNSET}
instrumentation/development:
  rust: {}
  general: {stability_opt_in_list: http, db: {semconv: {version: 1}}}
");
    assert_eq!(
        told(&config),
        [
            "line 8: meter_provider.readers[0].periodic.max_export_batch_size/development is ignored. What is too \
             large for a destination is divided when it says so.",
            "line 9: meter_provider.readers[0].periodic.exporter.otlp_http.endpoint is taken as it is; did you mean a \
             path of /v1/metrics?",
            "line 9: meter_provider.readers[0].periodic.exporter.otlp_http.tls.ca_file is not used for \
             http://collector:4318/, which is not https",
            "line 14: instrumentation/development.rust is ignored. Nothing is set here; the variables `THROUGHLINE_…` \
             hold.",
            "line 15: instrumentation/development.general.stability_opt_in_list is ignored. Only the current \
             conventions are told.",
        ]
    );
    assert!(config.usable().is_ok() && config.by_file.is_some());
}

#[test]
fn all_faults_are_told_at_once_and_nothing_of_the_file_is_used() {
    let config = of("
file_format: '1.1'
disabled: true
log_level: loud
resource: {attributes: [{name: service.name, value: cart}]}
propagator: {composite_list: 'w3c,b3'}
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: nowhere at all}}}}]
");
    let lines: Vec<_> = told(&config).iter().map(|text| text.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["line 4", "line 6", "line 8"]);
    assert!(!config.disabled && config.by_file.is_none() && config.resource_attributes.is_empty());
    let error = Telemetry::build(config).map(drop).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(error.to_string().lines().count(), 3);
    assert!(
        error.to_string().starts_with("the configuration: line 4: log_level is unknown; use "),
        "{error}"
    );
}

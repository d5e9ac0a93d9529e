use super::{of, told, with};

#[test]
fn all_faults_are_found_at_once_each_with_its_line_and_the_way_out() {
    let agent = of("receivers:
  otlp:
    protocols:
      grpc: {endpont: '0.0.0.0:4317'}
      http: {endpoint: 'host:4318', auth: {authenticator: basicauth}}
  otpl: {}
  file_log/: {}
processors:
  resource: {attributes: [{action: insert, key: a}, {action: hash}, {action: delete, key: a, value: b}]}
  memory_limiter: {check_interval: 0s}
exporters:
  debug: {verbosity: lots}
  otlp_grpc: {endpoint: 'http://u:p@tempo', tls: {insecure_skip_verify: true}, sending_queue: {storage: disk}}
  kafka: {}
connectors: {spanmetrics: }
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp, zipkin], processors: [memory_limiter, resource], exporters: [otlp_grpc, debug, debug]}
    profiles: {receivers: [otlp], exporters: [debug]}
    logs: {receivers: [], exporters: [nothing]}
");
    assert!(agent.config().is_err());
    assert_eq!(told(&agent), EXPECTED);
}

const EXPECTED: [&str; 23] = [
    "line 4: receivers.otlp.protocols.grpc.endpont is unknown; did you mean endpoint?",
    "line 5: receivers.otlp.protocols.http.auth.authenticator is basicauth, which is not among the \
         extensions; there are none",
    "line 5: receivers.otlp.protocols.http.endpoint is host:4318; write address:port, \
         localhost:port, or :port for all addresses",
    "line 6: receivers.otpl is unknown; did you mean otlp?",
    "line 7: receivers.file_log/ has no name behind the slash",
    "line 7: receivers.file_log/ needs include",
    "line 9: processors.resource.attributes[0] needs one of value, from_attribute, from_context; \
         default_value goes with the last two",
    "line 9: processors.resource.attributes[1] needs key for hash",
    "line 9: processors.resource.attributes[2] has value, which means nothing to delete",
    "line 10: processors.memory_limiter.check_interval is not a duration above zero such as 200ms or \
         1m30s",
    "line 10: processors.memory_limiter.limit_mib: the limit is not there; write limit_mib or \
         limit_percentage",
    "line 12: exporters.debug.verbosity is unknown; use basic, normal, detailed",
    "line 13: exporters.otlp_grpc.tls.insecure_skip_verify is not supported. Name the authority of \
         the server in ca_file.",
    "line 13: exporters.otlp_grpc.sending_queue.storage is disk, which is not among the extensions; \
         there are none",
    "line 13: exporters.otlp_grpc.endpoint has a user and password; name an extension basicauth in \
         auth",
    "line 14: exporters.kafka is not there; there are debug, file, loadbalancing, loki, nop, \
         otlp_grpc, otlp_http, prometheus",
    "line 15: connectors.spanmetrics is not supported; there are no connectors",
    "line 17: service.extensions[0] is health_check, which is not among the extensions; add it \
         there, or name another: there are none",
    "line 19: service.pipelines.traces.receivers[1] is zipkin, which is not among the receivers; add \
         it there, or name another: otlp, file_log/",
    "line 19: service.pipelines.traces.exporters[2] is debug again",
    "line 20: service.pipelines.profiles is of no signal; begin its name with traces, metrics or \
         logs",
    "line 21: service.pipelines.logs.receivers is an empty list; name one, or leave it out",
    "line 21: service.pipelines.logs.exporters[0] is nothing, which is not among the exporters; add \
         it there, or name another: debug, otlp_grpc",
];

#[test]
fn what_cannot_be_compiled_is_found_at_once_too() {
    let agent = of(r#"receivers:
  file_log/one:
    include: [/a]
    multiline: {line_start_pattern: '('}
    operators:
      - {type: regex_parser, regex: 'a(b'}
      - {type: noop, id: same, if: 'body =='}
      - {type: router, id: same, routes: [{expr: 'true', output: nowhere}]}
  file_log/two:
    include: ['/[a']
  file_log/three:
    include: [/a]
    operators:
      - {type: regex_parser, regex: '^{(?P<a>b)'}
      - {type: noop, output: x, if: 'body =='}
      - {type: nop}
processors:
  attributes: {actions: [{action: extract, key: a, pattern: '('}, {action: delete, pattern: '^{'}]}
exporters:
  debug:
service:
  pipelines:
    logs: {receivers: [file_log/one, file_log/two, file_log/three], processors: [attributes], exporters: [debug]}
"#);
    assert_eq!(
        told(&agent),
        [
            r#"line 4: receivers.file_log/one.multiline: "(" is no regular expression: unclosed group"#,
            r#"line 6: receivers.file_log/one.operators[0]: "a(b" is no regular expression: unclosed group"#,
            r#"line 7: receivers.file_log/one.operators[1]: "body ==": a value is missing at the end, at byte 7"#,
            r#"line 8: receivers.file_log/one.operators[2]: the id "same" stands twice; give it another one"#,
            r#"line 8: receivers.file_log/one.operators[2]: the output "nowhere" is no operator; there are regex_parser, same, same"#,
            r#"line 9: the file log file_log/two: the path "/[a" is no pattern: Pattern syntax error near position 0: invalid range pattern; write it anew"#,
            r#"line 15: receivers.file_log/three.operators[1]: "body ==": a value is missing at the end, at byte 7"#,
            "line 16: receivers.file_log/three.operators[2].type is nop; did you mean noop?",
            r#"line 18: processors.attributes.actions[0]: a processor cannot be used: "(" is no regular expression: unclosed group"#,
        ]
    );
}

#[test]
fn what_is_wrong_is_said_without_the_secret() {
    let text = with("otlp_http", "{endpoint: 'http://hush@a:1', headers: {content-length: hush}}", "");
    for words in told(&of(&text)) {
        assert!(!words.contains("hush"), "{words}");
    }
    let extensions = "extensions:\n  basicauth: {htpasswd: {inline: 'me:$2y$hush'}}\n  bearertokenauth: {}\n";
    let text = with("nop", "{}", extensions).replace("http: }", "http: {auth: {authenticator: basicauth}}}");
    assert_eq!(
        told(&of(&text)),
        [
            "line 5: extensions.basicauth.htpasswd.inline has a password that is hashed, which cannot be read here; write it as it is, into a file that only the collector may read",
            "line 5: extensions.basicauth.htpasswd names nobody; write file or inline",
        ]
    );
}

#[test]
fn what_cannot_be_read_at_all_is_one_fault() {
    assert_eq!(told(&of("receivers: [")).len(), 1);
    assert_eq!(told(&of("")), ["line 1: is empty"]);
    assert_eq!(told(&of("a: ${file:b}")).len(), 1);
    let agent = crate::agent::Agent::from_file("/no/such/file.yaml");
    assert!(agent.config().unwrap_err().to_string().starts_with("/no/such/file.yaml: cannot be read: "));
}

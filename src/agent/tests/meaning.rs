use super::{of, right, told, with};
use crate::{
    agent::Agent,
    collector::{
        Action, Config, Context, Cors, Exit, Kind, Pipeline, Place, Until, Value, Way, debug::Verbosity,
    },
    sender::{Compression, Credentials, Destination, Protocol, Remote, Signal},
};
use std::{path::Path, time::Duration};

/// The one destination of an exit, of spans.
fn remote(exit: &Exit) -> &Remote {
    match &exit.way {
        Way::Network(destinations) => match destinations.of(Signal::Traces) {
            [Destination::Remote(remote)] => remote,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn sent(exporter: &str, settings: &str) -> Remote {
    remote(&right(&with(exporter, settings, "")).exits[0]).clone()
}

/// A pipeline as one line: signal, sources, processors, exits.
fn ways(config: &Config) -> Vec<String> {
    let way = |of: &Pipeline| {
        let (signal, count) = (of.signal.name(), of.processors.len());
        format!("{signal}: {} > {count} > {}", of.sources.join("+"), of.exits.join("+"))
    };
    config.pipelines.iter().map(way).collect()
}

// B-060, B-061
#[test]
fn a_pipeline_has_what_it_names_and_what_nobody_names_does_not_run() {
    let config = right(
        "
receivers:
  otlp: {protocols: {grpc: , http: {endpoint: ':4318'}}}
  otlp/2: {protocols: {http: {endpoint: '[::1]:14318', max_request_body_size: 1000}}}
  otlp/unused: {protocols: {grpc: {endpoint: localhost:1}}}
processors:
  resource: {attributes: [{action: insert, key: a, value: b}]}
  batch:
exporters:
  debug:
  otlp_http: {endpoint: 'http://a:4318'}
  nop: {}
service:
  pipelines:
    traces: {receivers: [otlp, otlp/2], processors: [resource, batch], exporters: [otlp_http, debug]}
    traces/2: {receivers: [otlp], exporters: [debug]}
    logs: {receivers: [otlp/2], exporters: [debug]}
",
    );
    assert_eq!(
        ways(&config),
        ["traces: otlp+otlp/2 > 1 > otlp_http+debug", "traces: otlp > 0 > debug", "logs: otlp/2 > 0 > debug"]
    );
    let ports: Vec<String> =
        config.ports.iter().map(|port| format!("{} {}", port.source, port.address)).collect();
    assert_eq!(ports, ["otlp 127.0.0.1:4317", "otlp 0.0.0.0:4318", "otlp/2 [::1]:14318"]);
    assert_eq!(config.ports[2].receive.max_request_bytes, Some(1000));
    let exits: Vec<&str> = config.exits.iter().map(|exit| exit.name.as_str()).collect();
    assert_eq!(exits, ["otlp_http", "debug"]);
    assert_eq!((config.grpc, config.http), (None, None));
}

#[test]
fn exporters_of_otlp_go_where_they_say_with_the_defaults_of_the_collector() {
    let grpc = sent("otlp_grpc", "{endpoint: 'tempo:4317'}");
    assert_eq!((grpc.to_string().as_str(), grpc.protocol), ("https://tempo:4317 (grpc)", Protocol::Grpc));
    assert_eq!((grpc.compression, grpc.timeout), (Compression::Gzip, Duration::from_secs(5)));
    for (settings, url) in [
        ("{endpoint: 'tempo:4317', tls: {insecure: true}}", "http://tempo:4317 (grpc)"),
        ("{endpoint: 'https://tempo:4317', tls: {insecure: true}}", "https://tempo:4317 (grpc)"),
        ("{endpoint: 'dns:///tempo:4317', tls: {insecure: true}}", "http://tempo:4317 (grpc)"),
    ] {
        assert_eq!(sent("otlp_grpc", settings).to_string(), url, "{settings}");
    }
    let http = sent("otlp_http", "{endpoint: 'http://a:1/otlp/'}");
    assert_eq!(
        (http.to_string().as_str(), http.timeout),
        ("http://a:1/otlp/v1/traces", Duration::from_secs(30))
    );
    let http = sent(
        "otlp_http/x",
        "{traces_endpoint: 'https://a/t', encoding: json, compression: none, timeout: 0}",
    );
    assert_eq!((http.to_string().as_str(), http.timeout), ("https://a/t", Duration::ZERO));
    assert_eq!((http.protocol, http.compression), (Protocol::HttpJson, Compression::None));
    let headers =
        sent("otlp_http", "{endpoint: 'http://a:1', headers: {X-Scope-OrgID: shop, empty: }}").headers;
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-scope-orgid", "shop")]);
}

// B-069
#[test]
fn a_queue_has_bytes_a_directory_and_batches_and_may_hold_back_the_answer() {
    let storage = "extensions:\n  file_storage/a: {directory: /tmp/a}\n  file_storage: {}\n";
    let queue =
        "{endpoint: 'http://a:1', sending_queue: {sizer: bytes, queue_size: 1000, storage: file_storage/a,
        batch: {min_size: 10, max_size: 5, flush_timeout: 1s}}}";
    let config = right(&with("otlp_http", queue, storage));
    let exit = &config.exits[0];
    assert_eq!((exit.queue_bytes, config.acknowledge), (Some(1000), Until::Queued));
    assert_eq!(exit.disk.as_ref().unwrap().directory, Path::new("/tmp/a"));
    let batch = exit.batch.as_ref().unwrap();
    assert_eq!((batch.items, batch.delay), (5, Duration::from_secs(1)));
    for waits in ["enabled: false", "wait_for_result: true"] {
        let config =
            right(&with("otlp_http", &format!("{{endpoint: 'http://a:1', sending_queue: {{{waits}}}}}"), ""));
        assert_eq!(config.acknowledge, Until::Delivered);
    }
    let disk = right(&with(
        "otlp_http",
        "{endpoint: 'http://a:1', sending_queue: {storage: file_storage}}",
        storage,
    ))
    .exits[0]
        .disk
        .clone();
    assert_eq!(disk.unwrap().directory, Path::new("/var/lib/otelcol/file_storage"));
}

// B-068
#[test]
fn batches_are_those_of_the_processor_and_without_it_nothing_waits() {
    let batch = |settings: &str, pipeline: &str| {
        let text = format!(
            "receivers: {{otlp: {{protocols: {{http: }}}}}}\nexporters: {{nop: }}\nprocessors: {{batch: {settings}}}\n\
             service: {{pipelines: {{traces: {{receivers: [otlp], {pipeline} exporters: [nop]}}}}}}"
        );
        let batch = right(&text).exits[0].batch.clone().unwrap();
        (batch.items, batch.delay.as_millis())
    };
    assert_eq!(batch("{}", "processors: [batch],"), (8192, 200));
    assert_eq!(batch("{}", ""), (8192, 0));
    let settings = "{send_batch_size: 100, send_batch_max_size: 50, timeout: 1s}";
    assert_eq!(batch(settings, "processors: [batch],"), (50, 1000));
    assert_eq!(batch("{send_batch_size: 0, timeout: 0}", "processors: [batch],"), (u64::MAX, 0));
}

// B-068
#[test]
fn the_limit_of_memory_is_the_one_less_the_spike() {
    let limit = |settings: &str| {
        let text = format!(
            "receivers: {{otlp: {{protocols: {{http: }}}}}}\nexporters: {{nop: }}\nprocessors:\n  memory_limiter: \
             {{check_interval: 1s, {settings}}}\nservice: {{pipelines: {{traces: {{receivers: [otlp], processors: \
             [memory_limiter], exporters: [nop]}}}}}}"
        );
        right(&text).max_memory.map(|bytes| bytes >> 20)
    };
    assert_eq!(limit("limit_mib: 100, spike_limit_mib: 30"), Some(70));
    assert_eq!(limit("limit_mib: 100"), Some(80));
    // Of this machine, whatever it has.
    assert!(limit("limit_percentage: 80, spike_limit_percentage: 25").is_some_and(|mebibytes| mebibytes > 0));
}

// B-067
#[test]
fn actions_are_those_of_the_collector() {
    let text = "
receivers: {otlp: {protocols: {http: }}}
exporters: {nop: }
processors:
  resource:
    attributes:
      - {action: insert, key: loki.format, value: json}
      - {action: update, key: a, value: 1}
      - {action: upsert, key: b, value: '1'}
      - {action: upsert, key: c, from_attribute: d}
      - {action: upsert, key: e, from_attribute: f, default_value: true}
      - {action: delete, key: g}
      - {action: delete, pattern: '^h$'}
      - {action: hash, key: i}
      - {action: extract, key: j, pattern: '(?P<k>.*)'}
      - {action: convert, key: l, converted_type: double}
      - {action: insert, key: m, value: 1.5}
      - {action: insert, key: n, from_context: client.address}
      - {action: insert, key: o, from_context: metadata.x-tenant, default_value: none}
  attributes: {actions: [{action: delete, key: p}]}
service: {pipelines: {logs: {receivers: [otlp], processors: [attributes, resource], exporters: [nop]}}}
";
    let config = right(text);
    let [attributes, resource] = &config.pipelines[0].processors[..] else { panic!() };
    assert_eq!((attributes.place, resource.place), (Place::Items, Place::Resource));
    assert_eq!(attributes.actions, [Action::Delete("p".into())]);
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        resource.actions,
        [
            Action::Insert("loki.format".into(), text("json")),
            Action::Update("a".into(), Value::Int(1)),
            Action::Upsert("b".into(), text("1")),
            Action::Upsert("c".into(), Value::Attribute("d".into())),
            Action::Upsert("e".into(), Value::AttributeOr("f".into(), Box::new(Value::Bool(true)))),
            Action::Delete("g".into()),
            Action::DeleteMatching("^h$".into()),
            Action::Hash("i".into()),
            Action::Extract("j".into(), "(?P<k>.*)".into()),
            Action::Convert("l".into(), Kind::Double),
            Action::Insert("m".into(), Value::Double(1.5)),
            Action::Insert("n".into(), Value::Context(Context::Address)),
            Action::Insert(
                "o".into(),
                Value::ContextOr(Context::Header("x-tenant".into()), Box::new(text("none")))
            ),
        ]
    );
}

#[test]
fn who_may_send_and_who_sends_is_said_by_extensions() {
    let extensions = "extensions:
  basicauth/server: {htpasswd: {inline: \"one:1\\n\\n# nobody\\ntwo:2:3\"}}
  basicauth/client: {client_auth: {username: me, password: hush}}
  bearertokenauth: {token: hush}
";
    let both = |server: &str, client: &str| {
        let settings = format!("{{endpoint: 'http://a:1', auth: {{authenticator: {client}}}}}");
        let text = with("otlp_http", &settings, extensions)
            .replace("http: }", &format!("http: {{auth: {{authenticator: {server}}}}}}}"));
        let config = right(&text);
        let user = |credentials: &Credentials| match credentials {
            Credentials::Basic { user, .. } => user.clone(),
            Credentials::Bearer(_) => "a token".to_owned(),
        };
        let clients: Vec<String> = config.ports[0].receive.credentials.iter().map(user).collect();
        (clients, user(remote(&config.exits[0]).credentials.as_ref().unwrap()))
    };
    assert_eq!(both("basicauth/server", "basicauth/client"), (vec!["one".into(), "two".into()], "me".into()));
    assert_eq!(both("bearertokenauth", "bearertokenauth"), (vec!["a token".into()], "a token".into()));
}

#[test]
fn a_receiver_has_the_files_of_its_tls_and_its_guests() {
    let server = "http: {tls: {cert_file: /c, key_file: /k, client_ca_file: /a}, \
                  cors: {allowed_origins: ['https://*.example'], max_age: 60}}}";
    let config = right(&with("nop", "{}", "").replace("http: }", server));
    let receive = &config.ports[0].receive;
    let tls = receive.tls.as_ref().unwrap();
    assert_eq!((tls.certificate.as_path(), tls.key.as_path()), (Path::new("/c"), Path::new("/k")));
    assert_eq!(tls.client_authority.as_deref(), Some(Path::new("/a")));
    let cors = Cors {
        origins: vec!["https://*.example".into()],
        max_age: Duration::from_secs(60),
        ..Cors::default()
    };
    assert_eq!(receive.cors, Some(cors));
}

// B-055
#[test]
fn several_servers_share_what_is_sent_and_loki_gets_its_own_words() {
    let settings =
        |resolver: &str| format!("{{resolver: {resolver}, protocol: {{otlp: {{tls: {{insecure: true}}}}}}}}");
    for (resolver, words) in [
        (
            "{static: {hostnames: ['a:1', b]}}",
            "exporter loadbalancing: one of http://a:1 (grpc), http://b:4317 (grpc)",
        ),
        (
            "{dns: {hostname: gateways}}",
            "exporter loadbalancing: one of those behind http://gateways:4317 (grpc)",
        ),
    ] {
        let agent = of(&with("loadbalancing", &settings(resolver), ""));
        assert_eq!(told(&agent), [""; 0]);
        assert_eq!(agent.lines()[1], words);
    }
    for settings in [
        "{resolver: {static: {hostnames: [a]}}, protocol: {otlp: {sending_queue: {sizer: bytes, queue_size: 7}}}}",
        "{resolver: {static: {hostnames: [a]}}, protocol: {otlp: }, sending_queue: {sizer: bytes, queue_size: 7}}",
    ] {
        assert_eq!(right(&with("loadbalancing", settings, "")).exits[0].queue_bytes, Some(7), "{settings}");
    }
    let fault = told(&of(&with("loadbalancing", &settings("{}"), "")));
    assert_eq!(fault, ["line 2: exporters.loadbalancing.resolver needs one of static, dns"]);
    let text =
        with("loki", "{endpoint: 'http://loki:3100/loki/api/v1/push'}", "").replace("traces:", "logs:");
    let agent = of(&text);
    assert_eq!(agent.lines()[1], "exporter loki: http://loki:3100/loki/api/v1/push");
    let config = agent.config().unwrap();
    let Way::Network(destinations) = &config.exits[0].way else { panic!() };
    let [Destination::Remote(remote)] = destinations.of(Signal::Logs) else { panic!() };
    assert!(remote.dialect.is_some());
}

// B-070, B-071
#[test]
fn what_is_shown_and_written_is_as_it_says() {
    let config =
        right(&with("debug", "{verbosity: detailed, sampling_initial: 5, sampling_thereafter: 0}", ""));
    let Way::Terminal(options) = &config.exits[0].way else { panic!() };
    assert_eq!(options.verbosity, Verbosity::Detailed);
    assert_eq!((options.sampling_initial, options.sampling_thereafter), (5, 0));
    let config = right(&with("file", "{path: /tmp/x, rotation: {max_megabytes: 2, max_backups: 3}}", ""));
    let Way::File(options) = &config.exits[0].way else { panic!() };
    assert_eq!(
        (options.path.as_path(), options.max_bytes, options.max_files),
        (Path::new("/tmp/x"), 2 << 20, 4)
    );
    let config = right(&with("file", "{path: /tmp/x}", ""));
    let Way::File(options) = &config.exits[0].way else { panic!() };
    assert_eq!(options.max_bytes, u64::MAX);
    let text = with("prometheus", "{endpoint: '127.0.0.1:9464', metric_expiration: 1m}", "");
    let config = right(&text.replace("traces:", "metrics:"));
    assert_eq!(config.prometheus, "127.0.0.1:9464".parse().ok());
    assert_eq!(config.metric_expiration, Duration::from_secs(60));
}

// B-072
#[test]
fn health_is_where_it_says() {
    let health = |more: &str| right(&with("nop", "{}", more)).health;
    assert_eq!(health(""), None);
    assert_eq!(health("extensions:\n  health_check: \n"), "127.0.0.1:13133".parse().ok());
    assert_eq!(health("extensions:\n  health_check: {endpoint: '0.0.0.0:1'}\n"), "0.0.0.0:1".parse().ok());
}

// B-091
#[test]
fn variables_are_read_and_a_doubled_dollar_is_one() {
    let text = with("otlp_http", "{endpoint: 'http://${env:HOST:-b}:${PORT}', headers: {a: 'x$$y'}}", "");
    let url = |variables: &[(&str, &str)]| {
        let config = Agent::from_yaml(&text, variables.iter().copied()).config().unwrap();
        let remote = remote(&config.exits[0]);
        assert_eq!(remote.headers["a"], "x$y");
        remote.to_string()
    };
    assert_eq!(url(&[("PORT", "1")]), "http://b:1/v1/traces");
    assert_eq!(url(&[("PORT", "1"), ("HOST", "a")]), "http://a:1/v1/traces");
    let agent = of(&text);
    assert_eq!(told(&agent), ["line 2: exporters.otlp_http.endpoint is not host:port, nor a URL"]);
}

// B-060
#[test]
fn former_names_are_understood_and_told() {
    let text = with("otlp", "{endpoint: 'a:1'}", "");
    let agent = of(&text);
    assert_eq!(told(&agent), ["line 2: exporters.otlp: otlp is now called otlp_grpc; both are understood"]);
    assert_eq!(agent.config().unwrap().exits[0].name, "otlp");
    let agent = of(&with("logging/x", "{verbosity: normal}", ""));
    assert_eq!(
        told(&agent),
        ["line 2: exporters.logging/x: logging is now called debug; both are understood"]
    );
}

#[test]
fn extensions_that_look_inside_the_collector_are_passed_over() {
    let agent = of(&with("nop", "{}", "extensions:\n  zpages: {endpoint: 'localhost:1'}\n  pprof/x: \n"));
    assert_eq!(
        told(&agent),
        [
            "line 5: extensions.zpages is ignored: the view's /api/status has the counts",
            "line 6: extensions.pprof/x is ignored: there is no runtime of Go",
        ]
    );
    assert!(agent.config().is_ok());
}

//! `throughline check` says what is wrong in the words of whoever must mend it.

mod certificates; // TLS
mod file; // what to write in a configuration file
mod start; // what fails before anything could be sent

use crate::support::{child::Process, free_port, gateway, get, peer, receiver::Receiver, serve, until};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    routing::{any, post},
};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::PathBuf};
use throughline::{
    Config,
    probe::{Finding, probe},
    sender::Signal,
};

/// What no output may hold.
const SECRET: &str = "c4n4ry";

/// The finding about traces, with these variables and nothing but traces.
async fn finding(vars: &[(&str, &str)]) -> Finding {
    let only = [("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
    one(&[vars, &only].concat()).await
}

async fn one(vars: &[(&str, &str)]) -> Finding {
    let mut findings = probe(&Config::from_vars(vars.iter().copied())).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

fn fault(finding: &Finding) -> &str {
    finding.fault.as_deref().expect("a fault")
}

/// Runs the program and returns its status and what it printed.
async fn run(arguments: &[&str], vars: &[(&str, &str)]) -> (Option<i32>, String) {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    assert!(program.exists(), "build it with `cargo build --features cli`");
    let mut process = Process::start(&program.display().to_string(), arguments, vars);
    let status = process.ended().await.code();
    let printed =
        until("all of its output", || async { process.closed().then(|| process.lines().join("\n")) });
    (status, printed.await)
}

/// A server that does this with every request.
async fn server(answer: fn(HeaderMap) -> (StatusCode, HeaderMap, &'static str)) -> SocketAddr {
    serve(
        Router::new().fallback(any(move |request: Request| async move { answer(request.headers().clone()) })),
    )
    .await
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_ENCODING)
}

// O-052
#[tokio::test]
async fn what_works_is_said_to_work_over_both_protocols() {
    let receiver = throughline::collector::Collector::start(loopback()).unwrap();
    for (protocol, address) in
        [("http/protobuf", receiver.http_address().unwrap()), ("grpc", receiver.grpc_address().unwrap())]
    {
        let endpoint = format!("http://{address}");
        let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let findings = probe(&Config::from_vars(vars)).await;
        assert_eq!(findings.iter().map(|finding| finding.signal).collect::<Vec<_>>(), Signal::ALL);
        for finding in findings {
            assert_eq!((finding.fault, finding.advice, finding.warnings), (None, None, vec![]), "{protocol}");
        }
    }
}

fn loopback() -> throughline::collector::Config {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = throughline::collector::Config::default();
    (config.grpc, config.http, config.view) = (any, any, None);
    config
}

// O-008
#[tokio::test]
async fn the_wrong_protocol_is_named_with_the_right_one() {
    let receiver = Receiver::start();
    let wrong = [
        (receiver.http_address(), "grpc", "http/protobuf"),
        (receiver.grpc_address(), "http/protobuf", "grpc"),
    ];
    for (address, protocol, right) in wrong {
        let endpoint = format!("http://{address}");
        let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let finding = finding(&vars).await;
        fault(&finding);
        assert_eq!(
            finding.advice,
            Some(format!("it speaks {right}: set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL={right}")),
            "{protocol}: {finding}"
        );
    }
}

// O-007, B-001
#[tokio::test]
async fn a_path_that_is_wrong_is_answered_with_the_one_that_is_right() {
    let taken = post(|| async {});
    let routes = [("/otlp/v1/traces", "/otlp"), ("/otlp/v1/traces", ""), ("/v1/traces", "/otlp/v1/traces")];
    for (right, written) in routes {
        let address = serve(Router::new().route(right, taken.clone())).await;
        let endpoint = format!("http://{address}{written}");
        let finding = finding(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]).await;
        assert!(fault(&finding).contains("404"), "{finding}");
        let advice =
            format!("the path that is right: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://{address}{right}");
        assert_eq!(finding.advice, Some(advice), "{written}");
    }
}

// B-001, O-007
#[tokio::test]
async fn a_real_prometheus_is_found_behind_the_wrong_path_and_its_missing_receiver_is_named() {
    let remedy = "Prometheus 3 with its OTLP receiver";
    let Some(program) = peer("prometheus is found", "THROUGHLINE_TEST_PROMETHEUS", remedy) else { return };
    let directory = std::env::temp_dir().join(format!("throughline-checking-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("p.yml"), "global: {}\n").unwrap();
    for receiver in [true, false] {
        let free = format!("127.0.0.1:{}", free_port());
        let (config, data) = (directory.join("p.yml"), directory.join(receiver.to_string()));
        let mut arguments = vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address={free}"),
        ];
        arguments.extend(receiver.then(|| "--web.enable-otlp-receiver".into()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let _server = Process::start(&program, &arguments, &[]);
        until("a ready prometheus", || async {
            get(&format!("http://{free}/-/ready"), &[]).await.ok().filter(|(status, _)| *status == 200)
        })
        .await;
        let metrics = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
        let endpoint = |path: &str| format!("http://{free}{path}");
        let ask = |url: String| async move {
            one(&[&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*url)][..], &metrics].concat()).await
        };
        let (wrong, right) =
            (ask(endpoint("/api/v1/otlp")).await, ask(endpoint("/api/v1/otlp/v1/metrics")).await);
        if receiver {
            assert_eq!(right.fault, None);
            let advice = "set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=";
            let url = endpoint("/api/v1/otlp/v1/metrics");
            assert_eq!(wrong.advice, Some(format!("the path that is right: {advice}{url}")), "{wrong}");
        } else {
            assert!(fault(&right).contains("--web.enable-otlp-receiver"), "{right}");
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_unwelcome_caller_is_told_to_look_at_the_credentials() {
    let strict = server(|headers| match headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()) {
        Some(b"Bearer c4n4ry") => (StatusCode::OK, HeaderMap::new(), ""),
        Some(b"Bearer known") => (StatusCode::FORBIDDEN, HeaderMap::new(), "not you"),
        _ => (StatusCode::UNAUTHORIZED, HeaderMap::new(), "who are you"),
    });
    let endpoint = format!("http://{}", strict.await);
    let vars = |token| [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("THROUGHLINE_OTLP_TOKEN", token)];
    assert_eq!(finding(&vars(SECRET)).await.fault, None);
    for (token, words) in [
        ("other", "401 Unauthorized: who are you; check the user, the token"),
        ("known", "403 Forbidden: not you; check the user, the token"),
    ] {
        let refused = finding(&vars(token)).await;
        assert!(fault(&refused).contains(words), "{refused}");
        assert_eq!(refused.advice, None);
    }
}

#[tokio::test]
async fn compression_that_is_refused_is_named() {
    let plain = server(|headers| match is_compressed(&headers) {
        true => (StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderMap::new(), "no gzip here"),
        false => (StatusCode::OK, HeaderMap::new(), ""),
    });
    let endpoint = format!("http://{}", plain.await);
    let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    let finding = finding(&vars).await;
    assert!(fault(&finding).contains("no gzip here"), "{finding}");
    let advice = "it takes what is not compressed: set OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=none";
    assert_eq!(finding.advice.as_deref(), Some(advice));
}

#[tokio::test]
async fn clocks_that_are_far_apart_are_told() {
    let past = server(|_| {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap();
        (StatusCode::OK, HeaderMap::from_iter([(header::DATE, date)]), "")
    });
    let endpoint = format!("http://{}", past.await);
    let finding = finding(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    assert_eq!(finding.fault, None);
    let [warning] = &finding.warnings[..] else { panic!("{finding}") };
    assert!(warning.starts_with("the clock of this machine is 3"), "{warning}");
    assert!(warning.contains(" ahead of theirs"), "{warning}");
}

// O-003: the endpoint of a signal is the URL as it is, so the advice has the path in it; what is advised works.
#[tokio::test]
async fn the_protocol_that_is_right_comes_with_the_url_that_it_needs() {
    let receiver = Receiver::start();
    let place = receiver.http_address();
    let url = format!("http://{place}/v1/traces");
    let (own, general) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
    for (variable, written) in
        [(own, format!("http://{place}")), (own, place.to_string()), (general, place.to_string())]
    {
        let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")];
        let found = finding(&[&[(variable, &*written)], &grpc[..]].concat()).await;
        let advice = format!(
            "it speaks http/protobuf: set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf and \
             OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}"
        );
        assert_eq!(found.advice, Some(advice), "{variable}={written}");
    }
    let mended = finding(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"), (own, &url)]).await;
    assert_eq!((mended.fault, mended.advice), (None, None));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_with_the_cause_and_what_to_do() {
    let port = free_port();
    let closed = format!("127.0.0.1:{port}");
    let refused = |place: &str| {
        format!(
            "nothing listens on port {port} of 127.0.0.1: start the collector there, or name the place where it is in \
             {place}; in a container this is the container itself"
        )
    };
    let (general, own) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    for (variable, endpoint, cause, advice) in [
        (general, format!("http://{closed}"), "refused", refused(general)),
        (own, format!("http://{closed}/v1/traces"), "refused", refused(own)),
        (
            general,
            "http://no-such-host.invalid:4318".into(),
            "no-such-host.invalid",
            "no name server here knows no-such-host.invalid: check how it is written in OTEL_EXPORTER_OTLP_ENDPOINT, and \
             that it is known where the service runs"
                .into(),
        ),
    ] {
        let finding = finding(&[(variable, &endpoint)]).await;
        assert!(fault(&finding).starts_with("cannot reach http://"), "{finding}");
        assert!(fault(&finding).contains(cause), "{finding}");
        assert_eq!(finding.advice, Some(advice));
    }
    let directory = gateway::Directory::new();
    let file = format!(
        "file_format: '1.1'\npropagator: {{}}\ntracer_provider: {{processors: [{{batch: {{exporter: {{otlp_http: \
         {{endpoint: 'http://{closed}/v1/traces'}}}}}}}}]}}\n"
    );
    let path = directory.write("telemetry.yaml", file);
    let finding = one(&[("OTEL_CONFIG_FILE", path.to_str().unwrap())]).await;
    assert_eq!(finding.advice, Some(refused("the endpoint of the traces in the configuration file")));
}

// O-093
#[tokio::test]
async fn the_program_tells_all_of_it_and_no_secret() {
    let missing = server(|_| (StatusCode::NOT_FOUND, HeaderMap::new(), "")).await;
    let endpoint = format!("http://me:{SECRET}@{missing}/?token={SECRET}");
    let vars = [
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=c4n4ry"),
        ("THROUGHLINE_OTLP_PASSWORD", SECRET),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "nowhere"),
    ];
    let (status, text) = run(&["check"], &vars).await;
    assert_eq!(status, Some(1), "{text}");
    for line in [
        "  OTEL_SERVICE_NAME            cart",
        "  OTEL_EXPORTER_OTLP_HEADERS   (secret)",
        "  OTEL_LOGS_EXPORTER: \"nowhere\" is unknown; use ",
        &format!("  traces to http://{missing}/v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT): "),
        "  metrics to nowhere (OTEL_METRICS_EXPORTER)",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    let (status, json) = run(&["check", "--json", "--all"], &vars).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json["fine"]), (Some(1), &Value::Bool(false)));
    assert_eq!(json["destinations"].as_array().map(Vec::len), Some(2));
    let held = |name: &str| {
        let settings = json["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["variable"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(held("OTEL_SERVICE_NAME")["origin"], "environment");
    assert_eq!(
        (&held("RUST_LOG")["origin"], &held("RUST_LOG")["value"]),
        (&"default".into(), &"info,opentelemetry=warn".into())
    );
    let traces = &json["destinations"][0];
    assert_eq!(
        (&traces["destination"], &traces["decided_by"]),
        (&format!("http://{missing}/v1/traces").into(), &"OTEL_EXPORTER_OTLP_ENDPOINT".into())
    );
    assert!(!text.contains(SECRET) && !json.to_string().contains(SECRET), "{text}\n{json}");
}

#[tokio::test]
async fn the_program_prints_what_holds_and_why_it_is_not_what_was_written() {
    let vars =
        [("OTEL_BSP_SCHEDULE_DELAY", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_SDK_DISABLED", "true")];
    let (status, text) = run(&["check"], &vars).await;
    assert_eq!(status, Some(1), "{text}");
    let lines =
        Vec::from_iter(text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")));
    assert_eq!(
        lines[..7],
        [
            "settings",
            "OTEL_SDK_DISABLED true environment",
            r#"OTEL_BSP_SCHEDULE_DELAY 5000 default; "0" does not hold"#,
            "OTEL_BSP_MAX_QUEUE_SIZE 10 environment",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE 10 OTEL_BSP_MAX_QUEUE_SIZE",
            "faults",
            "OTEL_BSP_SCHEDULE_DELAY: 0 would never rest; the default holds",
        ],
        "{text}"
    );
    let (_, json) = run(&["check", "--json"], &vars).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["settings"].as_array().unwrap()[1..],
        [
            json!({
                "variable": "OTEL_BSP_SCHEDULE_DELAY", "value": "5000", "origin": "default", "by": null,
                "written": "0", "why": "0 would never rest; the default holds",
            }),
            json!({
                "variable": "OTEL_BSP_MAX_QUEUE_SIZE", "value": "10", "origin": "environment", "by": null,
                "written": null, "why": null,
            }),
            json!({
                "variable": "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "value": "10", "origin": "environment",
                "by": "OTEL_BSP_MAX_QUEUE_SIZE", "written": null, "why": null,
            }),
        ]
    );
}

#[tokio::test]
async fn a_fine_configuration_ends_with_zero_also_when_nobody_reads_on() {
    let kind = server(|_| (StatusCode::OK, HeaderMap::new(), "")).await;
    let endpoint = format!("http://{kind}");
    let (status, text) = run(&["check"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains(&format!("  logs to http://{kind}/v1/logs (OTEL_EXPORTER_OTLP_ENDPOINT): works")),
        "{text}"
    );
    let (status, text) = run(&["check"], &[("OTEL_SDK_DISABLED", "true")]).await;
    assert_eq!((status, text.contains("nothing is recorded (OTEL_SDK_DISABLED)")), (Some(0), true), "{text}");
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let closed = format!("{} check --all | true; exit ${{PIPESTATUS[0]}}", program.display());
    let mut shell =
        Process::start("bash", &["-c", &closed], &[("OTEL_SDK_DISABLED", "true"), ("PATH", "/bin:/usr/bin")]);
    assert_eq!(shell.ended().await.code(), Some(0), "{:?}", shell.lines());
}

#[tokio::test]
async fn two_versions_of_one_crate_in_a_lock_file_are_named() {
    let path: PathBuf = std::env::temp_dir().join(format!("throughline-lock-{}", std::process::id()));
    let package =
        |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    let twice =
        [package("opentelemetry", "0.31.0"), package("opentelemetry", "0.33.1"), package("http", "1.0.0")];
    let disabled = [("OTEL_SDK_DISABLED", "true")];
    let lock = path.display().to_string();
    for (content, status, line) in [
        (twice.concat(), 1, "opentelemetry 0.31.0 and 0.33.1: "),
        (package("opentelemetry", "0.33.1") + &package("http", "0.2.0") + &package("http", "1.0.0"), 0, ""),
        ("not = a lock".into(), 1, "is not a Cargo.lock"),
        ("a = 1".into(), 1, "it has no packages"),
    ] {
        std::fs::write(&path, content).unwrap();
        let (ended, text) = run(&["check", "--lock", &lock], &disabled).await;
        assert_eq!((ended, text.contains(line)), (Some(status), true), "{text}");
    }
    std::fs::remove_file(&path).unwrap();
    let (ended, text) = run(&["check", "--lock", &lock], &disabled).await;
    assert_eq!((ended, text.contains("No such file")), (Some(1), true), "{text}");
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
    assert_eq!(run(&["check", "--lock", own], &disabled).await.0, Some(0));
}

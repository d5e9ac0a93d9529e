//! The configurations of the documentation run, here and in the OpenTelemetry Collector.

use super::{Directory, address_of_pod, collect, log_of, place, post, records, spans, taken};
use crate::support::{child::Process, free_port, get, peer, until};
use std::{collections::BTreeSet, fs};
use throughline::{sender::Signal, testing::Receiver};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/collector");

fn example(name: &str) -> String {
    format!("{EXAMPLES}/{name}.yaml")
}

#[tokio::test]
async fn nothing_is_wrong_in_them_and_nothing_of_them_ignored() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(EXAMPLES).unwrap() {
        let path = entry.unwrap().path();
        let mut check =
            collect(&path.display().to_string(), &["--check"], &[("INSTANCE_ID", "1"), ("TOKEN", "x")]);
        assert!(check.ended().await.success(), "{:#?}", check.lines());
        let is_known = |line: &&String| {
            ["receiver ", "exporter ", "pipeline ", "health at "].iter().any(|word| line.starts_with(word))
        };
        let others: Vec<String> = check.lines().iter().filter(|line| !is_known(line)).cloned().collect();
        let telemetry = "service.telemetry is ignored";
        assert!(others.iter().all(|line| line.contains(telemetry)), "{others:#?}");
        names.insert(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    let manual = include_str!("../../../docs/agent.md");
    let (_, told) = manual
        .split_once("$ throughline collect --config examples/collector/gateway.yaml --check\n")
        .unwrap();
    let told: Vec<&str> = told.split("```").next().unwrap().lines().collect();
    let mut gateway = collect(&example("gateway"), &["--check"], &[]);
    gateway.ended().await;
    let lines: Vec<String> =
        gateway.lines().into_iter().filter(|line| !line.contains("service.telemetry is ignored")).collect();
    assert_eq!(lines, told);
    assert_eq!(names, ["gateway", "hosted", "node"].map(str::to_owned).into());
}

// B-060, B-062, B-064
#[tokio::test]
async fn the_one_of_a_node_brings_lines_with_the_ids_of_their_traces() {
    let (tempo, loki, directory, pod) =
        (Receiver::start(), Receiver::setup().base_path("/otlp").start(), Directory::new(), address_of_pod());
    let logs = directory.0.join("pods");
    let path = log_of(&logs, "cart-7d", "server");
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let lines = format!(
        "2026-11-22T08:00:00Z stdout P in two \n2026-11-22T08:00:00Z stdout F parts\n\
         2026-11-22T08:00:01Z stderr F paid trace_id={trace} span_id={span}\n"
    );
    fs::write(path, lines).unwrap();
    let (tempo_place, loki_place) =
        (tempo.grpc_endpoint().replace("http://", ""), loki.http_endpoint().replace("/otlp", ""));
    let (logs, storage) = (logs.display().to_string(), directory.path("storage"));
    let variables = [
        ("MY_POD_IP", pod.as_str()),
        ("LOGS", &logs),
        ("STORAGE", &storage),
        ("TEMPO", &tempo_place),
        ("LOKI", &loki_place),
    ];
    let mut agent = collect(&example("node"), &["--view", "off"], &variables);
    assert_eq!(post(&format!("{pod}:4318"), Signal::Traces, spans(1..3)).await, 200);
    until("all of it", || async {
        (tempo.items(Signal::Traces) == 2 && loki.items(Signal::Logs) == 2).then_some(())
    })
    .await;
    let resource = "k8s.cluster.name=minikube k8s.container.name=server k8s.container.restart_count=0 \
                    k8s.namespace.name=shop k8s.pod.name=cart-7d k8s.pod.uid=0a1b2c3d-0000-4000-8000-0123456789ab";
    let mut found: Vec<[String; 3]> =
        records(&loki).into_iter().map(|[resource, _, body, ids]| [resource, body, ids]).collect();
    found.sort();
    assert_eq!(
        found,
        [
            [resource, "in two parts", " "],
            [resource, &format!("paid trace_id={trace} span_id={span}"), &format!("{trace} {span}")],
        ]
    );
    assert_eq!(taken(&tempo)[0].0, "k8s.cluster.name=minikube service.name=cart");
    agent.terminate();
    assert!(agent.ended().await.success());

    // The next one goes on where this one was: nothing is read twice.
    let agent = collect(&example("node"), &["--view", "off"], &variables);
    let path = log_of(&directory.0.join("pods"), "cart-7d", "server");
    let mut lines = fs::read_to_string(&path).unwrap();
    lines += "2026-11-22T08:00:02Z stdout F new\n";
    fs::write(&path, lines).unwrap();
    until("the new line", || async { (loki.items(Signal::Logs) == 3).then_some(()) }).await;
    drop(agent);
    assert_eq!(records(&loki).iter().filter(|[_, _, body, _]| body == "new").count(), 1);
}

// B-031, B-069, B-071
#[tokio::test]
async fn the_one_for_a_hosted_backend_says_who_it_is() {
    let backend = Receiver::setup().basic("42", "hush").base_path("/otlp").start();
    let (directory, page) = (Directory::new(), free_port().to_string());
    let (gateway, storage) = (backend.http_endpoint(), directory.path("storage"));
    let variables = [
        ("GRPC_PORT", "0"),
        ("HTTP_PORT", "0"),
        ("PAGE_PORT", page.as_str()),
        ("GATEWAY", &gateway),
        ("STORAGE", &storage),
        ("INSTANCE_ID", "42"),
        ("TOKEN", "hush"),
    ];
    let mut agent = collect(&example("hosted"), &["--view", "off"], &variables);
    agent.line(&["takes otlp at"]).await;
    // The first port is the one for gRPC; each takes both.
    let address = place(&agent, &["takes otlp at"]).await;
    assert_eq!(post(&address.to_string(), Signal::Traces, spans(1..2)).await, 200);
    until("a span", || async { (backend.items(Signal::Traces) == 1).then_some(()) }).await;
    assert_eq!(backend.complaints(), [""; 0]);
    let (status, _) = get(&format!("http://127.0.0.1:{page}/metrics"), &[]).await.unwrap();
    assert_eq!(status, 200);
    agent.terminate();
    assert!(agent.ended().await.success());
    assert!(agent.lines().iter().all(|line| !line.contains("hush")));
}

/// What the two backends of the gateway get, sent by this program.
async fn delivered(start: impl FnOnce(&[(&str, &str)]) -> Process) -> [Vec<(String, String)>; 2] {
    let [one, other] = [Receiver::start(), Receiver::start()];
    let (grpc, http) = (free_port().to_string(), free_port().to_string());
    let (one_place, other_place) = (one.grpc_endpoint().replace("http://", ""), other.http_endpoint());
    let mut process = start(&[
        ("GRPC_PORT", &grpc),
        ("HTTP_PORT", &http),
        ("ONE", &one_place),
        ("OTHER", &other_place),
        ("TENANT", "us"),
    ]);
    let address = format!("127.0.0.1:{http}");
    for numbers in [1..4, 4..5, 5..9] {
        assert_eq!(post(&address, Signal::Traces, spans(numbers)).await, 200);
    }
    until("all spans at both", || async {
        (one.items(Signal::Traces) == 8 && other.items(Signal::Traces) == 16).then_some(())
    })
    .await;
    // No pipeline takes measurements.
    assert_eq!(post(&address, Signal::Metrics, bytes::Bytes::new()).await, 404);
    let tenants: BTreeSet<String> = other
        .requests()
        .iter()
        .filter_map(|arrival| Some(arrival.headers.get("x-scope-orgid")?.to_str().ok()?.to_owned()))
        .collect();
    assert_eq!(tenants, ["us".to_owned()].into());
    process.terminate();
    process.ended().await;
    [taken(&one), taken(&other)]
}

#[tokio::test]
async fn the_gateway_delivers_the_same_as_the_collector_of_opentelemetry() {
    let file = example("gateway");
    let ours = delivered(|variables| collect(&file, &["--view", "off"], variables)).await;
    assert_eq!((ours[0].len(), ours[1].len()), (8, 16));
    let remedy =
        "an OpenTelemetry Collector with otlp receiver, batch, memory_limiter, otlp_grpc and otlp_http";
    let Some(otelcol) = peer("the gateway of OpenTelemetry", "THROUGHLINE_TEST_OTELCOL", remedy) else {
        return;
    };
    let theirs = delivered(|variables| Process::start(&otelcol, &["--config", &file], variables)).await;
    assert_eq!(ours, theirs);
}

//! The values that a team runs, with nothing changed but paths and hosts.

use super::{Directory, address_of_pod, collect, log_of, post, spans, taken};
use crate::support::{child::Process, get, peer, until};
use serde_json::{Value, json};
use std::fs;
use throughline::{sender::Signal, testing::Receiver};

const REFERENCE: &str = include_str!("reference.yaml");

/// A Loki that takes everything, if there is a Python.
async fn loki(test: &str) -> Option<(Process, String)> {
    let python = peer(test, "THROUGHLINE_TEST_PYTHON", "a Python with protobuf")?;
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/loki/judge.py");
    let process = Process::start(&python, &["-u", judge], &[]);
    let line = process.line(&["listening on"]).await;
    let place = line.split(' ').next_back().unwrap().to_owned();
    Some((process, place))
}

/// All streams that it heard of, with their lines in order.
fn streams(loki: &Process) -> Vec<(Value, Vec<Value>)> {
    let mut streams: Vec<(Value, Vec<Value>)> = Vec::new();
    for line in loki.lines() {
        let Some(push) = line.strip_prefix("push ") else { continue };
        let push: Value = serde_json::from_str(push).unwrap();
        for stream in push["streams"].as_array().unwrap() {
            let labels = stream["stream"].clone();
            let values = stream["values"].as_array().unwrap().clone();
            match streams.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, known)) => known.extend(values),
                None => streams.push((labels, values)),
            }
        }
    }
    streams
}

// B-060, B-064, B-066, B-070, B-072
#[tokio::test]
async fn it_starts_and_does_what_it_says() {
    let Some((loki, loki_place)) = loki("the reference configuration").await else { return };
    let (tempo, directory, pod) = (Receiver::start(), Directory::new(), address_of_pod());
    let logs = directory.0.join("pods");
    let tempo_place = tempo.grpc_endpoint().replace("http://", "");
    let text = REFERENCE
        .replace("/var/log/pods", &logs.display().to_string())
        .replace("tempo.default.svc.cluster.local:4317", &tempo_place)
        .replace("loki.default.svc.cluster.local:3100", &loki_place);
    let file = directory.path("values.yaml");
    fs::write(&file, text).unwrap();
    let path = log_of(&logs, "cart-7d", "server");
    fs::write(
        &path,
        "2026-11-22T08:00:00.123456789Z stdout F one\n2026-11-22T08:00:01.5Z stderr F two\nno format\n",
    )
    .unwrap();

    let mut agent = collect(&file, &["--view", "off"], &[("MY_POD_IP", &pod)]);
    agent.line(&["pipeline logs: filelog > resource > loki"]).await;
    agent.line(&["ports, mode, presets: of values for the chart only config is read"]).await;
    // Traces go to stdout, in detail, and to Tempo.
    assert_eq!(post(&format!("{pod}:4318"), Signal::Traces, spans(1..3)).await, 200);
    until("two spans at Tempo", || async { (tempo.items(Signal::Traces) == 2).then_some(()) }).await;
    let name = |number: u64| ("service.name=cart".to_owned(), format!("work {number}"));
    assert_eq!(taken(&tempo), [name(1), name(2)]);
    agent.line(&["Name", "work 2"]).await;
    // Nobody takes log records over OTLP there.
    assert_eq!(post(&format!("{pod}:4318"), Signal::Logs, spans(1..2)).await, 404);
    assert_eq!(get(&format!("http://{pod}:13133/"), &[]).await.unwrap().0, 200);

    // The lines of the containers are at Loki, with the labels that the file asks for.
    let lines = || async {
        let streams = streams(&loki);
        let count: usize = streams.iter().map(|(_, lines)| lines.len()).sum();
        (count == 2).then_some(streams)
    };
    let streams = until("two lines at Loki", lines).await;
    let labels = json!({
        "exporter": "OTLP",
        "cluster": "minikube",
        "container": "server",
        "filename": path.display().to_string(),
        "namespace": "shop",
        "pod": "cart-7d",
    });
    assert_eq!(streams.len(), 1, "{streams:#?}");
    assert_eq!(streams[0].0, labels);
    let times: Vec<&str> = streams[0].1.iter().map(|line| line[0].as_str().unwrap()).collect();
    assert_eq!(times, ["1795334400123456789", "1795334401500000000"]);
    for (line, (stream, log)) in streams[0].1.iter().zip([("stdout", "one"), ("stderr", "two")]) {
        let line: Value = serde_json::from_str(line[1].as_str().unwrap()).unwrap();
        assert_eq!(
            (&line["attributes"]["stream"], &line["attributes"]["log"]),
            (&json!(stream), &json!(log))
        );
    }
    agent.terminate();
    assert!(agent.ended().await.success());
}

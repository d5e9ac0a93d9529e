//! What cannot be used does not start, and who may not send does not get in.

use super::{Directory, collect, place, post, spans};
use crate::support::{ask, free_port, request};
use std::fs;
use throughline::sender::Signal;

#[tokio::test]
async fn a_file_with_faults_starts_nothing_and_says_all_of_them() {
    let directory = Directory::new();
    let file = directory.path("agent.yaml");
    let text = "receivers: {otlp: {protocols: {htpp: }}}\nexporters: {kafka: {}}\n\
                service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n";
    fs::write(&file, text).unwrap();
    for arguments in [&["--check"][..], &[]] {
        let mut process = collect(&file, arguments, &[]);
        assert_eq!(process.ended().await.code(), Some(1));
        let told: Vec<String> =
            process.lines().iter().map(|line| line.replace(&format!("{file}: "), "")).collect();
        assert_eq!(
            told,
            [
                "line 1: receivers.otlp.protocols.htpp is unknown; did you mean http?",
                "line 2: exporters.kafka is not there; there are debug, file, loadbalancing, loki, nop, otlp_grpc, \
             otlp_http, prometheus",
                "line 3: service.pipelines.traces.exporters[0] is debug, which is not among the exporters; add it there, \
             or name another: there are none",
            ]
        );
    }
}

#[tokio::test]
async fn a_way_that_leads_back_is_refused() {
    let (directory, port) = (Directory::new(), free_port());
    let file = directory.path("agent.yaml");
    let text = format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\n\
         exporters: {{otlp_http: {{endpoint: 'http://localhost:{port}'}}}}\n\
         service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}}}\n"
    );
    fs::write(&file, text).unwrap();
    let mut process = collect(&file, &["--view", "off"], &[]);
    assert_eq!(process.ended().await.code(), Some(1));
    let told = format!("http://localhost:{port}/v1/traces is this collector itself");
    assert!(process.lines().iter().any(|line| line.starts_with(&told)), "{:#?}", process.lines());
}

// B-061, O-071
#[tokio::test]
async fn who_shows_no_password_of_the_file_does_not_get_in() {
    let directory = Directory::new();
    let (file, users) = (directory.path("agent.yaml"), directory.path("users"));
    fs::write(&users, "user:pass\n").unwrap();
    let text = format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', auth: {{authenticator: basicauth}}}}}}}}}}\n\
         exporters: {{nop: }}\nextensions: {{basicauth: {{htpasswd: {{file: '{users}'}}}}}}\n\
         service:\n  extensions: [basicauth]\n  pipelines: {{traces: {{receivers: [otlp], exporters: [nop]}}}}\n"
    );
    fs::write(&file, text).unwrap();
    let process = collect(&file, &["--view", "off"], &[]);
    let address = place(&process, &["takes otlp at"]).await;
    assert_eq!(post(&address.to_string(), Signal::Traces, spans(1..2)).await, 401);
    let url = format!("http://{address}/v1/traces");
    let headers = [("content-type", "application/x-protobuf"), ("authorization", "Basic dXNlcjpwYXNz")];
    assert_eq!(ask(request("POST", url, &headers)).await.unwrap().status(), 200);
}

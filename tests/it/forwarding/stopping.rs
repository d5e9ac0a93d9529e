use super::*;
use crate::support::{child::Process, get, peer};
use throughline::testing::Fault;

/// `throughline collect` at free ports, with these variables and no others.
async fn collect(receiver: &Receiver, directory: &Directory, options: &[&str]) -> (Process, SocketAddr) {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let mut arguments = vec!["collect", "--grpc", "off", "--http", "127.0.0.1:0", "--view", "off"];
    arguments.extend(options);
    let (endpoint, path) = (receiver.http_endpoint(), directory.0.display().to_string());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("THROUGHLINE_QUEUE_DIRECTORY", &*path)];
    let process = Process::start(&program.display().to_string(), &arguments, &variables);
    let line = process.line(&["takes OTLP/HTTP at"]).await;
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    (process, address)
}

/// As [`post`]; `None`: there was no answer.
async fn try_post(address: SocketAddr, body: Bytes) -> Option<u16> {
    use http_body_util::Full;
    let request = hyper::Request::post(format!("http://{address}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .body(Full::new(body))
        .unwrap();
    crate::support::ask(request).await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn a_stop_delivers_what_waits_for_its_batch() {
    let receiver = Receiver::start();
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| config.batch.delay = Duration::MAX);
    assert_eq!(post(collector.http_address().unwrap(), request(0..10)).await.0, 200);
    collector.stop(Duration::MAX).await.unwrap();
    assert_eq!(taken(&receiver), Vec::from_iter(0..10));
}

#[test]
fn what_a_stop_cannot_deliver_is_named() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(503));
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |_| {});
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(post(collector.http_address().unwrap(), request(0..10))).0, 200);
    let lost = collector.stop_blocking(Duration::from_millis(100)).unwrap_err();
    assert_eq!(lost.items(), 10);
    let words = lost.to_string();
    assert!(words.contains("traces: 10 spans not delivered: ") && words.contains("503"), "{words}");
}

// anchors §7, 4: the outage in which both peers lose what they acknowledged.
#[tokio::test]
async fn at_sigterm_in_the_middle_of_an_outage_everything_acknowledged_is_spilled_and_sent_by_the_next() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let (mut process, address) = collect(&receiver, &directory, &["--stop-limit", "2"]).await;
    let mut acknowledged = BTreeSet::new();
    for number in 0..50 {
        let numbers = number * 100..(number + 1) * 100;
        if number == 40 {
            process.terminate();
        }
        if try_post(address, request(numbers.clone())).await == Some(200) {
            acknowledged.extend(numbers);
        }
    }
    assert!(acknowledged.len() >= 4000);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    assert_eq!(receiver.items(Signal::Traces), 0);
    receiver.recover();
    let (mut next, _) = collect(&receiver, &directory, &[]).await;
    until("all of it", || async { (set(taken(&receiver)).is_superset(&acknowledged)).then_some(()) }).await;
    next.terminate();
    assert!(next.ended().await.success(), "{:#?}", next.lines());
}

// B-069: whatever moment it is.
#[tokio::test]
async fn what_was_acknowledged_as_durable_survives_kill_after_kill() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let mut acknowledged = BTreeSet::new();
    let mut number = 0;
    for round in 0..8 {
        // In every other round the destination is away.
        if round % 2 == 0 {
            receiver.then_always(Fault::Status(503));
        } else {
            receiver.recover();
        }
        let (process, address) = collect(&receiver, &directory, &["--acknowledge", "disk"]).await;
        // Killed while some are on their way.
        let flying = Vec::from_iter((0..4 + round).map(|_| {
            let numbers = number * 10..(number + 1) * 10;
            number += 1;
            tokio::spawn(async move { (try_post(address, request(numbers.clone())).await, numbers) })
        }));
        let some = 1 + round % 3;
        let is_over =
            || async { (flying.iter().filter(|one| one.is_finished()).count() > some).then_some(()) };
        until("some answers", is_over).await;
        drop(process); // SIGKILL
        for one in flying {
            if let (Some(200), numbers) = one.await.unwrap() {
                acknowledged.extend(numbers);
            }
        }
    }
    assert!(!acknowledged.is_empty());
    receiver.recover();
    let (_last, _) = collect(&receiver, &directory, &[]).await;
    until("all of it", || async { (set(taken(&receiver)).is_superset(&acknowledged)).then_some(()) }).await;
}

#[tokio::test]
async fn the_program_says_what_it_does_and_whether_it_is_well() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let (mut process, address) = collect(&receiver, &directory, &["--health", "127.0.0.1:0"]).await;
    let health = process.line(&["tells whether it is well at"]).await;
    let url = health.rsplit(' ').next().unwrap().to_owned();
    let endpoint = receiver.http_endpoint();
    let expected = [
        "takes no OTLP/gRPC".to_owned(),
        format!("takes OTLP/HTTP at {address}"),
        format!("sends traces to {endpoint}/v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT)"),
        format!("sends metrics to {endpoint}/v1/metrics (OTEL_EXPORTER_OTLP_ENDPOINT)"),
        format!("sends logs to {endpoint}/v1/logs (OTEL_EXPORTER_OTLP_ENDPOINT)"),
        format!("keeps what cannot be sent now in {}", directory.0.display()),
        format!("tells whether it is well at {url}"),
    ];
    assert_eq!(process.lines(), expected);
    // B-072
    let (status, body) = get(&url, &[]).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"]), (200, &"Server available".into()));
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["status", "upSince", "uptime"]);
    let (since, uptime) = (body["upSince"].as_str().unwrap(), body["uptime"].as_str().unwrap());
    assert!(since.starts_with("20") && since.ends_with('Z') && uptime.ends_with('s'), "{body}");
    process.terminate();
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn a_program_that_would_send_to_itself_or_cannot_know_where_does_not_start() {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let at = ["collect", "--grpc", "127.0.0.1:0", "--http", "127.0.0.7:24318", "--view", "off"];
    for (endpoint, words) in
        [("http://127.0.0.7:24318", "is this collector itself"), ("http://[", "OTEL_EXPORTER_OTLP_ENDPOINT")]
    {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
        let mut process = Process::start(&program.display().to_string(), &at, &variables);
        process.line(&[words]).await;
        assert_eq!(process.ended().await.code(), Some(1));
    }
}

// Item 9 of the promise: the real Collector sends to ours, and ours to another one.
#[tokio::test]
async fn a_real_collector_is_before_and_behind_it() {
    let remedy = "an OpenTelemetry Collector with otlp receiver, otlp_grpc and debug exporters";
    let test = "a collector between collectors";
    let Some(otelcol) = peer(test, "THROUGHLINE_TEST_OTELCOL", remedy) else { return };
    let (directory, free) = (Directory::new(), || std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    std::fs::create_dir_all(&directory.0).unwrap();
    let [front, back] = [free(), free()].map(|listener| listener.local_addr().unwrap());
    let start_real = |name: &str, address: SocketAddr, exporter: String| {
        let path = directory.0.join(name);
        // One port is enough: gRPC behind, HTTP before.
        let protocol = if name == "back" { "grpc" } else { "http" };
        let kind = exporter.split(':').next().unwrap();
        let text = format!(
            "receivers: {{otlp: {{protocols: {{{protocol}: {{endpoint: '{address}'}}}}}}}}\nexporters: {{{exporter}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {{receivers: [otlp], exporters: [{kind}]}}}}\n"
        );
        std::fs::write(&path, text).unwrap();
        Process::start(&otelcol, &["--config", &path.display().to_string()], &[])
    };
    let behind = start_real("back", back, "debug: {verbosity: detailed}".into());
    let remote =
        |address: SocketAddr| Remote::new(Protocol::Grpc, format!("http://{address}").parse().unwrap());
    let collector = start(vec![Destination::Remote(remote(back))], |_| {});
    let ours = collector.grpc_address().unwrap();
    let before = start_real(
        "front",
        front,
        format!("otlp_grpc: {{endpoint: '{ours}', compression: gzip, tls: {{insecure: true}}}}"),
    );
    behind.line(&["Everything is ready"]).await;
    before.line(&["Everything is ready"]).await;
    for number in 0..5 {
        assert_eq!(post(front, request(number * 100..(number + 1) * 100)).await.0, 200);
    }
    until("delivered", || async { (counts(&collector.forwarded()[0]) == [500, 500, 0, 0, 0]).then_some(()) })
        .await;
    let spans = || async {
        (behind.lines().iter().filter(|line| line.contains("Name           : work")).count() == 500)
            .then_some(())
    };
    until("five hundred spans printed", spans).await;
}

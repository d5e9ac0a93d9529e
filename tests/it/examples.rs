//! The examples do what they say. Those that other promises use are tested there.

use crate::support::{child::Process, free_port, get, until};
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeSet;
use throughline::sender::Signal;
use throughline::testing::{Receiver, Span};
use tokio_tungstenite::tungstenite::Message;

/// Runs an example to its end and returns what it wrote.
async fn run(example: &str, arguments: &[&str], receiver: &Receiver, more: &[(&str, &str)]) -> Vec<String> {
    let endpoint = receiver.http_endpoint();
    let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_SERVICE_NAME", example)];
    variables.extend(more);
    let mut process = Process::example(example, arguments, &variables);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    process.lines()
}

fn ids<'a>(spans: impl IntoIterator<Item = &'a Span>) -> BTreeSet<String> {
    spans.into_iter().map(|span| span.trace_id.clone()).collect()
}

/// The port stands in the program, so that it can be read as it is.
#[tokio::test]
async fn the_program_of_the_readme_answers_and_stops_with_all_delivered() {
    if std::net::TcpListener::bind("127.0.0.1:8080").is_err() {
        println!("DID NOT RUN: the program of the README: port 8080 is taken");
        return;
    }
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let mut service = Process::example("hello", &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let answer =
        until("an answer", || async { get("http://127.0.0.1:8080/hello/ada", &[]).await.ok() }).await;
    assert_eq!(answer, (200, "hello, ada\n".into()));
    service.terminate();
    assert!(service.ended().await.success(), "{:#?}", service.lines());
    let told = receiver.recorded();
    let span = told.spans.one("GET /hello/{name}");
    assert_eq!(span["http.route"], "/hello/{name}");
    assert_eq!(span["client.address"], "127.0.0.1");
    assert_eq!(told.logs.one("saying hello").span_id, Some(span.span_id.clone()));
    let line = service.lines().into_iter().find(|line| line.contains("saying hello")).unwrap();
    assert!(line.contains(&format!("trace_id={} span_id={}", span.trace_id, span.span_id)), "{line}");
    assert_eq!(told.metrics.one("http.server.request.duration").count(), 1);
}

#[tokio::test]
async fn a_message_is_processed_in_the_trace_in_which_it_was_sent() {
    let receiver = Receiver::start();
    run("messages", &[], &receiver, &[]).await;
    let spans = receiver.recorded().spans;
    let (sent, processed, booked) =
        (spans.all("send orders"), spans.all("process orders"), spans.all("book"));
    assert_eq!((sent.len(), processed.len(), booked.len()), (3, 3, 3));
    assert_eq!(ids(sent.iter().copied()).len(), 3);
    for span in processed {
        let parent = spans.parent(span).unwrap();
        assert_eq!((&*parent.name, parent.kind, span.kind), ("send orders", "PRODUCER", "CONSUMER"));
        assert_eq!(parent.trace_id, span.trace_id);
        assert_eq!(span["messaging.operation.type"], "process");
        assert_eq!(spans.children(span).len(), 1);
    }
}

#[tokio::test]
async fn the_span_of_a_batch_is_linked_to_all_who_asked() {
    let receiver = Receiver::start();
    run("worker", &[], &receiver, &[]).await;
    let spans = receiver.recorded().spans;
    let (asked, batch) = (spans.all("POST /jobs"), spans.one("batch"));
    let linked: BTreeSet<_> = batch.links.iter().map(|link| link.span_id.clone()).collect();
    assert_eq!(linked, asked.iter().map(|span| span.span_id.clone()).collect());
    assert_eq!((linked.len(), ids(asked.iter().copied()).contains(&batch.trace_id)), (3, false));
}

#[tokio::test]
async fn each_message_of_a_websocket_is_linked_to_its_handshake() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let mut service = Process::example("websocket", &["127.0.0.1:0"], &variables);
    let url = service.line(&["listening on"]).await.rsplit(' ').next().unwrap().to_owned();
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::text(format!("you said: {text}")));
    }
    drop(socket);
    until("all spans", || async { (receiver.items(Signal::Traces) >= 3).then_some(()) }).await;
    let spans = receiver.recorded().spans;
    let handshake = spans.one("GET /chat");
    assert_eq!(handshake["http.response.status_code"], 101);
    let messages = spans.all("process message");
    for message in &messages {
        assert_eq!(message.links.iter().map(|link| &link.span_id).collect::<Vec<_>>(), [&handshake.span_id]);
    }
    assert_eq!(ids(messages).len(), 2);
    service.terminate();
    assert!(service.ended().await.success());
}

#[tokio::test]
async fn about_a_tenth_of_the_traces_is_recorded_and_every_request_measured() {
    let receiver = Receiver::start();
    let lines = run("sampling", &[], &receiver, &[]).await;
    let line = lines.iter().find(|line| line.starts_with("of 501 requests ")).unwrap();
    let recorded: usize = line.split(' ').nth(3).unwrap().parse().unwrap();
    // So far off is one in a billion.
    assert!((10..110).contains(&recorded), "{line}");
    let told = receiver.recorded();
    let spans = told.spans.all("GET /");
    assert_eq!(spans.len(), recorded);
    assert!(ids(spans).contains("4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_eq!(told.metrics.one("http.server.request.duration").count(), 501);
}

#[tokio::test]
async fn no_secret_of_a_request_leaves_the_process() {
    let receiver = Receiver::start();
    let lines = run("redaction", &[], &receiver, &[]).await;
    let told = receiver.recorded();
    let span = told.spans.one("GET /reset-password/{code}");
    assert_eq!(span["url.path"], "/reset-password/-");
    assert_eq!(span["url.query"], "token=REDACTED&page=2");
    for body in [Signal::Traces, Signal::Logs, Signal::Metrics].map(|signal| receiver.bodies(signal)).concat()
    {
        assert!(!String::from_utf8_lossy(&body).contains("s3cret"));
    }
    assert!(!lines.join("\n").contains("s3cret"), "{lines:#?}");
}

#[tokio::test]
async fn measurements_of_ones_own_have_exemplars() {
    let receiver = Receiver::start();
    let lines = run("measurements", &[], &receiver, &[]).await;
    let of =
        |name: &str| lines.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(of("shop_orders_total{").contains(r#",trace_id=""#));
    let bucket = lines.iter().find(|line| line.contains(r#"le="20.0"} 1 # {"#)).unwrap();
    assert!(bucket.starts_with("shop_order_price_bucket{"), "{bucket}");
    assert!(of("shop_stock{").ends_with(" 99"));
}

#[tokio::test]
async fn a_job_pushes_what_it_measured() {
    let receiver = Receiver::start();
    let lines = run("push", &[], &receiver, &[]).await;
    assert!(lines.iter().any(|line| line == "delivered"), "{lines:#?}");
    let rows = receiver.recorded();
    assert_eq!(rows.metrics.one("import.rows").with("table", "orders").sum(), 1_000.0);

    let mut process = Process::example("push", &[], &[("OTEL_EXPORTER_OTLP_PROTOCOL", "htp")]);
    assert!(!process.ended().await.success());
    let lines = process.lines();
    assert!(
        lines.iter().any(|line| line.contains(r#""htp" is unknown; use http/protobuf, http/json, grpc"#)),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn the_page_for_prometheus_is_on_both_ports() {
    let port = free_port().to_string();
    let variables = [
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &*port),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    let mut service = Process::example("scrape", &["127.0.0.1:0"], &variables);
    let own = service.line(&["the page is at", &port]).await;
    let urls: Vec<String> = service
        .lines()
        .iter()
        .filter_map(|line| line.strip_prefix("the page is at ").map(str::to_owned))
        .collect();
    assert_eq!(urls.len(), 2, "{own}");
    let (status, _) = get(&urls[0].replace("/metrics", "/"), &[]).await.unwrap();
    assert_eq!(status, 200);
    for url in urls {
        until(&url, || async {
            let (_, page) = get(&url, &[]).await.unwrap();
            page.contains("http_server_request_duration_seconds_count").then_some(())
        })
        .await;
    }
    service.terminate();
    assert!(service.ended().await.success());
}

// B-030, B-031, B-035
#[tokio::test]
async fn grafana_cloud_is_asked_before_anything_is_recorded() {
    let receiver = Receiver::start();
    let endpoint = format!("{}/otlp", receiver.http_endpoint());
    let gateway = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("THROUGHLINE_OTLP_USERNAME", "123456"),
        ("THROUGHLINE_OTLP_TOKEN", "glc_s3cret"),
    ];
    let mut process = Process::example("grafana_cloud", &[], &gateway);
    assert!(!process.ended().await.success());
    let lines = process.lines().join("\n");
    assert!(lines.contains("404") && lines.contains("nothing was sent"), "{lines}");
    assert!(!lines.contains("glc_s3cret"), "{lines}");
    assert!(receiver.recorded().spans.all("work").is_empty());

    let lines = run("grafana_cloud", &[], &receiver, &gateway[1..]).await;
    assert!(lines.iter().any(|line| line == "delivered"), "{lines:#?}");
    let basic = "Basic MTIzNDU2OmdsY19zM2NyZXQ=";
    let arrivals = receiver.requests();
    assert!(arrivals.iter().all(|arrival| arrival.headers["authorization"] == basic), "{arrivals:#?}");
    receiver.recorded().spans.one("work");
}

#[tokio::test]
async fn a_collector_in_the_program_shows_and_sends_on() {
    let receiver = Receiver::start();
    let mut process = Process::example("forwarding", &[&receiver.http_endpoint()], &[]);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    let lines = process.lines();
    assert!(lines.iter().any(|line| line == "spans taken: 1"), "{lines:#?}");
    receiver.recorded().spans.one("work");
}

#[tokio::test]
async fn a_subscriber_of_ones_own_keeps_its_layers() {
    let receiver = Receiver::start();
    let lines = run("own_subscriber", &[], &receiver, &[]).await;
    assert!(lines.iter().any(|line| line == "counted one of INFO in greet"), "{lines:#?}");
    let told = receiver.recorded();
    let span = told.spans.one("greet");
    let line = lines.iter().find(|line| line.contains("hello")).unwrap();
    assert!(line.contains(&format!("trace_id={} span_id={}", span.trace_id, span.span_id)), "{line}");
    assert_eq!(told.logs.one("hello").span_id, Some(span.span_id.clone()));
}

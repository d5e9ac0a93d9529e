//! In which words faults are told, and what happens between requests.

use crate::{
    delivery::{counts, record, traces, traces_over, traces_to},
    support::{
        PATIENCE,
        receiver::{Decoded, Receiver},
        until,
    },
};
use axum::{Router, routing};
use std::time::Duration;
use throughline::testing::Fault;
use tokio::net::TcpListener;

// O-030, O-031, O-035
#[tokio::test]
async fn a_refusal_is_told_with_its_place_its_name_and_its_reason_in_one_line() {
    let receiver = Receiver::start();
    let own = |status| Fault::Verbatim { status, headers: vec![], body: b"no\nthanks".to_vec() };
    let (http, grpc) = (receiver.http_address(), receiver.grpc_address());
    let told = [
        ("http/protobuf", own(400), format!("http://{http}/v1/traces answered 400 Bad Request: no thanks")),
        (
            "http/protobuf",
            Fault::Status(500),
            format!("http://{http}/v1/traces answered 500 Internal Server Error: told to"),
        ),
        (
            "http/protobuf",
            Fault::Partial { rejected: 2, message: "too old".into() },
            "rejected 2: too old".into(),
        ),
        ("grpc", Fault::Code(3), format!("http://{grpc} (grpc) answered INVALID_ARGUMENT: told to")),
        ("grpc", Fault::Code(8), format!("http://{grpc} (grpc) answered RESOURCE_EXHAUSTED: told to")),
        ("grpc", Fault::Empty, "without a grpc-status; does it speak gRPC?".into()),
        ("grpc", Fault::Partial { rejected: 2, message: "too old".into() }, "rejected 2: too old".into()),
    ];
    for (protocol, fault, words) in told {
        receiver.then(fault.clone());
        let telemetry = traces_over(protocol, if protocol == "grpc" { grpc } else { http }, &[]);
        record(&telemetry, 2);
        let error = telemetry.handle().flush(PATIENCE).await.unwrap_err();
        assert!(error.is_undelivered());
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 1, "{fault:?}: {error}");
        assert!(
            lines[0].starts_with("traces: 2 spans not delivered: ") && lines[0].contains(&words),
            "{error}"
        );
        assert!(traces(&telemetry).last_failure.unwrap().contains(&words));
    }
}

#[tokio::test]
async fn an_outage_is_told_with_its_cause_and_loses_nothing() {
    let receiver = Receiver::start();
    receiver.refuse();
    let telemetry = traces_to(receiver.http_address());
    record(&telemetry, 700); // more than one batch
    let error = telemetry.handle().flush(Duration::from_millis(300)).await.unwrap_err().to_string();
    assert!(error.contains("700 spans not delivered"), "{error}");
    let endpoint = receiver.http_endpoint();
    assert!(error.contains(&format!("cannot reach {endpoint}/v1/traces")), "{error}");
    assert!(error.contains("Connection refused (os error 111)"), "{error}");
    let stats = traces(&telemetry);
    assert_eq!(counts(&stats), [700, 0, 0, 0, 700]);
    assert!(stats.last_failure.unwrap().contains("Connection refused"));

    // The other side comes back: everything arrives by itself.
    receiver.recover();
    until("the delivery of all spans", || async { (traces(&telemetry).delivered == 700).then_some(()) })
        .await;
    assert_eq!(counts(&traces(&telemetry)), [700, 700, 0, 0, 0]);
    assert_eq!((receiver.spans().len(), receiver.repeated_spans()), (700, 0));
}

#[tokio::test]
async fn a_request_that_never_gets_through_lets_the_others_pass() {
    let app = Router::new().route(
        "/v1/traces",
        routing::post(|body: axum::body::Bytes| async move {
            if body.len() > 10_000 { http::StatusCode::GATEWAY_TIMEOUT } else { http::StatusCode::OK }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let telemetry = traces_to(listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    record(&telemetry, 400); // large
    assert!(telemetry.handle().flush(Duration::from_millis(200)).await.is_err());
    record(&telemetry, 1);
    assert!(
        telemetry.handle().flush(Duration::from_millis(200)).await.is_err(),
        "the large one is still there"
    );
    until("the small one", || async { (traces(&telemetry).delivered == 1).then_some(()) }).await;
    assert_eq!(counts(&traces(&telemetry)), [401, 1, 0, 0, 400]);
}

// A gateway that forgets a connection without closing it must not stop a signal for good.
#[tokio::test]
async fn a_connection_that_went_silent_is_given_up() {
    let receiver = Receiver::start();
    for (protocol, to) in [("grpc", receiver.grpc_address()), ("http/protobuf", receiver.http_address())] {
        // The first connection leads nowhere, every later one to the receiver.
        let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = gateway.local_addr().unwrap();
        tokio::spawn(async move {
            let (_silent, _) = gateway.accept().await.unwrap();
            while let Ok((mut inside, _)) = gateway.accept().await {
                tokio::spawn(async move {
                    let mut outside = tokio::net::TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                });
            }
        });
        let telemetry = traces_over(protocol, address, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
        record(&telemetry, 1);
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    assert_eq!(receiver.spans().len(), 2);
}

// O-037: a request over a connection that the other side closed meanwhile costs no pause and no second copy.
#[tokio::test]
async fn a_connection_is_used_again_and_a_closed_one_is_replaced() {
    for protocol in ["grpc", "http/protobuf"] {
        let receiver = Receiver::start();
        let to = if protocol == "grpc" { receiver.grpc_address() } else { receiver.http_address() };
        let telemetry = traces_over(protocol, to, &[]);
        for delivered in 1..=6 {
            if delivered == 4 {
                receiver.refuse();
                receiver.recover();
            }
            record(&telemetry, 1);
            telemetry.handle().flush(PATIENCE).await.unwrap();
            assert_eq!(counts(&traces(&telemetry)), [delivered, delivered, 0, 0, 0]);
        }
        assert_eq!((receiver.connections(), receiver.requests().len(), receiver.repeated_spans()), (2, 6, 0));
    }
}

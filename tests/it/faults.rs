//! The other side refuses, hangs, comes and goes: what may be repeated is repeated, the rest is counted.

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
use throughline::{
    Config, Telemetry,
    testing::{Fault, RetryAfter},
};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

// O-031
#[tokio::test]
async fn grpc_codes_decide_what_is_repeated() {
    const RESOURCE_EXHAUSTED: u32 = 8;
    const INVALID_ARGUMENT: u32 = 3;
    const UNAVAILABLE: u32 = 14;
    let receiver = Receiver::start();
    let telemetry = traces_over("grpc", receiver.grpc_address(), &[]);
    receiver.then_times(2, Fault::Code(UNAVAILABLE));
    record(&telemetry, 1);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 3);

    for (code, name) in [(INVALID_ARGUMENT, "INVALID_ARGUMENT"), (RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED")] {
        receiver.then(Fault::Code(code));
        record(&telemetry, 1);
        let error = telemetry.handle().flush(PATIENCE).await.unwrap_err().to_string();
        assert!(error.contains(&format!("answered {name}: told to")), "{error}");
    }
    assert_eq!(counts(&traces(&telemetry)), [3, 1, 2, 0, 0]);
    assert_eq!(receiver.requests().len(), 5);
}

#[tokio::test]
async fn an_outage_is_told_with_its_cause_and_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let telemetry = traces_to(address);
    record(&telemetry, 700); // more than one batch
    let error = telemetry.handle().flush(Duration::from_millis(300)).await.unwrap_err().to_string();
    assert!(error.contains("700 spans not delivered"), "{error}");
    assert!(error.contains(&format!("cannot reach http://{address}/v1/traces")), "{error}");
    assert!(error.contains("Connection refused (os error 111)"), "{error}");
    let stats = traces(&telemetry);
    assert_eq!(counts(&stats), [700, 0, 0, 0, 700]);
    assert!(stats.last_failure.unwrap().contains("Connection refused"));

    // The other side comes back: everything arrives by itself.
    let received = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = received.clone();
    let app = Router::new().route(
        "/v1/traces",
        routing::post(async move |body: axum::body::Bytes| {
            count.fetch_add(body.len(), std::sync::atomic::Ordering::Relaxed);
        }),
    );
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    until("the delivery of all spans", || async { (traces(&telemetry).delivered == 700).then_some(()) })
        .await;
    assert_eq!(counts(&traces(&telemetry)), [700, 700, 0, 0, 0]);
    assert!(received.load(std::sync::atomic::Ordering::Relaxed) > 0);
}

// O-039
#[tokio::test]
async fn a_dead_destination_does_not_hold_up_another_signal() {
    let receiver = Receiver::start();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap(); // accepts, never answers
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{}/v1/traces", silent.local_addr().unwrap())),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", format!("http://{}/v1/logs", receiver.http_address())),
        ("OTEL_METRICS_EXPORTER", "none".into()),
    ]))
    .unwrap();
    record(&telemetry, 1);
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || tracing::info!("still here"));
    let error = telemetry.handle().flush(Duration::from_millis(500)).await.unwrap_err().to_string();
    assert!(error.contains("traces: 1 spans not delivered") && !error.contains("logs"), "{error}");
    assert_eq!(receiver.logs().len(), 1);
}

// O-032, O-033 over gRPC
#[tokio::test]
async fn grpc_partial_success_is_counted_and_retry_info_is_waited_for() {
    let receiver = Receiver::start();
    let telemetry = traces_over("grpc", receiver.grpc_address(), &[]);
    receiver.then(Fault::CodeLater(8, Duration::from_secs(2)));
    record(&telemetry, 1);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let times: Vec<_> = receiver.requests().iter().map(|arrival| arrival.at).collect();
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] >= Duration::from_secs(2), "RetryInfo was not waited for: {times:?}");

    receiver.then(Fault::Partial { rejected: 1, message: "1 too old".into() });
    record(&telemetry, 3);
    let error = telemetry.handle().flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("1 too old"), "{error}");
    assert_eq!(counts(&traces(&telemetry)), [4, 3, 1, 0, 0]);
}

// O-031: no status is UNKNOWN, which is not repeated
#[tokio::test]
async fn an_answer_that_is_not_grpc_is_not_repeated() {
    let receiver = Receiver::start();
    let telemetry = traces_over("grpc", receiver.grpc_address(), &[]);
    receiver.then(Fault::Empty);
    record(&telemetry, 1);
    let error = telemetry.handle().flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("without a grpc-status"), "{error}");
    assert_eq!(counts(&traces(&telemetry)), [1, 0, 1, 0, 0]);
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

// O-030, O-032
#[tokio::test]
async fn what_may_be_repeated_is_repeated_until_it_arrives() {
    let receiver = Receiver::start();
    for status in [429, 502, 503, 504] {
        receiver.then(Fault::Status(status));
    }
    receiver.then(Fault::Later(503, RetryAfter::Seconds(2)));
    let telemetry = traces_to(receiver.http_address());
    record(&telemetry, 3);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let times: Vec<_> = receiver.requests().iter().map(|arrival| arrival.at).collect();
    assert!(times[5] - times[4] >= Duration::from_secs(2), "Retry-After was not waited for: {times:?}");
    assert_eq!((receiver.requests().len(), receiver.spans().len()), (6, 3));
    assert_eq!(counts(&traces(&telemetry)), [3, 3, 0, 0, 0]);
}

// O-030, O-035
#[tokio::test]
async fn a_refusal_is_not_repeated_but_counted_and_named() {
    for status in [400, 401, 404, 408, 500, 501] {
        let receiver = Receiver::start();
        receiver.then(Fault::Verbatim { status, headers: vec![], body: b"no\nthanks".to_vec() });
        let telemetry = traces_to(receiver.http_address());
        record(&telemetry, 2);
        let error = telemetry.handle().flush(PATIENCE).await.unwrap_err();
        assert!(error.is_undelivered());
        let expected = format!("http://{}/v1/traces answered {status}", receiver.http_address());
        assert!(error.to_string().contains(&expected) && error.to_string().contains("no thanks"), "{error}");
        assert_eq!(receiver.requests().len(), 1, "{status} was repeated");
        assert_eq!(counts(&traces(&telemetry)), [2, 0, 2, 0, 0]);
    }
}

// O-033, O-034
#[tokio::test]
async fn a_partial_success_counts_what_was_rejected_and_an_odd_success_is_one() {
    let receiver = Receiver::start();
    receiver
        .then(Fault::Partial { rejected: 2, message: "too old".into() })
        .then(Fault::NoContent)
        .then(Fault::WrongType);
    let telemetry = traces_to(receiver.http_address());
    record(&telemetry, 5);
    let error = telemetry.handle().flush(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("too old"), "{error}");
    assert_eq!(counts(&traces(&telemetry)), [5, 3, 2, 0, 0]);
    for delivered in [4, 5] {
        record(&telemetry, 1);
        telemetry.handle().flush(PATIENCE).await.unwrap();
        assert_eq!(traces(&telemetry).delivered, delivered);
    }
    assert_eq!(receiver.requests().len(), 3);
}

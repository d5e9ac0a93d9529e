//! Who sends, as the other side sees it.

use crate::support::{PATIENCE, receiver::Receiver};
use opentelemetry::{
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use std::collections::BTreeMap;
use throughline::{
    Config, Telemetry,
    sender::Signal,
    testing::{Fault, RetryAfter},
};
use tracing_subscriber::prelude::*;

/// By path, the headers that the variables decide; none of them that each request has.
async fn sent(vars: &[(&str, &str)]) -> BTreeMap<String, BTreeMap<String, String>> {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let config = Config::from_vars(vars.iter().copied().chain([("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)]));
    let debug = format!("{config:?}{:?}", config.settings().map(ToString::to_string).collect::<Vec<_>>());
    assert!(!debug.contains("hush"), "{debug}");
    let telemetry = Telemetry::build(config).unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("work"));
    telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || tracing::info!("working"));
    telemetry.shutdown(PATIENCE).await.unwrap();
    let usual = ["host", "content-type", "content-length", "user-agent", "accept"];
    let headers = receiver.requests().into_iter().map(|arrival| {
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        (
            arrival.path,
            arrival.headers.iter().map(text).filter(|(name, _)| !usual.contains(&&**name)).collect(),
        )
    });
    headers.collect()
}

/// For each of traces, metrics, logs: these headers.
fn expect(signals: [&[(&str, &str)]; 3]) -> BTreeMap<String, BTreeMap<String, String>> {
    let set = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let paths = ["/v1/traces", "/v1/metrics", "/v1/logs"];
    paths.into_iter().zip(signals).map(|(path, pairs)| (path.to_owned(), set(pairs))).collect()
}

// O-011, B-031, B-032
#[tokio::test]
async fn grafana_cloud_needs_an_instance_id_and_a_token_and_headers_of_a_signal_replace_them() {
    let vars = [
        ("THROUGHLINE_OTLP_USERNAME", "123456"),
        ("THROUGHLINE_OTLP_TOKEN", "hush"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "Authorization=Basic%20YTpi==,x=1%2C2"),
    ];
    let basic = ("authorization", "Basic MTIzNDU2Omh1c2g=");
    assert_eq!(
        sent(&vars).await,
        expect([&[basic], &[("authorization", "Basic YTpi=="), ("x", "1,2")], &[basic]])
    );
}

// B-030, B-031, B-035
#[tokio::test]
async fn a_gateway_like_that_of_grafana_cloud_takes_all_signals_by_one_endpoint_and_refuses_who_is_wrong() {
    let receiver = Receiver::setup().base_path("/otlp").basic("123456", "hush").start();
    let told = async |path: &str, token: &str| {
        let endpoint = receiver.http_endpoint().replace("/otlp", "") + path;
        let vars = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("THROUGHLINE_OTLP_USERNAME", "123456"),
            ("THROUGHLINE_OTLP_TOKEN", token),
        ];
        let telemetry = Telemetry::build(Config::from_vars(vars)).unwrap();
        drop(telemetry.tracer_provider().tracer("test").start("work"));
        telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
        let subscriber = tracing_subscriber::registry().with(telemetry.layers());
        tracing::subscriber::with_default(subscriber, || tracing::info!("working"));
        telemetry.shutdown(PATIENCE).await.map_err(|error| error.to_string())
    };
    let after = Fault::Later(429, RetryAfter::Seconds(1));
    receiver.script(Signal::Logs, 1, after);
    assert_eq!(told("/otlp", "hush").await, Ok(()));
    assert_eq!(Signal::ALL.map(|signal| receiver.items(signal)), [1; 3]);
    assert_eq!(receiver.complaints(), [""; 0]);
    let refused = |said: Result<(), String>| {
        said.unwrap_err()
            .lines()
            .filter_map(|line| line.split(" answered ").nth(1)?.get(..3))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(refused(told("/otlp", "hash").await), "401 401 401");
    assert_eq!(refused(told("", "hush").await), "404 404 404");
    assert_eq!(Signal::ALL.map(|signal| receiver.items(signal)), [1; 3]);
}

#[tokio::test]
async fn the_secret_of_a_signal_wins_over_every_general_one() {
    let vars = [
        ("THROUGHLINE_OTLP_USERNAME", "user"),
        ("THROUGHLINE_OTLP_PASSWORD", "general"),
        ("OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", "Basic general"),
        ("THROUGHLINE_OTLP_TRACES_TOKEN", "own"),
    ];
    let (own, general) = (("authorization", "Basic dXNlcjpvd24="), ("authorization", "Basic general")); // user:own
    assert_eq!(sent(&vars).await, expect([&[own], &[general], &[general]]));
    let general = ("authorization", "Basic dXNlcjpnZW5lcmFs"); // user:general
    assert_eq!(sent(&vars[..2]).await, expect([&[general], &[general], &[general]]));
    let named = [&vars[2..3], &[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=named")]].concat();
    assert_eq!(sent(&named).await, expect([&[("authorization", "named")]; 3]));
    let without_user = [("THROUGHLINE_OTLP_PASSWORD", "p"), ("THROUGHLINE_OTLP_TOKEN", "t")];
    assert_eq!(sent(&without_user).await, expect([&[("authorization", "Bearer t")]; 3]));
}

#[tokio::test]
async fn secrets_may_be_in_files_and_a_tenant_is_a_header() {
    let folder = std::env::temp_dir();
    let [password, token] =
        ["password", "token"].map(|name| folder.join(format!("throughline-{}-{name}", std::process::id())));
    std::fs::write(&password, "general\n").unwrap();
    std::fs::write(&token, "own").unwrap();
    let vars = [
        ("THROUGHLINE_OTLP_USERNAME", "user"),
        ("THROUGHLINE_OTLP_PASSWORD_FILE", password.to_str().unwrap()),
        ("THROUGHLINE_OTLP_LOGS_TOKEN_FILE", token.to_str().unwrap()),
        ("THROUGHLINE_OTLP_TENANT", "team"),
        ("THROUGHLINE_OTLP_TRACES_TENANT", "other"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "X-Scope-OrgID=named"),
    ];
    let [general, own] =
        [("authorization", "Basic dXNlcjpnZW5lcmFs"), ("authorization", "Basic dXNlcjpvd24=")];
    let tenant = |name| ("x-scope-orgid", name);
    assert_eq!(
        sent(&vars).await,
        expect([&[general, tenant("other")], &[general, tenant("named")], &[own, tenant("team")]])
    );
    // A file that is not there fails the start, and is named.
    std::fs::remove_file(&password).unwrap();
    std::fs::remove_file(&token).unwrap();
    let error = Telemetry::build(Config::from_vars(vars)).unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("-password"), "{error}");
}

// O-012, O-093
#[tokio::test]
async fn headers_that_describe_the_body_and_values_that_are_none_are_left_out_and_told() {
    let vars = [(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Content-Length=1,x=2,transfer-encoding=chunked,y=hush%0A,bad name=3,aHVzaA==,z=",
    )];
    assert_eq!(Config::from_vars(vars).faults().len(), 3, "{:?}", Config::from_vars(vars).faults());
    assert_eq!(sent(&vars).await, expect([&[("x", "2")]; 3]));
    let unfit = [
        ("THROUGHLINE_OTLP_TOKEN", "hu\nsh"),
        ("THROUGHLINE_OTLP_TENANT", "hu\nsh"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", " "),
    ];
    let faults: Vec<String> = Config::from_vars(unfit).faults().iter().map(ToString::to_string).collect();
    let fault = "has characters that a header cannot hold; it is ignored";
    assert_eq!(
        faults,
        [format!("THROUGHLINE_OTLP_TENANT: {fault}"), format!("THROUGHLINE_OTLP_TOKEN: {fault}")]
    );
    assert_eq!(sent(&unfit).await, expect([&[]; 3]));
}

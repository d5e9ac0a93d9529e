//! Pages of the sites that were named may send, and their browsers are told so; others may not (O-069).

use super::*;
use prost::Message;
use throughline_collector::Cors;
use throughline_sender::{Credentials, Secret};

const ORIGIN: (&str, &str) = ("origin", "https://www.shop.example");
const JSON: (&str, &str) = ("content-type", "application/json");
const ASKING: (&str, &str) = ("access-control-request-method", "POST");

fn invited(headers: &[&str]) -> Collector {
    let cors = Cors {
        origins: vec!["https://*.shop.example".into(), "http://here:*".into()],
        headers: headers.iter().map(ToString::to_string).collect(),
        max_age: Duration::from_secs(60),
    };
    start(|config| config.receive.cors = Some(cors))
}

/// All headers that are for browsers.
fn for_browsers(reply: &Reply) -> Vec<(&str, &str)> {
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let mut headers: Vec<_> =
        headers.filter(|(name, _)| name.starts_with("access-control") || *name == "vary").collect();
    headers.sort();
    headers
}

// O-069
#[tokio::test]
async fn a_page_of_a_site_that_was_named_sends_and_reads_its_answer() {
    let collector = invited(&["content-type", "x-team"]);
    let address = collector.http_address().unwrap();
    let asked = send(
        address,
        "OPTIONS",
        "/v1/traces",
        &[ORIGIN, ASKING, ("access-control-request-headers", "content-type")],
        b"",
    )
    .await;
    assert_eq!((asked.status, asked.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(
        for_browsers(&asked),
        [
            ("access-control-allow-headers", "content-type, x-team"),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-origin", "https://www.shop.example"),
            ("access-control-max-age", "60"),
            ("vary", "origin"),
        ]
    );
    let readable = [("access-control-allow-origin", "https://www.shop.example"), ("vary", "origin")];
    for (body, status) in [("{}", 200), ("{", 400)] {
        let reply = send(address, "POST", "/v1/traces", &[ORIGIN, JSON], body.as_bytes()).await;
        assert_eq!((reply.status.as_u16(), for_browsers(&reply)), (status, readable.to_vec()));
    }
    let reply = send(address, "POST", "/v1/logs", &[("origin", "http://here:3000"), JSON], b"{}").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://here:3000"));
}

// O-062, O-069
#[tokio::test]
async fn other_pages_are_turned_away_and_other_questions_are_no_answer() {
    let collector = invited(&["content-type"]);
    let address = collector.http_address().unwrap();
    for origin in ["https://shop.example.net", "https://shop.example", "http://www.shop.example", "null"] {
        for (method, headers) in
            [("OPTIONS", [("origin", origin), ASKING]), ("POST", [("origin", origin), JSON])]
        {
            let reply = send(address, method, "/v1/traces", &headers, b"{}").await;
            assert_eq!(
                (reply.status, for_browsers(&reply)),
                (StatusCode::FORBIDDEN, vec![]),
                "{method} {origin}"
            );
        }
    }
    // Two origins are none.
    let reply =
        send(address, "POST", "/v1/traces", &[ORIGIN, ("origin", "http://evil.example"), JSON], b"{}").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    for (path, headers, status) in [
        ("/v1/traces", vec![ORIGIN], 405),
        ("/v1/trace", vec![ORIGIN, ASKING], 404),
        ("/v1/traces", vec![ASKING], 405),
    ] {
        assert_eq!(send(address, "OPTIONS", path, &headers, b"").await.status.as_u16(), status, "{path}");
    }
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    let grpc = call(
        collector.grpc_address().unwrap(),
        "/v1/traces",
        &[ORIGIN, ("content-type", "application/grpc")],
        &body,
    )
    .await;
    assert_eq!(grpc.header("grpc-status"), Some("7"));
    assert_eq!(collector.counters().spans, 0);
}

#[tokio::test]
async fn any_header_may_be_allowed_and_credentials_are_asked_for_after_the_browsers_question() {
    let cors = Cors { origins: vec!["*".into()], headers: vec!["*".into()], ..Cors::default() };
    let collector = start(|config| {
        config.receive.cors = Some(cors);
        config.receive.credentials = vec![Credentials::Bearer(Secret::value("token"))];
    });
    let address = collector.http_address().unwrap();
    let headers = [ORIGIN, ASKING, ("access-control-request-headers", "authorization,content-type")];
    let asked = send(address, "OPTIONS", "/v1/traces", &headers, b"").await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT);
    assert_eq!(asked.header("access-control-allow-headers"), Some("authorization,content-type"));
    assert_eq!(asked.header("access-control-max-age"), Some("7200"));
    let refused = send(address, "POST", "/v1/traces", &[ORIGIN, JSON], b"{}").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://www.shop.example"));
    let shown = ("authorization", "Bearer token");
    assert_eq!(
        send(address, "POST", "/v1/traces", &[ORIGIN, JSON, shown], b"{}").await.status,
        StatusCode::OK
    );
}

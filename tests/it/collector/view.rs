//! What people see of what was sent, and what others must not see.

use super::*;
use prost::Message;
use serde_json::Value as Json;

const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}[31m";

async fn get(collector: &Collector, path: &str) -> Reply {
    send(collector.view_address().unwrap(), "GET", path, &[], b"").await
}

async fn json(collector: &Collector, path: &str) -> Json {
    let reply = get(collector, path).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

/// A front and a back service, an error, two log records, and a trace whose root is elsewhere.
async fn filled() -> Collector {
    let collector = start(|_| ());
    let other = |id| Span { trace_id: vec![0x77; 16], ..span(id, 9, "orphan") };
    for (path, body) in [
        ("/v1/traces", traces("front", vec![span(1, 0, "GET /start"), span(2, 1, "call")]).encode_to_vec()),
        ("/v1/traces", traces("back", vec![failed(span(3, 2, "GET /end"), "it broke")]).encode_to_vec()),
        ("/v1/traces", traces("lonely & co", vec![other(5)]).encode_to_vec()),
        ("/v1/logs", logs("back", vec![log(3, "in the back"), log(1, "in front")]).encode_to_vec()),
        (
            "/v1/logs",
            logs("back", vec![LogRecord { trace_id: Vec::new(), ..log(0, "outside") }]).encode_to_vec(),
        ),
    ] {
        assert_eq!(post(&collector, path, &body).await.body.len(), 0);
    }
    collector
}

#[tokio::test]
async fn the_list_shows_every_trace_with_services_errors_and_gaps() {
    let collector = filled().await;
    let page = get(&collector, "/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for part in
        ["GET /start", "front", "back", "1 error", "orphan", "lonely &amp; co", "incomplete", TRACE_TEXT]
    {
        assert!(page.text().contains(part), "{part}");
    }
    let errors = get(&collector, "/?errors=1").await;
    assert!(errors.text().contains("GET /start") && !errors.text().contains("orphan"));
    let lonely = get(&collector, "/?service=lonely+%26%20co").await;
    assert!(!lonely.text().contains("GET /start") && lonely.text().contains("orphan"));
    assert!(get(&collector, "/?service=nobody").await.text().contains("No trace passes the filter"));
}

#[tokio::test]
async fn an_empty_list_says_where_to_send() {
    let collector = start(|_| ());
    let page = get(&collector, "/").await;
    for address in [collector.http_address(), collector.grpc_address()] {
        let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{}", address.unwrap());
        assert!(page.text().contains(&endpoint), "{endpoint}");
    }
}

#[tokio::test]
async fn the_page_of_a_trace_shows_its_spans_and_the_selected_one_exactly_its_log_records() {
    let collector = filled().await;
    let page = get(&collector, &format!("/trace/{TRACE_TEXT}")).await;
    let places: Vec<usize> = ["span-01", "span-02", "span-03"]
        .iter()
        .map(|id| page.text().find(&format!("id=\"{id}")).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert!(page.text().contains("in the back") && page.text().contains("in front"));
    assert!(!page.text().contains("<aside") && !page.text().contains("outside"));
    let selected = get(&collector, &format!("/trace/{TRACE_TEXT}?span=0303030303030303")).await;
    let (_, panel) = selected.text().split_once("<aside").unwrap();
    for part in ["GET /end", "it broke", "in the back", "service.name", "0202020202020202"] {
        assert!(panel.contains(part), "{part}");
    }
    assert!(!panel.contains("in front"));
    let upper = get(&collector, &format!("/trace/{}", TRACE_TEXT.to_uppercase())).await;
    assert_eq!(upper.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_trace_is_a_friendly_404() {
    let collector = filled().await;
    for path in ["/trace/00000000000000000000000000000001", "/trace/%3Cscript%3E", "/trace/", "/nowhere"] {
        let page = get(&collector, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text().contains("All traces") && !page.text().contains("<script"));
    }
    assert_eq!(get(&collector, "/api/traces/00").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&collector, "/api/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_that_was_sent_becomes_markup_and_nothing_is_loaded_from_elsewhere() {
    let collector = start(|_| ());
    let mut hostile = failed(span(1, 0, HOSTILE), HOSTILE);
    hostile.attributes = vec![text(HOSTILE, HOSTILE)];
    post(&collector, "/v1/traces", &traces(HOSTILE, vec![hostile]).encode_to_vec()).await;
    let mut record = log(1, HOSTILE);
    record.attributes = vec![text(HOSTILE, HOSTILE)];
    record.severity_text = HOSTILE.to_owned();
    post(&collector, "/v1/logs", &logs(HOSTILE, vec![record]).encode_to_vec()).await;
    let trace = format!("/trace/{TRACE_TEXT}?span=0101010101010101");
    for path in ["/", &trace, "/?service=%3Cscript%3E%22", "/trace/%22%3E%3Cscript%3E"] {
        let page = get(&collector, path).await;
        let page = page.text();
        assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
        for link in page.split(['"', '\'']).filter(|part| part.contains("//")) {
            assert!(link.starts_with("OTEL_") || link.contains("alert"), "{link}");
        }
    }
    let printed = collector.trace(TRACE_TEXT).unwrap().to_string();
    assert!(!printed.contains('\u{1b}') && printed.contains("\\u{1b}"), "{printed}");
}

#[tokio::test]
async fn only_loopback_names_are_answered() {
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:4319", "localhost:65535"] {
        assert_eq!(send(address, "GET", "/", &[("host", host)], b"").await.status, StatusCode::OK, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1:4319",
        "[::2]",
        "",
        "a b",
    ] {
        for path in ["/", "/api/status", "/style.css"] {
            let reply = send(address, "GET", path, &[("host", host)], b"").await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{host}");
            assert!(reply.text().contains("localhost"));
        }
    }
    let absolute = send(address, "GET", "http://evil.example/", &[("host", "localhost")], b"").await;
    assert_eq!(absolute.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_view_is_only_for_reading_and_every_answer_is_protected() {
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let reply = send(address, method, "/", &[], b"").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD"))
        );
    }
    let head = send(address, "HEAD", "/", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    for path in ["/", "/style.css", "/api/status", "/nowhere", "/trace/x"] {
        let reply = get(&collector, path).await;
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}

#[tokio::test]
async fn the_json_tells_the_same_as_the_handle() {
    let collector = filled().await;
    let status = json(&collector, "/api/status").await;
    assert_eq!(status["collector"], "throughline");
    assert_eq!(status["otlp_http"], collector.http_address().unwrap().to_string());
    assert_eq!((&status["spans"], &status["log_records"]), (&Json::from(4), &Json::from(3)));
    let list = json(&collector, "/api/traces").await;
    assert_eq!(list, serde_json::to_value(collector.traces(100)).unwrap());
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(json(&collector, "/api/traces?limit=1").await.as_array().unwrap().len(), 1);
    let failed = json(&collector, "/api/traces?errors=1&service=back").await;
    assert_eq!((&failed[0]["name"], &failed[0]["complete"]), (&Json::from("GET /start"), &Json::from(true)));
    let trace = json(&collector, &format!("/api/traces/{TRACE_TEXT}")).await;
    assert_eq!(trace, serde_json::to_value(collector.trace(TRACE_TEXT).unwrap()).unwrap());
    assert_eq!(
        (&trace["spans"][2]["status"], &trace["spans"][2]["depth"]),
        (&Json::from("error"), &Json::from(2))
    );
    let logs = json(&collector, "/api/logs").await;
    let bodies: Vec<&str> =
        logs.as_array().unwrap().iter().map(|log| log["body"].as_str().unwrap()).collect();
    assert_eq!((bodies.len(), bodies.contains(&"outside")), (3, true));
}

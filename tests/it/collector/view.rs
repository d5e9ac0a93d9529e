//! What people see of what was sent, and what others must not see.

use super::*;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use prost::Message;
use serde_json::Value as Json;

const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}[31m";

pub(super) async fn get(collector: &Collector, path: &str) -> Reply {
    send(collector.view_address().unwrap(), "GET", path, &[], b"").await
}

async fn json(collector: &Collector, path: &str) -> Json {
    let reply = get(collector, path).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

/// A front and a back service, an error, two log records, and a trace whose root is elsewhere.
pub(super) async fn filled() -> Collector {
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
    for part in [
        "GET /start",
        "front",
        "back",
        "1 error",
        "orphan",
        "lonely &amp; co",
        "called from outside",
        TRACE_TEXT,
    ] {
        assert!(page.text().contains(part), "{part}");
    }
    // What can be chosen stands above the table.
    let has =
        |page: &str, name: &str| page.split_once("<tbody>").is_some_and(|(_, rows)| rows.contains(name));
    for (query, start, orphan) in [
        ("errors=1", true, false),
        ("service=lonely+%26%20co", false, true),
        ("route=GET%20/start", true, false),
        ("route=orphan&service=front", false, false),
    ] {
        let page = get(&collector, &format!("/?{query}")).await;
        assert_eq!((has(page.text(), "GET /start"), has(page.text(), "orphan")), (start, orphan), "{query}");
    }
    let nobody = get(&collector, "/?service=nobody&errors=1").await;
    for part in ["No trace passes the filter", "<option value=\"nobody\" selected>", "All traces"] {
        assert!(nobody.text().contains(part), "{part}");
    }
}

#[tokio::test]
async fn every_service_can_be_chosen_whatever_is_chosen_and_what_was_chosen_stays() {
    let collector = filled().await;
    for path in ["/", "/?errors=1", "/?service=front", "/?service=nobody&errors=1"] {
        let page = get(&collector, path).await;
        for service in ["front", "back", "lonely &amp; co"] {
            let chosen = if path.contains(&format!("={service}")) { " selected" } else { "" };
            let option = format!("<option value=\"{service}\"{chosen}>");
            assert!(page.text().contains(&option), "{path}: {option}");
        }
        let errors =
            format!("<option value=\"errors\"{}>", if path.contains("errors") { " selected" } else { "" });
        assert!(page.text().contains(&errors), "{path}");
    }
    let page = get(&collector, "/?q=GET&service=front&over=1ms&within=1h&errors=1&limit=7&sort=-spans").await;
    let link = "href=\"/?q=GET&amp;service=front&amp;status=errors&amp;over=1ms&amp;within=1h&amp;sort=duration&amp;limit=7\"";
    assert!(page.text().contains("No trace passes") && !page.text().contains(link), "no table, no order");
    let page = get(&collector, "/?q=GET&service=front&over=1ms&errors=1&limit=7&sort=-spans").await;
    let link = link.replace("&amp;within=1h", "");
    assert!(page.text().contains(&link), "{}", page.text());
    assert!(page.text().contains("<input type=\"hidden\" name=\"sort\" value=\"-spans\">"));
}

#[tokio::test]
async fn a_list_that_is_cut_says_so_and_links_to_more() {
    let collector = start(|_| ());
    let numbered = |id: u8| Span { trace_id: vec![id; 16], ..span(id, 0, "work") };
    for (service, ids) in [("old", 1..=3), ("busy", 4..=173)] {
        let body = traces(service, ids.map(numbered).collect()).encode_to_vec();
        post(&collector, "/v1/traces", &body).await;
    }
    let rows = |page: &Reply| page.text().matches("name=\"trace\" value=").count();
    let page = get(&collector, "/").await;
    assert!(page.text().contains("the newest 100 of 173") && page.text().contains("href=\"/?limit=1000\""));
    assert!(page.text().contains("<option value=\"old\">"), "a service of no row can be chosen");
    assert_eq!(rows(&page), 100);
    let page = get(&collector, "/?limit=1000").await;
    assert_eq!((rows(&page), page.text().contains("the newest")), (173, false));
    let page = get(&collector, "/?service=busy&limit=20").await;
    assert!(page.text().contains("the newest 20, and there are more"));
    assert!(page.text().contains("href=\"/?service=busy&amp;limit=1000\""));
}

#[tokio::test]
async fn the_list_shows_the_status_the_path_without_a_route_and_error_lines_of_traces_without_errors() {
    let collector = start(|_| ());
    let status = |code| KeyValue {
        value: Some(AnyValue { value: Some(Value::IntValue(code)) }),
        ..text("http.response.status_code", "")
    };
    let other = |id: u8, attributes| Span { trace_id: vec![id; 16], attributes, ..span(id, 0, "GET") };
    let spans = vec![
        other(1, vec![status(404), text("url.path", "/a\u{1b}/b")]),
        other(2, vec![status(200), text("url.path", "/items/7"), text("http.route", "/items/{id}")]),
        other(3, vec![]),
    ];
    post(&collector, "/v1/traces", &traces("front", spans).encode_to_vec()).await;
    let lines = [17, 21, 16].map(|severity| LogRecord {
        trace_id: vec![3; 16],
        severity_number: severity,
        ..log(3, "")
    });
    post(&collector, "/v1/logs", &logs("front", lines.to_vec()).encode_to_vec()).await;
    let page = get(&collector, "/").await;
    for part in ["http warn\">404", "/a\\u{1b}/b", "http fine\">200", "2 error lines"] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(!page.text().contains("/items/7"));
    let list = json(&collector, "/api/traces").await;
    let told: Vec<(&Json, &Json, &Json)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["http_status"], &it["path"], &it["error_logs"]))
        .collect();
    let (code, none) = (|code: i64| Json::from(code), Json::Null);
    assert_eq!(
        told,
        [
            (&none, &none, &code(2)),
            (&code(200), &none, &code(0)),
            (&code(404), &Json::from("/a\u{1b}/b"), &code(0)),
        ]
    );
    let failed = json(&collector, "/api/traces?errors=1").await;
    assert_eq!(failed.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_span_says_why_as_well_as_it_can() {
    let collector = start(|_| ());
    let exception = Event {
        name: "exception".to_owned(),
        attributes: vec![text("exception.type", "CardError"), text("exception.message", "refused")],
        ..Default::default()
    };
    let typed = |span: Span, kind| Span { attributes: vec![text("error.type", kind)], ..span };
    let spans = vec![
        typed(failed(span(1, 0, "a"), ""), "panic"),
        typed(failed(span(2, 1, "b"), "it broke"), "timeout"),
        Span { events: vec![exception], ..failed(span(3, 1, "c"), "") },
        failed(span(4, 1, "d"), ""),
    ];
    post(&collector, "/v1/traces", &traces("front", spans).encode_to_vec()).await;
    for (id, words) in [
        ("01", ": panic<"),
        ("02", ": timeout: it broke<"),
        ("03", ": CardError: refused<"),
        ("04", ": the span does not say why<"),
    ] {
        let page = get(&collector, &format!("/trace/{TRACE_TEXT}?span={}", id.repeat(8))).await;
        assert!(page.text().contains(&format!("<b>Error</b>{words}")), "{words}");
    }
}

#[tokio::test]
async fn a_list_that_is_cut_has_the_traces_that_began_last_in_whatever_order_they_came() {
    let collector = start(|_| ());
    // The first to come began last; half of them come once more, as late spans do.
    let began = |id: u8| 1_700_000_000_000_000_000 + u64::from(200 - id) * 1_000_000;
    let child = |id: u8, number| Span {
        trace_id: vec![id; 16],
        start_time_unix_nano: began(id),
        end_time_unix_nano: began(id) + 10,
        ..span(number, number - 1, &format!("work {id}"))
    };
    for (ids, number) in [((1..=120).collect::<Vec<u8>>(), 1), ((61..=120).collect(), 2)] {
        let spans = ids.into_iter().map(|id| child(id, number)).collect();
        post(&collector, "/v1/traces", &traces("front", spans).encode_to_vec()).await;
    }
    let list = json(&collector, "/api/traces?limit=100").await;
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|trace| trace["name"].as_str().unwrap()).collect();
    assert_eq!(names, (1..=100).map(|id| format!("work {id}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn log_records_stand_at_their_offset_and_control_characters_are_written_out() {
    let collector = start(|_| ());
    let spans = vec![span(1, 0, "a\u{1b}b"), span(2, 1, "inner")];
    post(&collector, "/v1/traces", &traces("front\u{202e}", spans).encode_to_vec()).await;
    let silent = LogRecord { body: None, ..log(1, "") };
    let records = vec![log(1, "one\ntwo\u{7}"), silent];
    post(&collector, "/v1/logs", &logs("front\u{202e}", records).encode_to_vec()).await;
    let page = get(&collector, &format!("/trace/{TRACE_TEXT}?span=0101010101010101")).await;
    for part in ["+49.0 ms", "a\\u{1b}b", "front\\u{202e}", "one\ntwo\\u{7}", "from the start to"] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(!page.text().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    assert!(page.text().contains("<td class=\"message\"><span class=\"part\">"), "no space before a field");
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
    let (panel, below) = panel.split_once("</aside>").unwrap();
    assert!(below.contains("in front"), "the records of all spans stand below");
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
        assert!(page.text().contains("All traces") && page.text().matches("<script").count() == 1);
    }
    assert!(get(&collector, "/trace/abc").await.text().contains("This is not a trace id"));
    let unknown = get(&collector, "/trace/00000000000000000000000000000001").await;
    assert!(unknown.text().contains("It has not arrived yet"));
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
        let scripts = page.matches("<script").count();
        assert!(scripts == 1 && !page.contains("<script>") && !page.contains(" style="), "{page}");
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

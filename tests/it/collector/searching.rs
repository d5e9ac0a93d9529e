//! What is searched for is found, and nothing else.

use super::{view::get, *};
use prost::Message;
use serde_json::Value as Json;

fn number(key: &str, value: i64) -> KeyValue {
    KeyValue { value: Some(AnyValue { value: Some(Value::IntValue(value)) }), ..text(key, "") }
}

/// One trace of its own: its number, its name, its duration in milliseconds.
fn alone(id: u8, name: &str, millis: u64) -> Span {
    let span = Span { trace_id: vec![id; 16], ..span(id, 0, name) };
    Span { end_time_unix_nano: span.start_time_unix_nano + millis * 1_000_000, ..span }
}

/// Four traces of `shop`, one of `bank`, and a line of the log of the last one.
async fn filled() -> Collector {
    let collector = start(|_| ());
    let route = |route| text("http.route", route);
    let spans = vec![
        Span {
            attributes: vec![route("/users/{id}"), number("http.response.status_code", 200)],
            ..alone(1, "GET /users/{id}", 80)
        },
        Span {
            attributes: vec![route("/users/{id}"), number("http.response.status_code", 404)],
            ..alone(2, "GET /users/{id}", 20)
        },
        Span {
            attributes: vec![route("/items"), number("http.response.status_code", 503)],
            ..failed(alone(3, "POST /items", 300), "no room")
        },
        Span {
            parent_span_id: vec![1; 8],
            trace_id: vec![1; 16],
            kind: 3,
            attributes: vec![text("db.system.name", "postgresql")],
            ..alone(4, "SELECT", 5)
        },
    ];
    post(&collector, "/v1/traces", &traces("shop", spans).encode_to_vec()).await;
    post(&collector, "/v1/traces", &traces("bank", vec![alone(5, "pay", 1000)]).encode_to_vec()).await;
    let record = LogRecord { trace_id: vec![5; 16], ..log(5, "Insufficient FUNDS") };
    post(&collector, "/v1/logs", &logs("bank", vec![record]).encode_to_vec()).await;
    collector
}

fn encoded(words: &str) -> String {
    words.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The numbers of the traces that are found.
async fn found(collector: &Collector, query: &str) -> Vec<u8> {
    let reply = get(collector, &format!("/api/traces?{query}")).await;
    let list: Vec<Json> = serde_json::from_slice(&reply.body).unwrap();
    list.iter()
        .map(|trace| u8::from_str_radix(&trace["trace_id"].as_str().unwrap()[..2], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn a_trace_is_found_if_one_of_its_spans_is_what_is_searched_for() {
    let collector = filled().await;
    for (words, expected) in [
        ("", vec![5, 3, 2, 1]),
        ("http.route = \"/users/{id}\" and duration > 50ms", vec![1]),
        ("http.response.status_code >= 400", vec![3, 2]),
        ("status = error", vec![3]),
        ("no room", vec![3]),
        ("kind = client and db.system.name = postgresql", vec![1]),
        // Of one span, not of two.
        ("http.route = /users/{id} and has db.system.name", vec![]),
        ("trace.spans > 1", vec![1]),
        ("trace.duration >= 300ms", vec![5, 3]),
        ("funds", vec![5]),
        ("05050505", vec![5]),
        ("service = bank or resource.service.name = shop and name ~ items", vec![5, 3]),
        ("not http.route = /items", vec![5, 2, 1]),
        ("event = exception", vec![]),
    ] {
        assert_eq!(found(&collector, &format!("q={}", encoded(words))).await, expected, "{words}");
    }
}

#[tokio::test]
async fn what_is_chosen_leaves_out_and_what_is_sorted_is_in_order() {
    let collector = filled().await;
    for (query, expected) in [
        ("status=4xx", vec![2]),
        ("status=5xx", vec![3]),
        ("status=errors&service=shop", vec![3]),
        ("status=nonsense", vec![5, 3, 2, 1]),
        ("over=80ms&service=shop", vec![3, 1]),
        ("within=1h", vec![]),
        ("sort=duration", vec![5, 3, 1, 2]),
        ("sort=-duration", vec![2, 1, 3, 5]),
        ("sort=duration&limit=2", vec![5, 3]),
        ("sort=spans&limit=1", vec![1]),
        ("sort=errors&limit=1", vec![3]),
        ("sort=-start", vec![1, 2, 3, 5]),
    ] {
        assert_eq!(found(&collector, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_that_means_nothing_says_where_and_the_way_out() {
    let collector = filled().await;
    let words = "at character 12: 50 is no duration; write it with its unit, such as 50ms";
    let reply = get(&collector, "/api/traces?q=duration+%3E+50").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(serde_json::from_slice::<Json>(&reply.body).unwrap(), serde_json::json!({ "error": words }));
    let page = get(&collector, "/?q=duration+%3E+50").await;
    assert!(page.status == StatusCode::OK && page.text().contains(words));
    assert_eq!(page.text().matches("href=\"/trace/").count(), 0);
}

#[tokio::test]
async fn a_search_for_a_trace_id_leads_to_the_trace() {
    let collector = filled().await;
    let reply = get(&collector, &format!("/?q=+{TRACE_TEXT}+")).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (StatusCode::SEE_OTHER, Some(&*format!("/trace/{TRACE_TEXT}")))
    );
}

#[tokio::test]
async fn two_traces_are_compared_span_by_span() {
    let collector = start(|_| ());
    let of = |trace: u8, spans: Vec<Span>| {
        spans.into_iter().map(move |span| Span { trace_id: vec![trace; 16], ..span })
    };
    let lasting = |span: Span, millis: u64| Span {
        end_time_unix_nano: span.start_time_unix_nano + millis * 1_000_000,
        ..span
    };
    let first = vec![
        lasting(span(1, 0, "root"), 50),
        lasting(span(2, 1, "query"), 10),
        span(3, 1, "gone"),
        lasting(span(4, 1, "query"), 7),
    ];
    let second = vec![lasting(span(1, 0, "root"), 80), lasting(span(2, 1, "query"), 10), span(5, 1, "new")];
    let all = of(1, first).chain(of(2, second)).collect();
    post(&collector, "/v1/traces", &traces("shop", all).encode_to_vec()).await;
    let page =
        get(&collector, &format!("/compare?trace={}&trace={}", "01".repeat(16), "02".repeat(16))).await;
    let (_, body) = page.text().split_once("<tbody>").unwrap();
    let told = |row: &str| {
        let name = row.split("class=\"name\" title=\"").nth(1).unwrap().split('"').next().unwrap();
        let last = row.rsplit("<td class=\"number\">").next().unwrap();
        let words = last.split('>').nth(1).unwrap().split('<').next().unwrap();
        format!("{name}: {words}")
    };
    let rows: Vec<_> = body.split("<tr>").skip(1).map(told).collect();
    assert_eq!(
        rows,
        ["root: +30.0 ms", "query: +0 ns", "gone: only in A", "query: only in A", "new: only in B"]
    );
    for wrong in ["", "?trace=0101", &format!("?trace={0}&trace={0}", "01".repeat(16))] {
        assert!(
            get(&collector, &format!("/compare{wrong}")).await.text().contains("Mark two traces"),
            "{wrong}"
        );
    }
    let gone =
        get(&collector, &format!("/compare?trace={}&trace={}", "01".repeat(16), "09".repeat(16))).await;
    assert!(gone.text().contains("not here any more"));
}

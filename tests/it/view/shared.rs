//! What the view has as JSON and as files: to the letter of its description, and back again.

use super::{
    pages::start,
    sample::{ORDER, ORDERS, sample},
};
use crate::support::{client, gateway::Directory, get};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use throughline_collector::{Collector, keep};

/// Sends a file to a view: status and answer.
async fn send(collector: &Collector, file: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let url = format!("{}api/import", collector.view_url().unwrap());
    let mut request = http::Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::from(file.to_owned());
    let response = client().request(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn ask(collector: &Collector, path: &str) -> (u16, String) {
    get(&format!("{}{path}", collector.view_url().unwrap()), &[]).await.unwrap()
}

async fn json_of(collector: &Collector, path: &str) -> Value {
    let (status, text) = ask(collector, path).await;
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// What of a value is not as the schema says; members that the schema does not know are faults too.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return faults(document, &document["components"]["schemas"][name], value, place);
    }
    let mut found = Vec::new();
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        found.push(format!("{place}: {value} is none of {known:?}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    };
    if !types.is_empty() && !types.iter().any(is) {
        found.push(format!("{place}: {value} is none of {types:?}"));
    }
    for item in value.as_array().into_iter().flatten().filter(|_| schema["items"].is_object()) {
        found.extend(faults(document, &schema["items"], item, &format!("{place}[]")));
    }
    if let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, member) in members {
            match known.get(name) {
                Some(schema) => found.extend(faults(document, schema, member, &format!("{place}.{name}"))),
                None => found.push(format!("{place}.{name} is not described")),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        found.extend(
            required
                .filter(|name| !members.contains_key(*name))
                .map(|name| format!("{place}.{name} is missing")),
        );
    }
    found
}

#[tokio::test]
async fn every_answer_is_as_the_description_tells() {
    let collector = start(|config| {
        let url = "http://127.0.0.1:9/v1/logs".parse().unwrap();
        let remote = throughline::sender::Remote::new(throughline::sender::Protocol::HttpProtobuf, url);
        config
            .destinations
            .add(throughline::sender::Signal::Logs, throughline::sender::Destination::Remote(remote));
    });
    let (status, imported) = send(&collector, &sample(), &[]).await;
    assert_eq!(status, 200, "{imported}");
    let document = json_of(&collector, "api/openapi.json").await;
    let asked = [
        ("/api/status", "api/status".to_owned()),
        ("/api/traces", "api/traces?limit=1000".to_owned()),
        ("/api/traces/{trace_id}", format!("api/traces/{ORDER}")),
        ("/api/traces/{trace_id}/spans/{span_id}", format!("api/traces/{ORDER}/spans/0000000000000003")),
        ("/api/logs", "api/logs".to_owned()),
        ("/api/metrics", "api/metrics".to_owned()),
        ("/api/metrics/{name}", "api/metrics/http.server.request.duration".to_owned()),
        ("/api/metrics/{name}", "api/metrics/process.memory.usage".to_owned()),
        ("/api/charts/{name}", "api/charts/http.server.request.duration?by=http.route".to_owned()),
        ("/api/map", "api/map".to_owned()),
        ("/api/map/calls", "api/map/calls?from=front&to=back".to_owned()),
        ("/api/openapi.json", "api/openapi.json".to_owned()),
    ];
    for (path, url) in &asked {
        let answer = json_of(&collector, url).await;
        let responses = &document["paths"][path]["get"]["responses"];
        let schema = &responses["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        assert_eq!(faults(&document, schema, &answer, path), Vec::<String>::new());
    }
    let nothing = "9".repeat(32);
    for (path, url, status) in [
        ("/api/traces", "api/traces?q=duration%20%3E".to_owned(), 400),
        ("/api/traces/{trace_id}", format!("api/traces/{nothing}"), 404),
        ("/api/traces/{trace_id}/spans/{span_id}", format!("api/traces/{ORDER}/spans/0000000000000099"), 404),
        ("/api/logs", "api/logs?q=user.id%20%3D".to_owned(), 400),
        ("/api/metrics/{name}", "api/metrics/none".to_owned(), 404),
        ("/api/charts/{name}", "api/charts/none".to_owned(), 404),
        ("/api/map/calls", "api/map/calls".to_owned(), 404),
        ("/api/export", "api/export?signal=spans".to_owned(), 400),
        ("/api/export", format!("api/export?trace={nothing}"), 404),
    ] {
        let (told, answer) = ask(&collector, &url).await;
        assert_eq!(told, status, "{url}: {answer}");
        let response = &document["paths"][path]["get"]["responses"][status.to_string()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}: {status}");
        assert_eq!(
            faults(&document, schema, &serde_json::from_str(&answer).unwrap(), path),
            Vec::<String>::new()
        );
    }
    let (status, refused) = send(&collector, "no telemetry", &[]).await;
    let described = &document["paths"]["/api/import"]["post"]["responses"]["400"];
    let schema = &described["content"]["application/json"]["schema"];
    assert_eq!(
        (status, faults(&document, schema, &serde_json::from_str(&refused).unwrap(), "refused")),
        (400, Vec::new())
    );
    let schema = &document["components"]["schemas"]["Imported"];
    assert_eq!(
        faults(&document, schema, &serde_json::from_str(&imported).unwrap(), "imported"),
        Vec::<String>::new()
    );
    let described: BTreeSet<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let seen: BTreeSet<&str> =
        asked.iter().map(|(path, _)| *path).chain(["/api/export", "/api/import"]).collect();
    assert_eq!(seen, described);
}

#[tokio::test]
async fn what_leaves_as_a_file_comes_back_as_the_same() {
    let (one, other) = (start(|_| ()), start(|_| ()));
    send(&one, &sample(), &[]).await;
    let (status, exported) = ask(&one, &format!("api/export?trace={ORDER}")).await;
    assert_eq!((status, exported.lines().count()), (200, 2));
    let (status, imported) = send(&other, &exported, &[]).await;
    let imported: Value = serde_json::from_str(&imported).unwrap();
    assert_eq!((status, &imported["spans"], &imported["log_records"]), (200, &json!(4), &json!(2)));
    assert_eq!(one.trace(ORDER), other.trace(ORDER));
    assert_eq!(ask(&other, &format!("api/export?trace={ORDER}")).await.1, exported);
    // A selection: those of a list.
    let (_, failed) = ask(&one, "api/export?status=errors").await;
    assert_eq!(failed, exported);
    assert_eq!(ask(&one, &format!("api/export?trace={}", "9".repeat(32))).await.0, 404);
    assert_eq!(other.counters().data_points, 0);
}

#[tokio::test]
async fn measurements_and_lines_without_a_trace_leave_as_a_file_too_and_are_drawn_the_same() {
    let (one, other) = (start(|_| ()), start(|_| ()));
    send(&one, &sample(), &[]).await;
    let (status, exported) = ask(&one, "api/export?signal=traces&signal=logs&signal=metrics").await;
    assert_eq!(status, 200);
    let (_, imported) = send(&other, &exported, &[]).await;
    let imported: Value = serde_json::from_str(&imported).unwrap();
    let counts = ["spans", "log_records", "data_points", "refused", "rejected", "passed_over"]
        .map(|name| &imported[name]);
    assert_eq!(counts, [160, 42, 16, 0, 0, 0].map(|count: u64| json!(count)).each_ref());
    for path in [
        "api/traces?limit=1000",
        "api/logs?limit=1000",
        "api/map",
        "api/metrics",
        "api/metrics/tokio.alive_tasks",
        "api/charts/http.server.request.duration?by=http.route",
    ] {
        assert_eq!(ask(&one, path).await, ask(&other, path).await, "{path}");
    }
    // Only one instrument of one service.
    let (_, exported) = ask(&one, "api/export?signal=metrics&service=front&name=tokio.alive_tasks").await;
    assert!(
        exported.contains("tokio.alive_tasks") && !exported.contains("process.memory.usage"),
        "{exported}"
    );
    for (query, status) in
        [("signal=metrics&service=nobody", 404), ("signal=spans", 400), ("q=duration%20%3E", 400)]
    {
        assert_eq!(ask(&one, &format!("api/export?{query}")).await.0, status, "{query}");
    }
}

// A selection of log records is what their page shows of the same query, all of it.
#[tokio::test]
async fn log_records_leave_as_they_are_filtered() {
    let one = start(|_| ());
    send(&one, &sample(), &[]).await;
    let all = json_of(&one, "api/logs?limit=10000").await.as_array().unwrap().len();
    let trace = format!("trace={ORDER}");
    for query in ["level=warn", "service=back", "q=user.id%20%3D%203", "level=info&service=front", &*trace] {
        let (status, exported) = ask(&one, &format!("api/export?signal=logs&{query}")).await;
        assert_eq!(status, 200, "{query}: {exported}");
        let other = start(|_| ());
        send(&other, &exported, &[]).await;
        let shown = json_of(&one, &format!("api/logs?limit=10000&{query}")).await;
        let count = shown.as_array().unwrap().len();
        assert!(0 < count && count < all, "{query}: {count} of {all}");
        assert_eq!(json_of(&other, "api/logs?limit=10000").await, shown, "{query}");
    }
    for (query, status) in [("q=nowhere-said", 404), ("q=user.id%20%3D", 400)] {
        assert_eq!(ask(&one, &format!("api/export?signal=logs&{query}")).await.0, status, "{query}");
    }
    let (_, page) = ask(&one, "logs?level=warn&q=user.id%20%3D%200").await;
    assert!(
        page.contains("href=\"/api/export?signal=logs&amp;q=user.id%20%3D%200&amp;level=warn\""),
        "{page}"
    );
}

#[tokio::test]
async fn files_are_taken_from_no_other_site_and_not_larger_than_the_bound() {
    let collector = start(|config| config.max_request_bytes = 1000);
    let own = collector.view_url().unwrap();
    let own = own.trim_end_matches('/');
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(send(&collector, &sample(), &[("origin", origin)]).await.0, 403, "{origin}");
    }
    assert_eq!(send(&collector, &sample(), &[("origin", own), ("host", "evil.example")]).await.0, 403);
    assert_eq!(send(&collector, &sample(), &[("origin", own)]).await.0, 413);
    assert_eq!(collector.counters().spans, 0);
    let line = super::sample::log("a", None, (9, "INFO"), "small").to_string();
    assert_eq!(send(&collector, &line, &[("origin", own)]).await.0, 200);
    assert_eq!(send(&collector, "no telemetry", &[]).await.0, 400);
    assert_eq!(ask(&collector, "api/import").await.0, 404);
}

#[tokio::test]
async fn the_map_has_the_calls_of_both_services_and_the_database() {
    let collector = start(|_| ());
    send(&collector, &sample(), &[]).await;
    let map = json_of(&collector, "api/map").await;
    let id = |at: &Value| map["nodes"][at.as_u64().unwrap() as usize]["id"].as_str().unwrap().to_owned();
    let figures =
        |it: &Value| (it["figures"]["calls"].as_u64().unwrap(), it["figures"]["errors"].as_u64().unwrap());
    let edges: BTreeSet<_> = map["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| (id(&edge["from"]), id(&edge["to"]), figures(edge)))
        .collect();
    let edge = |from: &str, to: &str, errors| (from.to_owned(), to.to_owned(), (ORDERS, errors));
    assert_eq!(
        edges,
        BTreeSet::from([
            edge("front", "back", 0),
            edge("back", "database:db:5432", 0),
            edge("outside:outside", "front", 1)
        ])
    );
    let routes: Vec<_> = map["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| (route["route"].as_str().unwrap(), figures(route)))
        .collect();
    assert_eq!(routes, [("POST /charge/{card}", (ORDERS, 1)), ("POST /orders", (ORDERS, 1))]);
    let calls =
        json_of(&collector, "api/map/calls?service=back&route=POST%20/charge/%7Bcard%7D&limit=2").await;
    assert_eq!(calls["newest"].as_array().unwrap().len(), 2);
    assert_eq!(ask(&collector, "api/map/calls").await.0, 404);
}

#[tokio::test]
async fn what_is_kept_is_there_after_the_next_start() {
    let directory = Directory::new();
    let keeping = |config: &mut throughline_collector::Config| {
        config.keep = Some(keep::Options::of(directory.path().join("kept")))
    };
    let first = start(keeping);
    send(&first, &sample(), &[]).await;
    let (trace, map, logs) = (first.trace(ORDER), first.map(None), first.logs(1000));
    assert!(trace.is_some());
    first.stop(std::time::Duration::from_secs(60)).await.unwrap();
    let second = start(keeping);
    assert_eq!((second.trace(ORDER), second.map(None), second.logs(1000)), (trace, map, logs));
}

/// What the page tells to search for and to ask, works.
#[tokio::test]
async fn the_searches_and_addresses_of_the_page_are_understood() {
    const PAGE: &str = include_str!("../../../docs/view.md");
    let collector = start(|_| ());
    send(&collector, &sample(), &[]).await;
    let searches = PAGE.split_once("```text\n").unwrap().1.split_once("```").unwrap().0;
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    for search in searches.lines().chain(["user.id = 7 and not scope = \"hyper\""]) {
        assert!(PAGE.contains(search));
        for list in ["api/traces", "api/logs"] {
            assert_eq!(ask(&collector, &format!("{list}?q={}", encoded(search))).await.0, 200, "{search}");
        }
    }
    assert_eq!(ask(&collector, "api/logs?q=user.id%20%3D").await.0, 400);
    let addresses: Vec<&str> =
        PAGE.split("curl '127.0.0.1:4319/").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        assert_eq!(ask(&collector, address).await.0, 200, "{address}");
    }
}

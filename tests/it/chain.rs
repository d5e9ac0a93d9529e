//! Two services, one call, one trace, seen at once.

use crate::support::{
    child::Process,
    get,
    receiver::{Decoded, Receiver, attributes, hex, service},
    until,
};
use std::collections::BTreeMap;

const ANY_PORTS: [(&str, &str); 3] = [
    ("THROUGHLINE_COLLECTOR_GRPC", "127.0.0.1:0"),
    ("THROUGHLINE_COLLECTOR_HTTP", "127.0.0.1:0"),
    ("THROUGHLINE_COLLECTOR_VIEW", "127.0.0.1:0"),
];

/// The front's URL, from the line that tells of the first call.
async fn front(chain: &Process) -> String {
    let line = chain.line(&["GET http://", "answered 200"]).await;
    line.split(' ').nth(1).unwrap().to_owned()
}

fn word_after<'a>(line: &'a str, mark: &str) -> &'a str {
    line.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {line}")).1.split(' ').next().unwrap()
}

#[tokio::test]
async fn the_chain_prints_its_one_trace_and_shows_it() {
    let mut chain = Process::example("chain", &["127.0.0.1:0"], &ANY_PORTS);
    chain.line(&["stop with"]).await;
    let lines = chain.lines();
    let asking = lines.iter().find(|line| line.contains("chain: asking back")).unwrap();
    let trace_id = word_after(asking, "trace_id=").to_owned();

    // The same id in the log lines of both services, each with the id of its own span.
    let greeting = lines.iter().find(|line| line.contains("chain: greeting")).unwrap();
    assert_eq!(word_after(greeting, "trace_id="), trace_id);
    assert_ne!(word_after(greeting, "span_id="), word_after(asking, "span_id="));

    // The printed tree: every span and line in its place; only durations and times differ from run to run.
    let start = lines.iter().position(|line| line.starts_with("trace ")).unwrap();
    assert!(lines[start].starts_with(&format!("trace {trace_id}")) && lines[start].contains("4 spans"));
    let tree: Vec<String> =
        lines[start + 2..].iter().take_while(|line| !line.is_empty()).map(|line| shape(line)).collect();
    assert_eq!(
        tree,
        [
            "front SERVER GET /hello/{name} 200",
            "│ INFO asking back for a greeting name=ada",
            "front └─ CLIENT GET 200",
            "back └─ SERVER GET /greeting/{name} 200",
            "│ INFO greeting name=ada language=fr",
            "back └─ INTERNAL look_up_language",
        ]
    );

    // The page says the same.
    let url = chain.line(&["see it at"]).await.split_whitespace().last().unwrap().to_owned();
    let (status, page) = get(&url, &[]).await.unwrap();
    assert_eq!(status, 200);
    for text in [&trace_id, "GET /hello/{name}", "look_up_language", "asking back for a greeting"] {
        assert!(page.contains(text), "{text} is not on the page");
    }

    chain.terminate();
    assert!(chain.ended().await.success(), "{:#?}", chain.lines());
}

/// A line of the tree without times, durations and the width of its columns.
fn shape(line: &str) -> String {
    let is_time = |word: &str| word.len() == 12 && word.as_bytes()[2] == b':';
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_duration = |at: usize| {
        let unit = |word: &str| ["ns", "µs", "ms", "s"].contains(&word);
        let number = |word: &str| word.parse::<f64>().is_ok();
        (unit(words[at]) && at > 0 && number(words[at - 1]))
            || (at + 1 < words.len() && number(words[at]) && unit(words[at + 1]))
    };
    let kept = (0..words.len()).filter(|at| !is_time(words[*at]) && !is_duration(*at)).map(|at| words[at]);
    kept.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_same_services_send_to_the_endpoint_that_the_environment_names() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let chain = Process::example("chain", &["127.0.0.1:0"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let url = front(&chain).await;
    chain.line(&["stop with"]).await;

    let spans = receiver.spans();
    assert_eq!(spans.len(), 4, "one call, four spans");
    let find = |name: &str| {
        &spans.iter().find(|(_, span)| span.name == name).unwrap_or_else(|| panic!("no {name}")).1
    };
    let [server, client, behind, inner] =
        ["GET /hello/{name}", "GET", "GET /greeting/{name}", "look_up_language"].map(find);
    let trace_id = &server.trace_id;
    assert!(spans.iter().all(|(_, span)| &span.trace_id == trace_id), "one trace");
    assert_eq!(server.parent_span_id, b"", "nobody called before");
    assert_eq!(client.parent_span_id, server.span_id);
    assert_eq!(behind.parent_span_id, client.span_id);
    assert_eq!(inner.parent_span_id, behind.span_id);
    assert_eq!([server.kind, client.kind, behind.kind, inner.kind], [2, 3, 2, 1]); // H-001
    assert!(spans.iter().all(|(_, span)| span.status.as_ref().is_none_or(|status| status.code == 0))); // H-075
    // O-041: whether the parent is remote.
    assert_eq!(
        [server.flags, client.flags, behind.flags, inner.flags].map(|flags| flags & 0x300),
        [0x100, 0x100, 0x300, 0x100]
    );
    assert!(server.start_time_unix_nano <= client.start_time_unix_nano);
    assert!(client.end_time_unix_nano <= server.end_time_unix_nano);

    // The whole attribute sets (H-030…H-044, H-066); only the callers' ports are not known beforehand.
    let port = |url: &str| url.split(['/', ':']).nth(4).unwrap().to_owned();
    let front_port = port(&url);
    let back_url = attributes(&client.attributes)["url.full"].trim_matches('"').to_owned();
    let back_port = port(&back_url);
    let set = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    };
    let without_peer_port = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        let mut set = attributes(&span.attributes);
        assert!(set.remove("network.peer.port").is_some_and(|port| port.parse::<u16>().is_ok()));
        set
    };
    let served = |port: &str, path: &str, route: &str| {
        set(&[
            ("http.request.method", "\"GET\""),
            ("http.response.status_code", "200"),
            ("http.route", &format!("{route:?}")),
            ("url.path", &format!("{path:?}")),
            ("url.scheme", "\"http\""),
            ("server.address", "\"127.0.0.1\""),
            ("server.port", port),
            ("client.address", "\"127.0.0.1\""),
            ("network.peer.address", "\"127.0.0.1\""),
            ("network.protocol.version", "\"1.1\""),
        ])
    };
    assert_eq!(without_peer_port(server), served(&front_port, "/hello/ada", "/hello/{name}"));
    assert_eq!(without_peer_port(behind), served(&back_port, "/greeting/ada", "/greeting/{name}"));
    assert_eq!(
        attributes(&client.attributes),
        set(&[
            ("http.request.method", "\"GET\""),
            ("http.response.status_code", "200"),
            ("url.full", &format!("\"http://127.0.0.1:{back_port}/greeting/ada\"")),
            ("server.address", "\"127.0.0.1\""),
            ("server.port", &back_port),
            ("network.protocol.version", "\"1.1\""),
        ])
    );
    assert_eq!(attributes(&inner.attributes), set(&[("name", "\"ada\"")]));

    // The log records say what the lines say, with the same ids.
    let lines = chain.lines();
    let logs = receiver.logs();
    let mut told: Vec<_> = logs
        .iter()
        .map(|(resource, record)| (service(resource), hex(&record.trace_id), hex(&record.span_id)))
        .collect();
    told.sort();
    let expected = ["greeting", "asking back"].map(|words| {
        let line = lines.iter().find(|line| line.contains(&format!("chain: {words}"))).unwrap();
        let service = if words == "greeting" { "back" } else { "front" };
        (
            service.to_owned(),
            word_after(line, "trace_id=").to_owned(),
            word_after(line, "span_id=").to_owned(),
        )
    });
    assert_eq!(told, expected);
    assert_eq!(told[0].2, hex(&behind.span_id));
    assert_eq!(told[1].2, hex(&server.span_id));
}

async fn chain_into_a_receiver() -> (Receiver, Process) {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let chain = Process::example("chain", &["127.0.0.1:0"], &variables);
    (receiver, chain)
}

// P-001
#[tokio::test]
async fn the_trace_of_a_caller_goes_on_through_both_services() {
    let (receiver, chain) = chain_into_a_receiver().await;
    let url = front(&chain).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(get(&url, &[("traceparent", traceparent)]).await.unwrap(), (200, "bonjour, ada\n".into()));

    let spans = until("four spans of the caller's trace", || async {
        let spans = receiver.spans();
        let ours =
            spans.into_iter().filter(|(_, span)| hex(&span.trace_id) == "4bf92f3577b34da6a3ce929d0e0e4736");
        Some(ours.collect::<Vec<_>>()).filter(|spans| spans.len() == 4)
    })
    .await;
    let server = &spans.iter().find(|(_, span)| span.name == "GET /hello/{name}").unwrap().1;
    assert_eq!(hex(&server.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(server.flags & 0x300, 0x300, "a remote parent"); // O-041
}

// P-015, P-016: never an error to the caller
#[tokio::test]
async fn a_malformed_traceparent_restarts_the_trace() {
    let (receiver, chain) = chain_into_a_receiver().await;
    let url = front(&chain).await;
    let agent = [
        ("user-agent", "malformed"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01"),
    ];
    assert_eq!(get(&url, &agent).await.unwrap().0, 200);
    let server = until("the server span", || async {
        let spans = receiver.spans().into_iter().map(|(_, span)| span);
        spans.into_iter().find(|span| {
            attributes(&span.attributes)
                .get("user_agent.original")
                .is_some_and(|agent| agent == "\"malformed\"")
        })
    })
    .await;
    assert_eq!(server.parent_span_id, b"");
    assert_ne!(hex(&server.trace_id)[..31], *"4bf92f3577b34da6a3ce929d0e0e473");
}

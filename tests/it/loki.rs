//! Log records go to Loki by its push API: judged by a decoder of Python's, since there is no Loki on the machine.

use crate::support::{PATIENCE, child::Process, peer, until};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use prost::Message;
use serde_json::{Value, json};
use std::time::Duration;
use throughline::{
    collector::{
        Action, Collector, Config, Processor, Value as Given,
        filelog::{
            Options as FileLog, StartAt,
            entry::Field,
            operator::{Container, Operator, Parse, Task, TraceContext},
        },
        loki::{Encoding, Options},
    },
    sender::{Answer, Compression, Credentials, Destination, Protocol, Remote, Secret, Signal},
};

/// A Loki that gives these answers first.
struct Loki {
    process: Process,
    remote: Remote,
}

impl Loki {
    /// None without a Python.
    async fn start(test: &str, statuses: &[&str]) -> Option<Self> {
        let python = peer(test, "THROUGHLINE_TEST_PYTHON", "a Python with protobuf")?;
        let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/loki/judge.py");
        let process = Process::start(&python, &[&["-u", judge], statuses].concat(), &[]);
        let line = process.line(&["listening on"]).await;
        let url = format!("http://{}/loki/api/v1/push", line.split(' ').next_back().unwrap());
        let mut remote = Remote::new(Protocol::HttpProtobuf, url.parse().unwrap());
        remote.timeout = Duration::from_secs(30);
        Some(Loki { process, remote })
    }

    /// What it was told so far, each as it was heard.
    fn heard(&self) -> Vec<Value> {
        let lines = self.process.lines();
        let pushes = lines.iter().filter_map(|line| line.strip_prefix("push "));
        pushes.map(|push| serde_json::from_str(push).unwrap()).collect()
    }

    /// What it was told, as soon as there are so many.
    async fn hears(&self, count: usize) -> Vec<Value> {
        until("what Loki hears", || async { Some(self.heard()).filter(|heard| heard.len() >= count) }).await
    }
}

fn collector(destination: Destination, change: impl FnOnce(&mut Config)) -> Collector {
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, None, None, 0);
    config.destinations.add(Signal::Logs, destination);
    config.batch.delay = Duration::from_millis(5);
    change(&mut config);
    Collector::start(config).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let text = |text: &str| AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) };
    let pair = |(key, value): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    };
    pairs.iter().map(pair).collect()
}

/// A request of records, each at its second of 1970.
fn request(resource: &[(&str, &str)], records: &[(u64, &str)]) -> Bytes {
    let record = |(second, body): &(u64, &str)| LogRecord {
        time_unix_nano: second * 1_000_000_000 + 7,
        severity_number: 9,
        trace_id: vec![1; 16],
        body: pairs(&[("", body)]).remove(0).value,
        ..LogRecord::default()
    };
    let scope_logs =
        vec![ScopeLogs { log_records: records.iter().map(record).collect(), ..Default::default() }];
    let resource = Some(Resource { attributes: pairs(resource), ..Default::default() });
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..Default::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec().into()
}

/// Where it was sent, and what the headers say, without the streams.
fn envelope(push: &Value) -> Value {
    let mut push = push.clone();
    push.as_object_mut().unwrap().remove("streams");
    push
}

// B-054, B-055, B-056
#[tokio::test]
async fn another_decoder_reads_the_same_in_either_encoding() {
    let resource = [
        ("service.name", "auth"),
        ("k8s.pod.name", "auth \"7\"\n"),
        ("loki.resource.labels", "k8s.pod.name"),
        ("loki.format", "raw"),
    ];
    let long = "the same again and again, ".repeat(300);
    let body = request(&resource, &[(20, "second"), (10, "fürst"), (30, &long)]);
    let ids = json!({"trace_id": "01".repeat(16)});
    let expected = json!([{
        "stream": {"exporter": "OTLP", "job": "auth", "k8s_pod_name": "auth \"7\"\n", "level": "INFO"},
        "values": [["10000000007", "fürst", ids], ["20000000007", "second", ids], ["30000000007", long, ids]],
    }]);
    for (encoding, compression, kind, coding) in [
        (Encoding::Protobuf, Compression::Gzip, "application/x-protobuf", Value::Null),
        (Encoding::Json, Compression::Gzip, "application/json", "gzip".into()),
        (Encoding::Json, Compression::None, "application/json", Value::Null),
    ] {
        let Some(loki) = Loki::start("python reads what Loki gets", &[]).await else { return };
        let mut remote = loki.remote.clone();
        remote.compression = compression;
        remote.credentials = Some(Credentials::Basic { user: "me".into(), password: Secret::value("hush") });
        let mut options = Options::default();
        options.encoding = encoding;
        let collector = collector(options.destination(remote), |_| {});
        assert_eq!(collector.inlet().accept(Signal::Logs, body.clone()), Answer::TAKEN);
        let heard = loki.hears(1).await;
        assert_eq!(heard[0]["streams"], expected);
        assert_eq!(
            envelope(&heard[0]),
            json!({
                "path": "/loki/api/v1/push", "type": kind, "coding": coding, "tenant": null,
                "user": "Basic bWU6aHVzaA==", "status": 204,
            })
        );
        collector.stop(PATIENCE).await.unwrap();
        assert_eq!(loki.heard().len(), 1);
    }
}

#[tokio::test]
async fn what_loki_cannot_take_now_is_repeated_and_what_it_refuses_is_counted() {
    let Some(loki) = Loki::start("a Loki with faults", &["500", "429", "503", "204", "400"]).await else {
        return;
    };
    let collector = collector(Options::default().destination(loki.remote.clone()), |_| {});
    let inlet = collector.inlet();
    inlet.accept(Signal::Logs, request(&[("loki.format", "raw")], &[(1, "a"), (2, "b")]));
    until("delivered", || async { (collector.forwarded()[0].delivered == 2).then_some(()) }).await;
    inlet.accept(Signal::Logs, request(&[], &[(3, "c")]));
    until("refused", || async { (collector.forwarded()[0].rejected == 1).then_some(()) }).await;
    let statuses: Vec<Value> = loki.heard().iter().map(|push| push["status"].clone()).collect();
    assert_eq!(statuses, [500, 429, 503, 204, 400]);
    let heard = loki.heard();
    assert!(heard[..4].iter().all(|push| push["streams"] == heard[0]["streams"]));
    let counts = &collector.forwarded()[0];
    assert_eq!((counts.accepted, counts.delivered, counts.rejected, counts.dropped), (3, 2, 1, 0));
}

#[tokio::test]
async fn each_tenant_gets_its_own_and_a_failure_repeats_all() {
    let Some(loki) = Loki::start("tenants of Loki", &["204", "503"]).await else { return };
    let mut remote = loki.remote.clone();
    // Of what says nothing of its tenant.
    remote = remote.header("x-scope-orgid".parse().unwrap(), "all".parse().unwrap());
    let collector = collector(Options::default().destination(remote), |config| {
        config.batch.delay = Duration::from_secs(3600);
        config.batch.items = 4;
    });
    for tenant in ["b", "a", "not allowed"] {
        let resource = [("team", tenant), ("loki.tenant", "team")];
        collector.inlet().accept(Signal::Logs, request(&resource, &[(1, tenant)]));
    }
    collector.inlet().accept(Signal::Logs, request(&[], &[(1, "none")]));
    let heard = loki.hears(5).await;
    let told: Vec<_> = heard.iter().map(|push| (push["tenant"].as_str().unwrap(), &push["status"])).collect();
    let (taken, busy) = (&Value::from(204), &Value::from(503));
    assert_eq!(told, [("all", taken), ("a", busy), ("all", taken), ("a", taken), ("b", taken)]);
    until("counted", || async { (collector.forwarded()[0].delivered == 3).then_some(()) }).await;
    assert_eq!(collector.forwarded()[0].rejected, 1);
}

/// From the line of a container to a stream of Loki, as a team runs it.
#[tokio::test]
async fn lines_of_containers_become_streams_with_the_labels_of_their_pod() {
    let Some(loki) = Loki::start("from file to Loki", &[]).await else { return };
    let directory = std::env::temp_dir().join(format!("throughline-loki-{}", std::process::id()));
    let pod = directory.join("shop_auth-7d9_0b2f9a34-11c2-4e0e-9f0e-0242ac120002/auth");
    std::fs::create_dir_all(&pod).unwrap();
    let path = pod.join("3.log");
    let lines = "2024-01-02T03:04:05.6Z stdout P trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n\
                 2024-01-02T03:04:05.7Z stdout F  no entry\n";
    std::fs::write(&path, lines).unwrap();
    let collector = collector(Options::default().destination(loki.remote.clone()), |config| {
        config.file_logs.push(file_log(&path));
        config.processors.push(Processor::resource([
            Action::Insert("loki.format".into(), Given::Text("raw".into())),
            Action::Insert(
                "loki.resource.labels".into(),
                Given::Text("namespace, k8s.container.name".into()),
            ),
        ]));
    });
    let heard = loki.hears(1).await;
    assert_eq!(
        heard[0]["streams"],
        json!([{
            "stream": {"exporter": "OTLP", "namespace": "shop", "k8s_container_name": "auth"},
            "values": [[
                "1704164645700000000",
                "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 no entry",
                {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
            ]],
        }])
    );
    collector.stop(PATIENCE).await.unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

fn file_log(path: &std::path::Path) -> FileLog {
    let field = |text: &str| text.parse::<Field>().unwrap();
    let mut trace = TraceContext::default();
    (trace.trace_id, trace.span_id) = (field("attributes.trace_id"), field("attributes.span_id"));
    let mut parse = Parse::default();
    parse.trace = Some(trace);
    let mut options = FileLog::of([path.display().to_string()]);
    options.start_at = StartAt::Beginning;
    options.include_file_path = true;
    options.operators = vec![
        Operator::from(Task::Container(Container::default())),
        Task::Regex { regex: r"trace_id=(?P<trace_id>\w+)".into(), cache: 0, parse }.into(),
        Task::Move { from: field(r#"resource["k8s.namespace.name"]"#), to: field("resource.namespace") }
            .into(),
    ];
    options
}

use super::*;
use crate::support::{child::Process, until};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use throughline::collector::file;

/// The numbers of the spans in a file of OTLP in JSON, in the order of the file.
fn written(path: &std::path::Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap();
    let requests = text.lines().map(|line| serde_json::from_str::<TracesData>(line).unwrap());
    let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|of| of.scope_spans);
    let spans = scopes.flat_map(|of| of.spans);
    spans.map(|span| u64::from_be_bytes(span.span_id.try_into().unwrap()) - 1).collect()
}

#[tokio::test]
async fn a_file_gets_what_a_destination_gets_and_is_complete_at_the_stop() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    std::fs::create_dir_all(&directory.0).unwrap();
    let path = directory.0.join("spans.jsonl");
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        config.file = Some(file::Options::of(&path));
        // Only the stop makes a batch.
        config.batch.delay = Duration::from_secs(3600);
    });
    for number in 0..10 {
        let body = request(number * 10..(number + 1) * 10);
        assert_eq!(post(collector.http_address().unwrap(), body).await.0, 200);
    }
    let waiting: Vec<_> = collector.forwarded().iter().map(|one| (one.signal, counts(one))).collect();
    let (queued, empty) = ([100, 0, 0, 0, 100], [0; 5]);
    let expected = [("traces", queued), ("traces", queued), ("metrics", empty), ("logs", empty)];
    assert_eq!(waiting, expected);
    collector.stop(Duration::from_secs(60)).await.unwrap();
    assert_eq!(written(&path), Vec::from_iter(0..100));
    assert_eq!(taken(&receiver), Vec::from_iter(0..100));
}

#[tokio::test]
async fn a_destination_that_is_away_does_not_take_the_time_of_the_file() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(throughline::testing::Fault::Status(503));
    std::fs::create_dir_all(&directory.0).unwrap();
    let path = directory.0.join("spans.jsonl");
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        let mut options = file::Options::of(&path);
        options.flush_interval = Duration::from_secs(3600);
        config.file = Some(options);
    });
    assert_eq!(post(collector.http_address().unwrap(), request(0..10)).await.0, 200);
    let lost = collector.stop(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(lost.items(), 10);
    assert_eq!(written(&path), Vec::from_iter(0..10));
}

#[test]
fn a_file_that_cannot_be_written_is_no_start() {
    let directory = Directory::new();
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    config.file = Some(file::Options::of(directory.0.join("spans.jsonl")));
    let words = Collector::start(config).unwrap_err().to_string();
    assert!(
        words.starts_with("nothing can be written to the file \"") && words.contains("os error 2"),
        "{words}"
    );
}

// B-070, O-071
#[tokio::test]
async fn the_program_writes_to_its_stdout_and_a_file_what_it_takes_from_who_shows_the_token() {
    let directory = Directory::new();
    std::fs::create_dir_all(&directory.0).unwrap();
    let [path, token] = ["spans.jsonl", "token"].map(|name| directory.0.join(name).display().to_string());
    std::fs::write(&token, "hush\n").unwrap();
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let at =
        ["collect", "--grpc", "off", "--http", "127.0.0.1:0", "--view", "off", "--prometheus", "127.0.0.1:0"];
    let own = ["--debug=normal", "--file", &path, "--token", &token, "--user", &format!("me:{token}")];
    let mut process = Process::start(&program.display().to_string(), &[at.as_slice(), &own].concat(), &[]);
    process.line(&["writes everything to", &path]).await;
    let line = process.line(&["takes OTLP/HTTP at"]).await;
    let url = format!("http://{}/v1/traces", line.rsplit(' ').next().unwrap());
    for (authorization, status) in [("Bearer hush", 200), ("Basic bWU6aHVzaA==", 200), ("Bearer loud", 401)] {
        let headers = [("content-type", "application/x-protobuf"), ("authorization", authorization)];
        let (head, _) = crate::support::request("POST", url.clone(), &headers).into_parts();
        let body = http_body_util::Full::new(request(0..1));
        let response = crate::support::ask(http::Request::from_parts(head, body)).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{authorization}");
    }
    let line = process.line(&["shows measurements to Prometheus at"]).await;
    let page = crate::support::get(line.rsplit(' ').next().unwrap(), &[]).await.unwrap();
    assert_eq!(page, (200, String::new()));
    // Not only the stop writes.
    until("two spans are in the file", || async { (written_so_far(&path) == 2).then_some(()) }).await;
    process.terminate();
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    assert_eq!(written(path.as_ref()), [0, 0]);
    let span = "work 07070707070707070707070707070707 0000000000000001";
    assert_eq!(
        process.lines().iter().filter(|line| line.trim_end() == span).count(),
        2,
        "{:#?}",
        process.lines()
    );
}

/// How many spans are in a file that is being written.
fn written_so_far(path: &str) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.matches("\"spanId\"").count())
}

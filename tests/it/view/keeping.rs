//! What the view shows is on disk too, and outlives a process that is killed.

use super::terminal::throughline;
use crate::support::{ask, child::Process, gateway::Directory, get, until};
use http_body_util::Full;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Bytes of all that is on disk.
const BOUND: u64 = 400_000;

/// A collector that keeps, where it takes OTLP, and its view.
async fn start(directory: &Path) -> (Process, String, String) {
    let (directory, bound) = (directory.display().to_string(), BOUND.to_string());
    let any = "127.0.0.1:0";
    let process = throughline(
        &[
            "collect",
            "--keep",
            &directory,
            "--keep-bytes",
            &bound,
            "--grpc",
            "off",
            "--http",
            any,
            "--view",
            any,
        ],
        &[],
    );
    let last = |line: String| line.split(' ').next_back().unwrap().to_owned();
    let view = last(process.line(&["shows it at"]).await);
    let otlp = last(process.line(&["takes OTLP/HTTP at"]).await);
    (process, format!("http://{otlp}"), view)
}

async fn send(otlp: &str, number: u32, length: usize) {
    let record = json!({ "timeUnixNano": (1_000_000 + number).to_string(), "traceId": format!("{number:032x}"), "body": { "stringValue": "x".repeat(length) } });
    let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
    let builder = http::Request::post(format!("{otlp}/v1/logs")).header("content-type", "application/json");
    let answer = ask(builder.body(Full::from(request.to_string())).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// The numbers of the records that are shown.
async fn shown(view: &str) -> Vec<u32> {
    let (_, text) = get(&format!("{view}api/logs?limit=1000"), &[]).await.unwrap();
    let logs: Value = serde_json::from_str(&text).unwrap();
    let number = |log: &Value| u32::from_str_radix(log["trace_id"].as_str().unwrap(), 16).unwrap();
    let mut numbers: Vec<u32> = logs.as_array().unwrap().iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// The segments with their content, oldest first.
fn segments(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "segment")).collect();
    segments.sort();
    segments.into_iter().map(|path| (path.clone(), fs::read(path).unwrap_or_default())).collect()
}

async fn is_on_disk(directory: &Path, number: u32) {
    let id = u128::from(number).to_be_bytes();
    let has = |content: &[u8]| content.windows(id.len()).any(|window| window == id);
    until("the newest record on disk", || async {
        segments(directory).iter().any(|(_, content)| has(content)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_on_disk_outlives_a_kill_and_half_a_record_and_is_never_more_than_its_bound() {
    let place = Directory::new();
    let directory = place.path().join("kept");
    let (mut process, otlp, view) = start(&directory).await;
    for number in 1..=50 {
        send(&otlp, number, 10).await;
    }
    is_on_disk(&directory, 50).await;
    assert_eq!(shown(&view).await, (1..=50).collect::<Vec<_>>());
    process.signal("KILL");
    process.ended().await;
    // It was in the middle of a record.
    let (newest, mut content) = segments(&directory).pop().unwrap();
    content.extend([200, 0, 0, 0, 2, 1, 2, 3, 4, 5]);
    fs::write(newest, content).unwrap();

    let (mut process, otlp, view) = start(&directory).await;
    assert_eq!(shown(&view).await, (1..=50).collect::<Vec<_>>());
    for number in 51..=150 {
        send(&otlp, number, 10_000).await;
    }
    is_on_disk(&directory, 150).await;
    let bytes: u64 = segments(&directory).iter().map(|(_, content)| content.len() as u64).sum();
    assert!(bytes > BOUND / 2 && bytes <= BOUND, "{bytes}");
    process.signal("KILL");
    process.ended().await;

    let (process, _, view) = start(&directory).await;
    let left = shown(&view).await;
    assert!(left.len() > 15 && left[0] > 51, "{left:?}");
    assert_eq!(left, (left[0]..=150).collect::<Vec<_>>());
    process.terminate();
}

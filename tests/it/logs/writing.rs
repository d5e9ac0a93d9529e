//! Lines that nobody reads, lines judged by others, and filters that change.

use crate::support::{
    PATIENCE,
    child::Process,
    peer,
    receiver::{Decoded, Receiver, attributes, value},
    until,
};
use std::{
    fs::File,
    io::{Read, Seek},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};
use throughline::{
    Config, Telemetry,
    config::{Log, LogFormat},
    log::LogLayer,
};
use tracing_subscriber::prelude::*;

const NOTHING: [(&str, &str); 3] =
    [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];

/// Runs the example while nobody reads its stdout, or after its reader went away; what it says on stderr.
pub(crate) async fn unread(requests: &str, variables: &[(&str, &str)], gone: bool) -> String {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/logs");
    let (reader, stdout) = std::io::pipe().unwrap();
    // Gone before the first line.
    let reader = (!gone).then_some(reader);
    let mut child = Command::new(example)
        .arg(requests)
        .env_clear()
        .envs(NOTHING.iter().chain(variables).copied())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let (mut stderr, kept) = (child.stderr.take().unwrap(), said.clone());
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut bytes) {
            kept.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
    });
    let child = Mutex::new(Ended(child));
    let text = || String::from_utf8(said.lock().unwrap().clone()).unwrap();
    until("the end of the example", || async { child.lock().unwrap().0.try_wait().unwrap() }).await;
    drop(reader);
    until("its last words", || async { text().contains("shutdown: ").then(&text) }).await
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// recorded, delivered, failed, dropped, queued of the row for stdout.
fn counts(said: &str) -> [u64; 5] {
    let row = said
        .lines()
        .find(|line| line.contains("destination: \"stdout\""))
        .unwrap_or_else(|| panic!("{said}"));
    ["recorded", "delivered", "failed", "dropped", "queued"].map(|name| {
        let (_, rest) = row.split_once(&format!("{name}: ")).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn a_stdout_that_nobody_reads_holds_up_no_service_with_a_buffer_and_the_loss_is_counted() {
    // Far more than a pipe and the buffer hold.
    let said = unread("100", &[("THROUGHLINE_LOG_BUFFER", "8192")], false).await;
    let [recorded, delivered, failed, dropped, queued] = counts(&said);
    assert_eq!((recorded, failed), (100 * 10 + 2, 0), "{said}");
    assert!(delivered > 0 && dropped > 0 && queued > 0, "{said}");
    assert_eq!(recorded, delivered + dropped + queued);
    assert!(
        said.contains(&format!(
            "shutdown: Err(logs: {queued} lines not written to stdout: its reader does not read"
        )),
        "{said}"
    );
}

#[tokio::test]
async fn a_stdout_that_is_gone_costs_the_lines_and_nothing_else() {
    for variables in [&[][..], &[("THROUGHLINE_LOG_BUFFER", "1000000")]] {
        let said = unread("2", variables, true).await;
        assert_eq!(counts(&said), [2 * 10 + 2, 0, 2 * 10 + 2, 0, 0], "{said}");
        assert!(said.contains("shutdown: Ok"), "{said}");
    }
}

#[tokio::test]
async fn with_a_buffer_everything_is_written_before_the_end() {
    let mut job = Process::example(
        "logs",
        &["20"],
        &[&NOTHING[..], &[("THROUGHLINE_LOG_BUFFER", "10000000")]].concat(),
    );
    assert!(job.ended().await.success());
    let said = job.line(&["destination: \"stdout\""]).await;
    assert_eq!(counts(&said), [20 * 10 + 2, 20 * 10 + 2, 0, 0, 0]);
    until("all lines", || async {
        (job.lines().iter().filter(|line| line.contains("Z  INFO ")).count() == 20 * 10 + 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn filters_change_while_the_program_runs_and_do_not_touch_each_other() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("RUST_LOG", "warn")];
    let telemetry = Telemetry::build(Config::from_vars(variables)).unwrap();
    let (handle, subscriber) = (telemetry.handle(), tracing_subscriber::registry().with(telemetry.layers()));
    let work = |text: &'static str| {
        let _work = tracing::debug_span!("work", text).entered();
        tracing::debug!("{text}");
        tracing::info!("{text}");
        tracing::warn!("{text}");
    };
    tracing::subscriber::with_default(subscriber, || {
        work("a");
        handle.filter_logs("it=debug").unwrap();
        work("b");
        handle.filter_spans("debug").unwrap();
        work("c");
        let error = handle.filter_logs("it=loud").unwrap_err();
        assert!(error.is_configuration(), "{error}");
        assert!(error.to_string().starts_with("\"it=loud\" is not a filter ("), "{error}");
        work("d");
        handle.filter_logs("off").unwrap();
        work("e");
        handle.filter_logs("").unwrap();
        tracing::error!("errors only");
        handle.filter_logs("warn").unwrap();
        handle.filter_spans("off").unwrap();
        work("f");
    });
    telemetry.shutdown(PATIENCE).await.unwrap();
    let mut told: Vec<_> = receiver
        .logs()
        .iter()
        .map(|(_, record)| {
            let span = if record.span_id.is_empty() { "" } else { " in a span" };
            format!("{} {}{span}", value(record.body.as_ref()).trim_matches('"'), record.severity_text)
        })
        .collect();
    told.sort();
    let expected = [
        "a WARN",
        "b DEBUG",
        "b INFO",
        "b WARN",
        "c DEBUG in a span",
        "c INFO in a span",
        "c WARN in a span",
        "d DEBUG in a span",
        "d INFO in a span",
        "d WARN in a span",
        "errors only ERROR",
        "f WARN",
    ];
    assert_eq!(told, expected);
    let mut spans: Vec<_> =
        receiver.spans().iter().map(|(_, span)| attributes(&span.attributes)["text"].clone()).collect();
    spans.sort();
    assert_eq!(spans, ["\"c\"", "\"d\"", "\"e\""]);
}

/// Fails unless each line on its stdin is one JSON object without a name that comes twice and without constants
/// that are not JSON; prints how many there were.
const JUDGE: &str = "
import json, sys
def pairs(members):
    assert len(dict(members)) == len(members), members
    return dict(members)
def constant(word):
    raise ValueError(word)
lines = sys.stdin.buffer.read().split(b'\\n')
assert lines.pop() == b''
for line in lines:
    assert isinstance(json.loads(line, object_pairs_hook=pairs, parse_constant=constant), dict), line
print(len(lines))
";

#[test]
fn python_reads_every_json_line() {
    let Some(python) = peer("python reads JSON lines", "THROUGHLINE_TEST_PYTHON", "any Python 3") else {
        return;
    };
    let file = Arc::new(tempfile());
    for flat in [false, true] {
        let mut log = Log::new(LogFormat::Json);
        log.flat = flat;
        let layer = LogLayer::new(&log).with_writer(file.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _span =
                tracing::info_span!("sp\"an", message = "of the span", trace_id = "mine", a = 0).entered();
            tracing::info!(
                trace_id = "mine",
                severity = 1,
                nan = f64::NAN,
                less = f64::NEG_INFINITY,
                "one\ntwo"
            );
            tracing::info!(a = 1, message = "late", huge = i128::MIN, b = ?"\u{1b}[2J\u{2028}\u{202e}");
            tracing::info!({ "a \"name\" = \n" = 1, "fields" = 2, "a" = 3 }, "named");
            tracing::info!(large = "x".repeat(1 << 20), "large");
            tracing::info!(ratio = f64::MIN_POSITIVE, whole = 1e300, third = 1.0 / 3.0);
        });
    }
    let mut file = Arc::into_inner(file).unwrap();
    file.rewind().unwrap();
    let output = Command::new(python).args(["-c", JUDGE]).stdin(file).output().unwrap();
    assert_eq!(
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()),
        ("10\n".into(), String::new())
    );
}

/// A file that has no name any more.
fn tempfile() -> File {
    let path = std::env::temp_dir().join(format!("throughline-{}-lines", std::process::id()));
    let file = File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

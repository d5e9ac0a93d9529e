//! `throughline view`: files in a browser, and one trace on a terminal.

use super::{
    pages::start,
    sample::{ORDER, sample},
};
use crate::support::{child::Process, gateway::Directory, get};
use throughline_collector::Token;

pub(super) fn throughline(arguments: &[&str], variables: &[(&str, &str)]) -> Process {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    Process::start(&program.display().to_string(), arguments, variables)
}

/// What a program wrote until it ended, and whether it ended well.
pub(super) async fn ended(mut process: Process) -> (bool, String) {
    let status = process.ended().await;
    (status.success(), process.lines().join("\n"))
}

const TREE: [&str; 8] = [
    "trace 0af7651916cd43dd8448eb211c80319c · 60.0 ms · 4 spans · 2 services · 2 errors",
    "",
    "front  SERVER POST /orders               60.0 ms  201  ERROR card refused",
    "       │ 20:26:05.005 INFO  an order came user.id=0 queue=orders",
    "       │ 20:26:05.005 ERROR card refused user.id=0 queue=orders",
    "front  └─ CLIENT POST                    56.0 ms",
    "back      └─ SERVER POST /charge/{card}  52.0 ms  ERROR card refused",
    "back         └─ CLIENT INSERT charges    20.0 ms",
];

#[tokio::test]
async fn a_trace_of_a_file_is_printed_as_a_tree_without_colours_where_nobody_looks() {
    let directory = Directory::new();
    let file = directory.write("sample.jsonl", sample()).display().to_string();
    let (is_fine, printed) =
        ended(throughline(&["view", "--trace", &ORDER.to_uppercase(), &file], &[])).await;
    assert!(is_fine && printed == TREE.join("\n"), "{printed}");
}

#[tokio::test]
async fn a_trace_of_a_collector_that_runs_is_printed_the_same() {
    let collector = start(|_| ());
    collector.import(sample().as_bytes());
    let url = collector.view_url().unwrap();
    let (is_fine, printed) = ended(throughline(&["view", "--trace", ORDER, "--url", &url], &[])).await;
    assert!(is_fine && printed == TREE.join("\n"), "{printed}");
    let address = collector.view_address().unwrap().to_string();
    let variables = [("THROUGHLINE_COLLECTOR_VIEW", address.as_str())];
    let (is_fine, printed) = ended(throughline(&["view", "--trace", ORDER], &variables)).await;
    assert!(is_fine && printed == TREE.join("\n"), "{printed}");
    // Where other machines look, the printed address has the token.
    let locked = start(|config| config.view_token = Some(Token::random().unwrap()));
    locked.import(sample().as_bytes());
    let whole = locked.view_url().unwrap();
    let (is_fine, printed) = ended(throughline(&["view", "--trace", ORDER, "--url", &whole], &[])).await;
    assert!(is_fine && printed == TREE.join("\n"), "{printed}");
    let bare = whole.split('?').next().unwrap();
    let (is_fine, printed) = ended(throughline(&["view", "--trace", ORDER, "--url", bare], &[])).await;
    assert!(!is_fine && printed.ends_with("it says HTTP/1.1 401 Unauthorized"), "{printed}");
    let other = "9".repeat(32);
    let (is_fine, printed) = ended(throughline(&["view", "--trace", &other, "--url", &url], &[])).await;
    assert!(
        !is_fine && printed == format!("the collector at {address} has nothing of trace {other}"),
        "{printed}"
    );
}

#[tokio::test]
async fn files_are_shown_until_somebody_stops_it() {
    let directory = Directory::new();
    let file = directory.write("sample.jsonl", format!("a line of something else\n{}", sample()));
    let taken = start(|_| ());
    // The port of the environment is taken: any other one is as good.
    let address = taken.view_address().unwrap().to_string();
    let variables = [("THROUGHLINE_COLLECTOR_VIEW", address.as_str())];
    let mut process = throughline(&["view", &file.display().to_string()], &variables);
    let line = process.line(&["shows it at http://127.0.0.1:"]).await;
    let url = line.split(' ').next_back().unwrap();
    let (status, trace) = get(&format!("{url}api/traces/{ORDER}"), &[]).await.unwrap();
    assert!(status == 200 && trace.contains("card refused"), "{trace}");
    assert!(process.line(&["passed over what is no telemetry: 1"]).await.contains("sample.jsonl"));
    process.terminate();
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn what_cannot_be_shown_is_said_in_one_line() {
    let directory = Directory::new();
    let none = directory.write("notes.txt", "nothing\n").display().to_string();
    let torn =
        directory.write("torn.jsonl", "{\"resourceSpans\":[{\"scopeSpans\":7}]}\n").display().to_string();
    let missing = directory.path().join("missing").display().to_string();
    for (arguments, expected) in [
        (vec!["view", &none], format!("{none}: there is no telemetry in it; it should be OTLP in JSON")),
        (vec!["view", &missing], format!("{missing}: No such file or directory (os error 2)")),
        (vec!["view", "--trace", "5", &none], "a trace id has 32 hexadecimal digits".to_owned()),
        (
            vec!["view", "--trace", ORDER, "--url", "ftp://x"],
            "ftp://x: is not the address of a view; use http://127.0.0.1:4319".to_owned(),
        ),
        (
            vec!["view", "--trace", ORDER, "--url", "http://127.0.0.1:9"],
            "no view answers at 127.0.0.1:9: Connection refused (os error 111)".to_owned(),
        ),
        (vec!["view", &torn], format!("{torn}: 1 of its requests cannot be shown: not traces in JSON: ")),
        (vec!["view"], "required arguments were not provided".to_owned()),
    ] {
        let mut arguments = arguments;
        if arguments.len() == 2 {
            arguments.extend(["--address", "127.0.0.1:0"]);
        }
        let (is_fine, printed) = ended(throughline(&arguments, &[])).await;
        assert!(!is_fine && printed.contains(&expected), "{arguments:?}: {printed}");
    }
}

//! What goes wrong on a collector's own thread is heard by the program, though `tracing` is turned off there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "support/told.rs"]
mod told;
#[path = "support/until.rs"]
mod until;

use std::{fs, time::Duration};
use throughline_collector::{Collector, Config, Destination};
use throughline_sender::{Answer, Credentials, Protocol, Remote, Secret, Signal};
use tracing::Level;

/// A span of a trace.
fn request() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8][..], content].concat();
    field(1, &field(2, &field(2, &[field(1, &[7; 16]), field(2, &[7; 8])].concat())))
}

/// Level, target and words of the first that was told with these words in it.
fn told(words: &str) -> (Level, String, String) {
    let first = || told::told(words).into_iter().next();
    until::until(first, || format!("{words:?} is not in {:?}", told::told("")))
}

#[test]
fn a_destination_that_fails_and_a_secret_that_is_gone_are_told_to_the_program() {
    told::watch();
    let path = std::env::temp_dir().join(format!("throughline-saying-{}", std::process::id()));
    fs::write(&path, "first").unwrap();
    // Nobody listens there: no system gives this port away, and what it was for is forgotten.
    let url = "http://127.0.0.1:1/v1/traces";
    let mut remote = Remote::new(Protocol::HttpProtobuf, url.parse().unwrap());
    remote.credentials = Some(Credentials::Bearer(Secret::file(&path)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    config.batch.delay = Duration::from_millis(1);
    config.destinations.add(Signal::Traces, Destination::Remote(remote));
    let collector = Collector::start(config).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(collector.inlet().accept(Signal::Traces, request().into()), Answer::TAKEN);

    let (level, target, words) = told("what was read before stays in use");
    assert_eq!((level, target.as_str()), (Level::WARN, "throughline"));
    assert!(words.starts_with(&format!("{url}: {}: ", path.display())), "{words}");
    let (level, target, words) = told("cannot reach");
    assert_eq!((level, target.as_str()), (Level::WARN, "throughline::destination"));
    assert!(words.starts_with(&format!("traces: cannot reach {url}: ")), "{words}");
}

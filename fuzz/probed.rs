//! What must hold of the answer to a request, whoever gave it.

use std::{net::SocketAddr, time::Duration};
use throughline_sender::{Answer, Compression, Protocol, Remote, Signal, probe};

/// What no answer may bring back.
const SECRET: &str = "canary-0123";
/// More would be no line of a log.
const MOST_CHARS: usize = 1000;

/// Sends one request without content, and looks at the words that come of its answer.
pub(crate) async fn ask(signal: Signal, protocol: Protocol, address: SocketAddr) {
    let mut remote = Remote::new(protocol, format!("http://{address}/v1/traces").parse().unwrap());
    remote.headers.insert("x-key", SECRET.parse().unwrap());
    (remote.timeout, remote.compression) = (Duration::from_secs(5), Compression::None);
    let words = match probe(signal, &remote).await.unwrap().answer {
        Answer::Taken { message, .. } => message,
        Answer::Refused { cause } | Answer::Malformed { cause } | Answer::TooLarge { cause } => cause,
        Answer::Busy { cause, .. } | Answer::Unanswered { cause, .. } => cause,
    };
    assert!(!words.chars().any(char::is_control), "{words:?}");
    assert!(words.chars().count() <= MOST_CHARS && !words.contains(SECRET), "{words:?}");
}

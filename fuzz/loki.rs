//! Throws requests at the dialect of Loki: what it says is JSON, in the order of its times, and the same in protobuf. How: see
//! variables.rs.

#![no_main]

use serde_json::Value;
use throughline_collector::loki::{Encoding, Options};
use throughline_sender::{Destination, Protocol, Remote, Signal, Spoken};

fn spoken(encoding: Encoding, data: &[u8]) -> Option<Spoken> {
    let mut options = Options::default();
    options.encoding = encoding;
    let remote = Remote::new(Protocol::HttpProtobuf, "http://localhost/".parse().unwrap());
    let Destination::Remote(remote) = options.destination(remote) else { return None };
    remote.dialect.unwrap().speak(Signal::Logs, data).ok()
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (json, protobuf) = (spoken(Encoding::Json, data), spoken(Encoding::Protobuf, data));
    assert_eq!(json.is_some(), protobuf.is_some());
    let (Some(json), Some(protobuf)) = (json, protobuf) else { return };
    assert_eq!((json.messages.len(), json.rejected), (protobuf.messages.len(), protobuf.rejected));
    for message in json.messages {
        let push: Value = serde_json::from_slice(&message.body).unwrap();
        for stream in push["streams"].as_array().unwrap() {
            assert!(!stream["stream"].as_object().unwrap().is_empty());
            let time = |value: &Value| value[0].as_str().unwrap().parse::<u64>().unwrap();
            let times: Vec<u64> = stream["values"].as_array().unwrap().iter().map(time).collect();
            assert!(!times.is_empty() && times.is_sorted());
        }
    }
});

//! Streams as requests of the push API (B-054).

use super::{Encoding, labels::Labels};
use prost::Message as _;
use serde::{Serialize, Serializer, ser::SerializeTuple};
use std::collections::BTreeMap;
use throughline_sender::Message;

/// One line of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) line: String,
    pub(super) metadata: Vec<(&'static str, String)>,
}

/// Lines by tenant and stream.
#[derive(Default)]
pub(super) struct Streams(BTreeMap<String, BTreeMap<Labels, Vec<Entry>>>);

impl Streams {
    /// Adds a line; without a tenant the name is empty.
    pub(super) fn add(&mut self, tenant: String, labels: Labels, entry: Entry) {
        self.0.entry(tenant).or_default().entry(labels).or_default().push(entry);
    }

    pub(super) fn tenants(&self) -> usize {
        self.0.len()
    }

    /// One request for each tenant.
    pub(super) fn messages(self, encoding: Encoding) -> Result<Vec<Message>, String> {
        let messages = self.0.into_iter().map(|(tenant, mut streams)| {
            // Those of the same time stay in the order in which they came.
            streams.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.time));
            let mut message = match encoding {
                Encoding::Protobuf => protobuf(streams)?,
                Encoding::Json => json(streams)?,
            };
            if !tenant.is_empty() {
                let tenant = tenant.parse().map_err(|_| "the tenant is no header".to_owned())?;
                message.headers.insert("x-scope-orgid", tenant);
            }
            Ok(message)
        });
        messages.collect()
    }
}

fn protobuf(streams: BTreeMap<Labels, Vec<Entry>>) -> Result<Message, String> {
    let streams = streams.into_iter().map(|(labels, entries)| Stream {
        labels: labels.to_string(),
        entries: entries.into_iter().map(Line::from).collect(),
    });
    let body = PushRequest { streams: streams.collect() }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&body).map_err(|fault| fault.to_string())?;
    // The push API takes it as snappy without being told, and a gateway that is told might not know it.
    Ok(Message { is_compressed: true, ..Message::new("application/x-protobuf", body) })
}

fn json(streams: BTreeMap<Labels, Vec<Entry>>) -> Result<Message, String> {
    #[derive(Serialize)]
    struct Push<'a> {
        streams: Vec<OneStream<'a>>,
    }
    #[derive(Serialize)]
    struct OneStream<'a> {
        stream: &'a BTreeMap<String, String>,
        values: &'a [Entry],
    }
    let streams = streams.iter().map(|(labels, values)| OneStream { stream: &labels.0, values });
    let body = serde_json::to_vec(&Push { streams: streams.collect() }).map_err(|fault| fault.to_string())?;
    Ok(Message::new("application/json", body))
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let has_metadata = !self.metadata.is_empty();
        let mut tuple = serializer.serialize_tuple(2 + usize::from(has_metadata))?;
        tuple.serialize_element(&self.time.to_string())?;
        tuple.serialize_element(&self.line)?;
        if has_metadata {
            let metadata: BTreeMap<&str, &String> =
                self.metadata.iter().map(|(name, value)| (*name, value)).collect();
            tuple.serialize_element(&metadata)?;
        }
        tuple.end()
    }
}

/// `logproto.PushRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

/// `logproto.StreamAdapter`.
#[derive(Clone, PartialEq, prost::Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Line>,
}

/// `logproto.EntryAdapter`.
#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(message, optional, tag = "1")]
    time: Option<Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Pair>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, prost::Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanoseconds: i32,
}

/// `logproto.LabelPairAdapter`.
#[derive(Clone, PartialEq, prost::Message)]
struct Pair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        let pair = |(name, value): (&str, String)| Pair { name: name.to_owned(), value };
        let time = Timestamp {
            seconds: (entry.time / 1_000_000_000) as i64,
            nanoseconds: (entry.time % 1_000_000_000) as i32,
        };
        let metadata = entry.metadata.into_iter().map(pair).collect();
        Line { time: Some(time), line: entry.line, metadata }
    }
}

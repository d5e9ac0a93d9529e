//! What does not take OTLP is spoken to in other words, with the same care.

use crate::support::*;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message as _;
use throughline_sender::{
    Compression, Destination, Dialect, Limits, Message, Request, Sender, Signal, Speak, Spoken, Unspeakable,
};

/// Says each name of a span for itself. None is longer than four bytes, and there are no more than two at once.
struct Names;

impl Speak for Names {
    fn speak(&self, _: Signal, request: &[u8]) -> Result<Spoken, Unspeakable> {
        let refused = |_| Unspeakable::Refused("it is no request".to_owned());
        let request = ExportTraceServiceRequest::decode(request).map_err(refused)?;
        let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        let names: Vec<String> = scopes.flat_map(|of| of.spans).map(|span| span.name).collect();
        if names.len() > 2 {
            return Err(Unspeakable::TooLarge("more than two names".to_owned()));
        }
        let (said, unsaid): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.len() <= 4);
        let message = |name| Message { is_compressed: true, ..Message::new("text/plain", name) };
        let (messages, rejected) = (said.into_iter().map(message).collect(), unsaid.len() as u64);
        Ok(Spoken { messages, rejected, reason: "long names".to_owned() })
    }
}

fn request(names: &[&str]) -> Request {
    let span = |name: &&str| Span { name: (*name).to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec().into();
    Request { items: names.len() as u64, body }
}

fn speaking(receiver: &Receiver) -> Sender {
    let mut remote = remote(receiver.address);
    remote.dialect = Some(Dialect::new(Names));
    // Nothing of it: the messages say that they are compressed.
    remote.compression = Compression::Gzip;
    Sender::start(Signal::Traces, Destination::Remote(remote), Limits::default()).unwrap()
}

#[tokio::test]
async fn messages_are_posted_one_after_the_other_and_all_again_if_one_fails() {
    let receiver = Receiver::start().await;
    let mut answers = [200, 500, 200, 503, 200, 200].into_iter();
    receiver.mood(move |_| Reply::Status(answers.next().unwrap_or(200)));
    let sender = speaking(&receiver);
    sender.send(request(&["one", "two"]));
    until("delivered", || sender.stats().delivered == 2).await;
    assert_eq!(receiver.taken(), ["one", "one", "one", "two"]);
    assert_eq!((receiver.requests(), counts(&sender.stats())), (6, [2, 2, 0, 0, 0, 0]));
}

#[tokio::test]
async fn what_takes_too_many_words_is_divided_and_what_has_none_is_counted() {
    let receiver = Receiver::start().await;
    let sender = speaking(&receiver);
    sender.send(request(&["a", "b", "c", "d", "too long"]));
    until("settled", || sender.stats().queued == 0).await;
    assert_eq!(receiver.taken(), ["a", "b", "c", "d"]);
    assert_eq!(counts(&sender.stats()), [5, 4, 1, 0, 0, 0]);
    sender.send(span("no request"));
    let failure = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(failure.contains("it is no request"), "{failure}");
}

#[tokio::test]
async fn what_is_refused_stays_refused_and_says_so() {
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(404));
    let sender = speaking(&receiver);
    sender.send(request(&["a", "b"]));
    let failure = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(failure.ends_with("answered 404 Not Found; check the path of this destination"), "{failure}");
    assert_eq!((receiver.requests(), counts(&sender.stats())), (1, [2, 0, 2, 0, 0, 0]));
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn other_words_do_not_go_over_grpc() {
    let mut remote = remote(nobody());
    (remote.protocol, remote.dialect) = (throughline_sender::Protocol::Grpc, Some(Dialect::new(Names)));
    let fault = Sender::start(Signal::Traces, Destination::Remote(remote), Limits::default());
    assert!(fault.err().unwrap().to_string().ends_with("what takes no OTLP is not spoken to over grpc"));
}

//! What a receiver does instead of answering as it should.

use std::time::Duration;

/// What a [`Receiver`](super::Receiver) does with a request instead of taking it and saying so.
///
/// "Takes" means that the content counts as delivered here, whatever the other side is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Takes nothing and answers with this HTTP status, over gRPC too: so a gateway does that knows no gRPC.
    Status(u16),
    /// As `Status`, with a `Retry-After`.
    Later(u16, RetryAfter),
    /// Takes nothing and answers with this gRPC code; over HTTP with the status that it corresponds to.
    Code(u32),
    /// As `Code`, with a `RetryInfo` of this delay; over HTTP with a `Retry-After` in whole seconds.
    CodeLater(u32, Duration),
    /// Reads the request and does not answer, until [`Receiver::release`](super::Receiver::release): then takes it.
    Hang,
    /// Closes the connection, and reads no content.
    CloseUnread,
    /// Takes the content, begins to answer with success, and closes the connection in the middle.
    TornAnswer,
    /// Takes the content and closes the connection without an answer.
    LostAnswer,
    /// Takes the content and answers with success, and a body that is none.
    Garbage,
    /// Answers 200 with a web page; over HTTP that is a success, and the content is taken.
    WrongType,
    /// Answers 200 with nothing; over HTTP that is a success, and the content is taken.
    Empty,
    /// Answers 204; over HTTP that is a success, and the content is taken.
    NoContent,
    /// Takes all but this many items, the first ones, and says so; of zero the message is a warning.
    Partial {
        /// Spans, data points or log records that are not taken.
        rejected: u64,
        /// Why.
        message: String,
    },
    /// Takes the content and answers with success in 16 pieces, with this pause before each.
    Slow(Duration),
    /// Takes the content and answers with success in this many bytes.
    Oversized(usize),
    /// Answers exactly this; with a success over HTTP, and the content is taken.
    Verbatim {
        /// The HTTP status.
        status: u16,
        /// All the headers.
        headers: Vec<(String, String)>,
        /// The body as it is.
        body: Vec<u8>,
    },
}

/// The two forms of `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// The date that is so far ahead when it is answered; a date has whole seconds.
    Date(Duration),
}

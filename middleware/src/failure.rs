//! What `error.type` a failure is: the kind of a failed connection, else the path of the error's type, or
//! `_OTHER` if that is a box.

use std::{
    any::{self, Any},
    error::Error,
    fmt::{self, Write},
    io,
};

use crate::attributes::{self, bounded};

type Shared = Box<dyn Error + Send + Sync>;

/// Most causes of an error that are looked at.
const MOST_CAUSES: usize = 16;
/// What errors say that are of crates on which this one does not depend: the timeouts of tower, tokio and tonic,
/// the client of hyper-util that got no connection, the connection of hyper that lost the server.
const KNOWN_WORDS: [(&str, &str); 5] = [
    ("request timed out", attributes::TIMEOUT),
    ("deadline has elapsed", attributes::TIMEOUT),
    ("Timeout expired", attributes::TIMEOUT),
    ("client error (Connect)", attributes::CONNECT),
    ("connection closed before message completed", attributes::RESET),
];

/// A failure, by name and in its own words.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `error.type`: of few values, never a message.
    pub(crate) error_type: &'static str,
    /// `exception.type`: the path of the error's type.
    pub(crate) exception_type: &'static str,
    /// `exception.message`, with its causes, as far as the error can be seen through.
    pub(crate) message: Option<String>,
}

impl Failure {
    /// Reads an error that a service or a body answered with.
    ///
    /// Looks for an `std::io::Error` or a known timeout in the chain of sources as far as the type can be seen
    /// through: an `io::Error`, the boxes of errors that tower and hyper hand out, axum's error.
    pub(crate) fn of<E: 'static>(error: &E) -> Self {
        let exception_type = any::type_name::<E>();
        let is_boxed = is_boxed(error);
        let error = as_error(error);
        // The type of a box says nothing of what is in it.
        let fallback = if is_boxed { attributes::OTHER } else { exception_type };
        Self {
            error_type: error.and_then(kind).unwrap_or(fallback),
            exception_type,
            message: error.map(|error| bounded(&message(error)).to_owned()),
        }
    }

    /// Reads what a panic was started with.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self {
            error_type: attributes::PANIC,
            exception_type: attributes::PANIC,
            message: text.map(|text| bounded(text).to_owned()),
        }
    }
}

/// Tells whether an error is a box, whose type says nothing of what is in it.
fn is_boxed(error: &dyn Any) -> bool {
    error.is::<Shared>() || error.is::<Box<dyn Error>>()
}

/// Sees through the types that hold an error. A bound on `E` would shut out the boxes, which are no errors
/// themselves.
fn as_error(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<Shared>() {
        return Some(error.as_ref());
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error>>() {
        return Some(error.as_ref());
    }
    #[cfg(feature = "axum")]
    if let Some(error) = error.downcast_ref::<axum::Error>() {
        return Some(error);
    }
    Some(error.downcast_ref::<io::Error>()?)
}

/// Walks from an error to what caused it, and so on.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // The source of an I/O error is that of the error in it, which would be skipped.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
    })
    .take(MOST_CAUSES)
}

/// Finds the kind of a failure, if its causes are of one. A connection that broke before it was open is one that
/// failed to open.
pub(crate) fn kind(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let is_among_causes = |kind: &&str| chain(error).any(|error| kind_of(error) == Some(*kind));
    [attributes::TIMEOUT, attributes::CONNECT, attributes::RESET].into_iter().find(is_among_causes)
}

fn kind_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    match error.downcast_ref::<io::Error>().and_then(|error| io_kind(error.kind())) {
        Some(kind) => Some(kind),
        None => KNOWN_WORDS.into_iter().find(|(words, _)| says(error, words)).map(|(_, kind)| kind),
    }
}

/// Returns what an error says, and what its causes say that it does not say itself: clients keep the reason there.
pub(crate) fn message(error: &(dyn Error + 'static)) -> String {
    chain(error).skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { [text, cause].join(": ") }
    })
}

/// Tells whether an error's message is this text.
fn says(error: &dyn Error, text: &str) -> bool {
    /// What of the text is still to come.
    struct Rest<'a>(&'a str);

    impl Write for Rest<'_> {
        fn write_str(&mut self, said: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(said).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let mut rest = Rest(text);
    write!(rest, "{error}").is_ok() && rest.0.is_empty()
}

fn io_kind(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind;
    match kind {
        ErrorKind::TimedOut => Some(attributes::TIMEOUT),
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Some(attributes::CONNECT),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(attributes::RESET)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that says something, with a cause.
    #[derive(Debug)]
    struct Says(&'static str, Option<Shared>);

    impl fmt::Display for Says {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            let (begins, ends) = self.0.split_at(self.0.len() / 2);
            write!(formatter, "{begins}{ends}")
        }
    }

    impl Error for Says {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_ref().map(|cause| cause.as_ref() as _)
        }
    }

    fn boxed(text: &'static str, cause: Option<Shared>) -> Shared {
        Box::new(Says(text, cause))
    }

    #[test]
    fn known_words_are_a_kind_and_any_others_in_a_box_are_other() {
        // H-079
        for (words, expected) in [
            ("request timed out", "timeout"),
            ("client error (Connect)", "connect"),
            ("client error (Connect) ", "_OTHER"),
            ("client error (SendRequest)", "_OTHER"),
            ("request timed ou", "_OTHER"),
            ("", "_OTHER"),
        ] {
            assert_eq!(Failure::of(&boxed(words, None)).error_type, expected, "{words:?}");
            let wrapped = boxed("outer", Some(boxed(words, None)));
            assert_eq!(Failure::of(&wrapped).error_type, expected, "{words:?}");
        }
        assert_eq!(Failure::of(&Says("request timed out", None)).error_type, any::type_name::<Says>());
    }

    #[test]
    fn a_connection_that_never_was_cannot_break() {
        // H-079
        for (kind, expected) in [
            (io::ErrorKind::ConnectionReset, "connect"),
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::InvalidData, "connect"),
        ] {
            let cause = Box::new(io::Error::from(kind));
            assert_eq!(Failure::of(&boxed("client error (Connect)", Some(cause))).error_type, expected);
        }
    }

    #[test]
    fn a_message_has_its_causes_once_and_is_bounded() {
        // H-091
        let refused = || Box::new(io::Error::other("refused"));
        for (error, expected) in [
            (boxed("outer", None), "outer"),
            (boxed("outer", Some(refused())), "outer: refused"),
            (boxed("outer: refused", Some(refused())), "outer: refused"),
            (boxed("outer", Some(boxed("inner", Some(refused())))), "outer: inner: refused"),
        ] {
            assert_eq!(Failure::of(&error).message.as_deref(), Some(expected));
        }
        let mut deep = boxed("a", None);
        for _ in 0..100 {
            deep = boxed(["b", "c"][usize::from(deep.to_string() == "b")], Some(deep));
        }
        assert_eq!(Failure::of(&deep).message.as_deref(), Some("c: b"));
        let long: Shared = "x".repeat(10_000).into();
        assert_eq!(Failure::of(&long).message.map(|text| text.len()), Some(attributes::VALUE_LIMIT_BYTES));
    }
}

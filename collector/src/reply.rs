//! The body of an answer: bytes and the trailers of gRPC, or bytes as they come.
//!
//! What is there is handed over in pieces, so that it is there as long as the client has not taken nearly all of it: whoever
//! waits for its end learns of a client that does not read.

use crate::patience::Answering;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How much is handed over at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// Data in pieces, then what comes, then at most one block of trailers.
#[derive(Default)]
pub(crate) struct Reply {
    data: Bytes,
    coming: Option<mpsc::Receiver<Bytes>>,
    trailers: Option<HeaderMap>,
    /// Ends with the reply.
    answering: Option<Answering>,
}

/// Bytes with a place that is free again when their memory is.
struct Held {
    data: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Reply {
    /// Bytes only.
    pub(crate) fn of(data: impl Into<Bytes>) -> Self {
        Reply { data: data.into(), ..Reply::default() }
    }

    /// Bytes as they come, until the sender is dropped.
    pub(crate) fn stream(coming: mpsc::Receiver<Bytes>) -> Self {
        Reply { coming: Some(coming), ..Reply::default() }
    }

    /// Bytes, then trailers.
    pub(crate) fn with_trailers(data: Bytes, trailers: HeaderMap) -> Self {
        Reply { trailers: Some(trailers), ..Reply::of(data) }
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> usize {
        self.data.len()
    }

    /// Other bytes in place of these.
    pub(crate) fn changed(self, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        Reply { data: change(&self.data).into(), ..self }
    }

    /// Keeps a place for as long as the bytes are in memory.
    pub(crate) fn holding(self, place: OwnedSemaphorePermit) -> Self {
        Reply { data: Bytes::from_owner(Held { data: self.data, _place: place }), ..self }
    }

    /// Keeps a mark for as long as there is something to write.
    pub(crate) fn answering(self, answering: Answering) -> Self {
        Reply { answering: Some(answering), ..self }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(coming) = self.coming.as_mut() {
            let data = ready!(coming.poll_recv(context));
            // What came before was taken: the time of the next piece begins.
            self.answering.iter().for_each(Answering::answered);
            return Poll::Ready(data.map(|data| Ok(Frame::data(data))));
        }
        let count = self.data.len().min(PIECE);
        let data = (count > 0).then(|| Frame::data(self.data.split_to(count)));
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none() && self.coming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.coming {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.data.len() as u64),
        }
    }
}

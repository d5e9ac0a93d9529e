//! The content of a request on its way: pieces one after the other, none of which is copied.

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// Bytes in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content(VecDeque<Bytes>);

impl Content {
    /// How many bytes there are.
    pub(crate) fn length(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.0.iter()
    }

    /// With something before it.
    #[cfg(feature = "grpc")]
    pub(crate) fn behind(mut self, head: Bytes) -> Self {
        self.0.push_front(head);
        self
    }

    /// In one piece, which is a copy if there are several.
    pub(crate) fn whole(mut self) -> Bytes {
        if self.0.len() < 2 {
            return self.0.pop_front().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(self.length());
        self.0.iter().for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze()
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Content(VecDeque::from([bytes]))
    }
}

impl FromIterator<Bytes> for Content {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Content(pieces.into_iter().collect())
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // An empty one would be a frame without content.
        while let Some(piece) = self.0.pop_front() {
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length() as u64)
    }
}

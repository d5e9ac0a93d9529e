//! The body of an answer, piece by piece: with pauses, and breaking off.

use super::Connection;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

/// What is sent, in this order.
#[derive(Default)]
pub(super) struct Reply {
    pieces: VecDeque<Piece>,
    pause: Option<Pin<Box<Sleep>>>,
}

pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    Pause(Duration),
    /// The connection ends here.
    Break(Arc<Connection>),
}

impl Reply {
    pub(super) fn of(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Reply { pieces: pieces.into_iter().collect(), pause: None }
    }

    pub(super) fn whole(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Reply::of((!data.is_empty()).then_some(Piece::Data(data)))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            return Poll::Ready(match self.pieces.pop_front() {
                None => None,
                Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
                Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
                Some(Piece::Pause(duration)) => {
                    self.pause = Some(Box::pin(sleep(duration)));
                    continue;
                }
                Some(Piece::Break(connection)) => {
                    connection.cut();
                    Some(Err(io::ErrorKind::ConnectionReset.into()))
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.pieces.iter().collect::<Vec<_>>()[..] {
            [] => SizeHint::with_exact(0),
            [Piece::Data(data)] => SizeHint::with_exact(data.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

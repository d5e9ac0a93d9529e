//! A stream that remembers why TLS ended it.
//!
//! An alert of the other side may come when the handshake is long over, as in TLS 1.3 the demand for a
//! certificate does. HTTP then only knows that the connection is closed.

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// How often what came before a reason is read and thrown away.
const LAST_READS: usize = 4;

/// The last fault of TLS on any connection of a connector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Option<rustls::Error>>>);

impl Seen {
    /// Takes the fault out.
    pub(crate) fn take(&self) -> Option<rustls::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: &io::Error) {
        let fault = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        if let Some(fault) = fault {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
        }
    }
}

/// Makes streams that tell what they see.
#[derive(Clone, Debug)]
pub(crate) struct Witness<T> {
    pub(crate) connector: T,
    pub(crate) seen: Seen,
}

impl<T, U> Service<http::Uri> for Witness<T>
where
    T: Service<http::Uri, Response = U>,
    T::Future: Send + 'static,
{
    type Response = Witnessed<U>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Witnessed<U>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, url: http::Uri) -> Self::Future {
        let (connecting, seen) = (self.connector.call(url), self.seen.clone());
        Box::pin(async move { Ok(Witnessed { stream: connecting.await?, seen, ended: None }) })
    }
}

/// A stream and what it saw.
#[derive(Debug)]
pub(crate) struct Witnessed<T> {
    stream: T,
    seen: Seen,
    /// Why nothing can be written any more, while the reason is still looked for.
    ended: Option<io::Error>,
}

impl<T: Read + Write + Unpin> Witnessed<T> {
    /// Writes; if the other side is gone, reads first what it left.
    fn write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.ended.is_none() {
            match write(Pin::new(&mut self.stream), context) {
                Poll::Ready(Err(error)) if is_end(&error) => self.ended = Some(error),
                written => return written,
            }
        }
        ready!(self.read_reason(context));
        let ended = self.ended.take();
        Poll::Ready(Err(ended.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }

    fn read_reason(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 1024];
        for _ in 0..LAST_READS {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(context, buffer.unfilled())) {
                Ok(()) if !buffer.filled().is_empty() => continue,
                Ok(()) => {}
                Err(error) => self.seen.note(&error),
            }
            break;
        }
        Poll::Ready(())
    }
}

/// What is left can then be read without waiting for more.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl<T: Connection> Connection for Witnessed<T> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl<T: Read + Unpin> Read for Witnessed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &read {
            self.seen.note(error);
        }
        read
    }
}

impl<T: Read + Write + Unpin> Write for Witnessed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write_vectored(context, slices))
    }
}

//! Work that leaves its request keeps the request's trace.

use futures_core::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{self, Poll},
};
use tracing::Span;

/// Lets a future or a stream run in what is active here: the OpenTelemetry context, with its baggage, and the current
/// `tracing` span.
///
/// A request's context is active wherever the request itself is served. What is spawned is polled elsewhere, where
/// nothing is active: its log lines would have no ids, its spans would begin traces of their own.
///
/// ```
/// use axum::{body::{Body, Bytes}, extract::State};
/// use std::{convert::Infallible, pin::Pin};
/// use throughline::{carry, carry_fn};
/// use tokio::{sync::mpsc::Sender, task::{JoinSet, spawn_blocking}};
///
/// type Job = Pin<Box<dyn Future<Output = ()> + Send>>;
///
/// #[tracing::instrument(skip_all)]
/// async fn order(State(background): State<Sender<Job>>) -> Body {
///     // A task, which may outlive the request.
///     tokio::spawn(carry(confirm()));
///
///     // A closure on another thread; `std::thread::spawn` is no different.
///     let invoice = spawn_blocking(carry_fn(|| print_invoice(7))).await;
///
///     // Each of a set.
///     let mut parts = JoinSet::new();
///     for part in ["tea", "pot"] {
///         parts.spawn(carry(pack(part)));
///     }
///     parts.join_all().await;
///
///     // Work for a task that was there before the request.
///     let queued = background.send(Box::pin(carry(ship()))).await;
///
///     // A stream that is read when `order` is over: in the span of `order`, and not only in that of the request.
///     Body::from_stream(carry(progress()))
/// }
/// # async fn confirm() {}
/// # fn print_invoice(id: u64) {}
/// # async fn pack(part: &str) {}
/// # async fn ship() {}
/// # fn progress() -> impl tokio_stream::Stream<Item = Result<Bytes, Infallible>> + Send { tokio_stream::empty() }
/// # let (background, _) = tokio::sync::mpsc::channel(1);
/// # let _: axum::Router = axum::Router::new().route("/orders", axum::routing::post(order)).with_state(background);
/// ```
///
/// The work is dropped in there too. What was made where nothing is active runs with nothing active.
///
/// The span of a request ends with its response, whatever is carried; spans that are made later are its children all
/// the same. A `tracing` span, such as that of `order`, lasts until the last that carries it is gone. To carry the
/// OpenTelemetry context without it there is `with_current_context` of `opentelemetry::trace::FutureExt`.
pub fn carry<T>(work: T) -> Carried<T> {
    Carried { work: Some(work), origin: Origin::here() }
}

/// Lets a closure run in what is active here, on whichever thread; see [`carry`].
///
/// ```
/// let thread = std::thread::spawn(throughline::carry_fn(|| tracing::info!("with the ids of the caller")));
/// # thread.join().unwrap();
/// ```
#[must_use = "closures do nothing unless they are called"]
pub fn carry_fn<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let origin = Origin::here();
    move || origin.enter(work)
}

pin_project! {
    /// A future or stream that runs in what was active where it was made; see [`carry`].
    #[derive(Debug)]
    #[must_use = "futures and streams do nothing unless they are polled"]
    pub struct Carried<T> {
        // Empty while it is dropped: a field cannot be dropped in place inside.
        #[pin]
        work: Option<T>,
        origin: Origin,
    }

    impl<T> PinnedDrop for Carried<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.origin.enter(|| this.work.set(None));
        }
    }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.origin.enter(|| this.work.as_pin_mut().map_or(Poll::Pending, |work| work.poll(task)))
    }
}

impl<S: Stream> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        this.origin.enter(|| this.work.as_pin_mut().map_or(Poll::Ready(None), |work| work.poll_next(task)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.work.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// What was active where it was made.
#[derive(Debug)]
struct Origin {
    span: Span,
    context: Context,
}

impl Origin {
    fn here() -> Self {
        Self { span: Span::current(), context: Context::current() }
    }

    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        // The context last: a span, once entered, activates one of its own, and what was active may be further in.
        let _entered = self.span.enter();
        let _active = self.context.clone().attach();
        work()
    }
}

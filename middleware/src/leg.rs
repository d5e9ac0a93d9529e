//! One leg of an exchange's way: the future that makes the response, or the body that follows it.
//!
//! The exchange's context is active while the leg is made, polled and dropped, so that also what is dropped
//! with it (guards, transactions, half-read streams) logs and records as a part of the request.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::{
    exchange::{Exchange, Outcome},
    failure::Failure,
    request_span::RequestSpan,
};

pin_project! {
    /// A future or body, and what it is carried in.
    #[derive(Debug)]
    pub(crate) struct Leg<T> {
        // Empty once it is over, and while the leg is dropped: a field cannot be dropped in place inside.
        #[pin]
        inner: Option<T>,
        // Dropped before the exchange, and so ended before its span.
        span: RequestSpan,
        surroundings: Surroundings,
    }

    impl<T> PinnedDrop for Leg<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                this.surroundings.enter(this.span, |_| this.inner.set(None));
            }
        }
    }
}

impl<T> Leg<T> {
    /// Makes the first leg, inside its surroundings.
    pub(crate) fn begin(surroundings: Surroundings, make: impl FnOnce() -> T) -> Self {
        Self::begin_in(RequestSpan::none(), surroundings, make)
    }

    /// Makes the first leg, inside its surroundings and, in them, a span.
    pub(crate) fn begin_in(
        span: RequestSpan,
        mut surroundings: Surroundings,
        make: impl FnOnce() -> T,
    ) -> Self {
        let inner = surroundings.enter(&span, |_| make());
        Self { inner: Some(inner), span, surroundings }
    }

    /// Makes the next leg, which takes the surroundings over.
    pub(crate) fn next<U>(self: Pin<&mut Self>, inner: U) -> Leg<U> {
        let this = self.project();
        let span = mem::replace(this.span, RequestSpan::none());
        Leg { inner: Some(inner), span, surroundings: mem::take(this.surroundings) }
    }

    /// Does something with what is carried and with what it is carried in, inside the latter.
    pub(crate) fn inside<R>(
        self: Pin<&mut Self>,
        act: impl FnOnce(Pin<&mut Option<T>>, &mut Surroundings) -> R,
    ) -> R {
        let this = self.project();
        this.surroundings.enter(this.span, |surroundings| act(this.inner, surroundings))
    }

    /// Returns what is carried.
    pub(crate) fn inner(&self) -> Option<&T> {
        self.inner.as_ref()
    }
}

/// What a leg is carried in.
#[derive(Debug, Default)]
pub(crate) enum Surroundings {
    #[default]
    Nothing,
    /// The context of a request that is not told.
    Context(Context),
    Exchange(Box<Exchange>),
}

impl Surroundings {
    /// Returns the exchange, until it has ended.
    #[inline]
    pub(crate) fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Exchange(exchange) if !exchange.is_over() => Some(exchange),
            Self::Nothing | Self::Context(_) | Self::Exchange(_) => None,
        }
    }

    /// Ends the exchange, if there is one that has not ended; only inside these surroundings.
    #[inline]
    pub(crate) fn end(&mut self, outcome: &Outcome) {
        if let Some(exchange) = self.exchange() {
            exchange.end(outcome);
        }
    }

    #[inline]
    fn context(&self) -> Option<&Context> {
        match self {
            Self::Nothing => None,
            Self::Context(context) => Some(context),
            Self::Exchange(exchange) => Some(exchange.context()),
        }
    }

    /// Acts while the context is active, and the span in it. If that panics, the exchange ends with the panic: one
    /// that is caught further out would else look like a drop.
    fn enter<R>(&mut self, span: &RequestSpan, act: impl FnOnce(&mut Self) -> R) -> R {
        let _active = self.context().map(|context| context.clone().attach());
        let _entered = span.enter();
        panic::catch_unwind(AssertUnwindSafe(|| act(self))).unwrap_or_else(|payload| {
            self.end(&Outcome::Failed(Failure::of_panic(&*payload)));
            panic::resume_unwind(payload)
        })
    }
}

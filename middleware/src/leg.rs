//! One leg of an exchange's way: the future that makes the response, or the body that follows it.
//!
//! The exchange's context is active while the leg is made, polled and dropped, so that also what is dropped
//! with it (guards, transactions, half-read streams) logs and records as a part of the request.

use std::{pin::Pin, task::Poll, thread};

use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;

use crate::{
    attributes,
    exchange::{Exchange, Outcome},
};

pin_project! {
    /// A future or body with the exchange that it carries, or with none.
    #[derive(Debug)]
    pub(crate) struct Leg<T> {
        // Empty only while the leg is dropped: a field cannot be dropped in place while a guard lives.
        #[pin]
        inner: Option<T>,
        exchange: Option<Exchange>,
        // Outlives the exchange: a body may be dropped long after its last byte.
        context: Option<Context>,
    }

    impl<T> PinnedDrop for Leg<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.context.as_ref(), this.exchange);
            this.inner.set(None);
        }
    }
}

impl<T> Leg<T> {
    /// Makes the first leg, inside the exchange.
    pub(crate) fn begin(mut exchange: Option<Exchange>, make: impl FnOnce() -> T) -> Self {
        let context = exchange.as_ref().map(|exchange| exchange.context().clone());
        let inner = {
            let _entered = Entered::new(context.as_ref(), &mut exchange);
            make()
        };
        Self { inner: Some(inner), exchange, context }
    }

    /// Makes the next leg, which takes the exchange over.
    pub(crate) fn next<U>(self: Pin<&mut Self>, inner: U) -> Leg<U> {
        let this = self.project();
        Leg { inner: Some(inner), exchange: this.exchange.take(), context: this.context.clone() }
    }

    /// Polls what is carried, inside the exchange.
    pub(crate) fn poll<P>(self: Pin<&mut Self>, poll: impl FnOnce(Pin<&mut T>) -> Poll<P>) -> Poll<P> {
        let this = self.project();
        let _entered = Entered::new(this.context.as_ref(), this.exchange);
        this.inner.as_pin_mut().map_or(Poll::Pending, poll)
    }

    /// Returns what is carried.
    pub(crate) fn inner(&self) -> Option<&T> {
        self.inner.as_ref()
    }

    /// Returns the exchange, until it has ended or gone on.
    pub(crate) fn exchange(self: Pin<&mut Self>) -> &mut Option<Exchange> {
        self.project().exchange
    }
}

/// An exchange's context, active for as long as this value lives.
///
/// If the code that runs meanwhile panics, the exchange ends with `panic`: a panic that is caught further
/// out would else look like a drop.
struct Entered<'a> {
    exchange: &'a mut Option<Exchange>,
    _active: Option<ContextGuard>,
    /// A panic from before is somebody else's.
    was_panicking: bool,
}

impl<'a> Entered<'a> {
    fn new(context: Option<&Context>, exchange: &'a mut Option<Exchange>) -> Self {
        let _active = context.map(|context| context.clone().attach());
        Self { exchange, _active, was_panicking: thread::panicking() }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if thread::panicking()
            && !self.was_panicking
            && let Some(exchange) = self.exchange.take()
        {
            exchange.end(Outcome::Failed(attributes::PANIC));
        }
    }
}

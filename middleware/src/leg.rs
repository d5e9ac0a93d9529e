//! One leg of an exchange's way: the future that makes the response, or the body that follows it.
//!
//! The exchange's context is active while the leg is made, polled and dropped, so that also what is dropped
//! with it (guards, transactions, half-read streams) logs and records as a part of the request.

use std::{
    panic::{self, AssertUnwindSafe},
    pin::Pin,
};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::{
    exchange::{Exchange, Outcome},
    failure::Failure,
    series::Convention,
};

pin_project! {
    /// A future or body with the exchange that it carries, or with none.
    #[derive(Debug)]
    pub(crate) struct Leg<T> {
        // Empty once it is over, and while the leg is dropped: a field cannot be dropped in place inside.
        #[pin]
        inner: Option<T>,
        exchange: Option<Exchange>,
        // Outlives the exchange: a body may be dropped long after its last byte.
        context: Option<Context>,
    }

    impl<T> PinnedDrop for Leg<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                inside(this.context.as_ref(), this.exchange, |_| this.inner.set(None));
            }
        }
    }
}

impl<T> Leg<T> {
    /// Makes the first leg, inside the exchange.
    pub(crate) fn begin(
        mut exchange: Option<Exchange>,
        context: Option<Context>,
        make: impl FnOnce() -> T,
    ) -> Self {
        let inner = inside(context.as_ref(), &mut exchange, |_| make());
        Self { inner: Some(inner), exchange, context }
    }

    /// Makes the next leg, which takes the exchange over.
    pub(crate) fn next<U>(self: Pin<&mut Self>, inner: U) -> Leg<U> {
        let this = self.project();
        Leg { inner: Some(inner), exchange: this.exchange.take(), context: this.context.take() }
    }

    /// Does something with what is carried and with the exchange, inside the exchange.
    pub(crate) fn inside<R>(
        self: Pin<&mut Self>,
        act: impl FnOnce(Pin<&mut Option<T>>, &mut Option<Exchange>) -> R,
    ) -> R {
        let this = self.project();
        inside(this.context.as_ref(), this.exchange, |exchange| act(this.inner, exchange))
    }

    /// Leaves the exchange: what is carried goes on alone.
    pub(crate) fn leave(self: Pin<&mut Self>) {
        *self.project().context = None;
    }

    /// Tells whose words the exchange is told in, until it has ended or gone on.
    pub(crate) fn convention(&self) -> Option<Convention> {
        self.exchange.as_ref().map(Exchange::convention)
    }

    /// Returns what is carried.
    pub(crate) fn inner(&self) -> Option<&T> {
        self.inner.as_ref()
    }
}

/// Acts while a context is active. If that panics, the exchange ends with the panic: one that is caught further
/// out would else look like a drop.
fn inside<R>(
    context: Option<&Context>,
    exchange: &mut Option<Exchange>,
    act: impl FnOnce(&mut Option<Exchange>) -> R,
) -> R {
    let _active = context.map(|context| context.clone().attach());
    if exchange.is_none() {
        return act(exchange);
    }
    match panic::catch_unwind(AssertUnwindSafe(|| act(&mut *exchange))) {
        Ok(result) => result,
        Err(payload) => {
            if let Some(exchange) = exchange.take() {
                exchange.end(Outcome::Failed(Failure::of_panic(&*payload)));
            }
            panic::resume_unwind(payload)
        }
    }
}

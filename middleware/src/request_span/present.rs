use tracing::{Span, field::Empty, info_span, span::Entered};

use crate::{attributes, instruments::Instruments};

/// The span, or none: in a box, since most have none.
#[derive(Debug)]
pub(crate) struct RequestSpan(Option<Box<Span>>);

impl RequestSpan {
    #[inline]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Makes the span. The active context becomes its parent: it must be that of the exchange.
    pub(crate) fn begin(_: &Instruments, method: &str, route: Option<&str>) -> Self {
        let span =
            info_span!(target: attributes::SCOPE, "request", method, route, user = Empty, tenant = Empty);
        Self((!span.is_disabled()).then(|| Box::new(span)))
    }

    #[inline]
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        self.0.as_deref().map(Span::enter)
    }
}

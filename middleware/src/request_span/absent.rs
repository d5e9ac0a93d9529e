use std::sync::Once;

use crate::instruments::Instruments;

const WITHOUT_EFFECT: &str = "the option request_span is without effect: throughline-middleware is compiled without its \
                              feature tracing";

/// No span.
#[derive(Debug)]
pub(crate) struct RequestSpan;

impl RequestSpan {
    #[inline]
    pub(crate) fn none() -> Self {
        Self
    }

    pub(crate) fn begin(instruments: &Instruments, _method: &str, _route: Option<&str>) -> Self {
        static TOLD: Once = Once::new();
        instruments.notice_once(&TOLD, WITHOUT_EFFECT);
        Self
    }

    #[inline]
    pub(crate) fn enter(&self) -> Option<()> {
        None
    }
}

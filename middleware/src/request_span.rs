//! A `tracing` span inside the server's, for code that relies on `tracing::Span::current()`.
//!
//! The server's own span is no `tracing` span: that would cost three times as much. With the option
//! [`request_span`](crate::ServerOptions::request_span) there is one as well, entered wherever the exchange's context
//! is active. Without the feature `tracing` the option is told to be without effect.

#[cfg(any(test, not(feature = "tracing")))]
mod absent;
#[cfg(feature = "tracing")]
mod present;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::absent::RequestSpan;
#[cfg(feature = "tracing")]
pub(crate) use self::present::RequestSpan;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::absent;
    use crate::{
        exchange::Side,
        instruments::{Instruments, Settings},
        rules::Rules,
    };

    #[test]
    fn without_the_feature_the_option_is_told_to_be_without_effect_once() {
        static NOTICES: AtomicUsize = AtomicUsize::new(0);
        let mut settings = Settings::global(Side::Server, Rules::from(crate::ServerOptions::default()));
        settings.notice = Some(|text| {
            assert!(text.contains("request_span is without effect"), "{text}");
            NOTICES.fetch_add(1, Ordering::Relaxed);
        });
        for _ in 0..2 {
            let instruments = Instruments::new(settings.clone());
            assert_eq!(absent::RequestSpan::none().enter(), None);
            assert_eq!(absent::RequestSpan::begin(&instruments, "GET", None).enter(), None);
        }
        assert_eq!(NOTICES.load(Ordering::Relaxed), 1);
    }
}

//! What is sent again, and when (O-030…O-032).

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

/// The first pause after a failure: long enough for a restarting neighbour, short beside a schedule delay.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause of our own making.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest wait that another side may ask for: beyond it the queue would only overflow.
const LONGEST_WAIT_ASKED: Duration = Duration::from_secs(300);

#[cfg(feature = "grpc")]
const RESOURCE_EXHAUSTED: u32 = 8;
#[cfg(feature = "grpc")]
const OUT_OF_RANGE: u32 = 11;

/// Whether OTLP/HTTP allows to send again after this status (O-030).
pub(crate) fn http_may_repeat(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Whether OTLP/gRPC allows to send again after this code (O-031).
#[cfg(feature = "grpc")]
pub(crate) fn grpc_may_repeat(code: u32, has_retry_info: bool) -> bool {
    const CANCELLED: u32 = 1;
    const DEADLINE_EXCEEDED: u32 = 4;
    const ABORTED: u32 = 10;
    const UNAVAILABLE: u32 = 14;
    const DATA_LOSS: u32 = 15;
    match code {
        CANCELLED | DEADLINE_EXCEEDED | ABORTED | OUT_OF_RANGE | UNAVAILABLE | DATA_LOSS => true,
        RESOURCE_EXHAUSTED => has_retry_info,
        _ => false,
    }
}

/// Whether a gRPC server says that the message was too large. There is no code for it: servers say
/// `RESOURCE_EXHAUSTED`, tonic's `OUT_OF_RANGE`, each in its own words.
#[cfg(feature = "grpc")]
pub(crate) fn grpc_too_large(code: u32, message: &str) -> bool {
    const WORDS: [&str; 4] = ["larger than max", "too large", "exceeds maximum", "exceeds the maximum"];
    matches!(code, RESOURCE_EXHAUSTED | OUT_OF_RANGE) && WORDS.iter().any(|words| message.contains(words))
}

/// The wait that `Retry-After` asks for, as seconds or as a date (O-032).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Pauses that grow, with jitter, until something succeeds.
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff { next: FIRST_PAUSE }
    }

    /// The pause before the next attempt: not shorter than what the other side asked for.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let pause = asked.map_or(self.next, |asked| asked.min(LONGEST_WAIT_ASKED).max(self.next));
        self.grow(pause)
    }

    /// The pause before the next attempt, no longer than a limit: while somebody waits.
    pub(crate) fn short_pause(&mut self, limit: Duration) -> Duration {
        self.grow(self.next.min(limit))
    }

    fn grow(&mut self, pause: Duration) -> Duration {
        self.next = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        pause + pause.mul_f64(jitter() / 4.0)
    }
}

/// From 0 to 1. The standard library's hash seed is random enough to keep a fleet from marching in step.
fn jitter() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_retry_after_can_make_it_panic_or_wait_for_long(
            value in prop_oneof![
                any::<Vec<u8>>(),
                any::<u64>().prop_map(|seconds| seconds.to_string().into_bytes()),
                "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT".prop_map(String::into_bytes),
            ]
        ) {
            let value = HeaderValue::from_bytes(&value);
            let headers = HeaderMap::from_iter(value.map(|value| (RETRY_AFTER, value)));
            let mut backoff = Backoff::new();
            for _ in 0..3 {
                let pause = backoff.pause(retry_after(&headers, SystemTime::now()));
                prop_assert!(pause >= FIRST_PAUSE && pause <= LONGEST_WAIT_ASKED + LONGEST_WAIT_ASKED / 4);
            }
        }
    }

    // O-030
    #[test]
    fn only_the_four_statuses_of_otlp_are_repeated() {
        let repeated: Vec<u16> =
            (100..600).filter(|code| StatusCode::from_u16(*code).is_ok_and(http_may_repeat)).collect();
        assert_eq!(repeated, [429, 502, 503, 504]);
    }

    // O-031
    #[cfg(feature = "grpc")]
    #[test]
    fn resource_exhausted_is_repeated_only_with_retry_info() {
        let repeated: Vec<u32> = (0..20).filter(|code| grpc_may_repeat(*code, false)).collect();
        assert_eq!(repeated, [1, 4, 10, 11, 14, 15]);
        assert!(grpc_may_repeat(8, true));
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn the_words_of_grpc_servers_for_a_message_that_is_too_large_are_known() {
        let told = [
            (8, "grpc: received message larger than max (5000000 vs. 4194304)"), // Go, C++
            (8, "gRPC message exceeds maximum size 4194304: 5000000"),           // Java
            (8, "Received message exceeds the maximum configured message size."), // .NET
            (11, "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"),
        ];
        assert!(told.iter().all(|(code, message)| grpc_too_large(*code, message)));
        assert!(!grpc_too_large(8, "too many requests") && !grpc_too_large(14, "too large"));
    }

    // O-032
    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |value: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(value))]), now)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:27 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-3"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    // O-032
    #[test]
    fn pauses_grow_to_a_limit_with_jitter_and_never_undercut_the_other_side() {
        let mut backoff = Backoff::new();
        for base in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            let pause = backoff.pause(None).as_millis();
            assert!((base..=base * 5 / 4).contains(&pause), "{pause} ms after {base} ms");
        }
        let pauses: Vec<_> = (0..20).map(|_| Backoff::new().pause(None)).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "no jitter: {pauses:?}");
        assert!(Backoff::new().pause(Some(Duration::from_secs(30))) >= Duration::from_secs(30));
        let capped = Backoff::new().pause(Some(Duration::MAX));
        assert!(capped <= LONGEST_WAIT_ASKED * 5 / 4);
    }
}

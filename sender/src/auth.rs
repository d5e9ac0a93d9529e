//! Values of the `Authorization` header, made so that nobody base64-encodes by hand.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;

/// The header value for a user and a password (RFC 7617), marked as sensitive: it stays out of `Debug`.
///
/// For Grafana Cloud the user is the OTLP instance id and the password an access policy token (B-031).
///
/// ```
/// let value = throughline_sender::basic("user", "pass");
/// assert_eq!(value.to_str()?, "Basic dXNlcjpwYXNz");
/// assert_eq!(format!("{value:?}"), "Sensitive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    // Base64 and "Basic " are visible ASCII, which a header value always takes.
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// The header value for a token (RFC 6750), marked as sensitive; `None` if the token has characters that a
/// header cannot hold.
///
/// ```
/// assert_eq!(throughline_sender::bearer("abc").unwrap().to_str()?, "Bearer abc");
/// assert!(throughline_sender::bearer("line\nbreak").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

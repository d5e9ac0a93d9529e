//! Large answers are sent as gzip to those who take it.

use crate::reply::Reply;
use ::http::{
    HeaderMap, HeaderValue, Response,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY},
};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Smaller answers gain nothing, in bytes.
const MIN_LENGTH: usize = 2048;

/// The answer to a request with these headers.
pub(crate) fn pressed(headers: &HeaderMap, mut response: Response<Reply>) -> Response<Reply> {
    if response.body().length() < MIN_LENGTH || !takes_gzip(headers) {
        return response;
    }
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response.map(|reply| reply.changed(gzip))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Nothing can fail that is written to memory.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes =
            |value: &str| takes_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]));
        assert!(["gzip", "br, GZIP", "deflate, gzip;q=0.5"].into_iter().all(takes));
        assert!(!["", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"].into_iter().any(takes));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}

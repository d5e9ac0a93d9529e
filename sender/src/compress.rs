//! Bodies made smaller on their way (O-013).

use crate::{Compression, content::Content};
use bytes::Bytes;
use std::io::Write;

/// The body, and the name of its coding if it has one.
pub(crate) fn compressed(compression: Compression, body: Content) -> (Content, Option<&'static str>) {
    match compression {
        Compression::None => (body, None),
        Compression::Gzip => {
            (gzip(body.length(), body.pieces().map(|piece| &piece[..])).into(), Some("gzip"))
        }
        Compression::Zstd => zstd(body),
    }
}

/// The first level that makes telemetry as small as level 9 does, to a hundredth. The levels below take half of the time, for
/// a tenth more bytes; those above take up to twice the time.
const LEVEL: flate2::Compression = flate2::Compression::new(5);

pub(crate) fn gzip<'a>(length: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(length / 4), LEVEL);
    // Writing to a vector cannot fail; were it to, the receiver would refuse the torn body and it would count.
    let _ = pieces.into_iter().try_for_each(|piece| encoder.write_all(piece));
    encoder.finish().unwrap_or_default().into()
}

/// Level 1: as small as gzip becomes, in a quarter of its time.
#[cfg(feature = "zstd")]
fn zstd(body: Content) -> (Content, Option<&'static str>) {
    let whole = body.whole();
    match zstd::bulk::compress(&whole, 1) {
        Ok(compressed) => (Bytes::from(compressed).into(), Some("zstd")),
        // Memory is short: the request may still get through as it is.
        Err(_) => (whole.into(), None),
    }
}

/// A [`Sender`](crate::Sender) does not start with this compression without the feature.
#[cfg(not(feature = "zstd"))]
fn zstd(body: Content) -> (Content, Option<&'static str>) {
    (body, None)
}

//! The encodings of a body (O-051, O-065, O-068): what is compressed becomes what it was, within the limits.

use super::body::Buffer;
use crate::{intake::Refusal, reservation::Reservation};
use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use std::io::{self, ErrorKind, Read};

/// How much is decompressed at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// The largest window of zstd that a decoder must have (RFC 8878), as a power of two: 8 MiB.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW: u32 = 23;

/// How the bytes of a body are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Identity,
    /// RFC 1952
    Gzip,
    /// RFC 1950, which HTTP and gRPC call `deflate`.
    Deflate,
    /// RFC 8878
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Coding {
    /// All that are taken, as `grpc-accept-encoding` and `accept-encoding` have them.
    #[cfg(feature = "zstd")]
    pub(super) const NAMES: &str = "identity, gzip, deflate, zstd";
    #[cfg(not(feature = "zstd"))]
    pub(super) const NAMES: &str = "identity, gzip, deflate";

    /// The encoding of this name, in any case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"" | b"identity" => Some(Coding::Identity),
            b"gzip" | b"x-gzip" => Some(Coding::Gzip),
            b"deflate" => Some(Coding::Deflate),
            #[cfg(feature = "zstd")]
            b"zstd" => Some(Coding::Zstd),
            _ => None,
        }
    }

    /// Takes the compression off. A small body can become a large one: no more than the limit is ever set aside or
    /// written.
    pub(super) fn decode(
        self,
        max_bytes: usize,
        body: &[u8],
        reservation: &mut Reservation,
    ) -> Result<Vec<u8>, Refusal> {
        let broken = |fault: &io::Error| Refusal::Malformed(format!("the {self:?} data is broken: {fault}"));
        let mut decoder: Box<dyn Read + '_> = match self {
            Coding::Identity => Box::new(body),
            Coding::Gzip => Box::new(MultiGzDecoder::new(body)),
            Coding::Deflate => Box::new(Zlib { state: Decompress::new(true), rest: body, is_over: false }),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Box::new(zstd(body).map_err(|fault| broken(&fault))?),
        };
        let mut buffer = Buffer::new(max_bytes, reservation);
        let mut piece = vec![0; PIECE];
        loop {
            let count = match decoder.read(&mut piece) {
                Ok(0) => return Ok(buffer.into_bytes()),
                Ok(count) => count,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                Err(fault) => return Err(broken(&fault)),
            };
            if buffer.is_too_small_for(count) {
                return Err(Refusal::TooLarge(format!(
                    "the request is larger than the limit of {max_bytes} bytes when decompressed; send less at a time"
                )));
            }
            buffer.extend(piece.get(..count).unwrap_or_default())?;
        }
    }
}

#[cfg(feature = "zstd")]
fn zstd(body: &[u8]) -> io::Result<zstd::stream::read::Decoder<'static, &[u8]>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW)?;
    Ok(decoder)
}

/// One stream of zlib, and nothing else. The reader of flate2 takes the end of the bytes for the end of the stream.
struct Zlib<'a> {
    state: Decompress,
    rest: &'a [u8],
    is_over: bool,
}

impl Read for Zlib<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(self.rest, piece, FlushDecompress::None)?;
            let (read, written) = (self.state.total_in() - read, self.state.total_out() - written);
            self.rest = self.rest.get(read as usize..).unwrap_or_default();
            self.is_over = status == Status::StreamEnd;
            if written > 0 {
                return Ok(written as usize);
            }
            if read == 0 && !self.is_over {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        match self.rest {
            [] => Ok(0),
            _ => Err(io::Error::other("something stands behind its end")),
        }
    }
}

#[cfg(test)]
mod tests;

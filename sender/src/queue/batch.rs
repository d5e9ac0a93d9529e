//! How much of what waits is sent as one request.

use std::time::Duration;

/// How much of what waits is sent as one request: OTLP requests concatenate. Only whole requests are put together, and
/// each keeps its own count. When the destination finds a batch malformed (HTTP 400, `INVALID_ARGUMENT`) or too large, its
/// requests are sent in halves of it, down to each alone: one of them does not condemn the others.
///
/// A larger request goes alone, whole. On disk, requests are apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Spans, data points or log records of a batch. With so many waiting it is sent. Default: 8,192.
    pub items: u64,
    /// Bytes of a batch before compression. With so many waiting it is sent. Default: 64 KiB less than 4 MiB, which is
    /// what gRPC servers take unless told otherwise.
    pub bytes: usize,
    /// How long a request waits for others. Default: 200 ms.
    pub delay: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { items: 8192, bytes: (4 << 20) - (64 << 10), delay: Duration::from_millis(200) }
    }
}

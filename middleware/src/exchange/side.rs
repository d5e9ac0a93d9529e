//! The two ends of a connection.

use opentelemetry::trace::SpanKind;

use crate::{rpc, series::Convention};

/// The two ends of a connection, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Side {
    pub(super) fn kind(self) -> SpanKind {
        match self {
            Self::Server => SpanKind::Server,
            Self::Client => SpanKind::Client,
        }
    }

    /// A 4xx is the client's fault: an error of its span, not of the server's. Codes from 600 on, which
    /// nobody can interpret, are errors on both sides.
    pub(super) fn is_error(self, convention: Convention, status: u16) -> bool {
        match (self, convention) {
            (_, Convention::Rpc) => rpc::is_error(self, status),
            (Self::Server, Convention::Http) => status >= 500,
            (Self::Client, Convention::Http) => status >= 400,
        }
    }
}

//! What threw an exchange off its course, as a log record.
//!
//! Exceptions are log records, not events of the span (semantic conventions, "Recording exceptions"): one of
//! severity ERROR for a server and WARN for a client, with the ids of the exchange's span, named
//! `http.server.request.exception` or `http.client.request.exception`, of gRPC calls `rpc.server.call.exception` or
//! `rpc.client.call.exception`.

use opentelemetry::logs::{LogRecord, Logger, Severity};

use crate::{attributes, exchange::Side, failure::Failure, series::Convention};

/// An exception of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception<'a> {
    pub(crate) side: Side,
    pub(crate) convention: Convention,
    pub(crate) failure: &'a Failure,
    /// Whether its message may be told.
    pub(crate) with_message: bool,
}

/// A logger without its record type.
pub(crate) trait Emit: Send + Sync {
    fn emit(&self, exception: Exception<'_>);
}

impl<L: Logger + Send + Sync> Emit for L {
    fn emit(&self, exception: Exception<'_>) {
        let (name, severity) = match (exception.side, exception.convention) {
            (Side::Server, Convention::Http) => ("http.server.request.exception", Severity::Error),
            (Side::Client, Convention::Http) => ("http.client.request.exception", Severity::Warn),
            (Side::Server, Convention::Rpc) => ("rpc.server.call.exception", Severity::Error),
            (Side::Client, Convention::Rpc) => ("rpc.client.call.exception", Severity::Warn),
        };
        if !self.event_enabled(severity, attributes::SCOPE, Some(name)) {
            return;
        }
        let mut record = self.create_log_record();
        record.set_event_name(name);
        record.set_target(attributes::SCOPE);
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.add_attribute(attributes::EXCEPTION_TYPE, exception.failure.exception_type);
        if let Some(message) = exception.failure.message.as_ref().filter(|_| exception.with_message) {
            record.add_attribute(attributes::EXCEPTION_MESSAGE, message.clone());
        }
        Logger::emit(self, record);
    }
}

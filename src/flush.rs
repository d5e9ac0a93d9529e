//! `force_flush` of the OpenTelemetry providers: the way back from what records to the pipeline that delivers.
//!
//! It blocks, as the SDK's does, and works on every thread but those of the export runtime: there it would wait for
//! itself, and is an error at once.

use crate::{
    export::{FORKED, is_export_thread},
    pipeline::{Pipeline, Settle},
};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use std::{
    sync::{Arc, Weak, mpsc},
    time::Duration,
};

/// The SDK's own limit for spans and log records; for measurements it has none.
const LIMIT: Duration = Duration::from_secs(5);
/// What the wait allows beyond it for the export thread to answer.
const REPLY_SLACK: Duration = Duration::from_millis(250);

/// From a processor or a reader to its pipeline. Weak: a provider that lives on behind a global must not keep what
/// delivers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flush(Weak<Pipeline>);

impl Flush {
    pub(crate) fn of(pipeline: &Arc<Pipeline>) -> Self {
        Flush(Arc::downgrade(pipeline))
    }

    /// Delivers everything recorded before this call; the error has the words for what was not delivered.
    pub(crate) fn flush(&self) -> OTelSdkResult {
        if is_export_thread() {
            let words =
                "on a thread of the export a flush would wait for itself; await Handle::flush instead";
            return Err(OTelSdkError::InternalFailure(words.into()));
        }
        let pipeline = self.0.upgrade().filter(|pipeline| !pipeline.is_closed());
        let pipeline = pipeline.ok_or(OTelSdkError::AlreadyShutdown)?;
        if !pipeline.home().is_here() {
            return Err(OTelSdkError::InternalFailure(FORKED.into()));
        }
        let (reply, result) = mpsc::channel();
        let runtime = pipeline.runtime().clone();
        // Whoever asked may have given up waiting.
        runtime.spawn(async move { drop(reply.send(pipeline.settle(LIMIT, Settle::Flush).await)) });
        match result.recv_timeout(LIMIT + REPLY_SLACK) {
            Ok(settled) => settled.map_err(OTelSdkError::InternalFailure),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(OTelSdkError::AlreadyShutdown),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(OTelSdkError::Timeout(LIMIT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Telemetry};

    #[test]
    fn the_export_thread_is_not_held_up() {
        let vars = [("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
        let telemetry = Telemetry::build(Config::from_vars(vars)).unwrap();
        let provider = telemetry.tracer_provider().clone();
        let (reply, result) = mpsc::channel();
        telemetry.handle().runtime.spawn(async move { drop(reply.send(provider.force_flush())) });
        let error = result.recv_timeout(LIMIT / 2).unwrap().unwrap_err().to_string();
        assert!(error.contains("a flush would wait for itself"), "{error}");
    }
}

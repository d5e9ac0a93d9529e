//! The exceptions of the layers as events, where no records leave.

use opentelemetry::{
    InstrumentationScope,
    logs::{AnyValue, Severity},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
};
use std::time::Duration;

/// Says what a layer tells of an exception as an event: it becomes a line as all others, with the ids of the exchange,
/// which is active, behind the filter of the lines.
#[derive(Debug)]
pub(crate) struct ExceptionEvents;

impl LogProcessor for ExceptionEvents {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        let name = record.event_name().unwrap_or("exception");
        let kind = text(record, "exception.type");
        let message = text(record, "exception.message");
        match record.severity_number() {
            Some(severity) if severity >= Severity::Error => tracing::error!(
                target: "throughline",
                { "exception.type" = kind, "exception.message" = message },
                "{name}"
            ),
            _ => tracing::warn!(
                target: "throughline",
                { "exception.type" = kind, "exception.message" = message },
                "{name}"
            ),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn text<'a>(record: &'a SdkLogRecord, name: &str) -> Option<&'a str> {
    record.attributes_iter().find(|(key, _)| key.as_str() == name).and_then(|(_, value)| match value {
        AnyValue::String(text) => Some(text.as_str()),
        _ => None,
    })
}

//! Everything that spans, log records and metrics hold, a line each.

use super::{
    outline::{Group, Part},
    point::{buckets, points},
    text::{Text, bare, list, moment, typed},
};
use crate::{
    metric::{Exemplar, Extent, Kind, Measured, Metric, Temporality},
    otlp,
    time::printable,
    trace::{Attributes, Value, hex},
};
use std::fmt::{self, Write};
use throughline_sender::Signal;

/// The column at which attributes begin, and that of those one level further in.
const INDENT: usize = 5;
const INNER: usize = 10;

pub(super) fn write(part: Part<'_>, text: &mut Text) -> fmt::Result {
    match part {
        Part::Resource(group) => resource(group, text),
        Part::Scope(group) => scope(group, text),
        Part::Span(number, raw) => span(number, raw, text),
        Part::Log(number, raw) => log(number, raw, text),
        Part::Metric(number, found, body) => metric(number, &found, body, text),
        Part::Empty(number, names) => {
            descriptor(number, names, text)?;
            writeln!(text, "     -> DataType: Empty")
        }
    }
}

fn resource(group: Group<'_, otlp::Resource>, text: &mut Text) -> fmt::Result {
    let kind = match group.signal {
        Signal::Traces => "Spans",
        Signal::Metrics => "Metrics",
        Signal::Logs => "Log",
    };
    writeln!(text, "Resource{kind} #{}", group.number)?;
    writeln!(text, "Resource SchemaURL: {}", printable(group.schema_url))?;
    titled("Resource attributes:", INDENT, &group.message.attributes.into(), text)
}

fn scope(group: Group<'_, otlp::Scope>, text: &mut Text) -> fmt::Result {
    let kind = match group.signal {
        Signal::Traces => "Spans",
        Signal::Metrics => "Metrics",
        Signal::Logs => "Logs",
    };
    let scope = group.message;
    writeln!(text, "Scope{kind} #{}", group.number)?;
    writeln!(text, "Scope{kind} SchemaURL: {}", printable(group.schema_url))?;
    writeln!(text, "InstrumentationScope {} {}", printable(&scope.name), printable(&scope.version))?;
    titled("InstrumentationScope attributes:", INDENT, &scope.attributes.into(), text)
}

fn span(number: usize, span: otlp::Span, text: &mut Text) -> fmt::Result {
    let status = span.status.unwrap_or_default();
    writeln!(text, "Span #{number}")?;
    writeln!(text, "    Trace ID       : {}", hex(&span.trace_id))?;
    writeln!(text, "    Parent ID      : {}", hex(&span.parent_span_id))?;
    writeln!(text, "    ID             : {}", hex(&span.span_id))?;
    writeln!(text, "    Name           : {}", printable(&span.name))?;
    writeln!(text, "    Kind           : {}", kind(span.kind))?;
    if !span.trace_state.is_empty() {
        writeln!(text, "    TraceState     : {}", printable(&span.trace_state))?;
    }
    writeln!(text, "    Start time     : {}", moment(span.start))?;
    writeln!(text, "    End time       : {}", moment(span.end))?;
    let code = ["Unset", "Ok", "Error"].get(usize::try_from(status.code).unwrap_or(usize::MAX));
    writeln!(text, "    Status code    : {}", code.unwrap_or(&"Unset"))?;
    writeln!(text, "    Status message : {}", printable(&status.message))?;
    writeln!(text, "    DroppedAttributesCount: {}", span.dropped_attributes)?;
    writeln!(text, "    DroppedEventsCount: {}", span.dropped_events)?;
    writeln!(text, "    DroppedLinksCount: {}", span.dropped_links)?;
    titled("Attributes:", INDENT, &span.attributes.into(), text)?;
    for (number, event) in span.events.into_iter().enumerate() {
        if number == 0 {
            writeln!(text, "Events:")?;
        }
        writeln!(text, "SpanEvent #{number}")?;
        writeln!(text, "     -> Name: {}", printable(&event.name))?;
        writeln!(text, "     -> Timestamp: {}", moment(event.time))?;
        writeln!(text, "     -> DroppedAttributesCount: {}", event.dropped_attributes)?;
        titled("     -> Attributes::", INNER, &event.attributes.into(), text)?;
    }
    for (number, link) in span.links.into_iter().enumerate() {
        if number == 0 {
            writeln!(text, "Links:")?;
        }
        writeln!(text, "SpanLink #{number}")?;
        writeln!(text, "     -> Trace ID: {}", hex(&link.trace_id))?;
        writeln!(text, "     -> ID: {}", hex(&link.span_id))?;
        writeln!(text, "     -> TraceState: {}", printable(&link.trace_state))?;
        writeln!(text, "     -> DroppedAttributesCount: {}", link.dropped_attributes)?;
        titled("     -> Attributes::", INNER, &link.attributes.into(), text)?;
    }
    Ok(())
}

fn kind(number: i32) -> &'static str {
    match number {
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "Unspecified",
    }
}

fn log(number: usize, log: otlp::Log, text: &mut Text) -> fmt::Result {
    writeln!(text, "LogRecord #{number}")?;
    writeln!(text, "ObservedTimestamp: {}", moment(log.observed))?;
    writeln!(text, "Timestamp: {}", moment(log.time))?;
    writeln!(text, "SeverityText: {}", printable(&log.severity_text))?;
    writeln!(text, "SeverityNumber: {}({})", severity(log.severity), log.severity)?;
    if !log.event_name.is_empty() {
        writeln!(text, "EventName: {}", printable(&log.event_name))?;
    }
    writeln!(text, "Body: {}", typed(&Value::from(log.body.unwrap_or_default())))?;
    titled("Attributes:", INDENT, &log.attributes.into(), text)?;
    writeln!(text, "Trace ID: {}", hex(&log.trace_id))?;
    writeln!(text, "Span ID: {}", hex(&log.span_id))?;
    writeln!(text, "Flags: {}", log.flags)
}

/// `Info`, `Info2` and so on: four numbers each.
fn severity(number: i32) -> String {
    let level = match number {
        1..=4 => "Trace",
        5..=8 => "Debug",
        9..=12 => "Info",
        13..=16 => "Warn",
        17..=20 => "Error",
        21..=24 => "Fatal",
        _ => return "Unspecified".to_owned(),
    };
    match (number - 1) % 4 {
        0 => level.to_owned(),
        place => format!("{level}{}", place + 1),
    }
}

fn metric(number: usize, metric: &Metric, body: &[u8], text: &mut Text) -> fmt::Result {
    descriptor(number, [metric.name(body), metric.description(body), metric.unit(body)], text)?;
    let form = metric.form;
    let (kind, points_of) = match form.kind {
        Kind::Gauge => ("Gauge", "Number"),
        Kind::Sum => ("Sum", "Number"),
        Kind::Histogram => ("Histogram", "Histogram"),
        Kind::ExponentialHistogram => ("ExponentialHistogram", "ExponentialHistogram"),
        Kind::Summary => ("Summary", "Summary"),
    };
    writeln!(text, "     -> DataType: {kind}")?;
    if form.kind == Kind::Sum {
        writeln!(text, "     -> IsMonotonic: {}", form.monotonic)?;
    }
    if !matches!(form.kind, Kind::Gauge | Kind::Summary) {
        let temporality = match form.temporality {
            Temporality::Unspecified => "Unspecified",
            Temporality::Delta => "Delta",
            Temporality::Cumulative => "Cumulative",
        };
        writeln!(text, "     -> AggregationTemporality: {temporality}")?;
    }
    points(metric, body, |number, attributes, point| {
        writeln!(text, "{points_of}DataPoints #{number}")?;
        titled("Data point attributes:", INDENT, attributes, text)?;
        writeln!(text, "StartTimestamp: {}", moment(point.start))?;
        writeln!(text, "Timestamp: {}", moment(point.time))?;
        measured(&point.measured, text)?;
        exemplars(&point.exemplars, text)
    })
}

fn descriptor(number: usize, names: [&str; 3], text: &mut Text) -> fmt::Result {
    writeln!(text, "Metric #{number}\nDescriptor:")?;
    let [name, description, unit] = names.map(printable);
    writeln!(text, "     -> Name: {name}\n     -> Description: {description}\n     -> Unit: {unit}")
}

fn measured(measured: &Measured, text: &mut Text) -> fmt::Result {
    match measured {
        Measured::Number { value: Value::Empty } => Ok(()),
        Measured::Number { value } => writeln!(text, "Value: {}", number(value)),
        Measured::Histogram { count, extent, bounds, counts } => {
            extents(*count, extent, text)?;
            for (number, bound) in bounds.iter().enumerate() {
                writeln!(text, "ExplicitBounds #{number}: {bound:.6}")?;
            }
            for (number, count) in counts.iter().enumerate() {
                writeln!(text, "Buckets #{number}, Count: {count}")?;
            }
            Ok(())
        }
        Measured::Exponential { count, extent, scale, zero_count, positive, negative, .. } => {
            extents(*count, extent, text)?;
            for ((near, far), count) in buckets(negative, *scale).rev() {
                writeln!(text, "Bucket [{:.6}, {:.6}), Count: {count}", -far, -near)?;
            }
            if *zero_count > 0 {
                writeln!(text, "Bucket [0, 0], Count: {zero_count}")?;
            }
            buckets(positive, *scale).try_for_each(|((near, far), count)| {
                writeln!(text, "Bucket ({near:.6}, {far:.6}], Count: {count}")
            })
        }
        Measured::Summary { count, sum, quantiles } => {
            writeln!(text, "Count: {count}\nSum: {sum:.6}")?;
            for (number, (quantile, value)) in quantiles.iter().enumerate() {
                writeln!(text, "QuantileValue #{number}: Quantile {quantile:.6}, Value {value:.6}")?;
            }
            Ok(())
        }
    }
}

fn extents(count: u64, extent: &Extent, text: &mut Text) -> fmt::Result {
    writeln!(text, "Count: {count}")?;
    let known = [("Sum", extent.sum), ("Min", extent.min), ("Max", extent.max)];
    known.into_iter().try_for_each(|(name, value)| match value {
        Some(value) => writeln!(text, "{name}: {value:.6}"),
        None => Ok(()),
    })
}

fn number(value: &Value) -> String {
    match value {
        Value::Double(double) => format!("{double:.6}"),
        value => bare(value),
    }
}

fn exemplars(exemplars: &[Exemplar], text: &mut Text) -> fmt::Result {
    for (at, exemplar) in exemplars.iter().enumerate() {
        if at == 0 {
            writeln!(text, "Exemplars:")?;
        }
        writeln!(text, "Exemplar #{at}")?;
        writeln!(text, "     -> Trace ID: {}", exemplar.trace_id.as_deref().unwrap_or_default())?;
        writeln!(text, "     -> Span ID: {}", exemplar.span_id.as_deref().unwrap_or_default())?;
        writeln!(text, "     -> Timestamp: {}", moment(exemplar.time))?;
        writeln!(text, "     -> Value: {}", number(&exemplar.value))?;
        titled("     -> FilteredAttributes:", INNER, &exemplar.attributes, text)?;
    }
    Ok(())
}

/// A title and attributes below it; nothing where there are none.
fn titled(title: &str, indent: usize, attributes: &Attributes, text: &mut Text) -> fmt::Result {
    if attributes.is_empty() {
        return Ok(());
    }
    writeln!(text, "{title}")?;
    list(indent, attributes, text)
}

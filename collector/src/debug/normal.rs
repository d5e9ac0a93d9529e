//! A line for each span, log record and data point.

use super::{
    outline::Part,
    point::{self, points},
    text::{Text, bare, pairs},
};
use crate::{
    metric::{Extent, Measured},
    time::printable,
    trace::{Attributes, Value, hex},
};
use std::fmt::{self, Write};
use throughline_sender::Signal;

pub(super) fn write(part: Part<'_>, text: &mut Text) -> fmt::Result {
    match part {
        Part::Resource(group) => {
            write!(text, "Resource{} #{}", groups(group.signal), group.number)?;
            ending("", "", group.schema_url, &group.message.attributes.into(), text)
        }
        Part::Scope(group) => {
            write!(text, "Scope{} #{}", groups(group.signal), group.number)?;
            let scope = group.message;
            ending(&scope.name, &scope.version, group.schema_url, &scope.attributes.into(), text)
        }
        Part::Span(_, span) => {
            write!(text, "{} {} {}", printable(&span.name), hex(&span.trace_id), hex(&span.span_id))?;
            pairs(&span.attributes.into(), text)?;
            text.write_char('\n')
        }
        Part::Log(_, log) => {
            text.write_str(&bare(&Value::from(log.body.unwrap_or_default())))?;
            pairs(&log.attributes.into(), text)?;
            text.write_char('\n')
        }
        Part::Metric(_, metric, body) => {
            let name = printable(metric.name(body));
            points(&metric, body, |_, attributes, point| {
                write!(text, "{name}{{{}}}", labels(attributes))?;
                measured(&point.measured, text)?;
                text.write_char('\n')
            })
        }
        Part::Empty(..) => Ok(()),
    }
}

fn groups(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "Traces",
        Signal::Metrics => "Metrics",
        Signal::Logs => "Log",
    }
}

/// Name, version, schema and attributes, where there are any.
fn ending(
    name: &str,
    version: &str,
    schema_url: &str,
    attributes: &Attributes,
    text: &mut Text,
) -> fmt::Result {
    if !name.is_empty() {
        write!(text, " {}", printable(name))?;
    }
    if !version.is_empty() {
        write!(text, "@{}", printable(version))?;
    }
    if !schema_url.is_empty() {
        write!(text, " [{}]", printable(schema_url))?;
    }
    pairs(attributes, text)?;
    text.write_char('\n')
}

fn labels(attributes: &Attributes) -> String {
    let pair = |(name, value): (&str, &Value)| format!("{}={}", printable(name), bare(value));
    attributes.iter().map(pair).collect::<Vec<_>>().join(",")
}

fn measured(measured: &Measured, text: &mut Text) -> fmt::Result {
    match measured {
        Measured::Number { value } => write!(text, " {}", bare(value)),
        Measured::Histogram { count, extent, bounds, counts } => {
            write!(text, " count={count}")?;
            extents(extent, text)?;
            let bounds = bounds.iter().map(Some).chain([None]);
            counts.iter().zip(bounds).try_for_each(|(count, bound)| match bound {
                Some(bound) => write!(text, " le{bound}={count}"),
                None => write!(text, " {count}"),
            })
        }
        Measured::Exponential { count, extent, scale, zero_count, positive, negative, .. } => {
            write!(text, " count={count}")?;
            extents(extent, text)?;
            for (bounds, count) in point::buckets(negative, *scale).rev() {
                write!(text, " le{}={count}", -bounds.0)?;
            }
            if *zero_count > 0 {
                write!(text, " zero={zero_count}")?;
            }
            point::buckets(positive, *scale)
                .try_for_each(|(bounds, count)| write!(text, " le{}={count}", bounds.1))
        }
        Measured::Summary { count, sum, quantiles } => {
            write!(text, " count={count} sum={sum}")?;
            quantiles.iter().try_for_each(|(quantile, value)| write!(text, " q{quantile}={value}"))
        }
    }
}

fn extents(extent: &Extent, text: &mut Text) -> fmt::Result {
    let known = [("sum", extent.sum), ("min", extent.min), ("max", extent.max)];
    known.into_iter().try_for_each(|(name, value)| match value {
        Some(value) => write!(text, " {name}={value}"),
        None => Ok(()),
    })
}

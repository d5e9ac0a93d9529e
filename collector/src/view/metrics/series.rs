//! The tables below a chart: the series, and the measurements with their traces.

use super::{
    super::{
        address::Address,
        chart::Unit,
        text::{name, several, short},
    },
    curves::trace,
};
use crate::{
    metric::{Chart, Measured, Point, Series},
    time::clock,
    trace::Value,
};
use maud::{Markup, html};

/// How many rows the tables have.
const ROWS: usize = 100;
const EXEMPLARS: usize = 30;

/// The series, each with its attributes, which lead to it alone.
pub(super) fn table(series: &[Series], address: &Address) -> Markup {
    html! {
        section.part {
            h2 { "Series " span.count { (series.len()) } }
            div.sheet {
                table.series {
                    thead { tr { th { "Attributes" } th.number { "Points" } th.number { "Last" } th.time { "Time (UTC)" } } }
                    tbody {
                        @for one in series.iter().take(ROWS) {
                            tr {
                                td.message {
                                    @for (key, value) in one.attributes.iter() {
                                        @let value = value.to_string();
                                        a.part href=(address.without("attribute", &format!("{key}={value}")).with("attribute", Some(format!("{key}={value}"))).url()) title="only these" {
                                            span.key { (name(key)) "=" } (short(&value))
                                        } " "
                                    }
                                    @if one.attributes.is_empty() { span.hint { "none" } }
                                }
                                td.number { (one.points.len() + one.older) }
                                td.number { (one.points.last().map(|point| last(point, &one.unit)).unwrap_or_default()) }
                                td.time { (one.points.last().map(|point| clock(point.time)).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
            @if series.len() > ROWS { p.hint { (series.len() - ROWS) " more" } }
        }
    }
}

fn last(point: &Point, unit: &str) -> String {
    match &point.measured {
        Measured::Number { value: Value::Int(int) } => Unit::of(unit).text(*int as f64),
        Measured::Number { value: Value::Double(double) } => Unit::of(unit).text(*double),
        Measured::Number { .. } => String::new(),
        Measured::Histogram { count, .. }
        | Measured::Exponential { count, .. }
        | Measured::Summary { count, .. } => several(usize::try_from(*count).unwrap_or(usize::MAX), "value"),
    }
}

/// Single measurements, the newest first.
pub(super) fn exemplars(chart: &Chart, unit: &str) -> Markup {
    let unit = Unit::of(unit);
    let has_more = chart.exemplars.iter().take(EXEMPLARS).any(|exemplar| !exemplar.attributes.is_empty());
    html! {
        @if !chart.exemplars.is_empty() {
            section.part {
                h2 { "Single measurements " span.count { (chart.exemplars.len()) } }
                div.sheet {
                    table.exemplars {
                        thead { tr { th.time { "Time (UTC)" } th.number { "Value" } th { "Trace" } @if has_more { th { "Besides" } } } }
                        tbody {
                            @for exemplar in chart.exemplars.iter().take(EXEMPLARS) {
                                tr {
                                    td.time { (clock(exemplar.time)) }
                                    td.number { @match exemplar.value {
                                        Value::Int(int) => (unit.text(int as f64)),
                                        Value::Double(double) => (unit.text(double)),
                                        _ => "-",
                                    } }
                                    td {
                                        @match (trace(exemplar), &exemplar.trace_id) {
                                            (Some(link), Some(id)) => a href=(link) data-row { code { (id) } },
                                            (_, Some(id)) => span.hint { code { (id) } " is not kept" },
                                            (_, None) => span.hint { "no trace" },
                                        }
                                    }
                                    @if has_more {
                                        td.message {
                                            @for (key, value) in exemplar.attributes.iter() {
                                                span.part { span.key { (name(key)) "=" } (short(&value.to_string())) } " "
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

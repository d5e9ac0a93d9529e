//! From the lines of an instrument to its charts.

use super::{
    super::{
        Palette,
        address::Address,
        chart::{Curve, Dot, Unit},
        query::Query,
        text::name,
    },
    drawn,
};
use crate::{
    metric::{
        Chart, Exemplar, Instrument,
        chart::{Group, Shows},
    },
    time::clock,
    trace::Value,
};
use maud::{Markup, html};

/// The quantiles, each with the number of its colour.
const QUANTILES: [(Shows, usize); 3] = [(Shows::P50, 5), (Shows::P90, 0), (Shows::P99, 1)];

/// The charts: what the values are, and how often they come.
pub(super) fn charts(
    chart: &Chart,
    instrument: &Instrument,
    palette: &Palette,
    query: &Query,
) -> Vec<Markup> {
    let unit = Unit::of(&chart.unit);
    let is_distributed = is_distributed(chart);
    let mut charts = Vec::new();
    if is_distributed {
        let curves = match query.value("by") {
            None => QUANTILES
                .into_iter()
                .flat_map(|(shows, colour)| curves(&chart.groups, shows, |_| colour))
                .collect(),
            Some(_) => curves(&chart.groups, quantile(query), |place| place),
        };
        let dots = chart.exemplars.iter().filter_map(|exemplar| dot(exemplar, &unit)).collect();
        let title = match query.value("by") {
            None => name(&instrument.name),
            Some(by) => format!("{}, {} by {}", name(&instrument.name), quantile(query).name(), name(by)),
        };
        charts.extend(drawn(title, unit.clone(), curves, dots));
    }
    let colour = palette.colour(&instrument.service);
    let place = |place: usize| if query.value("by").is_some() { place } else { colour };
    let values = curves(&chart.groups, Shows::Value, place);
    let value_dots = chart.exemplars.iter().filter_map(|exemplar| dot(exemplar, &unit)).collect();
    charts.extend(drawn(name(&instrument.name), unit.clone(), values, value_dots));
    let rates = curves(&chart.groups, Shows::Rate, place);
    let rate = match is_distributed {
        // What is measured has a unit, how often it is measured has none.
        true => drawn("rate".to_owned(), Unit::of("1").per_second(), rates, Vec::new()),
        false => drawn("rate".to_owned(), unit.per_second(), rates, Vec::new()),
    };
    charts.extend(rate);
    charts
}

/// The quantile that is shown where there is a line for each group.
fn quantile(query: &Query) -> Shows {
    let asked = query.value("show");
    QUANTILES
        .into_iter()
        .map(|(shows, _)| shows)
        .find(|shows| asked == Some(shows.name()))
        .unwrap_or(Shows::P99)
}

/// The quantiles that a chart with a line for each group can show.
pub(super) fn choice(address: &Address, chart: &Chart, query: &Query) -> Markup {
    let chosen = quantile(query);
    html! {
        @if is_distributed(chart) {
            div.choices role="group" aria-label="Quantile" {
                @for (shows, _) in QUANTILES {
                    @let on = shows == chosen;
                    a.choice.on[on] href=(address.set("show", Some(shows.name())).url()) aria-current=[on.then_some("true")] { (shows.name()) }
                }
            }
        }
    }
}

fn is_distributed(chart: &Chart) -> bool {
    chart.groups.iter().flat_map(|group| &group.lines).any(|line| line.shows == Shows::P50)
}

fn curves(groups: &[Group], shows: Shows, colour: impl Fn(usize) -> usize) -> Vec<Curve> {
    let of = |(place, group): (usize, &Group)| {
        let line = group.lines.iter().find(|line| line.shows == shows)?;
        let label = match (&group.value, groups.len()) {
            (Some(value), _) => value.clone(),
            (None, 1) => shows.name().to_owned(),
            (None, _) => "without it".to_owned(),
        };
        Some(Curve { label, colour: colour(place), points: line.points.clone() })
    };
    groups.iter().enumerate().filter_map(of).collect()
}

fn dot(exemplar: &Exemplar, unit: &Unit) -> Option<Dot> {
    let value = match exemplar.value {
        Value::Int(int) => int as f64,
        Value::Double(double) if double.is_finite() => double,
        _ => return None,
    };
    let link = trace(exemplar);
    let tail = match (&exemplar.trace_id, &link) {
        (_, Some(_)) => "open its trace",
        (Some(_), None) => "its trace is not kept",
        (None, None) => "no trace",
    };
    Some(Dot {
        time: exemplar.time,
        value,
        link,
        title: format!("{} at {}: {tail}", unit.text(value), clock(exemplar.time)),
    })
}

/// The page of the trace of an exemplar; `None`: there is none to look at.
pub(super) fn trace(exemplar: &Exemplar) -> Option<String> {
    let trace = exemplar.trace_id.as_ref().filter(|_| exemplar.stored)?;
    Some(match &exemplar.span_id {
        Some(span) => format!("/trace/{trace}?span={span}#span-{span}"),
        None => format!("/trace/{trace}"),
    })
}

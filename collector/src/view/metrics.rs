//! The page of measurements: the instruments of each service, and the chart of one of them.

mod curves; // from series to what a chart shows
mod runtime; // what processes and their runtimes tell
mod series; // the tables below a chart

use super::{
    EXPORT, Palette,
    address::Address,
    chart::{Chart, Unit},
    frame::{Frame, Tab, empty},
    query::Query,
    text::{name, several, short},
};
use crate::{
    intake::Intake,
    look,
    metric::{self, Instrument, Kind, Series, Temporality},
};
use maud::{Markup, html};
pub(crate) use runtime::page as runtime;
use std::collections::{BTreeMap, BTreeSet};

/// How many instruments are listed.
const INSTRUMENTS: usize = 1000;

/// How many series are charted, and how many points of each.
const SERIES: usize = 100;
const POINTS: usize = 1000;

/// What is shown when nothing is asked for: the first of these that there is.
const FIRST: [&str; 3] =
    ["http.server.request.duration", "rpc.server.call.duration", "http.client.request.duration"];

/// The times that can be chosen: seconds before the latest point, and what they are called.
const TIMES: [(Option<&str>, &str); 5] = [
    (Some("60"), "1 min"),
    (Some("300"), "5 min"),
    (Some("900"), "15 min"),
    (Some("3600"), "1 h"),
    (None, "all"),
];

/// How many attributes can be chosen, and how much of a search is taken.
const KEYS: usize = 12;
const MAX_SEARCH: usize = 200;

/// Longer names are not asked for once more, in bytes.
const MAX_NAME: usize = 1000;

/// The page.
pub(crate) fn page(intake: &Intake, palette: &Palette, query: &Query) -> Markup {
    let instruments = look::instruments(intake, None, INSTRUMENTS);
    let content = match chosen(&instruments, query) {
        None => empty(
            "No measurements yet",
            html! { p { "They come when a program sends metrics, each minute unless it is told otherwise." } },
        ),
        Some(instrument) => html! {
            div.with-list {
                (list(&instruments, instrument, palette, query))
                section.detail { (detail(intake, instrument, palette, query)) }
            }
        },
    };
    Frame::new(Tab::Metrics, "Metrics").live().page(html! { div #metrics data-live="metrics" { (content) } })
}

/// The instrument that is asked for, or the first that is worth a look.
fn chosen<'a>(instruments: &'a [Instrument], query: &Query) -> Option<&'a Instrument> {
    let of_service = |it: &&Instrument| query.value("service").is_none_or(|service| *it.service == *service);
    let named = |name: &str| instruments.iter().find(|it| it.name == name && of_service(it));
    let asked = query.value("name").and_then(named);
    asked
        .or_else(|| FIRST.into_iter().find_map(named))
        .or_else(|| instruments.iter().find(of_service))
        .or(instruments.first())
}

/// All instruments by their services, as far as they match the search.
fn list(instruments: &[Instrument], chosen: &Instrument, palette: &Palette, query: &Query) -> Markup {
    let wanted: String = query.value("find").unwrap_or_default().chars().take(MAX_SEARCH).collect();
    let matches = |it: &&Instrument| {
        let (wanted, name) = (wanted.to_lowercase(), it.name.to_lowercase());
        wanted
            .split_whitespace()
            .all(|word| name.contains(word) || it.description.to_lowercase().contains(word))
    };
    let mut services: BTreeMap<&str, Vec<&Instrument>> = BTreeMap::new();
    for instrument in instruments.iter().filter(matches) {
        services.entry(&instrument.service).or_default().push(instrument);
    }
    html! {
        nav.list aria-label="Instruments" {
            form action="/metrics" {
                input.field.search type="search" name="find" value=(wanted) placeholder="Search instruments" aria-label="Search instruments" data-key="/";
                @if chosen.name.len() <= MAX_NAME {
                    input type="hidden" name="name" value=(chosen.name);
                    input type="hidden" name="service" value=(chosen.service);
                }
            }
            @if services.is_empty() { p.hint { "No instrument has these words in its name or description." } }
            @for (service, instruments) in services {
                h2 { (palette.chip(service, None)) }
                @if instruments.iter().any(|it| runtime::is_runtime(&it.name)) {
                    a.entry href=(Address::of("/metrics/runtime").with("service", Some(service)).url()) data-row {
                        "Process and runtime"
                    }
                }
                @for it in instruments.iter().filter(|it| !runtime::is_runtime(&it.name) || it.name == chosen.name) {
                    @let here = it.name == chosen.name && it.service == chosen.service;
                    a.entry href=(address(it, query).url()) aria-current=[here.then_some("true")] title=(short(&it.description)) data-row {
                        (name(&it.name))
                    }
                }
            }
        }
    }
}

/// The page of an instrument. The search and the time stay.
fn address(instrument: &Instrument, query: &Query) -> Address {
    Address::of("/metrics")
        .with("service", Some(instrument.service.as_str()))
        .with("name", Some(instrument.name.as_str()))
        .with("find", query.value("find"))
        .with("last", query.value("last"))
}

/// The measurements of an instrument as a file.
fn file(instrument: &Instrument) -> String {
    Address::of(EXPORT)
        .with("signal", Some("metrics"))
        .with("service", Some(instrument.service.as_str()))
        .with("name", Some(instrument.name.as_str()))
        .url()
}

fn detail(intake: &Intake, instrument: &Instrument, palette: &Palette, query: &Query) -> Markup {
    let address = address(instrument, query).with("by", query.value("by")).with("show", query.value("show"));
    let address =
        query.values("attribute").fold(address, |address, value| address.with("attribute", Some(value)));
    let series = look::series(intake, &asked(instrument, query));
    let by = query.value("by");
    let chart = metric::chart(&series, by);
    html! {
        header.title {
            h1 { (name(&instrument.name)) " " (kind(instrument)) }
            @if !instrument.description.is_empty() { p.hint { (short(&instrument.description)) } }
            div.bar {
                (times(&address, query))
                (filters(&address, query))
                (groups(&address, &series, by))
                @if by.is_some() { (curves::choice(&address, &chart, query)) }
                a.button.small href=(file(instrument)) download title="OTLP in JSON" { "Export" }
            }
        }
        div.charts { @for chart in curves::charts(&chart, instrument, palette, query) { (chart) } }
        @if chart.groups.is_empty() { p.hint { "No series passes the filter." } }
        @if chart.is_cut { p.hint { "More groups or exemplars are kept than are drawn; choose an attribute's value below." } }
        (series::table(&series, &address))
        (series::exemplars(&chart, &instrument.unit))
    }
}

/// What is looked for.
fn asked(instrument: &Instrument, query: &Query) -> metric::Query {
    let mut asked = metric::Query::of(&instrument.name);
    asked.service = Some(instrument.service.to_string());
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    asked.attributes = query.values("attribute").filter_map(pair).collect();
    (asked.series, asked.points) = (SERIES, POINTS);
    if query.value("last").is_some() {
        let seconds = query.number("last", 300, u64::MAX);
        asked.from = instrument.latest.saturating_sub(seconds.saturating_mul(1_000_000_000));
    }
    asked
}

fn kind(instrument: &Instrument) -> Markup {
    let kind = match instrument.form.kind {
        Kind::Gauge => "gauge",
        Kind::Sum if instrument.form.monotonic => "counter",
        Kind::Sum => "sum",
        Kind::Histogram => "histogram",
        Kind::ExponentialHistogram => "exponential histogram",
        Kind::Summary => "summary",
    };
    let temporality = match instrument.form.temporality {
        Temporality::Unspecified => None,
        Temporality::Delta => Some("delta"),
        Temporality::Cumulative => Some("cumulative"),
    };
    let facts = [
        Some(kind.to_owned()),
        Some(instrument.unit.clone()).filter(|unit| !unit.is_empty()),
        temporality.map(str::to_owned),
    ];
    html! {
        @for fact in facts.into_iter().flatten() { span.badge.plain { (short(&fact)) } " " }
        span.count { (several(instrument.points, "point")) }
    }
}

fn times(address: &Address, query: &Query) -> Markup {
    html! {
        div.choices role="group" aria-label="Time" {
            @for (seconds, words) in TIMES {
                @let on = query.value("last") == seconds;
                a.choice.on[on] href=(address.set("last", seconds).url()) aria-current=[on.then_some("true")] { (words) }
            }
        }
    }
}

fn filters(address: &Address, query: &Query) -> Markup {
    html! {
        @for pair in query.values("attribute") {
            a.choice.on href=(address.without("attribute", pair).url()) title="leave this filter out" { (short(pair)) " ×" }
        }
    }
}

/// The attributes by which series can be told apart.
fn groups(address: &Address, series: &[Series], by: Option<&str>) -> Markup {
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (key, value) in series.iter().flat_map(|one| one.attributes.iter()) {
        values.entry(key).or_default().insert(value.to_string());
    }
    let mut keys: Vec<&str> = values
        .iter()
        .filter(|(key, values)| values.len() > 1 || by == Some(**key))
        .map(|(key, _)| *key)
        .collect();
    keys.truncate(KEYS);
    html! {
        @if !keys.is_empty() {
            div.choices role="group" aria-label="One line for each value of" {
                span.hint { "by" }
                a.choice.on[by.is_none()] href=(address.set("by", None).url()) { "nothing" }
                @for key in keys {
                    a.choice.on[by == Some(key)] href=(address.set("by", Some(key)).url()) aria-current=[(by == Some(key)).then_some("true")] { (name(key)) }
                }
            }
        }
    }
}

/// A chart that has something to show.
fn drawn(
    title: String,
    unit: Unit,
    curves: Vec<super::chart::Curve>,
    dots: Vec<super::chart::Dot>,
) -> Option<Markup> {
    let extent = Chart::extent(curves.iter().map(|curve| curve.points.as_slice()));
    let dots = dots.into_iter().filter(|dot| (extent.0..=extent.1).contains(&dot.time)).collect();
    (!curves.is_empty()).then(|| Chart { title, unit, extent, curves, dots }.draw())
}

//! What processes and their runtimes tell of themselves, on one page for each service.

use super::{
    super::{
        Palette,
        address::Address,
        chart::Unit,
        frame::{Frame, Tab, empty},
        query::Query,
        text::name,
    },
    drawn, times,
};
use crate::{
    intake::Intake,
    look,
    metric::{self, Instrument, chart::Shows},
};
use maud::{Markup, html};

/// How many charts there are at most.
const CHARTS: usize = 60;

/// How many points each of their series has.
const POINTS: usize = 200;

/// What belongs to the process or its runtime.
const FAMILIES: [(&str, &str); 7] = [
    ("process.", "Process"),
    ("tokio.", "Tokio"),
    ("jvm.", "JVM"),
    ("nodejs.", "Node"),
    ("v8js.", "V8"),
    ("go.", "Go"),
    ("cpython.", "Python"),
];

/// Whether an instrument is one of the process or its runtime.
pub(super) fn is_runtime(name: &str) -> bool {
    family(name).is_some()
}

fn family(name: &str) -> Option<&'static str> {
    FAMILIES.into_iter().find(|(start, _)| name.starts_with(start)).map(|(_, family)| family)
}

/// The page.
pub(crate) fn page(intake: &Intake, palette: &Palette, query: &Query) -> Markup {
    let service = query.value("service");
    let mut instruments = look::instruments(intake, service, super::INSTRUMENTS);
    instruments.retain(|instrument| is_runtime(&instrument.name));
    let address = Address::of("/metrics/runtime").with("service", service).with("last", query.value("last"));
    let content = match instruments.first() {
        None => empty(
            "Nothing of a process",
            html! { p { "No measurements of a process or its runtime are kept." } p { a.button href="/metrics" { "All metrics" } } },
        ),
        Some(first) => html! {
            div.bar {
                h1 { "Process and runtime" }
                (palette.chip(service.unwrap_or(&first.service), None))
                (times(&address, query))
                a.button.small href="/metrics" { "All metrics" }
            }
            @for (_, title) in FAMILIES {
                @let own: Vec<&Instrument> = instruments.iter().filter(|it| family(&it.name) == Some(title)).collect();
                @if !own.is_empty() {
                    h2 { (title) }
                    div.cards { @for instrument in own.into_iter().take(CHARTS) { (chart(intake, palette, instrument, query)) } }
                }
            }
        },
    };
    Frame::new(Tab::Metrics, "Process and runtime")
        .live()
        .page(html! { div #runtime data-live="metrics" { (content) } })
}

fn chart(intake: &Intake, palette: &Palette, instrument: &Instrument, query: &Query) -> Markup {
    let asked = metric::Query { points: POINTS, ..super::asked(instrument, query) };
    let chart = look::chart(intake, &asked, None);
    let lines = chart.groups.into_iter().flat_map(|group| group.lines);
    let colour = palette.colour(&instrument.service);
    let mut unit = Unit::of(&instrument.unit);
    let mut curves = Vec::new();
    for line in lines {
        if line.shows == Shows::Rate {
            unit = unit.per_second();
        }
        curves.push(super::super::chart::Curve {
            label: line.shows.name().to_owned(),
            colour,
            points: line.points,
        });
    }
    let link = super::address(instrument, query).url();
    html! { a.plain href=(link) data-row { (drawn(name(&instrument.name), unit, curves, Vec::new()).unwrap_or_default()) } }
}

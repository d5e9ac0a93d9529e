//! The bar above the list: what is searched for, and what else is chosen.

use super::super::{
    EXPORT,
    filter::{Filter, Status},
    palette::Palette,
    text::name,
};
use crate::{intake::Intake, look, time::clock};
use maud::{Markup, html};
use std::collections::BTreeSet;
use throughline_sender::Signal;

/// How many services, and how many routes, can be chosen; more would bury those that are wanted.
const CHOICES: usize = 200;

/// The shortest durations and the longest ages that can be chosen; others can be written into the address.
const OVER: [&str; 7] = ["1ms", "10ms", "50ms", "100ms", "500ms", "1s", "10s"];
const WITHIN: [&str; 5] = ["1m", "5m", "15m", "1h", "24h"];

/// The bar, with the extent of the list at its end.
pub(super) fn bar(intake: &Intake, filter: &Filter, palette: &Palette, extent: Markup) -> Markup {
    let mut services = look::services(intake, Signal::Traces);
    // Each keeps the colour that it has when it is first seen.
    services.iter().filter(|service| !service.is_empty()).for_each(|service| {
        palette.colour(service);
    });
    services.extend(filter.service.clone());
    let mut routes = look::routes(intake, filter.service.as_deref());
    routes.extend(filter.route.clone());
    html! {
        form.bar action="/" data-filter {
            h1 { "Traces" }
            input.field.search #q type="search" name="q" value=(filter.words) data-key="/" maxlength="1000"
                autocomplete="off" spellcheck="false" aria-label="Search" list="searches"
                aria-invalid=[filter.fault().map(|_| "true")] aria-describedby=[filter.fault().map(|_| "fault")]
                placeholder=(r#"text, trace id, or  http.route = "/users/{id}" and duration > 50ms"#);
            (searches(filter))
            (one_of("service", "All services", &services, filter.service.as_ref()))
            (one_of("route", "All routes", &routes, filter.route.as_ref()))
            (status(filter))
            (choice("over", "Any duration", "over ", &OVER, filter.over.as_deref()))
            (choice("within", "Any time", "last ", &WITHIN, filter.within.as_deref()))
            @for (name, value) in filter.hidden() { input type="hidden" name=(name) value=(value); }
            // With a script, what is chosen is asked for at once.
            noscript { button.button { "Apply" } }
            @if filter.from.is_some() || filter.to.is_some() {
                a.choice.on href=(filter.whole_time()) title="all times" {
                    @if let Some(from) = filter.from { "from " (clock(from)) " " }
                    @if let Some(to) = filter.to { "to " (clock(to)) " " }
                    "×"
                }
            }
            @if !filter.is_open() { a.button href="/" { "Clear" } }
            span.count { (extent) " · " a href=(filter.file()) download title="OTLP in JSON" { "Export" } }
        }
        form #compare action="/compare" {
            button.button.small data-key="c" { "Compare the two" } " "
            button.button.small formaction=(EXPORT) { "Export the marked" }
        }
    }
}

/// What can be searched for, for those who have not yet done it.
fn searches(filter: &Filter) -> Markup {
    let examples = [
        "status = error",
        "duration > 50ms",
        r#"http.route = "/users/{id}""#,
        "http.response.status_code >= 500",
        "kind = client and has db.system.name",
    ];
    html! {
        datalist #searches {
            @if filter.words.is_empty() { @for example in examples { option value=(example) {} } }
        }
    }
}

/// One of some names, or all.
fn one_of(field: &str, all: &str, names: &BTreeSet<String>, chosen: Option<&String>) -> Markup {
    // The chosen one is there in any case.
    let named = names.iter().filter(|name| !name.is_empty()).enumerate();
    let shown = named.filter(|(place, name)| *place < CHOICES || chosen == Some(*name));
    html! {
        select.field name=(field) aria-label=(all) {
            option value="" { (all) }
            @for (_, it) in shown { option value=(it) selected[chosen == Some(it)] { (name(it)) } }
        }
    }
}

fn status(filter: &Filter) -> Markup {
    html! {
        select.field name="status" aria-label="Status" {
            option value="" { "Any status" }
            @for status in Status::ALL {
                option value=(status.name()) selected[filter.status == Some(status)] {
                    @if status == Status::Errors { "with errors" } @else { (status.name()) }
                }
            }
        }
    }
}

fn choice(field: &str, any: &str, words: &str, choices: &[&str], chosen: Option<&str>) -> Markup {
    let other = chosen.filter(|chosen| !choices.contains(chosen));
    html! {
        select.field name=(field) aria-label=(any) {
            option value="" { (any) }
            @for choice in choices.iter().copied().chain(other) {
                option value=(choice) selected[chosen == Some(choice)] { (words) (choice) }
            }
        }
    }
}

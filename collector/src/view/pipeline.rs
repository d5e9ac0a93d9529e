//! The page of what the collector takes, keeps, and sends on.

use super::{
    frame::{Frame, Tab},
    text::short,
};
use crate::{
    Addresses, Counters, Forwarded,
    intake::{Bounds, Intake},
};
use maud::{Markup, html};

/// The page.
pub(crate) fn page(intake: &Intake, addresses: &Addresses) -> Markup {
    let (counters, bounds, destinations) = (intake.counters(), intake.bounds(), intake.forwarded());
    let content = html! {
        div.bar { h1 { "Pipeline" } }
        div.cards {
            (taken(&counters, addresses))
            (kept(&counters, &bounds))
            (sent(&destinations))
        }
        (table(&destinations))
        (share())
    };
    Frame::new(Tab::Pipeline, "Pipeline")
        .live()
        .page(html! { div #pipeline data-live="traces metrics logs time" { (content) } })
}

/// What came in.
fn taken(counters: &Counters, addresses: &Addresses) -> Markup {
    let places = [("OTLP/gRPC", addresses.grpc), ("OTLP/HTTP", addresses.http)];
    html! {
        section.card.sheet {
            h2 { "Takes" }
            p.hint {
                @for (place, (name, address)) in places.into_iter().enumerate() {
                    @if place > 0 { " · " }
                    (name) " " @match address { Some(address) => (address), None => "off" }
                }
            }
            dl.facts {
                (fact("Requests", counters.requests, false))
                (fact("Spans", counters.spans, false))
                (fact("Log records", counters.log_records, false))
                (fact("Data points", counters.data_points, false))
            }
            dl.facts {
                (fact("Refused", counters.refused_requests, true))
                (fact("Rejected items", counters.rejected_items, true))
                (fact("Told to come again", counters.busy_requests, true))
            }
            @if counters.log_files > 0 {
                dl.facts {
                    (fact("Log files", counters.log_files, false))
                    (fact("open", counters.open_log_files, false))
                    (fact("Entries read", counters.log_file_entries, false))
                    (fact("Lost requests", counters.refused_log_file_requests, true))
                }
            }
        }
    }
}

/// What is in the store, and how much of its room.
fn kept(counters: &Counters, bounds: &Bounds) -> Markup {
    html! {
        section.card.sheet {
            h2 { "Keeps" }
            @if bounds.max_bytes == 0 { p.hint { "Nothing: it only sends on." } } @else {
                (level("Memory of the store", counters.stored_bytes, bounds.max_bytes as u64, &size))
                (level("Traces", counters.stored_traces, bounds.max_traces as u64, &|count| count.to_string()))
            }
            @if let Some(most) = bounds.max_memory {
                (level("Memory of all requests", counters.held_bytes, most as u64, &size))
            }
            dl.facts {
                (fact("Requests that made room", counters.evicted_requests, false))
                (fact("Traces that made room", counters.evicted_traces, false))
            }
        }
    }
}

/// What went on, in all.
fn sent(destinations: &[Forwarded]) -> Markup {
    let sum = |of: fn(&Forwarded) -> u64| destinations.iter().map(of).sum::<u64>();
    html! {
        section.card.sheet {
            h2 { "Sends" }
            @if destinations.is_empty() { p.hint { "Nothing: no destination is set." } } @else {
                dl.facts {
                    (fact("Delivered", sum(|it| it.delivered), false))
                    (fact("Waiting", sum(|it| it.queued), false))
                    (fact("of it on disk", sum(|it| it.on_disk), false))
                }
                dl.facts {
                    (fact("Rejected there", sum(|it| it.rejected), true))
                    (fact("Dropped here", sum(|it| it.dropped), true))
                    (fact("Perhaps twice", sum(|it| it.repeated), false))
                }
            }
        }
    }
}

/// How what is kept leaves as a file, and comes back.
fn share() -> Markup {
    html! {
        section.part.shared {
            h2 { "Files" }
            p {
                "Drop files or paste their text on any page, or choose them: what a view exported, what a file exporter or "
                code { "otlp/stdout" } " wrote. They are shown here, and not sent on."
            }
            p.line {
                label.button { input.unseen type="file" multiple data-import; "Choose files" }
                a.button href="/api/export?signal=traces&signal=metrics&signal=logs" download title="OTLP in JSON" { "Export all that is kept" }
                a.button href="/api/openapi.json" { "The API" }
            }
        }
    }
}

fn table(destinations: &[Forwarded]) -> Markup {
    html! {
        @if !destinations.is_empty() {
            section.part {
                h2 { "Destinations" }
                div.sheet {
                    table.destinations {
                        thead { tr { th { "Signal" } th { "Destination" } th.number { "Taken" } th.number { "Delivered" } th.number { "Waiting" } th.number { "On disk" } th.number { "Rejected" } th.number { "Dropped" } } }
                        tbody {
                            @for it in destinations {
                                (line(it, false))
                                @for member in &it.members { (line(member, true)) }
                            }
                        }
                    }
                }
                p.hint { "In spans, data points and log records. What is waiting is sent again until it is taken." }
            }
        }
    }
}

/// A destination, or one of the servers that it is.
fn line(it: &Forwarded, is_member: bool) -> Markup {
    html! {
        tr.member[is_member].failed[it.rejected + it.dropped > 0] {
            td { @if !is_member { (it.signal) } }
            td.message {
                (short(&it.destination))
                @if !is_member && !it.exit.is_empty() { " " span.badge { (short(&it.exit)) } }
                @if it.left_out { " " span.badge { "the others have its share" } }
                @if let Some(fault) = it.last_failure.as_ref().filter(|_| is_member || it.members.is_empty()) {
                    p.fault { (short(fault)) }
                }
            }
            td.number { (it.accepted) }
            td.number { (it.delivered) }
            td.number.warn[it.queued > 0] { (it.queued) }
            td.number { (it.on_disk) }
            td.number.bad[it.rejected > 0] { (it.rejected) }
            td.number.bad[it.dropped > 0] { (it.dropped) }
        }
    }
}

fn fact(name: &str, count: u64, is_fault: bool) -> Markup {
    html! { div { dt { (name) } dd.bad[is_fault && count > 0] { (count) } } }
}

/// How much of a bound is used.
fn level(name: &str, used: u64, bound: u64, shown: &dyn Fn(u64) -> String) -> Markup {
    let share = used as f64 * 100.0 / bound.max(1) as f64;
    html! {
        div.gauge {
            p { (name) span.count { (shown(used)) " of " (shown(bound)) } }
            svg.share width="100%" height="8" role="img" aria-label={ (name) ": " (format!("{share:.0}")) " %" } {
                rect.ground width="100%" height="8" rx="4" {}
                rect.fill width={ (format!("{:.2}", share.clamp(0.0, 100.0))) "%" } height="8" rx="4" {}
            }
        }
    }
}

fn size(bytes: u64) -> String {
    super::chart::Unit::of("By").text(bytes as f64)
}

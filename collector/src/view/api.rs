//! The JSON of the view.

use super::{
    filter::Filter,
    logs::Wanted,
    query::{Query, decode},
};
use crate::{
    Addresses, Counters, Forwarded,
    find::NAME,
    intake::{Bounds, Intake},
    look,
    map::Between,
    metric,
    trace::parse,
};
use serde::Serialize;
use serde_json::json;
use std::net::SocketAddr;

/// How much is listed unless told otherwise, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

#[derive(Serialize)]
struct Status {
    collector: &'static str,
    version: &'static str,
    otlp_http: Option<SocketAddr>,
    otlp_grpc: Option<SocketAddr>,
    #[serde(flatten)]
    counters: Counters,
    #[serde(flatten)]
    bounds: Bounds,
    destinations: Vec<Forwarded>,
}

/// The answer to `/api/{name}`; `None`: there is nothing.
pub(crate) fn answer(intake: &Intake, addresses: &Addresses, name: &str, query: &Query) -> Option<Vec<u8>> {
    let limit = query.number("limit", LIMIT, MAX_LIMIT);
    match name {
        "status" => json(&Status {
            collector: NAME,
            version: env!("CARGO_PKG_VERSION"),
            otlp_http: addresses.http,
            otlp_grpc: addresses.grpc,
            counters: intake.counters(),
            bounds: intake.bounds(),
            destinations: intake.forwarded(),
        }),
        "traces" => json(&Filter::of(query).find(intake, limit)),
        "logs" => {
            let wanted = Wanted::of(query);
            json(&look::records(intake, limit, |log| wanted.passes(log)).0)
        }
        "metrics" => json(&look::instruments(intake, query.value("service"), limit)),
        "map" => json(&look::map(intake, last(query))),
        "map/calls" => {
            let (_, newest, slowest) = look::calls(intake, last(query), &between(query)?, limit);
            json(&json!({ "newest": newest, "slowest": slowest }))
        }
        _ if name.starts_with("charts/") => {
            let chart = look::chart(intake, &series(&name["charts/".len()..], query), query.value("by"));
            if chart.groups.is_empty() { None } else { json(&chart) }
        }
        _ => match name.strip_prefix("metrics/") {
            Some(name) => {
                let series = look::series(intake, &series(name, query));
                if series.is_empty() { None } else { json(&series) }
            }
            None => {
                let name = name.strip_prefix("traces/")?;
                match name.split_once("/spans/") {
                    Some((id, span)) => json(look::trace(intake, &parse(id)?)?.span(span)?),
                    None => json(&look::trace(intake, &parse(name)?)?),
                }
            }
        },
    }
}

/// Which series are asked for.
fn series(name: &str, query: &Query) -> metric::Query {
    let mut wanted = metric::Query::of(decode(name));
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    wanted.service = query.value("service").map(str::to_owned);
    wanted.attributes = query.values("attribute").filter_map(pair).collect();
    wanted.from = query.number("from", wanted.from, u64::MAX);
    wanted.to = query.number("to", wanted.to, u64::MAX);
    wanted.series = query.number("series", wanted.series, usize::MAX);
    wanted.points = query.number("points", wanted.points, usize::MAX);
    wanted
}

/// Of which time calls are asked for: seconds before the latest, in nanoseconds.
pub(crate) fn last(query: &Query) -> Option<u64> {
    query.value("last").is_some().then(|| query.number("last", 1, u64::MAX).saturating_mul(1_000_000_000))
}

/// Which calls are asked for.
pub(crate) fn between(query: &Query) -> Option<Between> {
    let value = |name| query.value(name).map(str::to_owned);
    match (value("route"), value("to")) {
        (Some(route), _) => Some(Between::Route(value("service").unwrap_or_default(), route)),
        (None, Some(to)) => Some(Between::Nodes(value("from").unwrap_or_default(), to)),
        (None, None) => None,
    }
}

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

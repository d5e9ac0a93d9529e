//! The JSON of the view.

use super::{
    filter::Filter,
    query::{Query, decode},
};
use crate::{Addresses, Counters, Forwarded, find::NAME, intake::Intake, look, metric, trace::parse};
use serde::Serialize;
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
            destinations: intake.forwarded(),
        }),
        "traces" => json(&Filter::of(query).find(intake, limit)),
        "logs" => json(&look::logs(intake, limit)),
        "metrics" => json(&look::instruments(intake, query.value("service"), limit)),
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

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

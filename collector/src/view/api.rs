//! The JSON of the view.

use super::{filter::Filter, query::Query};
use crate::{Addresses, Counters, Forwarded, find::NAME, intake::Intake, trace::parse};
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
        "traces" => {
            let filter = Filter::of(query);
            json(&intake.traces(limit, |summary| filter.passes(summary)))
        }
        "logs" => json(&intake.logs(limit)),
        _ => json(&intake.trace(&parse(name.strip_prefix("traces/")?)?)?),
    }
}

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

//! Services as people look at them: who calls whom how often, how long that takes, and what of it fails.
//!
//! ```no_run
//! # let collector = throughline_collector::Collector::start(Default::default())?;
//! let map = collector.map(None);
//! for edge in &map.edges {
//!     let (from, to) = (&map.nodes[edge.from].name, &map.nodes[edge.to].name);
//!     println!("{from} calls {to}: {} times, {} failed", edge.figures.calls, edge.figures.errors);
//! }
//! # Ok::<(), throughline_collector::Error>(())
//! ```
//! A call is a pair of spans: a CLIENT span and the SERVER span that has it as its parent. It counts as the caller saw
//! it. Where one of the two is missing, the other says what it can:
//! - A CLIENT span that nobody answered leads to what it names: `service.peer.name` (or `peer.service`), else
//!   `server.address` and `server.port`, else the system of the database. If other calls of that name or address were
//!   answered, it leads to the service that did.
//! - A SERVER span whose parent is not kept was called from outside; one whose parent is in another service and no
//!   CLIENT span was called by that service.
//! - Messages go by their destination, `messaging.destination.name`: from who sends to it, and from it to who takes from it.
//! - Of CLIENT spans inside each other the innermost counts, as for a client of a database that speaks HTTP.
//!
//! Routes are those that the services answer: `http.route` with its method, the method of RPC, or else the name of the span.
//!
//! # Limits
//! The newest 200,000 spans are looked at, a span that came twice once. Of nodes there are up to 200, of edges and routes
//! up to 1,000, those with most calls; [`Map::is_cut`] tells. Times are nanoseconds since 1970, durations nanoseconds.
//! Quantiles are exact: each is the duration of one of the calls. What the sampler left out was never sent, so that
//! counts and rates are those of what was sampled.

mod calls; // from spans to calls
mod draw; // from calls to figures
mod gather; // what is needed of each span
#[cfg(test)]
mod tests;

pub(crate) use calls::Calls;
pub(crate) use draw::draw;
pub(crate) use gather::{gather, route, routes};

use serde::Serialize;

/// Who calls whom.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Map {
    /// When the earliest call of the window began; zero without calls.
    pub from: u64,
    /// When the latest ended.
    pub to: u64,
    /// How many spans were looked at.
    pub spans: usize,
    /// Whether more is kept than was looked at or is listed.
    pub is_cut: bool,
    /// Who calls and is called, in the order of their names.
    pub nodes: Vec<Node>,
    /// Who calls whom, those with most calls first.
    pub edges: Vec<Edge>,
    /// What the services answer, by service; those with most calls first.
    pub routes: Vec<Route>,
}

/// Who calls or is called.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// What it is asked for by: the name of a service, or `database:NAME` and the like for others.
    pub id: String,
    /// The name of a service, or what others call it.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The system of a database or a broker: `postgresql`.
    pub system: Option<String>,
    /// What it answered, as it saw it; of what sends no spans, as its callers saw it.
    pub figures: Figures,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends spans.
    Service,
    /// A database that is called.
    Database,
    /// Where messages go.
    Queue,
    /// Anything else that is called and sends no spans here.
    Peer,
    /// Whoever calls and sends no spans here.
    Outside,
}

/// Who calls whom.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// The index of the caller in [`Map::nodes`].
    pub from: usize,
    /// The index of who is called.
    pub to: usize,
    /// How it went.
    pub figures: Figures,
}

/// What a service answers.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// The name of the service.
    pub service: String,
    /// `GET /users/{id}`, the method of RPC, or the name of the span.
    pub route: String,
    /// How it went.
    pub figures: Figures,
}

/// How calls went.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many there were.
    pub calls: u64,
    /// How many there were a second, from [`Map::from`] to [`Map::to`], but at least for one second.
    pub rate: f64,
    /// How many ended with the status `Error`.
    pub errors: u64,
    /// Half of the calls took no longer.
    pub p50: u64,
    /// 90 of 100 calls took no longer.
    pub p90: u64,
    /// 99 of 100 calls took no longer.
    pub p99: u64,
}

/// One call, with the span that stands for it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// When it began.
    pub start: u64,
    /// How long it took.
    pub duration: u64,
    /// Whether it ended with the status `Error`.
    pub failed: bool,
}

/// Which calls are asked for.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Between {
    /// Those from one [node](Node::id) to another.
    Nodes(String, String),
    /// Those of a [route](Route) of a service.
    Route(String, String),
}

//! Several servers as one destination: what belongs to one trace goes to the same of them.
//!
//! ```
//! use throughline_sender::{Balance, Destination, Limits, Protocol, Remote, Sender, Signal};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # let _inside = runtime.enter();
//! let urls = ["http://collector-0:4318/v1/traces", "http://collector-1:4318/v1/traces"];
//! let members = urls.map(|url| Ok(Remote::new(Protocol::HttpProtobuf, url.parse()?)));
//! let members = members.into_iter().collect::<Result<Vec<_>, http::uri::InvalidUri>>()?;
//! let destination = Destination::Balanced(Balance::between(members));
//! let sender = Sender::start(Signal::Traces, destination, Limits::default())?;
//! assert_eq!(sender.members().len(), 3); // and what waits for one of them to be there
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!             ┌─► queue ─► batch ─► member 1
//! request ─► parts ─► queue ─► batch ─► member 2     each with its own connection, retries and counts
//!             └─► what waits, while nobody is there
//! ```
//!
//! # What goes where
//! [`Key`] says what belongs together. A request whose items all go to one member is passed on as it is; another one is
//! parted, with the resource and the scope repeated in every part that needs them, and nothing else is touched.
//!
//! Each member has a score for each key, and the highest wins (rendezvous hashing). A member's name is `host:port`, in small
//! letters, or `address:port` where a name stands for several: whoever has the same list, in whatever order, sends the
//! same trace to the same member. When one is added or leaves, only what is now or was its own moves.
//!
//! # When a member is away
//! It is left out after [`Balance::failures`] attempts in a row to which nobody answered, or when it has been answering for
//! [`Balance::patience`] that one should come again. From then on the others get its share, and what waited for it goes
//! over to them, from its disk too. Requests that hold nothing are sent to it until it takes one, first after 250 ms, then with
//! pauses of up to 10 s; then it gets its share again. A trace is torn only where it spans such a change. While all are
//! away, everything waits, in memory or on disk.
//!
//! What had no answer may have been taken: from another member it is counted as
//! [`repeated`](crate::Stats::repeated) there. Measurements keep their order only while their member stays the same.
//!
//! # What is counted
//! [`Sender::stats`](crate::Sender::stats) is the total, [`Sender::members`](crate::Sender::members) has each member's part.
//! In each of them `recorded = delivered + failed + dropped + queued`: what goes over to another member counts there only.
//!
//! # Limits
//! [`Limits::queue_bytes`](crate::Limits::queue_bytes) and [`Disk::bytes`](crate::Disk::bytes) are for all members together;
//! what the parts of the last request repeat may go beyond the first of them. A request whose parts would take more than four times its size, and more
//! than 16 MiB, goes to one member as a whole.
//! What is on disk belongs to the balance, not to a member: a start sends it to whoever is there then, if list or name are
//! the same. At most 65,535 members. Who chooses trace ids chooses the member: one that is flooded so is a matter for whoever lets
//! them in.

mod table; // who gets what
mod part; // a request in parts
mod group; // the members, and what is handed to them
mod desk; // who they are now
mod seat; // the place of one of them
mod find; // who they are, asked again and again

use crate::Remote;
pub use find::{Discovery, Find};
pub(crate) use group::Group;
pub(crate) use seat::Seat;
use std::{fmt, time::Duration};

/// More than this have no number of 16 bits, which is what is kept for each item while a request is parted.
const MOST_MEMBERS: usize = u16::MAX as usize;

/// Servers among which requests are divided. See the [module's page](self).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Balance {
    /// Who they are.
    pub members: Members,
    /// What stays together. Default: [`Key::Trace`].
    pub key: Key,
    /// After how many attempts in a row without an answer a member is left out. Default: 3; zero counts as one.
    pub failures: u32,
    /// How long a member may answer that one should come again (429, 502, 503, 504, `UNAVAILABLE` and the like) until it
    /// is left out. Default: 30 s.
    pub patience: Duration,
}

/// The members of a [`Balance`].
#[derive(Clone, Debug)]
pub enum Members {
    /// These servers, each with its own URL. One may not stand there twice.
    Listed(Vec<Remote>),
    /// Whoever is found, asked again and again.
    Found(Box<Discovery>),
}

/// What stays together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// Spans and log records of a trace. Log records outside of any trace, and measurements, by their service.
    #[default]
    Trace,
    /// Everything of a service, by its `service.name`; without one by its resource.
    Service,
    /// Everything of a resource.
    Resource,
}

impl Balance {
    /// Servers that are known.
    pub fn between(members: impl IntoIterator<Item = Remote>) -> Self {
        Balance::of(Members::Listed(members.into_iter().collect()))
    }

    /// Servers that are to be found.
    pub fn found(discovery: Discovery) -> Self {
        Balance::of(Members::Found(Box::new(discovery)))
    }

    fn of(members: Members) -> Self {
        Balance { members, key: Key::default(), failures: 3, patience: Duration::from_secs(30) }
    }

    /// The servers of the list, or the one that all have in common that are to be found.
    pub fn remotes(&self) -> &[Remote] {
        match &self.members {
            Members::Listed(members) => members,
            Members::Found(discovery) => std::slice::from_ref(&discovery.remote),
        }
    }
}

/// The members in the order of their names, or where they are looked for; without secrets.
impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.members {
            Members::Listed(members) => {
                let mut members: Vec<_> = members.iter().map(ToString::to_string).collect();
                members.sort_unstable();
                write!(f, "one of {}", members.join(", "))
            }
            Members::Found(discovery) => write!(f, "one of those behind {}", discovery.remote),
        }
    }
}

/// The name of a member, which decides what it gets: `host:port`.
pub(crate) fn name(remote: &Remote) -> String {
    let is_secure = remote.url.scheme_str() == Some("https");
    let port = remote.url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    match remote.address {
        Some(address) => std::net::SocketAddr::new(address, port).to_string(),
        None => format!("{}:{port}", remote.url.host().unwrap_or_default().to_ascii_lowercase()),
    }
}
